"""The table of what the seed asks for: whole, and every test that it names is collected."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
TABLE = yaml.safe_load((Path(__file__).parent / "conformance.yml").read_text())
ROWS = [row for section in TABLE for row in section["rows"]]
REASONS = ("otherwise", "not_applicable", "missing")
# Rows that are known not to be met.
KNOWN: frozenset[str] = frozenset()


def named() -> set[str]:
    """Every test the table names, as a node id."""
    return {f"tests/{test}" for row in ROWS for test in row.get("tested", "").split()}


def test_every_row_is_there_once_and_says_what_holds_it() -> None:
    """The forty numbered rows are all there; each row has tests, or a reason; none is missing that is not known."""
    assert {f"6.{number}" for number in range(1, 41)} <= {row["id"] for row in ROWS}
    assert [name for name, times in Counter(row["id"] for row in ROWS).items() if times > 1] == []
    assert [row["id"] for row in ROWS if not row.get("tested") and not any(map(row.get, REASONS))] == []
    assert {row["id"] for row in ROWS if row.get("missing")} == KNOWN
    assert {key for row in ROWS for key in row} <= {"id", "says", "tested", *REASONS}


def test_a_difference_points_to_what_decided_it() -> None:
    """To the contract or the decisions, by their page."""
    for row in ROWS:
        reason = row.get("otherwise") or row.get("not_applicable") or "contract"
        assert reason.startswith(("contract", "decisions")), row["id"]


def test_every_test_that_is_named_is_collected() -> None:
    """By pytest itself, from the files that are named."""
    files = sorted({test.partition("::")[0] for test in named()})
    argv = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "-p", "no:cacheprovider", "-n", "0", *files]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    collected = {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line}
    assert named() - collected == set(), done.stdout[-2000:]
