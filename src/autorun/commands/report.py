"""`autorun report`: release what is still claimed, and tell of the whole run."""

import click

from autorun.commands.between import between, planned, take_terms_of
from autorun.commands.common import emit_json, json_flag, options
from autorun.commands.start import as_data, exit_code, say
from autorun.core.report.journal import Entry, Happening
from autorun.core.report.outputs import session_outputs
from autorun.crew import nobody
from autorun.effects import actions
from autorun.phases.report import report
from autorun.wiring import progress, session


class _Kept:
    """Keeps what the outputs are made of."""

    def __init__(self) -> None:
        self.ended: list[Entry] = []
        self.end: Entry | None = None

    def tell(self, entry: Entry) -> None:
        if entry.what is Happening.TASK_ENDED:
            self.ended.append(entry)
        elif entry.what is Happening.SESSION_ENDED:
            self.end = entry


@click.command("report")
@json_flag
@options("run.handover", "run.plan", "run.fail_on", "state_provider.type", "state_provider.label")
def command(overrides: dict[str, object], *, as_json: bool) -> int:
    """Release what is still claimed by a run, and tell what became of all its tasks."""
    place, found, folder = between(overrides)
    itinerary = planned(found, folder)
    kept = _Kept()
    with session(place, found, (*progress(place), kept), staffs=nobody) as running:
        take_terms_of(itinerary, running.bench)
        told = report(running.bench, itinerary)
    if as_json:
        emit_json(as_data(told))
    else:
        say(told)
    if place.on_actions:
        actions.outputs(session_outputs(kept.ended, kept.end, report=""))
    return exit_code(told, found)
