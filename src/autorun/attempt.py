"""One attempt at a task: the agent is told, works, is checked and told again, until a verdict stands."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from autorun.claim import Hold
from autorun.core import verdicts
from autorun.core.agent import briefing
from autorun.core.checkpoints import Choice, Decision, Point, Question
from autorun.core.errors import AutorunError, Interrupted, LeaseLost, ResumeRefused
from autorun.core.ledger.record import Record
from autorun.core.ledger.unfinished import Unfinished, files_alone
from autorun.core.model import (
    AgentResult,
    AnswerKind,
    Assignment,
    CheckResult,
    Ending,
    Outcome,
    Reason,
    Statement,
    TaskState,
    Workspace,
)
from autorun.core.money.budget import Reached, beyond_task, stretch_limits
from autorun.core.report.journal import Happening
from autorun.core.text.loglines import one_line
from autorun.core.verdicts import Publish, Repair, Stop
from autorun.evidence import Evidence, Judged, baseline, look

# Seconds to wait before the agent is let loose again on a service that failed.
_PATIENCE = (10, 30, 60, 120, 240)
_PASSING = frozenset({Ending.API_DOWN, Ending.RATE_LIMITED})
_WORK_BYTES = 256 * 1024 * 1024
_HAND_OVERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What the attempt leaves to the steps after it."""

    verdict: Publish | Stop
    evidence: Evidence


