"""Several runners on one backlog over HTTP, some of them killed: every task ends exactly once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize(("runners", "tasks", "kills"), [(2, 12, 3), (8, 12, 5)])
def test_every_task_ends_once(runners: int, tasks: int, kills: int) -> None:
    """No task is lost, done twice or worked by two at the same time; every runner keeps to its own budget."""
    arguments = ("-m", "concurrency.crowd", "--runners", str(runners), "--tasks", str(tasks), "--kills", str(kills))
    environ = {**os.environ, "PYTHONPATH": str(TESTS)}
    # In a process of its own: runners are forked, and this one may have threads.
    done = subprocess.run((sys.executable, *arguments), env=environ, capture_output=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
