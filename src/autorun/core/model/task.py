"""Words for tasks: what is wanted, by whom, and where it stands."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum


class TaskState(StrEnum):
    """Where a task stands. The record decides; what a tracker shows follows."""

    TODO = "todo"
    IN_PROGRESS = "in_progress"
    IN_REVIEW = "in_review"
    BLOCKED = "blocked"
    PAUSED = "paused"
    FAILED = "failed"
    DONE = "done"
    CANCELLED = "cancelled"


class Priority(IntEnum):
    """Smaller is more urgent."""

    CRITICAL = 1
    HIGH = 2
    MEDIUM = 3
    LOW = 4


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class TaskId:
    """A task's identity: provider (`file`, `github`, `linear`) and the provider's own key."""

    provider: str
    key: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One acceptance criterion as the task states it."""

    text: str
    ticked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """A task this one waits for. `done` is what the provider knows; planning also looks into the backlog."""

    key: str
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What a person who may command said about the task."""

    author: str
    body: str
    at: datetime


class AnswerKind(StrEnum):
    """How a human let a stopped task go on."""

    WORK = "work"
    RETRY = "retry"
    APPROVE = "approve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A human's word that lets a stopped task go on; `text` reaches the agent."""

    kind: AnswerKind
    text: str = ""
    author: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One unit of work, its text frozen as of its approval.

    `body` is Markdown written by strangers: data, never an instruction to us. `state` is what the tracker
    shows. `revision` changes whenever the text does. `objection` is the provider's reason to hold the task
    back (a full sentence), empty when there is none. `order` sorts equals before age (explicit positions).
    `shows` is what people still see of us where it differs from `state`: a closed issue may bear an old status.
    """

    id: TaskId
    title: str
    body: str = ""
    criteria: tuple[Criterion, ...] = ()
    steps: tuple[str, ...] = ()
    state: TaskState = TaskState.TODO
    priority: Priority = Priority.MEDIUM
    labels: tuple[str, ...] = ()
    depends_on: tuple[Dependency, ...] = ()
    comments: tuple[Comment, ...] = ()
    created_at: datetime | None = None
    revision: str = ""
    url: str = ""
    answer: Answer | None = None
    objection: str = ""
    warnings: tuple[str, ...] = ()
    shows: TaskState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something in the backlog that is no task: where it is and what is wrong with it, as a sentence."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Everything the provider holds for us. `edits_answer`: a human's edit lets a stopped task go on.

    `resets_answer`: so does a status set back to todo; true only where `Tasks.show` keeps that status.
    """

    tasks: tuple[Task, ...]
    faults: tuple[Fault, ...] = ()
    edits_answer: bool = False
    resets_answer: bool = False
