"""Words for the work: where it is done, what changed, and what the checks say."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class WorkspaceKind(StrEnum):
    """Where the agent works: in the checked-out repository, or in a worktree of its own."""

    CHECKOUT = "checkout"
    WORKTREE = "worktree"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A folder at the base revision, prepared by the setup commands, for one task.

    `git_dir` is the common git directory of the repository it belongs to: never writable by the agent.
    """

    path: Path
    base: str
    git_dir: Path


class FileStatus(StrEnum):
    """What happened to a path; a rename is a deletion and an addition."""

    ADDED = "A"
    MODIFIED = "M"
    DELETED = "D"
    TYPE_CHANGED = "T"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One path of a change. Modes are git's octal strings (`000000`: absent). Line counts are None if binary."""

    path: str
    status: FileStatus
    old_mode: str
    new_mode: str
    size_bytes: int = 0
    lines_added: int | None = 0
    lines_removed: int | None = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the agent changed, as a tree to be committed on `base`."""

    base: str
    tree: str
    files: tuple[FileChange, ...] = ()

    @property
    def empty(self) -> bool:
        """Nothing changed: no evidence of work."""
        return not self.files


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the base revision says of a change: every path it has, and the changed ones a filter would rewrite."""

    paths: frozenset[str] = frozenset()
    filtered: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One setup or verification command; `timeout` in seconds."""

    run: str
    timeout: float = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """How one command ended. `output` is its bounded tail; `exit_code` None means it had to be killed."""

    run: str
    exit_code: int | None
    seconds: float
    output: str = ""

    @property
    def passed(self) -> bool:
        """The command ended by itself with status 0."""
        return self.exit_code == 0
