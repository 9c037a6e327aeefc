"""A workshop for every test of the line."""

from pathlib import Path

import pytest

from kit.workshop import Workshop, make_workshop


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return make_workshop(tmp_path)
