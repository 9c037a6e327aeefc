"""The laws of forges hold for the local one and for the one in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from autorun.adapters.forges.local import LocalForge
from autorun.core.model import PullRequestState
from autorun.effects.git import Git
from kit.fakes_forge import MemoryForge
from kit.forge_conformance import Bench, ForgeLaws
from kit.repos import commit_all, git, make_repository, write_files


@dataclass
class _LocalBench:
    """A repository with a local forge, and a human at its shell."""

    repository: Path
    forge: LocalForge

    def push(self, branch: str, *, text: str) -> str:
        exists = git(self.repository, "branch", "--list", branch)
        git(self.repository, "switch", "--quiet", *([branch] if exists else ["--create", branch, "main"]))
        write_files(self.repository, {f"{text}.txt": text})
        commit = commit_all(self.repository, text)
        git(self.repository, "switch", "--quiet", "main")
        return commit

    def merge(self, branch: str) -> None:
        git(self.repository, "merge", "--quiet", "--no-ff", "--no-edit", branch)

    def squash(self, branch: str) -> None:
        write_files(self.repository, {"elsewhere.txt": "meanwhile"})
        commit_all(self.repository, "Go on")
        git(self.repository, "merge", "--quiet", "--squash", branch)
        git(self.repository, "commit", "--quiet", "--message", "Squashed")

    def close(self, branch: str) -> None:
        (path,) = (p for p in self.forge.folder.glob("*.md") if f"branch: {branch}\n" in p.read_text())
        path.write_text(path.read_text().replace("state: open", "state: closed"))

    def body(self, branch: str) -> str:
        return Path(self.forge.pull_requests([branch])[branch].url).read_text()

    def number_of_pull_requests(self) -> int:
        return len(list(self.forge.folder.iterdir()))


@dataclass
class _MemoryBench:
    """The fake, and a human who sets its states."""

    forge: MemoryForge = field(default_factory=MemoryForge)
    commits: Iterator[int] = field(default_factory=count)

    def push(self, branch: str, *, text: str) -> str:
        self.forge.branches[branch] = f"{next(self.commits):040x}-{text}"
        return self.forge.branches[branch]

    def merge(self, branch: str) -> None:
        self.forge.set_state(branch, PullRequestState.MERGED)

    squash = merge

    def close(self, branch: str) -> None:
        self.forge.set_state(branch, PullRequestState.CLOSED)

    def body(self, branch: str) -> str:
        number = self.forge.pull_requests([branch])[branch].number
        assert number is not None
        return self.forge.proposals[number].body

    def number_of_pull_requests(self) -> int:
        return len(self.forge.proposals)


def local_bench(folder: Path) -> _LocalBench:
    repository = make_repository(folder, {".gitignore": ".ai-agents/\n"})
    forge = LocalForge(folder=repository / ".ai-agents/pull-requests", repository=Git(git_dir=repository / ".git"))
    return _LocalBench(repository=repository, forge=forge)


class TestLocal(ForgeLaws):
    """The local forge over a real repository."""

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        """A throw-away repository."""
        return local_bench(tmp_path / "repo")


class TestMemory(ForgeLaws):
    """The fake."""

    @pytest.fixture
    def bench(self) -> Bench:
        """An empty one."""
        return _MemoryBench()
