"""Fixtures for whole runs of the action."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from autorun.demo.script import Script
from autorun.demo.scripted_model import ScriptedModel
from autorun.demo.story import STORY
from github_double import GitHubDouble
from github_double.fixtures import hub
from kit.act import Machine
from kit.action_stage import FILES, Stage, cloned

__all__ = ["hub"]


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A runner that stays for all tests: packages and CLI are set up once."""
    made = Machine(home=tmp_path_factory.mktemp("machine") / "home")
    made.seed_cli()
    return made


@pytest.fixture
def stage(hub: GitHubDouble, machine: Machine, tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Build a stage: `stage(files, scripts, private=True)`."""
    models: list[ScriptedModel] = []

    def build(
        files: Mapping[str, str] | None = None,
        scripts: Mapping[str, Script] | None = None,
        *,
        private: bool = False,
    ) -> Stage:
        repo = hub.repository("octo/app", files={**FILES, **(files or {})})
        repo.private = private
        repo.user("ana", role="write")
        models.append(ScriptedModel(scripts or STORY).__enter__())
        clone = cloned(hub, repo, tmp_path / "clone")
        return Stage(hub=hub, repo=repo, machine=machine, clone=clone, model=models[-1])

    yield build
    for model in models:
        model.__exit__(None, None, None)
