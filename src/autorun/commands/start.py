"""`autorun start`: work the backlog until it is empty or a limit is met, and say which."""

import click

from autorun.commands.common import effective, options
from autorun.core.choices import FailOn
from autorun.core.layers import Effective, rows
from autorun.core.model import StopReason, TaskState
from autorun.core.progress import spent
from autorun.effects.place import Place
from autorun.session import Ended, Report
from autorun.wiring import progress, session, shop

_SIGNALS = {StopReason.SIGINT: 130, StopReason.SIGTERM: 143}
_SERVICE_FAILED = 4
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
@options(*_FLAGS)
def command(overrides: dict[str, object]) -> int:
    """Work the backlog until it is empty or a limit is met, and say which."""
    place, found = effective(overrides)
    _preamble(found)
    if found.config.run.dry_run:
        return _dry_run(place, found)
    with session(place, found, progress(place)) as running:
        report = running.run()
    say(report)
    return _exit_code(report, found)


def _preamble(found: Effective) -> None:
    """Say what this run works by: the main settings, what was set explicitly, and what to know about it."""
    config = found.config
    autonomous = config.autonomous
    click.echo(
        f"autorun: {config.state_provider.type} tasks, {autonomous.backend}, {autonomous.model}, "
        f"{config.execution.mode} mode, at most {autonomous.max_tasks_per_session} tasks",
        err=True,
    )
    for row in rows(found):
        if found.explicit(row.key):
            click.echo(f"  {row.key} = {row.value} ({row.source})", err=True)
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)


def _dry_run(place: Place, found: Effective) -> int:
    """Show every write a run would begin with, and make none."""
    with shop(place, found) as open_shop:
        today, history = open_shop.look()
    for skip in today.skipped:
        click.echo(f"{skip}")
    limit = found.config.autonomous.max_tasks_per_session
    for task in today.ready[:limit]:
        over = history.seen.get(task.id)
        fence = over.record.fence + 1 if over else 1
        click.echo(f"Would claim {task.id} (fence {fence}), show it in progress and start the agent: {task.title}")
    if not today.ready:
        click.echo(today.nothing)
    return 0


def say(report: Report) -> None:
    """Print how the session ended and what became of each task."""
    review = report.count(TaskState.IN_REVIEW, TaskState.DONE)
    stuck = report.count(TaskState.BLOCKED, TaskState.PAUSED)
    lost = report.count(TaskState.FAILED, TaskState.TODO, TaskState.CANCELLED)
    click.echo(
        f"{report.end.sentence}. {review} in review, {stuck} need you, {lost} not done; {spent(report.usage)}."
    )
    for one in report.settled:
        pull_request = f" {one.outcome.pull_request.url}" if one.outcome.pull_request else ""
        click.echo(f"  {one.outcome.state:<11} {one.task.id} {one.task.title}{pull_request}")
    if report.end.remedy:
        click.echo(f"hint: {report.end.remedy}", err=True)


def _exit_code(report: Report, found: Effective) -> int:
    if report.end.stopped_by in _SIGNALS:
        return _SIGNALS[report.end.stopped_by]
    if report.end.reason is Ended.ERROR:
        return _SERVICE_FAILED
    return 1 if report.count(*_FAIL_ON[found.config.run.fail_on]) else 0
