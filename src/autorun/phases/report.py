"""Phase report: what is still claimed is released, and the whole run is told of."""

from contextlib import suppress
from dataclasses import replace

from autorun.core import verdicts
from autorun.core.errors import AutorunError, LeaseLost
from autorun.core.ledger import Seen
from autorun.core.ledger.handover import Itinerary, Leg
from autorun.core.ledger.record import reaped
from autorun.core.planning import Plan
from autorun.core.report.journal import Happening
from autorun.core.verdicts import Attempts
from autorun.pipeline import Settled
from autorun.session import End, Ended, Report
from autorun.terms import Bench


def report(bench: Bench, itinerary: Itinerary) -> Report:
    """Release what is still claimed, and tell of the whole run. Raises AutorunError."""
    started = bench.monotonic()
    history = bench.world.ledger.history()
    for note in itinerary.notes:
        bench.tell(Happening.TASK_SKIPPED, note)
    settled = []
    for leg in itinerary.legs:
        seen = history.seen.get(leg.task.id)
        if seen is not None and (one := _ended(bench, leg, seen)):
            bench.tell(
                Happening.TASK_ENDED, one.outcome.sentence, task=one.task, outcome=one.outcome, usage=one.usage
            )
            settled.append(one)
    found = Report(
        session_id=itinerary.session_id,
        end=End(reason=Ended(itinerary.reason), sentence=itinerary.end),
        settled=tuple(settled),
        plan=Plan(ready=()),
        seconds=bench.monotonic() - started,
    )
    bench.tell(Happening.SESSION_ENDED, found.end.sentence, step=found.end.reason, usage=found.usage)
    return found


def _ended(bench: Bench, leg: Leg, seen: Seen) -> Settled | None:
    """How this run's attempt at a task ended; one that did not is ended now. None if its record tells of others."""
    record = seen.record
    if leg.holds(record):
        attempts = Attempts(burned=record.burned, allowed=bench.terms.max_attempts, now=bench.now())
        released = reaped(record, verdicts.died(attempts), now=bench.now())
        try:
            record = bench.world.ledger.write(released, over=seen).record
        except LeaseLost:
            return None
        with suppress(AutorunError):  # the next run shows it
            bench.world.tasks.show(leg.task, record)
    number = len(leg.before.attempts) + 1 if leg.before else 1
    if record.holder is not None or len(record.attempts) != number or record.outcome is None:
        return None
    last = record.attempts[-1]
    return Settled(task=leg.task, outcome=record.outcome, usage=replace(last.usage, cost_usd=last.charged_usd))
