"""Words for the agent: what it may see and consume, what it is asked, and what came of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from autorun.core.model.task import TaskId
from autorun.core.model.work import Workspace


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

    workspace: Workspace
    writable: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()
    sockets: tuple[Path, ...] = ()


# Turns a command into one that runs confined to a room; without a sandbox it returns the command as it is.
Confine = Callable[[Command, Room], Command]

# Looks after one running child: given its process id, says why it must be killed, or "" to let it run.
Guard = Callable[[int], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a stretch of agent work consumed. `turns` are model answers, `context_tokens` the latest size.

    `estimated`: a subscription pays for some of it, the money is what it would cost otherwise.
    """

    turns: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float = 0.0
    context_tokens: int = 0
    estimated: bool = False

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            turns=self.turns + other.turns,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            cost_usd=self.cost_usd + other.cost_usd,
            context_tokens=other.context_tokens or self.context_tokens,
            estimated=self.estimated or other.estimated,
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
    workspace: Workspace
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
    CREDENTIAL = "credential"


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
