"""A project for every test of the commands."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.commandline import Project, make_project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = make_project(tmp_path)
    yield project
    project.sweep()
