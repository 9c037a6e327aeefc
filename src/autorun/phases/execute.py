"""Phase execute: one planned task is worked without any right to write, and what came of it is handed over."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from autorun.claim import Hold
from autorun.core.checks import Comparison
from autorun.core.errors import ResumeRefused
from autorun.core.ledger import Seen
from autorun.core.ledger.handover import NOT_STARTED, Leg, Result
from autorun.core.ledger.record import Record
from autorun.core.model import AgentSession, Outcome, Reason, Statement, TaskState, Usage
from autorun.core.money.budget import Spent
from autorun.evidence import Evidence
from autorun.phases.frozen import FrozenShelf, FrozenWorkspaces
from autorun.pipeline import Settled, Step, work
from autorun.terms import Bench

_HANDED_OVER = Outcome(
    state=TaskState.IN_REVIEW, reason=Reason.PUBLISHED, sentence="The work holds; it is handed over for publication."
)


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
    )


def _shelved(bench: Bench, leg: Leg, result: Result) -> str:
    """Return the commit that this attempt's work on the shelf starts from; empty if nobody can go on from there."""
    shelf = bench.world.shelf
    fence = leg.before.fence + 1 if leg.before else 1
    with suppress(ResumeRefused, OSError):
        found, patch = shelf.take(leg.task.id) or (None, b"")
        if result.session is None or found is None or found.base not in leg.bases:
            return ""
        if found.fence == fence - 1 and result.usage.turns == 0:  # no agent began: it is as it was
            found = replace(found, fence=fence)
            shelf.put(found, patch)
        return found.base if found.fence == fence else ""
    return ""
