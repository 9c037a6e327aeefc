"""Where a session stands, folded from its journal."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from autorun.core.ledger.record import Holder
from autorun.core.model import TaskId, TaskState, Usage
from autorun.core.report.journal import Entry, Happening


class RunnerState(StrEnum):
    """What a runner does. DEAD is never written: it is what a reader finds."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """The counters and the present of one session; what `session.json` holds.

    `usage` counts settled tasks, `task_usage` the running one. `ended` counts tasks by the state they ended in.
    `seconds_before` is what earlier runs of a resumed session took. `reason` and `sentence` say why it ended.
    """

    session: str
    holder: Holder
    started_at: datetime
    updated_at: datetime
    state: RunnerState = RunnerState.RUNNING
    backend: str = ""
    model: str = ""
    mode: str = ""
    planned: str = ""
    task: TaskId | None = None
    title: str = ""
    step: str = ""
    activity: str = ""
    task_usage: Usage = field(default_factory=Usage)
    usage: Usage = field(default_factory=Usage)
    ended: dict[TaskState, int] = field(default_factory=dict)
    seconds_before: float = 0.0
    reason: str = ""
    sentence: str = ""

    @property
    def cost_usd(self) -> float:
        """USD so far, the running task included."""
        return self.usage.cost_usd + self.task_usage.cost_usd

    @property
    def seconds(self) -> float:
        """Seconds this session has worked, earlier runs included."""
        return self.seconds_before + (self.updated_at - self.started_at).total_seconds()

    @property
    def tasks_ended(self) -> int:
        """Tasks that were begun and have ended."""
        return sum(self.ended.values())

    @property
    def tasks_per_hour(self) -> float | None:
        """Tasks that ended in an hour of work, None before any time has passed."""
        return self.tasks_ended / self.seconds * 3600 if self.seconds else None

    @property
    def tasks_completed(self) -> int:
        """Tasks with a pull request."""
        return self.ended.get(TaskState.IN_REVIEW, 0) + self.ended.get(TaskState.DONE, 0)


def resumed(last: SessionState, start: SessionState) -> SessionState:
    """Return the first state of a run that continues `last`: its id and its counters, everything else anew."""
    return replace(
        start, session=last.session, usage=last.usage + last.task_usage, ended=last.ended, seconds_before=last.seconds
    )


def after(state: SessionState, entry: Entry) -> SessionState:
    """Return the state after one more entry of the journal."""
    state = replace(state, updated_at=entry.at)
    match entry.what:
        case Happening.PLANNED:
            return replace(state, planned=entry.text)
        case Happening.TASK_STARTED | Happening.STEP:
            return replace(state, task=entry.task, title=entry.title, step=entry.step or "claim", activity="")
        case Happening.ACTIVITY:
            return replace(state, activity=entry.text, task_usage=entry.usage or state.task_usage)
        case Happening.TASK_ENDED if entry.outcome is not None:
            ended = {**state.ended, entry.outcome.state: state.ended.get(entry.outcome.state, 0) + 1}
            return replace(
                state,
                task=None,
                title="",
                step="",
                activity="",
                task_usage=Usage(),
                usage=state.usage + (entry.usage or Usage()),
                ended=ended,
            )
        case Happening.SESSION_ENDED:
            paused = state.ended.get(TaskState.PAUSED, 0) > 0
            return replace(
                state,
                state=RunnerState.PAUSED if paused else RunnerState.STOPPED,
                task=None,
                reason=entry.step,
                sentence=entry.text,
            )
        case _:
            return state
