"""`autorun status`: what the runner does, what became of the tasks, what it cost."""

import time
from collections import Counter
from dataclasses import dataclass

import click

from autorun.adapters.journal import latest, running
from autorun.commands.common import effective, emit_json, json_flag, options, out
from autorun.core.config.layers import Effective
from autorun.core.errors import AutorunError
from autorun.core.ledger import History
from autorun.core.ledger.record import Record
from autorun.core.model import TaskState
from autorun.core.planning import Plan, standing
from autorun.core.report.journal import Entry
from autorun.core.report.progress import plain, spent
from autorun.core.report.rendering import money
from autorun.core.report.status import RunnerState, SessionState
from autorun.core.text.loglines import one_line
from autorun.effects import host
from autorun.effects.place import Place
from autorun.shop import shop

_EVENTS = 5
_REFRESH_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Everything `status` tells. `others` are sessions that run beside `session`.

    `counts` are tasks by state, `total_cost` the USD of every record, and whether that is an estimate.
    """

    session: SessionState | None
    others: tuple[SessionState, ...]
    counts: dict[TaskState, int]
    total_cost: float
    estimated: bool
    entries: tuple[Entry, ...]
    fault: str = ""

    @property
    def total(self) -> int:
        """Tasks that count towards progress: all but the cancelled ones."""
        return sum(self.counts.values()) - self.counts.get(TaskState.CANCELLED, 0)

    @property
    def rate(self) -> float | None:
        """The completed share of the total, None of nothing."""
        return self.completed / self.total if self.total else None

    @property
    def completed(self) -> int:
        """Tasks with a pull request or done."""
        return self.counts.get(TaskState.IN_REVIEW, 0) + self.counts.get(TaskState.DONE, 0)


@click.command("status")
@click.option("--watch", is_flag=True, help="Keep showing it, every second, until interrupted.")
@json_flag
@options()
def command(overrides: dict[str, object], *, watch: bool, as_json: bool) -> None:
    """Show what the runner does, tasks by status, total cost, progress and recent events."""
    place, found = effective(overrides)
    while True:
        standing_now = look(place, found)
        if watch and not as_json:
            click.clear()  # on a terminal only
        if as_json:
            emit_json(as_data(standing_now), compact=watch)
        else:
            out(as_text(standing_now))
        if not watch:
            return
        time.sleep(_REFRESH_SECONDS)


def look(place: Place, found: Effective) -> Standing:
    """Read the session folders, the backlog and the records; a tracker out of reach costs only the counts."""
    counts: dict[TaskState, int] = {}
    records: tuple[Record, ...] = ()
    fault = ""
    try:
        with shop(place, found) as open_shop:
            today, history = open_shop.look()
        counts, records = _counts(today, history), tuple(seen.record for seen in history.seen.values())
    except AutorunError as error:
        fault = str(error)
    top = place.session_folder
    last = latest(top)
    return Standing(
        session=last[1] if last else None,
        others=tuple(state for folder, state in running(top) if last and folder.path != last[0].path),
        counts=counts,
        total_cost=sum(record.charged_usd for record in records),
        estimated=any(record.estimated for record in records),
        entries=last[0].entries(_EVENTS) if last else (),
        fault=fault,
    )


def _counts(today: Plan, history: History) -> dict[TaskState, int]:
    tasks = [*today.ready, *(skip.task for skip in today.skipped)]
    records = {task: seen.record for task, seen in history.seen.items()}
    known = {task.id for task in tasks}
    counted = Counter(standing(task, records.get(task.id)) for task in tasks)
    counted.update(record.state for task, record in records.items() if task not in known)
    return {state: counted[state] for state in TaskState if counted[state]}


# ------------ for people


def as_text(found: Standing) -> str:
    """Return it for people, readable at a glance."""
    lines = [_runner(found.session), *(_runner(other) for other in found.others)]
    if found.rate is not None:
        by_state = ", ".join(f"{number} {state}" for state, number in found.counts.items())
        lines.append(
            f"tasks    {found.completed} of {found.total} in review or done, {100 * found.rate:.0f} % ({by_state})"
        )
    lines.append(f"cost     {money(found.total_cost, estimated=found.estimated)} over all sessions")
    if found.fault:
        lines.append(f"warning  the backlog cannot be read: {one_line(found.fault, 600)}")
    if found.entries:
        lines += ["", *(f"{entry.at:%H:%M:%S}  {plain(entry)}" for entry in found.entries)]
    return "\n".join(lines)


def _runner(session: SessionState | None) -> str:
    if session is None:
        return "runner   not started: `autorun start` works the backlog"
    about = f"session {session.session}, {session.model}, {spent(session.usage + session.task_usage)}"
    if session.tasks_per_hour:
        about += f", {session.tasks_per_hour:.1f} tasks an hour"
    match session.state:
        case RunnerState.RUNNING:
            where = f"on {session.task} {one_line(session.title, 80)} ({session.step})"
            says = f"running {where if session.task else 'between tasks'}: {one_line(session.activity, 100) or '…'}"
        case RunnerState.DEAD:
            says = f"stopped: it died{f' on {session.task}' if session.task else ''}; `autorun start` takes over"
        case RunnerState.PAUSED:
            says = f"paused: a checkpoint waits for you. {one_line(session.sentence)}"
        case _:
            says = f"stopped: {one_line(session.sentence)}"
    return f"runner   {says}\n         {about}"


# ------------ for programs


def as_data(found: Standing) -> dict[str, object]:
    """Return it for programs; the shape is documented in docs/commands.md."""
    return {
        **_session_data(found.session),
        "tasks": {state.value: number for state, number in found.counts.items()},
        "tasks_total": sum(found.counts.values()),
        "completion_rate": None if found.rate is None else round(found.rate, 4),
        "total_cost": round(found.total_cost, 6),
        "events": [{"at": entry.at.isoformat(), "what": entry.what, "text": plain(entry)} for entry in found.entries],
        "others": [_session_data(other) for other in found.others],
        "fault": found.fault,
    }


def _session_data(session: SessionState | None) -> dict[str, object]:
    if session is None:
        return {"state": "not_started", "tasks_completed": 0, **dict.fromkeys(_OF_A_SESSION)}
    dead = session.state is RunnerState.DEAD
    pace = session.tasks_per_hour
    values: tuple[object, ...] = (
        dead,
        session.session,
        session.backend,
        session.model,
        session.mode,
        str(session.task) if session.task else None,
        session.step,
        session.task_usage.turns,
        session.tasks_ended,
        None if pace is None else round(pace, 2),
        round(session.cost_usd, 6),
        session.reason or None,
        session.sentence,
        session.started_at.isoformat(),
        session.updated_at.isoformat(),
        round((host.now() - session.updated_at).total_seconds(), 1),
    )
    return {
        "state": RunnerState.STOPPED if dead else session.state,
        "tasks_completed": session.tasks_completed,
        **dict(zip(_OF_A_SESSION, values, strict=True)),
    }


_OF_A_SESSION = (
    "died",
    "session_id",
    "backend",
    "model",
    "execution_mode",
    "task",
    "step",
    "current_turn",
    "tasks_ended",
    "tasks_per_hour",
    "session_cost",
    "reason",
    "sentence",
    "started_at",
    "updated_at",
    "seconds_since_update",
)
