"""A project, a workspace in Linear, and a person at a terminal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.commandline import Project, make_project
from kit.linear_double import LinearDouble, serving


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A repository with file tasks and a fake home."""
    project = make_project(tmp_path)
    yield project
    project.sweep()


@pytest.fixture
def linear() -> Iterator[LinearDouble]:
    """A workspace with one team."""
    double = LinearDouble()
    double.team()
    with serving(double):
        yield double
