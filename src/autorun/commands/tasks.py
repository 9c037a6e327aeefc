"""`autorun tasks`: the queue in the order it would run, and why the rest would not."""

import click

from autorun.commands.common import effective, emit_json, json_flag, options
from autorun.core.model import Task
from autorun.wiring import shop


@click.command("tasks")
@json_flag
@options("state_provider.type", "state_provider.label")
def command(overrides: dict[str, object], *, as_json: bool) -> None:
    """List the queue in the order it would run and, for each task that would not, the reason; writes nothing."""
    place, found = effective(overrides)
    with shop(place, found) as open_shop:
        today, _ = open_shop.look()
    if as_json:
        emit_json(
            {
                "ready": [_data(task) for task in today.ready],
                "skipped": [_data(s.task) | {"state": s.state, "reason": s.reason} for s in today.skipped],
                "faults": [{"place": fault.place, "reason": fault.reason} for fault in today.faults],
            }
        )
        return
    for number, task in enumerate(today.ready, 1):
        click.echo(f"{number:>3}. {task.id.key}  [{task.priority.name.lower()}]  {task.title}")
        for warning in task.warnings:
            click.echo(f"     note: {warning}")
    for skip in today.skipped:
        click.echo(f"  -  {skip.task.id.key}  [{skip.state}]  {skip.task.title}\n     {skip.reason}")
    for fault in today.faults:
        click.echo(f"  !  {fault.place}: {fault.reason}")
    if today.nothing:
        click.echo(today.nothing)


def _data(task: Task) -> dict[str, object]:
    return {
        "id": str(task.id),
        "key": task.id.key,
        "title": task.title,
        "priority": task.priority.name.lower(),
        "labels": list(task.labels),
        "depends_on": [dependency.key for dependency in task.depends_on],
        "url": task.url,
        "warnings": list(task.warnings),
    }
