"""`autorun stop`: ask the running runner to end, and wait until it has."""

import time

import click

from autorun.adapters.journal import SessionFolder
from autorun.commands.common import options
from autorun.core.status import RunnerState
from autorun.effects import files
from autorun.effects.place import here
from autorun.effects.signals import AFTER_TASK, NOW

_LOOK_SECONDS = 0.2


@click.command("stop")
@click.option("--now", is_flag=True, help="Do not wait for the running task: save it and end.")
@click.option("--timeout", type=float, default=3600.0, show_default=True, help="Seconds to wait for the end.")
@options()
def command(overrides: dict[str, object], *, now: bool, timeout: float) -> int:
    """Ask the running runner to finish its current task and end, and wait until it has."""
    del overrides
    folder = SessionFolder(here().session_folder)
    state = folder.state()
    if state is None or state.state is not RunnerState.RUNNING:
        died = state is not None and state.state is RunnerState.DEAD
        click.echo(
            "No runner is running here" + ("; the last one died, `autorun start` takes over." if died else ".")
        )
        return 0
    files.replace(folder.stop_request, NOW if now else AFTER_TASK)
    doing = f" {state.task} first" if state.task and not now else ""
    click.echo(f"Asked session {state.session} to end{': it finishes' + doing if doing else ''}.", err=True)
    until = time.monotonic() + timeout
    while (found := folder.state()) is not None and found.state is RunnerState.RUNNING:
        if time.monotonic() > until:
            click.echo(f"It still runs after {timeout:g} s; `autorun stop --now` does not wait for the task.")
            return 1
        time.sleep(_LOOK_SECONDS)
    click.echo(f"Stopped: {found.sentence or 'it died' if found else 'it is gone'}.")
    return 0
