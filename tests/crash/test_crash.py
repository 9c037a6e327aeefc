"""A sample of the sweep: wherever a life is cut, the next one leaves what an undisturbed one would."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from crash.scenes import SCENES
from kit import tools

TESTS = Path(__file__).parents[1]
POINTS = 4  # of each scene; `make crash-sweep` tries them all
POINTS_OF_THE_CLI = 3  # it takes its time to start


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES)
def test_a_sample_of_points(scene: str) -> None:
    """Killed, asleep, refused, cut off or unanswered: nothing is lost, done twice, or charged wrongly."""
    points = POINTS
    if scene == "cli":
        points = POINTS_OF_THE_CLI
        tools.claude()
    arguments = ("-m", "crash.sweep", "--scene", scene, "--sample", str(points))
    environ = {**os.environ, "PYTHONPATH": str(TESTS)}
    # In a process of its own: lives are forked, and this one may have threads.
    done = subprocess.run((sys.executable, *arguments), env=environ, capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
