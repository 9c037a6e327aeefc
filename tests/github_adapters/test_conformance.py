"""The GitHub adapters obey the contracts of their ports, on the double."""

from dataclasses import dataclass

import pytest

from autorun.adapters.forges.github import GitHubForge
from github_adapters.scene import Scene, TasksBench, make_scene
from github_double.hub import GitHubDouble
from github_double.pulls import PullRequest
from kit.forge_conformance import ForgeLaws
from kit.tasks_conformance import TasksContract


class TestGitHubTasks(TasksContract):
    """Labelled issues."""

    @pytest.fixture
    def bench(self, hub: GitHubDouble) -> TasksBench:
        """Start with an empty queue."""
        return TasksBench(make_scene(hub))


@dataclass
class ForgeBench:
    """The forge, and people at the double."""

    scene: Scene

    @property
    def forge(self) -> GitHubForge:
        """A forge that remembers nothing."""
        return self.scene.forge()

    def push(self, branch: str, *, text: str) -> str:
        """Commit and push."""
        return self.scene.repo.commit({"work.txt": text}, branch=branch, by="ana")

    def merge(self, branch: str) -> None:
        """Make it ready and merge it."""
        self._pull(branch).set_draft(False, by="ana").merge(by="ana")

    def squash(self, branch: str) -> None:
        """Merge it after the base went on; the double knows no squash, whose outcome reads the same."""
        self.scene.repo.commit({"other.txt": "on"}, by="ana")
        self.merge(branch)

    def close(self, branch: str) -> None:
        """Close it."""
        self._pull(branch).close(by="ana")

    def body(self, branch: str) -> str:
        """Read it."""
        return self._pull(branch).body or ""

    def number_of_pull_requests(self) -> int:
        """Count them."""
        return len(self.scene.repo.pull_requests)

    def _pull(self, branch: str) -> PullRequest:
        return next(each for each in reversed(self.scene.repo.pull_requests) if each.head == branch)


class TestGitHubForge(ForgeLaws):
    """Draft pull requests."""

    @pytest.fixture
    def bench(self, hub: GitHubDouble) -> ForgeBench:
        """Start without any."""
        return ForgeBench(make_scene(hub))
