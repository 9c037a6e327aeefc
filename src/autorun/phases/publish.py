"""Phase publish: what runners handed over is published or settled, and nothing of it is believed that can be seen."""

from collections.abc import Callable, Iterator

from autorun.claim import Hold
from autorun.core import verdicts
from autorun.core.errors import HandoverRefused, LeaseLost
from autorun.core.ledger import Seen
from autorun.core.ledger.handover import Itinerary, Leg, Result, believed, charged, refused
from autorun.core.model import Backlog, TaskState, Usage
from autorun.core.money.budget import Spent
from autorun.core.report.journal import Happening
from autorun.core.verdicts import Repair
from autorun.evidence import Evidence, judged_by_policy
from autorun.pipeline import Settled, Step, published, walk
from autorun.reconcile import reconcile
from autorun.terms import Bench

_CLOSED = frozenset({TaskState.DONE, TaskState.CANCELLED})

# Gives a task's result and its bundle, None if there is none; raises HandoverRefused.
Take = Callable[[Leg], tuple[Result, bytes] | None]
# Puts a bundle's objects into our repository and returns the tree of its commit on the result's base; raises as well.
Unpack = Callable[[Result, bytes], str]


def publish(
    bench: Bench, itinerary: Itinerary, take: Take, unpack: Unpack, *, only: tuple[str, ...] = ()
) -> tuple[Settled, ...]:
    """Publish or settle what the runners handed over, as long as this run has the claim; `only` names tasks by key.

    Raises AutorunError when nothing can be published at all.
    """
    history = reconcile(bench, Backlog(tasks=()), bench.world.ledger.history())
    done = []
    for leg in itinerary.legs:
        if only and leg.task.id.key not in only:
            continue
        seen = history.seen.get(leg.task.id)
        if seen is None or not leg.holds(seen.record):
            bench.tell(Happening.WARNING, f"{leg.task.id} is not claimed by this run any more", task=leg.task)
            continue
        hold = _held(bench, leg, seen)
        try:
            done.append(walk(bench, hold, _guarded(hold, _publication(hold, itinerary, leg, take, unpack))))
        except LeaseLost as error:
            bench.tell(Happening.WARNING, f"{leg.task.id} is left to another runner: {error}", task=leg.task)
    return tuple(done)


def _held(bench: Bench, leg: Leg, seen: Seen) -> Hold:
    """Hold the claim that the plan took; until something else is believed, its whole reservation is spent."""
    now = bench.monotonic()
    reserved = seen.record.attempts[-1].charged_usd
    return Hold(
        bench=bench,
        task=leg.task,
        spent=Spent(),
        seen=seen,
        started=now,
        tried_at=now,
        looked_at=now,
        written_at=bench.now(),
        usage=Usage(cost_usd=reserved),
    )


def _guarded(hold: Hold, steps: Iterator[Step]) -> Iterator[Step]:
    try:
        yield from steps
    except HandoverRefused as error:
        outcome = refused(str(error), hold.attempts)
        yield Step(name="publish", doing=outcome.sentence, outcome=outcome)


def _publication(hold: Hold, itinerary: Itinerary, leg: Leg, take: Take, unpack: Unpack) -> Iterator[Step]:
    """Look at everything again; what cannot be seen again is believed only where it does no harm."""
    bench = hold.bench
    handed = take(leg)
    if handed is None:
        raise HandoverRefused("there is nothing")
    result, bundle = handed
    if result.statement is None:
        outcome = believed(result.outcome, hold.attempts)
        _take_over(hold, itinerary, leg, result)
        yield Step(name="publish", doing=outcome.sentence, outcome=outcome)
        return
    change = bench.world.changes.change(result.base, unpack(result, bundle))
    _refuse_unchecked(bench, hold, result)
    _take_over(hold, itinerary, leg, result)
    if (now := bench.world.tasks.refresh(leg.task)).state in _CLOSED:
        outcome = verdicts.withdrawn(now)
        yield Step(name="publish", doing=outcome.sentence, outcome=outcome)
        return
    findings = judged_by_policy(bench, change, result.statement)
    verdict = verdicts.on_change(change, findings, result.statement)
    if isinstance(verdict, Repair):
        yield Step(name="publish", doing=verdict.otherwise.sentence, outcome=verdict.otherwise)
        return
    evidence = Evidence(change=change, findings=findings, checks=result.checks)
    yield from published(bench, hold, leg.before, result.statement, evidence)


def _take_over(hold: Hold, itinerary: Itinerary, leg: Leg, result: Result) -> None:
    """Believe what a result says of cost, conversation and what the next run can go on from."""
    hold.usage = charged(result.usage, leg.budget_usd)
    if result.session and result.session.backend == hold.bench.terms.backend:
        hold.session, hold.kept = result.session, itinerary.kept(leg, result)


def _refuse_unchecked(bench: Bench, hold: Hold, result: Result) -> None:
    """Refuse work that was not checked by the configured commands, or that they speak against."""
    if [each.run for each in result.checks.checks] != [check.run for check in bench.terms.verify]:
        raise HandoverRefused("it was not checked by the commands that are configured")
    if verdicts.on_checks(result.checks, hold.attempts, pauses=True):
        raise HandoverRefused("its checks speak against it")
