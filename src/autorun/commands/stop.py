"""`autorun stop`: ask every running runner of this repository to end, and wait until they have."""

import time

import click

from autorun.adapters.journal import SessionFolder, latest, running
from autorun.commands.common import located, note, options, out
from autorun.core.errors import AutorunError
from autorun.core.report.status import RunnerState, SessionState
from autorun.effects import files
from autorun.effects.signals import AFTER_TASK, NOW

_LOOK_SECONDS = 0.1


@click.command("stop")
@click.option("--now", is_flag=True, help="Do not wait for the running task: save it and end.")
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=3600.0,
    show_default=True,
    help="How long to wait for the end.",
)
@options()
def command(overrides: dict[str, object], *, now: bool, timeout: float) -> None:
    """Ask the running runner to finish its current task and end, and wait until it has."""
    top = located(overrides).session_folder
    asked = running(top)
    if not asked:
        last = latest(top)
        died = last is not None and last[1].state is RunnerState.DEAD
        out("No runner is running here" + ("; the last one died, `autorun start` takes over." if died else "."))
        return
    for folder, state in asked:
        ask(folder, now=now)
        note(_asked(state, now=now))
    until = time.monotonic() + timeout
    for folder, _ in asked:
        while folder.taken:
            if time.monotonic() > until:
                hint = "wait on" if now else "`autorun stop --now` does not wait for the task"
                raise AutorunError(f"a runner still runs after {timeout:g} s", hint=hint)
            time.sleep(_LOOK_SECONDS)
        found = folder.state()
        out(f"Stopped: {found.sentence.rstrip('.') if found and found.sentence else 'it died'}.")


def ask(folder: SessionFolder, *, now: bool) -> None:
    """Ask the session in `folder` to end, after its task or `now`."""
    files.replace(folder.stop_request, NOW if now else AFTER_TASK)


def _asked(state: SessionState, *, now: bool) -> str:
    first = f": it finishes {state.task} first" if state.task and not now else ""
    return f"Asked session {state.session} to end{first}."
