"""Each attack, the control that stops it, and how to take that control away: the attack's test must fail then.

`python tests/attacks/controls.py` takes each away in a copy of the source, runs the tests on it, and writes what it
saw into docs/security.md; with names of rows it does so for these only.
"""

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PAGE = TOP / "docs/security.md"
BEGIN, END = "<!-- controls: begin -->", "<!-- controls: end -->"
# Tests of the stage itself: they attack nothing.
NO_ATTACKS = {
    "test_model.py::test_the_same_call_within_bounds_passes",
    "test_network.py::test_the_forwarder_is_no_burden",
    "test_text.py::test_the_reader_of_the_log_knows_the_runner_s_rules",
    "test_trust.py::test_the_command_of_a_writer",
    "test_trust.py::test_the_honest_issue_is_worked",
}
_OPTIONS = ("-q", "-p", "no:cacheprovider", "--no-header", "--tb=no", "-rA")
# A control, and its removal: file below src/autorun, what stands there, what takes its place.
Edit = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Control:
    """A row of the table; `tests` are node ids below tests/attacks without their parameters' brackets, or with."""

    name: str
    attack: str
    control: str
    tests: tuple[str, ...]
    without: tuple[Edit, ...]

    @property
    def digest(self) -> str:
        """Return what changes with the removal or with the code of a test, not with its looks."""
        parts = [repr(self.without), *(_dumped(test) for test in self.tests)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]

    def row(self) -> str:
        """Return the table's row for a control whose tests were seen failing."""
        tests = "<br>".join(f"`{test}`" for test in self.tests)
        return f"| {self.attack} | {self.control} | {tests} | yes `{self.name}:{self.digest}` |"


def _dumped(test: str) -> str:
    module, _, name = test.partition("[")[0].partition("::")
    tree = ast.parse((HERE / module).read_text(encoding="utf-8"))
    [found] = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return ast.dump(ast.Module(body=found.body[1:], type_ignores=[]))


def rows() -> tuple[Control, ...]:
    """Return every row, in the table's order."""
    sys.path.insert(0, str(HERE.parent))
    from attacks.rows import ROWS  # noqa: PLC0415  beside this file, which is also run as a script

    sys.path.pop(0)
    return tuple(ROWS)


def table(page: str) -> list[str]:
    """Return the rows that stand in the page."""
    inside = page.partition(BEGIN)[2].partition(END)[0]
    return [line for line in inside.splitlines() if line.startswith("| ")][1:]


def seen_failing(control: Control, source: Path) -> list[str]:
    """Take a control away in a copy of `source`; return the tests that pass all the same, or what went wrong."""
    with tempfile.TemporaryDirectory(prefix="autorun-without-") as folder:
        copy = Path(folder) / "src"
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        for name, old, new in control.without:
            path = copy / "autorun" / name
            text = path.read_text(encoding="utf-8")
            if old not in text:
                return [f"{name} does not hold {old!r}"]
            path.write_text(text.replace(old, new), encoding="utf-8")
        ids = [str(HERE / test) for test in control.tests]
        env = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
        argv = [sys.executable, "-m", "pytest", *_OPTIONS, f"--basetemp={folder}/t", *ids]
        said = subprocess.run(argv, cwd=TOP, env=env, capture_output=True, text=True, check=False).stdout
        failed = set(re.findall(r"^FAILED tests/attacks/(\S+?)(?: - .*)?$", said, re.MULTILINE))
        return [test for test in control.tests if not any(_is(test, one) for one in failed)]


def _is(test: str, failed: str) -> bool:
    return failed == test or failed.startswith(f"{test}[")


def main(names: Sequence[str]) -> int:
    """Run the named rows, all by default, and write the table."""
    source = Path(os.environ.get("SOURCE", TOP / "src"))
    wanted = [row for row in rows() if not names or row.name in names]
    with ThreadPoolExecutor(max_workers=int(os.environ.get("WORKERS", "1"))) as pool:
        found = list(zip(wanted, pool.map(lambda row: seen_failing(row, source), wanted), strict=True))
    for row, survivors in found:
        print(f"{'seen failing' if not survivors else 'NOT SEEN'}  {row.name}  {' '.join(survivors)}")  # noqa: T201
    page = PAGE.read_text(encoding="utf-8")
    before = {match[1]: line for line in table(page) if (match := re.search(r"`([\w-]+):\w+` \|$", line))}
    now = before | {row.name: row.row() for row, survivors in found if not survivors}
    lines = [now[row.name] for row in rows() if row.name in now]
    head = "| attack | control | test | seen failing without it |\n|---|---|---|---|"
    inner = "\n".join((BEGIN, head, *lines, END))
    PAGE.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: inner, page, flags=re.DOTALL), encoding="utf-8")
    return int(any(survivors for _, survivors in found))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
