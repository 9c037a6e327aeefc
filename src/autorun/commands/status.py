"""`autorun status`: what the runner does, what became of the tasks, what it cost."""

import time
from collections import Counter
from dataclasses import dataclass

import click

from autorun.adapters.journal import SessionFolder
from autorun.commands.common import effective, emit_json, json_flag, options
from autorun.core.errors import AutorunError
from autorun.core.journal import Entry
from autorun.core.layers import Effective
from autorun.core.ledger import History
from autorun.core.model import TaskState
from autorun.core.planning import Plan, standing
from autorun.core.progress import plain, spent
from autorun.core.status import RunnerState, SessionState
from autorun.effects import host
from autorun.effects.place import Place
from autorun.wiring import shop

_EVENTS = 5
_REFRESH_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Everything `status` tells. `counts` are tasks by state, `total_cost` the USD of every record."""

    session: SessionState | None
    counts: dict[TaskState, int]
    total_cost: float
    entries: tuple[Entry, ...]
    fault: str = ""


@click.command("status")
@click.option("--watch", is_flag=True, help="Keep showing it until interrupted.")
@json_flag
@options()
def command(overrides: dict[str, object], *, watch: bool, as_json: bool) -> None:
    """Show what the runner does, tasks by status, total cost and recent events."""
    place, found = effective(overrides)
    while True:
        standing_now = look(place, found)
        if watch and not as_json:
            click.clear()
        emit_json(as_data(standing_now)) if as_json else click.echo(as_text(standing_now))
        if not watch:
            return
        time.sleep(_REFRESH_SECONDS)


def look(place: Place, found: Effective) -> Standing:
    """Read the session folder, the backlog and the records; a tracker out of reach costs only the counts."""
    folder = SessionFolder(place.session_folder)
    counts: dict[TaskState, int] = {}
    cost, fault = 0.0, ""
    try:
        with shop(place, found) as open_shop:
            today, history = open_shop.look()
        counts, cost = _counts(today, history), sum(seen.record.charged_usd for seen in history.seen.values())
    except AutorunError as error:
        fault = str(error)
    return Standing(
        session=folder.state(), counts=counts, total_cost=cost, entries=folder.entries(_EVENTS), fault=fault
    )


def _counts(today: Plan, history: History) -> dict[TaskState, int]:
    tasks = [*today.ready, *(skip.task for skip in today.skipped)]
    records = {task: seen.record for task, seen in history.seen.items()}
    counted = Counter(standing(task, records.get(task.id)) for task in tasks)
    counted.update(record.state for task, record in records.items() if task not in {each.id for each in tasks})
    return dict(counted)


def as_text(found: Standing) -> str:
    """Return it for people, readable at a glance."""
    lines = [_runner(found.session)]
    total = sum(found.counts.values())
    if total:
        done = found.counts.get(TaskState.IN_REVIEW, 0) + found.counts.get(TaskState.DONE, 0)
        by_state = ", ".join(f"{number} {state}" for state, number in sorted(found.counts.items()))
        lines.append(f"tasks    {done} of {total} in review or done ({by_state})")
    lines.append(f"cost     ${found.total_cost:.2f} over all sessions")
    if found.fault:
        lines.append(f"warning  the backlog cannot be read: {found.fault}")
    if found.entries:
        lines += ["", *(f"{entry.at:%H:%M:%S}  {plain(entry)}" for entry in found.entries)]
    return "\n".join(lines)


def _runner(session: SessionState | None) -> str:
    if session is None:
        return "runner   not started: `autorun start` works the backlog"
    about = f"session {session.session}, {session.model}, {spent(session.usage + session.task_usage)}"
    match session.state:
        case RunnerState.RUNNING:
            doing = f"on {session.task} {session.title} ({session.step})" if session.task else "between tasks"
            return f"runner   running {doing}: {session.activity or '…'}\n         {about}"
        case RunnerState.DEAD:
            doing = f" on {session.task}" if session.task else ""
            return f"runner   stopped: it died{doing}; `autorun start` takes over\n         {about}"
        case RunnerState.PAUSED:
            return f"runner   paused: a checkpoint waits for you. {session.sentence}\n         {about}"
        case _:
            return f"runner   stopped: {session.sentence}\n         {about}"


def as_data(found: Standing) -> dict[str, object]:
    """Return it for programs; the shape is documented in docs/commands.md."""
    session = found.session
    state = "not_started" if session is None else _reported(session.state)
    data: dict[str, object] = {
        "state": state,
        "tasks": {state.value: number for state, number in sorted(found.counts.items())},
        "total_cost": round(found.total_cost, 6),
        "events": [{"at": entry.at.isoformat(), "what": entry.what, "text": plain(entry)} for entry in found.entries],
    }
    if found.fault:
        data["fault"] = found.fault
    if session is not None:
        data |= {
            "session_id": session.session,
            "model": session.model,
            "execution_mode": session.mode,
            "died": session.state is RunnerState.DEAD,
            "task": str(session.task) if session.task else None,
            "step": session.step,
            "current_turn": session.task_usage.turns,
            "tasks_completed": session.tasks_completed,
            "session_cost": round(session.cost_usd, 6),
            "reason": session.sentence,
            "updated_at": session.updated_at.isoformat(),
            "seconds_since_update": round((host.now() - session.updated_at).total_seconds(), 1),
        }
    return data


def _reported(state: RunnerState) -> str:
    return RunnerState.STOPPED if state is RunnerState.DEAD else state
