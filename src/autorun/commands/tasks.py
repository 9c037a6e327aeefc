"""`autorun tasks`: the queue in the order it would run, and why the rest would not."""

import click

from autorun.commands.common import effective, emit_json, json_flag, options, out
from autorun.core.model import Task
from autorun.core.planning import Plan
from autorun.core.text.loglines import one_line
from autorun.shop import shop


@click.command("tasks")
@json_flag
@options("state_provider.type", "state_provider.label")
def command(overrides: dict[str, object], *, as_json: bool) -> None:
    """List the queue in the order it would run and, for each task that would not, the reason; writes nothing."""
    place, found = effective(overrides)
    with shop(place, found) as open_shop:
        today, _ = open_shop.look()
    if as_json:
        emit_json(as_data(today))
        return
    for number, task in enumerate(today.ready, 1):
        out(f"{number:>3}. {task.id.key}  [{task.priority.name.lower()}]  {one_line(task.title)}")
        for warning in task.warnings:
            out(f"     note: {one_line(warning)}")
    for skip in today.skipped:
        out(
            f"  -  {skip.task.id.key}  [{skip.state}]  {one_line(skip.task.title)}\n     {one_line(skip.reason, 600)}"
        )
    for fault in today.faults:
        out(f"  !  {one_line(fault.place)}: {one_line(fault.reason, 600)}")
    if today.nothing:
        out(today.nothing)


def as_data(today: Plan) -> dict[str, object]:
    """Return the plan for programs; the shape is documented in docs/commands.md."""
    return {
        "ready": [_data(task) for task in today.ready],
        "skipped": [_data(skip.task) | {"state": skip.state, "reason": skip.reason} for skip in today.skipped],
        "faults": [{"place": fault.place, "reason": fault.reason} for fault in today.faults],
    }


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
