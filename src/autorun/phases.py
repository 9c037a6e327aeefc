"""The line cut into jobs with permissions of their own: what comes after the plan is execute, publish, report.

Between them lies the hand-over. Executing works the planned tasks without any right to write, publishing believes
nothing it is handed, and reporting settles whatever was left.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from autorun.claim import Hold
from autorun.core import verdicts
from autorun.core.budget import Spent
from autorun.core.checks import Comparison
from autorun.core.errors import AutorunError, HandoverRefused, LeaseLost, ResumeRefused
from autorun.core.handover import NOT_STARTED, Itinerary, Leg, Result, believed, charged, refused
from autorun.core.journal import Happening
from autorun.core.ledger import Seen
from autorun.core.model import AgentSession, Backlog, Outcome, Reason, Statement, TaskState, Usage
from autorun.core.planning import Plan
from autorun.core.record import Record, reaped
from autorun.core.verdicts import Attempts, Repair
from autorun.evidence import Evidence, judged_by_policy
from autorun.frozen import FrozenShelf, FrozenWorkspaces
from autorun.pipeline import Settled, Step, published, walk, work
from autorun.reconcile import reconcile
from autorun.session import End, Ended, Report
from autorun.terms import Bench

_CLOSED = frozenset({TaskState.DONE, TaskState.CANCELLED})
_HANDED_OVER = Outcome(
    state=TaskState.IN_REVIEW, reason=Reason.PUBLISHED, sentence="The work holds; it is handed over for publication."
)

# Gives a task's result and its bundle, None if there is none; raises HandoverRefused.
Take = Callable[[Leg], tuple[Result, bytes] | None]
# Puts a bundle's objects into our repository and returns the tree of its commit on the result's base; raises as well.
Unpack = Callable[[Result, bytes], str]


# ------------ execute


@dataclass(slots=True)
class _Delivery:
    """What a runner hands over of work that holds."""

    statement: Statement | None = None
    evidence: Evidence | None = None
    session: AgentSession | None = None
    base: str = ""
    head: str = ""

    def deliver(
        self, bench: Bench, hold: Hold, before: Record | None, statement: Statement, evidence: Evidence
    ) -> Iterator[Step]:
        del before
        self.base = evidence.change.base
        self.head = bench.world.changes.commit(evidence.change, parent=self.base, message=f"Work on {hold.task.id}")
        self.statement, self.evidence, self.session = statement, evidence, hold.session
        yield Step(name="publish", doing=_HANDED_OVER.sentence, outcome=_HANDED_OVER)


def execute(bench: Bench, leg: Leg, hand_over: Callable[[Result], None], keep: Callable[[], str]) -> Settled:
    """Work one task with a ledger that goes nowhere, and hand over what came of it, whatever that is.

    `keep` lays by what a next run can go on from, and returns the SHA-256 of the list of its files.
    """
    delivery = _Delivery()
    world = replace(
        bench.world,
        workspaces=FrozenWorkspaces(inner=bench.world.workspaces, commit=leg.base),
        shelf=FrozenShelf(inner=bench.world.shelf, commits=leg.bases),
    )
    over = Seen(commit="", record=leg.before) if leg.before else None
    spent = Spent(usd_task=leg.before.charged_usd if leg.before else 0.0)
    at_work = replace(bench, world=world)
    try:
        return work(at_work, Hold.take(at_work, leg.task, over, spent), leg.before, delivery.deliver)
    finally:
        result = _result(bench, leg, delivery)
        hand_over(result)  # first: what is kept is a bonus, and packing it takes its time
        if (base := _shelved(bench, leg, result)) and (kept := keep()):
            hand_over(replace(result, kept=kept, base=base))


def _result(bench: Bench, leg: Leg, delivery: _Delivery) -> Result:
    trail = bench.world.ledger.trail(leg.task.id)
    record = trail[-1].record if trail else None
    settled = record is not None and record.holder is None
    outcome = record.outcome if record and record.outcome and settled else NOT_STARTED
    usage = record.attempts[-1].usage if record else Usage()
    handed = outcome.state is TaskState.IN_REVIEW and delivery.evidence is not None
    return Result(
        task=leg.task.id,
        nonce=leg.nonce,
        usage=usage,
        outcome=outcome,
        session=delivery.session if handed else record.session if record else None,
        statement=delivery.statement if handed else None,
        checks=delivery.evidence.checks if handed and delivery.evidence else Comparison(),
        head=delivery.head if handed else "",
        base=delivery.base if handed else "",
        cost_estimated=bench.terms.cost_estimated,
    )


def _shelved(bench: Bench, leg: Leg, result: Result) -> str:
    """Return the commit that this attempt's work on the shelf starts from; empty if nobody can go on from there."""
    shelf = bench.world.shelf
    fence = leg.before.fence + 1 if leg.before else 1
    with suppress(ResumeRefused, OSError):
        found, patch = shelf.take(leg.task.id) or (None, b"")
        if result.session is None or found is None or found.base not in leg.bases:
            return ""
        if found.fence == fence - 1 and result.usage == Usage():  # no agent began: it is as it was
            found = replace(found, fence=fence)
            shelf.put(found, patch)
        return found.base if found.fence == fence else ""
    return ""


# ------------ publish


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
        if seen is None or not _ours(seen.record, leg):
            bench.tell(Happening.WARNING, f"{leg.task.id} is not claimed by this run any more", task=leg.task)
            continue
        hold = _held(bench, leg, seen)
        try:
            done.append(walk(bench, hold, _guarded(hold, _publication(hold, itinerary, leg, take, unpack))))
        except LeaseLost as error:
            bench.tell(Happening.WARNING, f"{leg.task.id} is left to another runner: {error}", task=leg.task)
    return tuple(done)


def _ours(record: Record, leg: Leg) -> bool:
    return record.holder is not None and record.holder.nonce == leg.nonce


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
    hold.cost_estimated = result.cost_estimated
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


# ------------ report


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
    if _ours(record, leg):
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
