"""What a runner of one planned task has for tracker, ledger and forge: nothing it writes there goes anywhere."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from autorun.core.errors import HandoverRefused, ResumeRefused
from autorun.core.ledger import BranchMove, History, Seen
from autorun.core.ledger.record import Record
from autorun.core.ledger.unfinished import Unfinished
from autorun.core.model import Backlog, Proposal, PullRequest, Task, TaskId, Workspace
from autorun.ports import Shelf, Workspaces


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenTasks:
    """A tracker that knows the text of one task, as it was when the run was planned, and shows nobody anything."""

    task: Task

    def backlog(self) -> Backlog:
        """Return the one task."""
        return Backlog(tasks=(self.task,))

    def refresh(self, task: Task, *, patient: bool = True) -> Task:
        """Return the text that was planned."""
        del task, patient
        return self.task

    def show(self, task: Task, record: Record) -> None:
        """Show nothing: the plan has shown the claim, publication shows the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LooseLeaves:
    """A ledger and a forge in memory: what a runner writes down goes no further than its result."""

    _written: dict[TaskId, list[Seen]] = field(default_factory=dict)

    def history(self) -> History:
        """Return the latest of what was written."""
        return History(seen={task: seen[-1] for task, seen in self._written.items()}, faults={})

    def write(self, record: Record, *, over: Seen | None) -> Seen:
        """Keep a record."""
        del over
        seen = Seen(commit="", record=record)
        self._written.setdefault(record.task, []).append(seen)
        return seen

    def stands(self, seen: Seen) -> bool:
        """Say that the task is ours: the plan has claimed it for the whole run."""
        del seen
        return True

    def publish(self, record: Record, *, over: Seen, branch: BranchMove) -> Seen:
        """Refuse: another job publishes."""
        del record, over
        raise HandoverRefused(f"{branch.branch} cannot be published from here")

    def trail(self, task: TaskId) -> Sequence[Seen]:
        """Return every record that was kept."""
        return tuple(self._written.get(task, ()))

    def pull_requests(self, branches: Sequence[str]) -> Mapping[str, PullRequest]:
        """Know of none."""
        del branches
        return {}

    def propose(self, proposal: Proposal) -> PullRequest:
        """Refuse: another job proposes."""
        raise HandoverRefused(f"{proposal.branch} cannot be proposed from here")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenWorkspaces:
    """Workspaces whose base is the commit that was planned, whatever happened to the branch since."""

    inner: Workspaces
    commit: str

    def base(self) -> str:
        """Return the planned commit."""
        return self.commit

    def opened(self, task: TaskId, base: str) -> AbstractContextManager[Workspace]:
        """Open a clean folder as ever."""
        return self.inner.opened(task, base)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenShelf:
    """A shelf that gives only what lies on a planned commit: other work could not be published."""

    inner: Shelf
    commits: tuple[str, ...]

    def put(self, found: Unfinished, patch: bytes) -> None:
        """Keep an unfinished attempt."""
        self.inner.put(found, patch)

    def take(self, task: TaskId) -> tuple[Unfinished, bytes] | None:
        """Return what was kept. Raises ResumeRefused if it lies on a commit that was not planned."""
        kept = self.inner.take(task)
        if kept and kept[0].base not in self.commits:
            raise ResumeRefused("The saved work starts from another commit than the plan allows.")
        return kept

    def clear(self, task: TaskId) -> None:
        """Forget that there is unfinished work."""
        self.inner.clear(task)

    def note(self, task: TaskId, name: str, text: str) -> None:
        """Write a file for people."""
        self.inner.note(task, name, text)
