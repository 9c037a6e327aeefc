"""A split line for every test of the phases."""

from pathlib import Path

import pytest

from kit.split import Split
from kit.workshop import make_workshop


@pytest.fixture
def split(tmp_path: Path) -> Split:
    return Split(shop=make_workshop(tmp_path), folder=tmp_path / "handover")
