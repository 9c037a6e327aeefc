"""`autorun plan`: claim what a run will work, and print the matrix of jobs that work it."""

import json

import click

from autorun.commands.between import between
from autorun.commands.common import emit_json, options
from autorun.core.ledger.handover import Itinerary, matrix
from autorun.core.report.journal import Happening
from autorun.crew import nobody
from autorun.effects import actions
from autorun.phases.plan import plan
from autorun.wiring import progress, session

_FLAGS = (
    "run.handover",
    "run.tasks",
    "autonomous.max_tasks_per_session",
    "autonomous.cost_limit_per_session",
    "state_provider.type",
    "state_provider.label",
)


@click.command("plan")
@options(*_FLAGS)
def command(overrides: dict[str, object]) -> None:
    """Claim what a run will work, write the plan, and print the matrix of jobs."""
    place, found, folder = between(overrides)
    digests: list[str] = []

    def keep(itinerary: Itinerary) -> None:
        digests.append(folder.write_plan(itinerary))

    with session(place, found, progress(place, summary=False), staffs=nobody) as running:
        itinerary = plan(running, keep)
        said = f"{len(itinerary.legs)} tasks planned. {itinerary.end}"
        running.bench.tell(Happening.SESSION_ENDED, said, step=itinerary.reason)
    jobs = matrix(itinerary, digests[0])
    emit_json(jobs, compact=True)
    if place.on_actions:
        actions.outputs({"matrix": json.dumps(jobs)})
