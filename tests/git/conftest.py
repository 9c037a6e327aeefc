"""Where the ledgers of these tests lie, as fixtures."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autorun.effects.git import Remote
from kit.githttp import GitBackend, basic, git_server
from kit.places import Place
from kit.repos import git, make_origin, make_repository


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A clone whose origin is a bare repository of this machine."""
    clone = make_repository(tmp_path / "clone")
    origin = make_origin(clone, tmp_path / "srv" / "origin.git")
    return Place(root=tmp_path, clone=clone, origin=origin, remote=Remote(url=str(origin)))


@pytest.fixture
def plain_place(tmp_path: Path) -> Place:
    """A clone without origin: the ledger lies in it."""
    clone = make_repository(tmp_path / "clone")
    return Place(root=tmp_path, clone=clone, origin=clone / ".git", remote=Remote(url=str(clone)))


@pytest.fixture
def http_place(place: Place) -> Iterator[Place]:
    """A clone whose origin is served over HTTP to those who sign in."""
    place.backend = GitBackend(root=place.origin.parent, authorization=basic("x-access-token", "secret-token"))
    with git_server(place.backend) as url:
        place.remote = Remote(
            url=f"{url}/origin.git", header="Authorization: " + basic("x-access-token", "secret-token")
        )
        yield place


@pytest.fixture
def human() -> Callable[[Place, str], str]:
    """Someone who pushes a commit of theirs to a branch."""

    def push(place: Place, branch: str) -> str:
        tree = git(place.clone, "rev-parse", "main^{tree}")
        commit = git(place.clone, "commit-tree", tree, "-m", "theirs")
        git(place.clone, "push", "--quiet", str(place.origin), f"{commit}:refs/heads/{branch}")
        return commit

    return push
