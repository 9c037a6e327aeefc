"""One session: reconcile, plan, work tasks until the backlog is empty or a limit is met, report."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from autorun.claim import Hold
from autorun.core.errors import AgentUnavailable, ConfigurationError, LeaseLost
from autorun.core.ledger import History, Seen
from autorun.core.model import Backlog, Reason, StopReason, TaskId, TaskState, Usage
from autorun.core.money.budget import Spent, session_limit
from autorun.core.planning import Plan, plan
from autorun.core.report.journal import Happening
from autorun.core.text.suggest import task_hint
from autorun.pipeline import Settled, work
from autorun.reconcile import reconcile
from autorun.terms import Bench


class Ended(StrEnum):
    """Why a session ended."""

    EMPTY = "empty"
    LIMIT = "limit"
    CHECKPOINT = "checkpoint"
    SIGNAL = "signal"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Why a session ended, as a word and a sentence; `remedy` names what a user can change about it.

    `exit_code` is that of the failure that ended it, 0 for every other end.
    """

    reason: Ended
    sentence: str
    remedy: str = ""
    stopped_by: StopReason | None = None
    exit_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a session did, task by task, what it left and why, and why it ended."""

    session_id: str
    end: End
    settled: tuple[Settled, ...]
    plan: Plan
    seconds: float

    @property
    def usage(self) -> Usage:
        """What all tasks of the session consumed."""
        return sum((one.usage for one in self.settled), Usage())

    def count(self, *states: TaskState) -> int:
        """How many tasks of the session ended in one of `states`."""
        return sum(one.outcome.state in states for one in self.settled)


# A task that ended for one of these reasons would take the next one with it.
_CONTAGIOUS = {
    Reason.SERVICE: Ended.ERROR,
    Reason.UNAUTHORISED: Ended.ERROR,
    Reason.USAGE_WINDOW: Ended.LIMIT,
    Reason.SESSION_LIMIT: Ended.LIMIT,
}
_STOPPED = {
    StopReason.SIGINT: "Interrupted from the keyboard",
    StopReason.SIGTERM: "Asked to end by a signal",
    StopReason.DEADLINE: "The time of this run is used up",
    StopReason.ASKED: "Asked to stop by `autorun stop`",
    StopReason.LEASE_LOST: "Another runner took over",
    StopReason.TASK_WITHDRAWN: "The task was withdrawn",
    StopReason.CREDENTIAL: "The token of this run is about to expire",
}
_LIMITS = frozenset({StopReason.DEADLINE, StopReason.CREDENTIAL})
_REMEDIES = {
    StopReason.CREDENTIAL: "Give it a token that lives longer, or lower `autonomous.minutes_per_session`.",
}
_CLOSED = frozenset({TaskState.DONE, TaskState.CANCELLED})
_DAY = timedelta(days=1)
_RACES = 3  # lost over one task before it is left to whoever wins them


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a session sees when it looks: the backlog, the records, and what is to be done by them."""

    backlog: Backlog
    history: History
    plan: Plan


