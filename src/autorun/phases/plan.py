"""The plan of a split run: its tasks are claimed, their text is frozen, the money is dealt out among them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from autorun.claim import Hold, still_open
from autorun.core import verdicts
from autorun.core.errors import AutorunError, LeaseLost
from autorun.core.ledger import History, Seen
from autorun.core.ledger.handover import MATRIX_LIMIT, NOT_STARTED, Itinerary, Leg, shares
from autorun.core.ledger.record import Holder, Record
from autorun.core.model import Task, TaskState, Usage
from autorun.core.money.budget import Budget, Spent, session_limit
from autorun.core.report.journal import Happening
from autorun.pipeline import broken_off, start_of
from autorun.session import Ended, Session
from autorun.terms import Bench

_LEG_HOURS = 6.0  # a hosted runner's longest job
_QUEUE = timedelta(hours=24)  # how long GitHub lets a job wait for a runner
_MARGIN = timedelta(hours=1)
_LONGEST = timedelta(days=35)  # a run's longest life
_CLOSED = frozenset({TaskState.DONE, TaskState.CANCELLED})


def plan(session: Session, keep: Callable[[Itinerary], object]) -> Itinerary:
    """Claim what this run will work, each task with its share of the money, and `keep` the plan.

    If that breaks off nothing stays claimed. Raises AutorunError, and what `keep` raises.
    """
    bench = session.bench
    view = session.look()
    today, history = view.plan, view.history
    spent = session.spent(history)
    limit = session_limit(bench.terms.budget, spent)
    wanted = () if limit else today.ready[: min(_tasks_left(bench.terms.budget, spent), MATRIX_LIMIT)]
    dealt = _dealt(bench, wanted, history, spent)
    left = len(today.ready) - len(dealt)
    reached = limit.sentence if limit else f"{left} more tasks wait for the next run" if left else ""
    found = Itinerary(
        session_id=bench.terms.session_id,
        run_id=bench.terms.holder.run_id,
        run_attempt=bench.terms.holder.run_attempt,
        base_branch=bench.terms.base_branch,
        reason=Ended.LIMIT if reached else Ended.EMPTY,
        end=reached or today.nothing or "No more tasks available",
        notes=tuple(str(skip) for skip in today.skipped if skip.state not in _CLOSED),
    )
    chosen = [(task, history.seen.get(task.id), usd) for task, usd in zip(wanted, dealt, strict=False)]
    with _claimed(bench, chosen) as legs:
        found = replace(found, legs=legs)
        keep(found)
    return found


def _tasks_left(budget: Budget, spent: Spent) -> int:
    return MATRIX_LIMIT if budget.tasks_per_session is None else budget.tasks_per_session - spent.tasks


def _dealt(bench: Bench, tasks: tuple[Task, ...], history: History, spent: Spent) -> list[float | None]:
    budget = bench.terms.budget
    limits = [(budget.usd_per_session, spent.usd), (budget.usd_per_day, spent.usd_today)]
    left = [limit - used for limit, used in limits if limit is not None]
    earlier = (history.seen[task.id].record.charged_usd if task.id in history.seen else 0.0 for task in tasks)
    each = budget.usd_per_task
    wanted = [None if each is None else max(each - usd, 0.0) for usd in earlier]
    return shares(min(left) if left else None, wanted, bench.terms.reserve_usd)


@contextmanager
def _claimed(bench: Bench, wanted: list[tuple[Task, Seen | None, float | None]]) -> Iterator[tuple[Leg, ...]]:
    """Claim task by task; if that or the block breaks off, nothing stays claimed."""
    lease = _lease(bench.terms.budget, len(wanted), hosted=bool(bench.terms.holder.run_id))
    held: list[tuple[Hold, Leg]] = []
    try:
        for task, over, usd in wanted:
            if leg := _leg(_for_the_run(bench, lease, usd), task, over, usd):
                held.append(leg)
        yield tuple(leg for _, leg in held)
    except BaseException:
        for hold, _ in held:
            hold.settle(NOT_STARTED)
        raise


def _for_the_run(bench: Bench, lease: timedelta, usd: float | None) -> Bench:
    """The run holds the claims, not this process, which ends long before."""
    terms = bench.terms
    holder = Holder(nonce="", run_id=terms.holder.run_id, run_attempt=terms.holder.run_attempt)
    reserve = terms.reserve_usd if usd is None else usd
    return replace(bench, terms=replace(terms, holder=holder, lease=lease, reserve_usd=reserve))


def _lease(budget: Budget, tasks: int, *, hosted: bool) -> timedelta:
    """Return how long a run of so many tasks can last if its runners work one after the other."""
    minutes = min(budget.minutes_per_task or _LEG_HOURS * 60, _LEG_HOURS * 60)
    leg = timedelta(minutes=2 * minutes)  # set-up and checks take their time, too
    return min(tasks * leg + _MARGIN + (_QUEUE if hosted else timedelta()), _LONGEST)


def _leg(bench: Bench, task: Task, over: Seen | None, usd: float | None) -> tuple[Hold, Leg] | None:
    """Claim one task and freeze its text; None if another runner has it, or it is no longer to be done."""
    try:
        return _frozen(Hold.take(bench, task, over, Spent()), over.record if over else None, usd)
    except LeaseLost as error:
        bench.tell(Happening.WARNING, f"{task.id} is left to another runner: {error}", task=task)
        return None


def _frozen(hold: Hold, before: Record | None, usd: float | None) -> tuple[Hold, Leg] | None:
    """Freeze the text of a task just claimed. Raises LeaseLost if this process slept until another took it over."""
    bench, listed = hold.bench, hold.task
    try:
        hold.task = bench.world.tasks.refresh(listed)
        base = start_of(bench, before)
    except AutorunError as error:
        outcome = broken_off(error, hold)
    else:
        if still_open(hold.task, listed):
            hold.show()
            assert hold.record.holder is not None
            bench.tell(Happening.STEP, "claimed for this run", task=listed, step="claim")
            return hold, Leg(
                task=hold.task,
                before=before,
                claim=hold.seen.commit,
                nonce=hold.record.holder.nonce,
                base=base,
                budget_usd=usd,
            )
        outcome = verdicts.withdrawn(hold.task)
    hold.settle(outcome)
    bench.tell(Happening.TASK_ENDED, outcome.sentence, task=listed, outcome=outcome, usage=Usage())
    return None
