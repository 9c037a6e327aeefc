"""What happened in a session, in order: one entry, one JSON line."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from autorun.core.model import Outcome, TaskId, Usage


class Happening(StrEnum):
    """What an entry tells."""

    SESSION_STARTED = "session_started"
    PLANNED = "planned"
    TASK_SKIPPED = "task_skipped"
    TASK_STARTED = "task_started"
    STEP = "step"
    ACTIVITY = "activity"
    ASKING = "asking"
    WARNING = "warning"
    TASK_ENDED = "task_ended"
    SESSION_ENDED = "session_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened. `usage` is the task's so far, or the session's for session entries."""

    at: datetime
    what: Happening
    session: str
    text: str
    task: TaskId | None = None
    title: str = ""
    url: str = ""
    step: str = ""
    outcome: Outcome | None = None
    usage: Usage | None = None