@dataclass(slots=True, kw_only=True)
class Session:
    """A session at a bench. `only` names tasks by key, empty is all of them; `pause` is seconds between tasks.

    `before` is what counts against the limits already: what earlier runs of a resumed session consumed.
    """

    bench: Bench
    only: tuple[str, ...] = ()
    pause: float = 0.0
    before: Spent = field(default_factory=Spent)
    done: list[Settled] = field(default_factory=list)

    def run(self) -> Report:
        """Work until the backlog is empty or something ends the session, and say what. Raises AutorunError."""
        bench = self.bench
        started = bench.monotonic()
        view = self.look()
        if view.plan.ready:
            bench.tell(Happening.SESSION_STARTED, bench.world.agent.ready())
        end = self._work_through(view, started)
        report = Report(
            session_id=bench.terms.session_id,
            end=end,
            settled=tuple(self.done),
            plan=view.plan,
            seconds=bench.monotonic() - started,
        )
        bench.tell(Happening.SESSION_ENDED, end.sentence, step=end.reason, usage=report.usage)
        return report

    def look(self) -> View:
        """Read backlog and records, reconcile them, and plan."""
        bench = self.bench
        backlog = bench.world.tasks.backlog()
        known = {task.id.key for task in backlog.tasks}
        if missing := [key for key in self.only if key not in known]:
            raise ConfigurationError(f"there is no task {', '.join(missing)}", hint=task_hint(missing[0], known))
        view = self._view(backlog, reconcile(bench, backlog, bench.world.ledger.history()))
        for fault in view.plan.faults:
            bench.tell(Happening.WARNING, f"{fault.place}: {fault.reason}")
        for skip in view.plan.skipped:
            if skip.state not in _CLOSED and (not self.only or skip.task.id.key in self.only):
                bench.tell(Happening.TASK_SKIPPED, str(skip), task=skip.task)
        bench.tell(Happening.PLANNED, f"{len(view.plan.ready)} to do, {len(view.plan.skipped)} skipped")
        return view

    def _view(self, backlog: Backlog, history: History) -> View:
        bench = self.bench
        today = plan(
            backlog,
            history,
            now=bench.now(),
            max_attempts=bench.terms.max_attempts,
            only=self.only,
            dead=bench.world.liveness.dead,
            grace=bench.terms.grace,
        )
        return View(backlog=backlog, history=history, plan=today)

    def _work_through(self, view: View, started: float) -> End:
        bench = self.bench
        nothing = view.plan.nothing
        queue = list(view.plan.ready)
        begun: set[TaskId] = set()
        lost: Counter[TaskId] = Counter()
        while queue:
            task = queue.pop(0)
            over = view.history.seen.get(task.id)
            spent = self.spent(view.history, bench.monotonic() - started, over)
            if end := self._must_end(spent):
                return end
            try:
                hold = Hold.take(bench, task, over, spent)
            except LeaseLost:
                lost[task.id] += 1
                view = self._view(view.backlog, bench.world.ledger.history())
                self._tell_dropped(view, {task.id, *(one.id for one in queue)})
                queue = [one for one in view.plan.ready if one.id not in begun and lost[one.id] < _RACES]
                continue
            begun.add(task.id)
            try:
                settled = work(bench, hold, over.record if over else None)
            except LeaseLost as error:
                bench.tell(Happening.WARNING, f"{task.id} is left to another runner: {error}", task=task)
                continue
            finally:
                view = replace(view, history=view.history.after(hold.seen))
            self.done.append(settled)
            if end := _contagious(settled):
                return end
            if self.pause and queue:
                bench.wait(self.pause, bench.closing)
        return self._interrupted() or End(reason=Ended.EMPTY, sentence=nothing or "No more tasks available")

    def _tell_dropped(self, view: View, queued: set[TaskId]) -> None:
        """Say of tasks that were to be done what other runners have made of them."""
        for skip in view.plan.skipped:
            if skip.task.id in queued:
                self.bench.tell(Happening.TASK_SKIPPED, str(skip), task=skip.task)

    def _must_end(self, spent: Spent) -> End | None:
        if end := self._interrupted():
            return end
        if reached := session_limit(self.bench.terms.budget, spent):
            return End(reason=Ended.LIMIT, sentence=reached.sentence, remedy=reached.remedy)
        return None

    def _interrupted(self) -> End | None:
        reason = self.bench.closing()
        if reason is None:
            return None
        ended = Ended.LIMIT if reason in _LIMITS else Ended.SIGNAL
        return End(reason=ended, sentence=_STOPPED[reason], remedy=_REMEDIES.get(reason, ""), stopped_by=reason)

    def spent(self, history: History, seconds: float = 0.0, over: Seen | None = None) -> Spent:
        """Return what counts against the limits after `seconds`, when the task seen as `over` is next.

        `history` has this session's own records, too.
        """
        yesterday = self.bench.now() - _DAY
        return Spent(
            tasks=self.before.tasks + len(self.done),
            seconds=self.before.seconds + seconds,
            usd=self.before.usd + sum(one.usage.cost_usd for one in self.done),
            usd_today=sum(seen.record.charged_since(yesterday) for seen in history.seen.values()),
            usd_task=over.record.charged_usd if over else 0.0,
            unreadable=len(history.faults),
        )


def _contagious(settled: Settled) -> End | None:
    """How the session ends if what befell a task would befall the next one, too."""
    ended = _CONTAGIOUS.get(settled.outcome.reason)
    if ended is None:
        return None
    code = settled.exit_code or AgentUnavailable.exit_code if ended is Ended.ERROR else 0
    return End(reason=ended, sentence=settled.outcome.sentence, remedy=settled.outcome.remedy, exit_code=code)
