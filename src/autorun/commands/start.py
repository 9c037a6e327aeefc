"""`autorun start`: work the backlog until it is empty or a limit is met, and say which."""

from pathlib import Path

import click

from autorun.commands.common import bare, effective, emit_json, json_flag, note, options, out
from autorun.core.config.choices import FailOn
from autorun.core.config.layers import Effective, rows
from autorun.core.errors import ConfigurationError
from autorun.core.model import StopReason, Task, TaskState
from autorun.core.naming import ref
from autorun.core.planning import Plan
from autorun.core.report.progress import spent
from autorun.core.text.suggest import task_hint
from autorun.effects.place import Place
from autorun.session import Ended, Report
from autorun.shop import shop
from autorun.wiring import progress, session

_SIGNALS = {StopReason.SIGINT: 130, StopReason.SIGTERM: 143}
_FAIL_ON = {
    FailOn.NEVER: (),
    FailOn.FAILED: (TaskState.FAILED,),
    FailOn.BLOCKED: (TaskState.FAILED, TaskState.BLOCKED, TaskState.PAUSED),
}
_FLAGS = (
    "run.resume",
    "run.tasks",
    "autonomous.max_tasks_per_session",
    "autonomous.max_turns_per_task",
    "autonomous.cost_limit_per_session",
    "execution.mode",
    "autonomous.backend",
    "autonomous.model",
    "state_provider.type",
    "state_provider.label",
    "sandbox.mode",
    "run.fail_on",
    "run.dry_run",
)


@click.command("start")
@json_flag
@options(*_FLAGS)
def command(overrides: dict[str, object], *, as_json: bool) -> int:
    """Work the backlog until it is empty or a limit is met, and say which."""
    keys = overrides["run.tasks"]
    assert isinstance(keys, tuple)
    place, found = effective({**overrides, "run.tasks": tuple(bare(key) for key in keys)})
    _preamble(found)
    if found.config.run.dry_run:
        return _dry_run(place, found, as_json=as_json)
    with session(place, found, progress(place)) as running:
        report = running.run()
    if as_json:
        emit_json(as_data(report))
    else:
        say(report)
    return exit_code(report, found)


def _preamble(found: Effective) -> None:
    """Say what this run works by: the main settings, what was set explicitly, and what to know about it."""
    config = found.config
    autonomous = config.autonomous
    note(
        f"autorun: {config.state_provider.type} tasks, {autonomous.backend}, {autonomous.model}, "
        f"{config.execution.mode} mode, at most {autonomous.max_tasks_per_session} tasks"
    )
    for row in rows(found):
        if found.explicit(row.key):
            note(f"  {row.key} = {row.value} ({row.source})")
    for warning in found.warnings:
        note(f"warning: {warning}")


# ------------ what would be


def _dry_run(place: Place, found: Effective, *, as_json: bool) -> int:
    """Show every write a run would begin with, and make none."""
    with shop(place, found) as open_shop:
        today, history = open_shop.look()
    _refuse_unknown(found.config.run.tasks, today)
    wanted = today.ready[: found.config.autonomous.max_tasks_per_session]
    fences = {task: seen.record.fence for task, seen in history.seen.items()}
    writes = [(task, _writes(place, found, task, fences.get(task.id, 0) + 1)) for task in wanted]
    if as_json:
        emit_json(
            {
                "would_start": [{"id": str(task.id), "title": task.title, "writes": each} for task, each in writes],
                "skipped": [{"id": str(skip.task.id), "reason": skip.reason} for skip in today.skipped],
                "faults": [{"place": fault.place, "reason": fault.reason} for fault in today.faults],
                "nothing": today.nothing,
            }
        )
        return 0
    for fault in today.faults:
        note(f"warning: {fault.place}: {fault.reason}")
    for skip in today.skipped:
        out(f"{skip}")
    for task, each in writes:
        out(f"Would start {task.id} {task.title}")
        for write in each:
            out(f"  would write {write}")
    if len(today.ready) > len(wanted):
        out(f"Would leave {len(today.ready) - len(wanted)} more: Task limit reached: {len(wanted)}")
    if today.nothing:
        out(today.nothing)
    return 0


def _writes(place: Place, found: Effective, task: Task, fence: int) -> list[str]:
    """What beginning a task writes, in order."""
    provider = found.config.state_provider
    claim = f"{ref(task.id)}: the claim, fence {fence}"
    status = _shown(place, provider.state_dir / f"{task.id.key}.md") + ": status in_progress"
    folder = _shown(place, place.session_folder) + "/: the session's state, journal and transcript"
    return [claim, *([] if place.on_actions else [status]), folder, f"{_shown(place, place.log)}: the log"]


def _shown(place: Place, path: Path) -> str:
    path = place.root / path
    return str(path.relative_to(place.root) if path.is_relative_to(place.root) else path)


def _refuse_unknown(keys: tuple[str, ...], today: Plan) -> None:
    known = {task.id.key for task in (*today.ready, *(skip.task for skip in today.skipped))}
    if missing := [key for key in keys if key not in known]:
        raise ConfigurationError(f"there is no task {', '.join(missing)}", hint=task_hint(missing[0], known))


# ------------ what was


def say(report: Report) -> None:
    """Print how the session ended and what became of each task."""
    review = report.count(TaskState.IN_REVIEW, TaskState.DONE)
    stuck = report.count(TaskState.BLOCKED, TaskState.PAUSED)
    lost = report.count(TaskState.FAILED, TaskState.TODO, TaskState.CANCELLED)
    end = report.end.sentence.rstrip(".")
    if not report.settled:
        out(f"{end}. No task was begun.")
    else:
        out(f"{end}. {review} in review, {stuck} need you, {lost} not done; {spent(report.usage)}.")
    for one in report.settled:
        pull_request = f" {one.outcome.pull_request.url}" if one.outcome.pull_request else ""
        out(f"  {one.outcome.state:<11} {one.task.id} {one.task.title}{pull_request}")
    if report.end.remedy:
        note(f"hint: {report.end.remedy}")


def as_data(report: Report) -> dict[str, object]:
    """Return the report for programs; the shape is documented in docs/commands.md."""
    return {
        "session_id": report.session_id,
        "reason": report.end.reason,
        "sentence": report.end.sentence,
        "remedy": report.end.remedy,
        "tasks": [
            {
                "id": str(one.task.id),
                "title": one.task.title,
                "state": one.outcome.state,
                "reason": one.outcome.reason,
                "sentence": one.outcome.sentence,
                "remedy": one.outcome.remedy,
                "pull_request": one.outcome.pull_request.url if one.outcome.pull_request else None,
                "turns": one.usage.turns,
                "cost_usd": round(one.usage.cost_usd, 6),
            }
            for one in report.settled
        ],
        "turns": report.usage.turns,
        "cost_usd": round(report.usage.cost_usd, 6),
        "seconds": round(report.seconds, 1),
    }


def exit_code(report: Report, found: Effective) -> int:
    """Return the code a session's report ends the process with."""
    if report.end.stopped_by in _SIGNALS:
        return _SIGNALS[report.end.stopped_by]
    if report.end.reason is Ended.ERROR:
        return report.end.exit_code
    return 1 if report.count(*_FAIL_ON[found.config.run.fail_on]) else 0
