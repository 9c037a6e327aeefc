"""What the line needs of the world, as small Protocols."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from autorun.core.checkpoints import Decision, Question
from autorun.core.ledger import BranchMove, History, Seen
from autorun.core.ledger.record import Holder, Record
from autorun.core.ledger.unfinished import Unfinished
from autorun.core.model import (
    AgentResult,
    Assignment,
    Backlog,
    Change,
    Check,
    CheckResult,
    Proposal,
    PullRequest,
    Stop,
    Surroundings,
    Task,
    TaskId,
    Watch,
    Workspace,
)
from autorun.core.report.journal import Entry


class Tasks(Protocol):
    """Where tasks come from and where people see what became of them."""

    def backlog(self) -> Backlog:
        """Read everything the provider holds for us. Reads only. Raises ProviderError."""
        ...

    def refresh(self, task: Task, *, patient: bool = True) -> Task:
        """Read one task again, with its full text and comments; who is not `patient` waits for no rate limit.

        Raises TaskGone, TaskUnreadable, ProviderError.
        """
        ...

    def show(self, task: Task, record: Record) -> None:
        """Make the tracker show the record: one status, one comment. Idempotent. Raises ProviderError."""
        ...


class Ledger(Protocol):
    """The records, one ref per task; every write is a compare-and-swap."""

    def history(self) -> History:
        """Read every record in one round trip. Damaged ones are faults. Raises ProviderError, PublishingRefused."""
        ...

    def write(self, record: Record, *, over: Seen | None) -> Seen:
        """Put `record` in the place of what was seen (None: of nothing). Raises LeaseLost, PublishingRefused."""
        ...

    def publish(self, record: Record, *, over: Seen, branch: BranchMove) -> Seen:
        """Move the work branch and the record together, or neither. Raises LeaseLost, BranchRefused."""
        ...

    def stands(self, seen: Seen) -> bool:
        """Tell whether a record is still as it was seen. Raises ProviderError."""
        ...

    def trail(self, task: TaskId) -> Sequence[Seen]:
        """Read one task's records, oldest first; empty if there is none."""
        ...


class Forge(Protocol):
    """Where branches become pull requests."""

    def pull_requests(self, branches: Sequence[str]) -> Mapping[str, PullRequest]:
        """Find the newest pull request of each branch that has one. Raises ProviderError."""
        ...

    def propose(self, proposal: Proposal) -> PullRequest:
        """Open a pull request, or adopt and update the open one of that branch. Raises ProviderError."""
        ...


class Workspaces(Protocol):
    """Folders to work in."""

    def base(self) -> str:
        """Return the commit that work starts from. Raises WorkspaceFailed."""
        ...

    def opened(self, task: TaskId, base: str) -> AbstractContextManager[Workspace]:
        """Open a clean folder at `base`, set up; leave nothing behind but ignored files. Raises WorkspaceFailed."""
        ...


class Changes(Protocol):
    """What changed in a workspace, as git trees of the runner's own repository."""

    def snapshot(self, workspace: Workspace) -> str:
        """Write the workspace's present content as a tree and return its id."""
        ...

    def overlay(self, onto: str, before: str, after: str) -> str:
        """Return the tree `onto` with every path that differs between `before` and `after` as it is in `after`."""
        ...

    def change(self, base: str, tree: str) -> Change:
        """Describe the difference between a commit and a tree."""
        ...

    def patch(self, change: Change, *, max_bytes: int, whole: bool = False) -> bytes:
        """Return the change as a unified diff, cut at `max_bytes`; `whole` holds binary files too, for `restore`."""
        ...

    def surroundings(self, change: Change) -> Surroundings:
        """Return the paths of the base revision, and the changed ones that a filter would rewrite."""
        ...

    def restore(self, workspace: Workspace, patch: bytes) -> None:
        """Apply a patch taken from the same base to a clean workspace. Raises ResumeRefused if it does not fit."""
        ...

    def commit(self, change: Change, *, parent: str, message: str) -> str:
        """Commit the change's tree with the runner's identity and return the commit id."""
        ...


class Shelf(Protocol):
    """Where unfinished work waits for the next attempt; losing it costs the resume, nothing else."""

    def put(self, found: Unfinished, patch: bytes) -> None:
        """Keep an unfinished attempt in the place of an earlier one. Raises OSError."""
        ...

    def take(self, task: TaskId) -> tuple[Unfinished, bytes] | None:
        """Return what was kept; None if there is nothing. Raises ResumeRefused if it cannot be used."""
        ...

    def clear(self, task: TaskId) -> None:
        """Forget that there is unfinished work."""
        ...

    def note(self, task: TaskId, name: str, text: str) -> None:
        """Write a file for people beside it (`brief.md`, `result.json`). Raises OSError."""
        ...


class Human(Protocol):
    """Whoever may be asked at a checkpoint."""

    def ask(self, question: Question) -> Decision | None:
        """Return the decision; None when nobody is here to ask, or nobody answers."""
        ...


class Agent(Protocol):
    """Who does the work."""

    def ready(self) -> str:
        """Return one line saying what would run and with which credential. Raises AgentUnavailable."""
        ...

    def work(self, assignment: Assignment, *, stop: Stop, watch: Watch) -> AgentResult:
        """Work until done, a limit or `stop`. Never raises once money may have been spent."""
        ...


class Verifier(Protocol):
    """Runs commands that may execute what the agent wrote."""

    def run(self, checks: Sequence[Check], workspace: Workspace, *, log: Path, stop: Stop) -> tuple[CheckResult, ...]:
        """Run every check in order and append the whole output to `log`. Raises nothing for a red check."""
        ...


class Notifier(Protocol):
    """Whoever is told what happens. May fail freely; never changes an outcome."""

    def tell(self, entry: Entry) -> None:
        """Take note of one entry of the journal."""
        ...


class Liveness(Protocol):
    """Knows whether another runner can be alive."""

    def dead(self, holder: Holder) -> bool:
        """Tell whether the holder is known to be dead; False when it cannot be known."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Every collaborator of one session."""

    tasks: Tasks
    ledger: Ledger
    forge: Forge
    workspaces: Workspaces
    changes: Changes
    agent: Agent
    verifier: Verifier
    liveness: Liveness
    human: Human
    shelf: Shelf
    notifiers: tuple[Notifier, ...] = ()
