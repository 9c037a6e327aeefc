"""A gateway before a service on loopback."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from autorun.adapters.gateway import Gateway
from autorun.core.credential import Credential
from autorun.core.model import Assignment, Limits, TaskId, Workspace
from kit.gateway import API_KEY, Client, Opened


@pytest.fixture
def assignment(tmp_path: Path) -> Callable[[Limits], Assignment]:
    def made(limits: Limits) -> Assignment:
        workspace = Workspace(path=tmp_path, base="", git_dir=tmp_path)
        task = TaskId(provider="file", key="x")
        return Assignment(task=task, prompt="", system="", workspace=workspace, folder=tmp_path, limits=limits)

    return made


@pytest.fixture
def opened(assignment: Callable[[Limits], Assignment]) -> Opened:
    """Open one stretch of a fresh gateway before `upstream`; what is not told is plain."""

    @contextmanager
    def one(
        upstream: str,
        *,
        credential: Credential = API_KEY,
        models: tuple[str, ...] = ("opus",),
        limits: Limits | None = None,
        **terms: Any,
    ) -> Iterator[Client]:
        terms.setdefault("warn", pytest.fail)
        gateway = Gateway(credential, models, upstream=upstream, **terms)
        try:
            with gateway.opened(assignment(limits or Limits())) as access:
                yield Client(access=access)
        finally:
            gateway.close()

    return one
