"""The benchmarks of a whole backlog run, in their shortest form; what they measure is nobody's business here."""

import os
import re
import subprocess
import sys

import pytest

from kit.act import ROOT

pytestmark = pytest.mark.slow


def rows(script: str, *arguments: str) -> list[list[str]]:
    """Run a script and return the lines of its tables, without their heads."""
    argv = [sys.executable, str(ROOT / "benchmarks" / script), *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in re.findall(r"(?m)^\| \d.*\|$", done.stdout)]


def test_runners_side_by_side_on_issues() -> None:
    """Two runners publish two issues; each answer of the model is asked for once, and calls are counted."""
    short = ("--tasks=2", "--latency=0", "--provider=github", "--runners")
    (row,) = rows("scaling.py", *short, "2")
    runners, _, linear, _, _, asked, *counted = row
    assert (runners, linear, asked) == ("2", "100%", "8.0")
    assert len(counted) == 5
    assert all(float(each) > 0 for each in counted)


def test_runners_side_by_side_on_files() -> None:
    """File tasks need no server, so nothing is counted."""
    (row,) = rows("scaling.py", "--tasks=1", "--latency=0", "--runners", "1")
    assert len(row) == 6


def test_planning() -> None:
    """A query for each hundred issues, and the role of the one who labelled them."""
    (row,) = rows("planning.py", "--issues", "150")
    assert (row[0], row[4]) == ("150", "3")


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="four jobs take half a minute: CI=true runs them")
def test_the_matrix() -> None:
    """A backlog of one task goes through the four jobs, on a machine that has nothing yet."""
    short = ("--tasks=1", "--latency=0", "--no-warm-up", "--backend=claude-code", "--parallel")
    (row,) = rows("matrix.py", *short, "1")
    assert (row[0], row[3], row[4]) == ("1", "100%", "1.0")
