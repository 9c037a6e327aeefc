"""Dens for the sandbox's tests."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.den import NOBODY, Den, make_den, require_sandbox


def _users() -> list[object]:
    if os.geteuid() != 0:
        return [pytest.param(None, id="plain-user")]
    return [pytest.param(None, id="root"), pytest.param(NOBODY, id="nobody")]


@pytest.fixture(params=_users())
def den(request: pytest.FixtureRequest) -> Iterator[Den]:
    """A sandbox around a repository, started by each kind of user."""
    require_sandbox()
    base = Path(tempfile.mkdtemp(prefix="den-"))  # pytest's own folders are closed to other users
    base.chmod(0o755)
    yield make_den(base, request.param)
    shutil.rmtree(base)


@pytest.fixture
def own_den(tmp_path: Path) -> Den:
    """A sandbox around a repository, started by whoever runs the tests."""
    require_sandbox()
    return make_den(tmp_path)
