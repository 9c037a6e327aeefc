"""`autorun execute`: work one planned task without any right to write, and hand over what came of it."""

from dataclasses import replace
from functools import partial

import click

from autorun.adapters.handover import pack
from autorun.commands.between import between, planned, store_of, take_terms_of
from autorun.commands.common import keeps_transcripts, note, options
from autorun.commands.kept import lay_by, take_up
from autorun.core.errors import ConfigurationError
from autorun.core.ledger.handover import Itinerary, Result
from autorun.core.model import Reason, StopReason
from autorun.core.report.journal import Happening
from autorun.effects.place import Place
from autorun.phases.execute import execute
from autorun.session import Ended
from autorun.shop import detached
from autorun.wiring import progress, session

_FLAGS = (
    "run.handover",
    "run.tasks",
    "run.plan",
    "autonomous.max_turns_per_task",
    "execution.mode",
    "autonomous.backend",
    "autonomous.model",
    "sandbox.mode",
)
_SIGNALS = {StopReason.SIGINT: 130, StopReason.SIGTERM: 143}
_TELLING = frozenset({Reason.SERVICE, Reason.UNAUTHORISED})


@click.command("execute")
@options(*_FLAGS)
def command(overrides: dict[str, object]) -> int:
    """Work one task of the plan and hand over what came of it; needs no tracker and no right to write."""
    place, found, folder = between(overrides)
    keys = found.config.run.tasks
    if len(keys) != 1:
        raise ConfigurationError("one runner works one task of the plan", hint="name it with `--task KEY`")
    itinerary = planned(found, folder)
    leg = itinerary.leg(keys[0])
    _refuse_other_attempt(place, itinerary)
    keeps = not place.on_actions or keeps_transcripts(place, found)  # asked now: who is cancelled has no time to ask
    with session(place, found, progress(place, summary=False), opens=partial(detached, leg.task)) as running:
        bench = running.bench
        take_terms_of(itinerary, bench)
        bench.terms = replace(bench.terms, budget=bench.terms.budget.of_one_task(leg.budget_usd))

        def hand_over(result: Result) -> None:
            folder.put(leg, result, pack(store_of(bench), head=result.head, base=result.base) if result.head else b"")

        def keep() -> str:
            return lay_by(leg, folder, bench) if keeps else ""

        take_up(leg, folder, bench)
        settled = execute(bench, leg, hand_over, keep)
        bench.tell(Happening.SESSION_ENDED, settled.outcome.sentence, step=Ended.EMPTY, usage=settled.usage)
        note(f"{leg.task.id}: {settled.outcome.sentence}")
        if reason := bench.closing():
            return _SIGNALS.get(reason, 0)
    return settled.exit_code if settled.outcome.reason in _TELLING else 0


def _refuse_other_attempt(place: Place, itinerary: Itinerary) -> None:
    """Refuse to work when only this job is run again: the claims of the plan are released by now."""
    run = place.environ.get("GITHUB_RUN_ID", ""), place.environ.get("GITHUB_RUN_ATTEMPT", "")
    planned_in = itinerary.run_id, str(itinerary.run_attempt or "")
    if itinerary.run_id and all(run) and run != planned_in:
        raise ConfigurationError(
            f"the plan is of run {itinerary.run_id}, attempt {itinerary.run_attempt}; its claims are released",
            hint="run all jobs again, not only this one",
        )
