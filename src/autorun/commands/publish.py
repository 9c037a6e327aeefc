"""`autorun publish`: publish what runners handed over, and believe none of it."""

import click

from autorun.adapters.handover import unpack
from autorun.commands.between import between, planned, store_of, take_terms_of
from autorun.commands.common import options, out
from autorun.core.ledger.handover import Result
from autorun.core.report.journal import Happening
from autorun.crew import nobody
from autorun.phases.publish import publish
from autorun.session import Ended
from autorun.wiring import progress, session


@click.command("publish")
@options("run.handover", "run.tasks", "run.plan", "state_provider.type", "state_provider.label")
def command(overrides: dict[str, object]) -> None:
    """Publish what runners handed over; runs no model and no code of the repository."""
    place, found, folder = between(overrides)
    itinerary = planned(found, folder)
    with session(place, found, progress(place, summary=False), staffs=nobody) as running:
        bench = running.bench
        take_terms_of(itinerary, bench)
        store = store_of(bench)

        def unpacked(result: Result, bundle: bytes) -> str:
            return unpack(store, bundle, head=result.head, base=result.base)

        done = publish(bench, itinerary, folder.take, unpacked, only=found.config.run.tasks)
        bench.tell(Happening.SESSION_ENDED, f"{len(done)} tasks settled", step=Ended.EMPTY)
    for one in done:
        pull_request = f" {one.outcome.pull_request.url}" if one.outcome.pull_request else ""
        out(f"{one.outcome.state:<11} {one.task.id} {one.task.title}{pull_request}")
