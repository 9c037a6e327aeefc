"""The words of the line: frozen values that travel from one step to the next.

Every value here can be written as JSON and read back (`core.codec`), because in the split topology the steps
run in different jobs and the values travel between them as files.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from pathlib import Path

# ------------ tasks


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


# ------------ processes


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A child process to be: `env` is its whole environment, nothing is inherited."""

    argv: tuple[str, ...]
    cwd: Path
    env: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a confined command may see beyond the system: everything else of the machine is absent.

    `workspace` is shown at its own path, writable except for git's own files. `writable` folders are shown at
    their own path and survive the command (an agent's session folder). `sockets` are unix sockets it may
    connect to; without any, it has no way out at all.
    """

    workspace: "Workspace"
    writable: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()
    sockets: tuple[Path, ...] = ()


# Turns a command into one that runs confined to a room; without a sandbox it returns the command as it is.
Confine = Callable[[Command, Room], Command]

# Looks after one running child: given its process id, says why it must be killed, or "" to let it run.
Guard = Callable[[int], str]


# ------------ the agent


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a stretch of agent work consumed. `turns` are model answers, `context_tokens` the latest size."""

    turns: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float = 0.0
    context_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            turns=self.turns + other.turns,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            cost_usd=self.cost_usd + other.cost_usd,
            context_tokens=other.context_tokens or self.context_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSession:
    """The handle by which a backend continues a conversation."""

    backend: str
    id: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one stretch of agent work may consume. None means no limit of that kind; times are seconds."""

    turns: int | None = None
    cost_usd: float | None = None
    context_tokens: int | None = None
    seconds: float = 3600.0
    silent_seconds: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One stretch of agent work.

    `prompt` is the user message as plain text; `system` is static text appended to the backend's own system
    prompt (ignored on a continued session). `folder` is the task's folder in the session directory: the
    backend appends its events to `folder/transcript.jsonl` and keeps what a resume needs in `folder/agent/`.
    """

    task: TaskId
    prompt: str
    system: str
    workspace: "Workspace"
    folder: Path
    limits: Limits
    session: AgentSession | None = None


class Ending(StrEnum):
    """How a stretch of agent work ended."""

    STATED = "stated"
    NO_STATEMENT = "no_statement"
    TURN_LIMIT = "turn_limit"
    COST_LIMIT = "cost_limit"
    CONTEXT_HIGH = "context_high"
    TIME_LIMIT = "time_limit"
    SILENT = "silent"
    STOPPED = "stopped"
    TOOLS_REFUSED = "tools_refused"
    MODEL_REFUSED = "model_refused"
    CRASHED = "crashed"
    SESSION_LOST = "session_lost"
    API_DOWN = "api_down"
    RATE_LIMITED = "rate_limited"
    USAGE_WINDOW = "usage_window"
    UNAUTHORISED = "unauthorised"
    BAD_REQUEST = "bad_request"


class Claimed(StrEnum):
    """What the agent says of its own work."""

    COMPLETED = "completed"
    BLOCKED = "blocked"
    NEEDS_INPUT = "needs_input"


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionReport:
    """The agent's word on one acceptance criterion."""

    criterion: str
    met: bool
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """What stands in the way, why, and what a human must do."""

    what: str
    why: str = ""
    needed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The agent's structured outcome: a claim, never a verdict."""

    claimed: Claimed
    summary: str
    criteria: tuple[CriterionReport, ...] = ()
    blockers: tuple[Blocker, ...] = ()
    title: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentResult:
    """What came of one stretch of agent work. `usage` is the delta of this stretch, known for every ending.

    `sentence` says what happened and `remedy` what a human can do; both are empty only when `ending` is
    STATED. `retry_at` is set when the model's service said when to come back. `denials` are tool calls that
    the permission mode refused, as short texts, `blocked` sentences on connections that were refused.
    """

    ending: Ending
    usage: Usage
    statement: Statement | None = None
    session: AgentSession | None = None
    sentence: str = ""
    remedy: str = ""
    denials: tuple[str, ...] = ()
    retry_at: datetime | None = None
    blocked: tuple[str, ...] = ()


class ActivityKind(StrEnum):
    """What an agent was seen doing."""

    SAID = "said"
    TOOL = "tool"
    WAITING = "waiting"
    USAGE = "usage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One sign of life of a working agent: for progress, never for decisions. `usage` is so far, this stretch."""

    kind: ActivityKind
    text: str
    usage: Usage


class StopReason(StrEnum):
    """Why the work in hand is asked to end."""

    SIGINT = "sigint"
    SIGTERM = "sigterm"
    DEADLINE = "deadline"
    ASKED = "asked"
    LEASE_LOST = "lease_lost"
    TASK_WITHDRAWN = "task_withdrawn"


Stop = Callable[[], StopReason | None]
Watch = Callable[[Activity], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """What a meter read: the usage so far and, if the model is no longer served, why."""

    usage: Usage
    ending: Ending | None = None
    sentence: str = ""
    remedy: str = ""
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAccess:
    """How an agent's process reaches the model for one stretch.

    `env` holds base URL and credential (a placeholder where a gateway stands between), `sockets` what the
    sandbox must show. `meter` reads what the stretch consumed; None means the backend's own figures count.
    """

    env: dict[str, str]
    sockets: tuple[Path, ...] = ()
    meter: Callable[[], Metered] | None = None


# Opens the way to the model for one stretch of work.
Access = Callable[[Assignment], AbstractContextManager[ModelAccess]]


# ------------ workspace


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


# ------------ verification


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


# ------------ publication


class PullRequestState(StrEnum):
    """What became of a pull request."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request as the forge knows it. `head` is the commit its branch points at now."""

    branch: str
    url: str
    number: int | None = None
    state: PullRequestState = PullRequestState.OPEN
    head: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A pull request to be."""

    task: TaskId
    branch: str
    base_branch: str
    head: str
    title: str
    body: str
    draft: bool = True
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()


# ------------ the outcome


class Reason(StrEnum):
    """Why a task stands where it stands."""

    CLAIMED = "claimed"
    PUBLISHED = "published"
    MERGED = "merged"
    CLOSED_UNMERGED = "closed_unmerged"
    WITHDRAWN = "withdrawn"
    AGENT_BLOCKED = "agent_blocked"
    NEEDS_INPUT = "needs_input"
    NO_CHANGE = "no_change"
    POLICY = "policy"
    CHECKS_FAILED = "checks_failed"
    CHECKPOINT = "checkpoint"
    LIMIT = "limit"
    SESSION_LIMIT = "session_limit"
    AGENT_FAILED = "agent_failed"
    SERVICE = "service"
    USAGE_WINDOW = "usage_window"
    UNAUTHORISED = "unauthorised"
    INTERRUPTED = "interrupted"
    WORKSPACE = "workspace"
    PUBLISHING = "publishing"
    HUMAN_PUSHED = "human_pushed"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is true of a task if this process dies now. `sentence` is for people, whole and plain."""

    state: TaskState
    reason: Reason
    sentence: str
    remedy: str = ""
    blockers: tuple[Blocker, ...] = ()
    pull_request: PullRequest | None = None
    retry_at: datetime | None = None