@dataclass(slots=True, kw_only=True)
class Attempt:
    """An attempt in a workspace.

    `tree` is the base with all that the agent, and only the agent, changed; `before` the workspace as it was when the
    agent was let loose. `passed` are the checkpoints a human let it pass, `stopped_at` the one that waits for one.
    `saved`: what an earlier stretch of it did lies on the shelf.
    """

    hold: Hold
    workspace: Workspace
    earlier: Record | None = None
    tree: str = ""
    before: str = ""
    baseline: tuple[CheckResult, ...] = ()
    repairs_left: int = 0
    hand_overs_left: int = _HAND_OVERS
    planning: bool = False
    statement: Statement | None = None
    stopped_at: Point | None = None
    passed: set[Point] = field(default_factory=set)
    saved: bool = False

    def run(self, resumed: Unfinished | None, patch: bytes) -> Worked:
        """Work until the evidence holds or nothing is left to try; `resumed` and `patch` are an earlier attempt's."""
        bench, changes = self.hold.bench, self.hold.bench.world.changes
        self.baseline = baseline(self.hold, self.workspace)
        self.before = changes.snapshot(self.workspace)
        self.tree = f"{self.workspace.base}^{{tree}}"
        self.repairs_left = bench.terms.max_repairs
        message = self._opening(resumed, patch)
        with suppress(OSError):  # for people; the work does not need it
            bench.world.shelf.note(self.hold.task.id, "brief.md", message)
        while True:
            judged = self._judged(self._stretch(message)) if message else self._looked()
            following = self._following(judged)
            if not isinstance(following, str):
                return Worked(verdict=following, evidence=judged.evidence)
            message = following
            self.before = changes.snapshot(self.workspace)  # what the checks left behind is not the agent's doing

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what is unfinished for the next attempt, however the block ends.

        What was published is cleared later. Before the agent is let loose there is nothing new, and what an earlier
        attempt saved stays.
        """
        try:
            yield
        finally:
            if self.before and not self.hold.lost:
                with suppress(AutorunError, OSError):  # else what was taken before is kept
                    self._take_changes()
                self._keep()

    def _keep(self, *, files_only: bool = False) -> None:
        """Put where the attempt stands, and its work as a patch, on the shelf."""
        bench = self.hold.bench
        changes = bench.world.changes
        found = Unfinished(
            task=self.hold.task.id,
            fence=self.hold.record.fence,
            base=self.workspace.base,
            session=self.hold.session,
            stopped_at=self.stopped_at,
            statement=self.statement,
            passed=tuple(sorted(self.passed)),
        )
        if files_only:
            found = files_alone(found)
        with suppress(AutorunError, OSError):  # a bonus: losing it costs the resume
            change = changes.change(self.workspace.base, self.tree)
            bench.world.shelf.put(found, changes.patch(change, max_bytes=_WORK_BYTES, whole=True))

    # ------------ telling

    def _opening(self, resumed: Unfinished | None, patch: bytes) -> str:
        """The first message; empty when a human approved what an earlier attempt was about to publish."""
        answer = self.hold.task.answer
        self.hold.session, note = None, ""
        if resumed is not None and self._restored(patch):
            self.hold.session, self.statement, note = resumed.session, resumed.statement, resumed.note
            self.passed |= set(resumed.passed)
            if answer is not None and answer.kind is AnswerKind.APPROVE and resumed.stopped_at is not None:
                self.passed.add(resumed.stopped_at)
                if resumed.stopped_at is Point.PUBLICATION and self.statement is not None and not answer.text:
                    return ""
            if self.hold.session is not None:
                changed = self.earlier is not None and self.earlier.revision != self.hold.task.revision
                return briefing.next_message(self.hold.task, nonce=self.hold.bench.nonce(), changed=changed)
        self.planning = self._asks(Point.PLAN)
        return self._first_message(note)

    def _restored(self, patch: bytes) -> bool:
        bench = self.hold.bench
        try:
            bench.world.changes.restore(self.workspace, patch)
        except ResumeRefused as error:
            bench.tell(Happening.WARNING, f"{error} The task starts afresh.", task=self.hold.task)
            return False
        return True

    def _first_message(self, note: str = "") -> str:
        bench = self.hold.bench
        return briefing.first_message(
            self.hold.task,
            nonce=bench.nonce(),
            checks=bench.terms.verify,
            last=self.earlier.outcome if self.earlier else None,
            hand_over=note,
            planning=self.planning,
        )

    def _following(self, judged: Judged) -> str | Publish | Stop:
        """What comes after a verdict: the agent's next message, or the end."""
        verdict = judged.verdict
        if isinstance(verdict, Repair) and self.repairs_left > 0:
            self.repairs_left -= 1
            text = f"back to the agent: {one_line(verdict.feedback, 200)}"
            self.hold.bench.tell(Happening.STEP, text, task=self.hold.task, step="repair")
            return verdict.feedback
        if isinstance(verdict, Publish):
            if not self._asks(Point.PUBLICATION):
                return verdict
            waiting = verdicts.waiting(Point.PUBLICATION)
            decision = self._ask(Point.PUBLICATION, waiting, verdict.statement.body or verdict.statement.summary)
            if decision is not None and decision.choice is Choice.APPROVE and not decision.guidance:
                return verdict
            return self._after(decision, waiting)
        outcome = verdict.otherwise if isinstance(verdict, Repair) else verdict.outcome
        if verdict.point is None or not self._asks(verdict.point):
            return Stop(outcome=outcome)
        return self._after(self._ask(verdict.point, outcome, self._said()), outcome)

    # ------------ asking

    def _asks(self, point: Point) -> bool:
        return self.hold.bench.terms.checkpoints.asks(point) and point not in self.passed

    def _ask(self, point: Point, outcome: Outcome, details: str) -> Decision | None:
        self.stopped_at = point
        task = self.hold.task
        self.hold.bench.tell(Happening.ASKING, outcome.sentence, task=task, step=point)
        return self.hold.bench.world.human.ask(
            Question(
                point=point,
                task=task.id,
                title=task.title,
                sentence=outcome.sentence,
                details=details,
                blockers=outcome.blockers,
            )
        )

    def _after(self, decision: Decision | None, outcome: Outcome) -> str | Stop:
        """Go on as a human decided; silence leaves the task with `outcome`, to be answered later."""
        if decision is None:
            return Stop(outcome=outcome)
        if decision.choice in {Choice.SKIP, Choice.STOP}:
            return Stop(outcome=verdicts.put_aside(outcome))
        if decision.choice is Choice.APPROVE and self.stopped_at in {Point.PLAN, Point.PUBLICATION}:
            self.passed.add(self.stopped_at)
        self.planning = self.planning and self._asks(Point.PLAN)
        self.stopped_at = None
        self.repairs_left = self.hold.bench.terms.max_repairs
        return briefing.guided(decision.guidance)

    def _said(self) -> str:
        return self.statement.summary if self.statement else ""

    # ------------ working

    def _stretch(self, message: str) -> AgentResult:
        """One stretch of agent work; an outage of the model's service is waited out, a full context handed over."""
        bench, waits = self.hold.bench, list(_PATIENCE)
        while True:
            result = self._go(message)
            if result.ending is Ending.CONTEXT_HIGH and self.hand_overs_left and not self.hold.stop():
                self.hand_overs_left -= 1
                message = self._handed_over()
            elif result.ending in _PASSING and waits and not self.hold.stop():
                seconds = waits.pop(0)
                bench.tell(Happening.WARNING, f"{result.sentence} Trying again in {seconds} s.", task=self.hold.task)
                bench.wait(seconds, self.hold.stop)
            else:
                return result

    def _handed_over(self) -> str:
        """Let the agent write down what a successor needs, and return the message that opens its conversation."""
        bench = self.hold.bench
        bench.tell(Happening.STEP, "The context is nearly full: handing over", task=self.hold.task, step="agent")
        note = self._go(briefing.HAND_OVER, unbounded_context=True).statement
        self.hold.session = None
        return self._first_message(
            note.summary if note else "The predecessor left no note; its work is in the folder."
        )

    def _go(self, message: str, *, unbounded_context: bool = False) -> AgentResult:
        """One go of the agent within what is left of every limit, booked whatever came of it."""
        hold, terms = self.hold, self.hold.bench.terms
        watches_context = terms.checkpoints.on_context_high and not unbounded_context
        limits = stretch_limits(
            terms.budget,
            hold.spent,
            hold.usage,
            hold.seconds,
            context_window=terms.context_window if watches_context else None,
            turns=terms.checkpoints.turns,
        )
        assignment = Assignment(
            task=hold.task.id,
            prompt=message,
            system=terms.standing_orders,
            workspace=self.workspace,
            folder=hold.folder,
            limits=limits,
            session=hold.session,
        )
        if self.saved:  # who is cut off from here on has taken the conversation further
            self._keep(files_only=True)
        hold.running = True
        result = hold.bench.world.agent.work(assignment, stop=hold.stop, watch=hold.watch)
        hold.spend(result.usage)
        hold.session = result.session or hold.session
        for text in result.blocked:
            hold.bench.tell(Happening.WARNING, text, task=hold.task)
        hold.blocked += result.blocked
        if hold.lost:
            raise LeaseLost(f"{hold.task.id} was taken over by another runner; nothing of this attempt is published")
        self._take_changes()
        self._keep()  # checks may take long, and the runner may be killed over them
        self.saved = True
        return result

    def _take_changes(self) -> None:
        changes = self.hold.bench.world.changes
        after = changes.snapshot(self.workspace)
        self.tree = changes.overlay(self.tree, self.before, after)
        self.before = after

    # ------------ judging

    def _judged(self, result: AgentResult) -> Judged:
        self.statement = result.statement
        if result.ending is Ending.STOPPED:
            raise Interrupted(result.sentence or "The run was asked to end.")
        verdict = verdicts.on_result(result, self.hold.attempts)
        if self.planning and result.statement is not None:
            verdict = Stop(outcome=verdicts.waiting(Point.PLAN), point=Point.PLAN)
        elif reached := self._session_limit(result):
            outcome = Outcome(
                state=TaskState.TODO,
                reason=Reason.SESSION_LIMIT,
                sentence=f"{reached.sentence}; the task goes on in the next session.",
                remedy=reached.remedy,
            )
            verdict = Stop(outcome=outcome)
        elif result.ending is Ending.TURN_LIMIT and not self._turns_used_up():
            verdict = Stop(outcome=verdicts.waiting(Point.TURNS), point=Point.TURNS)
        if verdict is None:
            return self._looked()
        evidence = Evidence(change=self.hold.bench.world.changes.change(self.workspace.base, self.tree))
        return Judged(verdict=verdict, evidence=evidence)

    def _looked(self) -> Judged:
        """Judge what lies in the folder by the statement the agent made of it."""
        assert self.statement is not None
        change = self.hold.bench.world.changes.change(self.workspace.base, self.tree)
        return look(self.hold, self.workspace, change, self.statement, self.baseline)

    def _session_limit(self, result: AgentResult) -> Reached | None:
        hold = self.hold
        return beyond_task(hold.bench.terms.budget, hold.spent, hold.usage, hold.seconds, ending=result.ending)

    def _turns_used_up(self) -> bool:
        most = self.hold.bench.terms.budget.turns_per_task
        return most is not None and self.hold.usage.turns >= most
