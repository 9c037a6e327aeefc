"""Our hold on one task: taken, kept alive, and given back with what became of it."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import RLock

from autorun.core import naming, verdicts
from autorun.core.errors import AutorunError, CredentialRefused, LeaseLost, ProviderError, TaskGone
from autorun.core.ledger import BranchMove, Seen
from autorun.core.ledger.record import Kept, Record, claimed, confirmed, renewed, settled
from autorun.core.model import (
    Activity,
    ActivityKind,
    AgentSession,
    Outcome,
    Proposal,
    Reason,
    StopReason,
    Task,
    TaskState,
    Usage,
)
from autorun.core.money.budget import Spent
from autorun.core.report.journal import Happening
from autorun.core.text.secrets import redacted
from autorun.core.verdicts import Attempts, burns
from autorun.terms import Bench

_RENEWALS_PER_LEASE = 3
_RENEWAL_TRIES = 15  # as many in a lease as its length and a ledger out of reach allow
_FRESH = timedelta(seconds=10)
# Reasons after which the next attempt goes on with the same conversation.
_GOES_ON = frozenset({
    Reason.INTERRUPTED, Reason.AGENT_BLOCKED, Reason.NEEDS_INPUT, Reason.NO_CHANGE, Reason.POLICY,
    Reason.CHECKS_FAILED, Reason.CHECKPOINT, Reason.SERVICE, Reason.SESSION_LIMIT, Reason.USAGE_WINDOW,
    Reason.UNAUTHORISED,
})  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Hold:
    """A claimed task. `usage` is what finished stretches consumed, `live` what the running one has so far.

    `running`: a stretch has begun and is not booked. `lost`: another runner has the task. `refused`: the ledger takes
    our credential no longer. `withdrawn`: how the task ends because a human took it back meanwhile; `looked_at`
    (monotonic) is when that was last looked for. `written_at` is when the record was last known to be ours,
    `tried_at` (monotonic) when a renewal was last tried. The gateway's threads ask it to cover what a call may cost;
    `writing` keeps their writes and ours apart.
    """

    bench: Bench
    task: Task
    spent: Spent
    seen: Seen
    started: float
    tried_at: float
    looked_at: float
    written_at: datetime
    usage: Usage = field(default_factory=Usage)
    live: Usage = field(default_factory=Usage)
    session: AgentSession | None = None
    kept: Kept | None = None
    running: bool = False
    lost: bool = False
    refused: bool = False
    withdrawn: Outcome | None = None
    blocked: list[str] = field(default_factory=list)
    writing: RLock = field(default_factory=RLock, repr=False)

    @classmethod
    def take(cls, bench: Bench, task: Task, over: Seen | None, spent: Spent) -> "Hold":
        """Claim a task for this runner. Raises LeaseLost when another was quicker."""
        terms = bench.terms
        before = over.record if over else Record(task=task.id)
        record = replace(
            claimed(
                before,
                replace(terms.holder, nonce=bench.nonce()),
                now=bench.now(),
                ttl=terms.lease,
                session_id=terms.session_id,
                reserve_usd=terms.reserve_usd,
                estimated=terms.cost_estimated,
            ),
            revision=task.revision,
        )
        seen = bench.world.ledger.write(record, over=over)
        now = bench.monotonic()
        return cls(
            bench=bench,
            task=task,
            spent=spent,
            seen=seen,
            started=now,
            tried_at=now,
            looked_at=now,
            written_at=bench.now(),
            session=before.session,
            usage=Usage(estimated=terms.cost_estimated),
        )

    @property
    def record(self) -> Record:
        """The record as we last wrote it."""
        return self.seen.record

    @property
    def folder(self) -> Path:
        """The task's folder in the session folder."""
        return self.bench.terms.folder / "tasks" / naming.component(self.task.id.key)

    @property
    def seconds(self) -> float:
        """Seconds since the claim."""
        return self.bench.monotonic() - self.started

    @property
    def attempts(self) -> Attempts:
        """How often this task was tried in vain before."""
        return Attempts(burned=self.record.burned, allowed=self.bench.terms.max_attempts, now=self.bench.now())

    def stop(self) -> StopReason | None:
        """Tell why the work in hand must end, if it must.

        Polled while waiting, it also keeps the lease alive, and as often looks whether the task is still wanted.
        """
        reason = self.bench.stop()
        if reason is None and self.overdue:
            return StopReason.DEADLINE
        if reason is None and not self.lost and self._due():
            self._renew()
        if reason is None and self.bench.monotonic() - self.looked_at > self._renewal.total_seconds():
            self._look()
        if self.lost:
            return StopReason.LEASE_LOST
        if self.withdrawn:
            return StopReason.TASK_WITHDRAWN
        return StopReason.CREDENTIAL if self.refused else reason

    @property
    def overdue(self) -> bool:
        """Whether the task was held for as long as any runner may: then it is renewed no more."""
        return self.seconds > self.bench.terms.tenure_seconds

    def fence(self) -> None:
        """Make sure that the task is still ours, before a write that git cannot refuse to a runner that lost it.

        Our own last write proves it for a moment; later the ledger is asked, for this process may have slept.
        Raises LeaseLost, ProviderError.
        """
        with self.writing:
            if not self.lost and abs(self.bench.now() - self.written_at) > _FRESH:
                self.lost = not self.bench.world.ledger.stands(self.seen)
                self.written_at = self.bench.now()
            if self.lost:
                raise LeaseLost(f"{self.task.id} was taken over by another runner")

    def cover(self, usd: float) -> None:
        """Make sure that the record is charged at least `usd` for the running stretch before it is spent.

        So a runner that dies leaves no dollar unaccounted for, and too many by at most the reservation. Raises
        LeaseLost when the task is no longer ours, and what the ledger raises when the record cannot be written.
        """
        with self.writing:
            if self.lost:
                raise LeaseLost(f"{self.task.id} was taken over by another runner")
            needed = self.usage.cost_usd + usd
            written = self.record.attempts[-1]
            if needed > written.charged_usd:
                self._write_renewal(self.usage, needed - self.usage.cost_usd + self.bench.terms.reserve_usd)

    def watch(self, activity: Activity) -> None:
        """Take note of a sign of life of the agent."""
        self.live = activity.usage
        if activity.kind is not ActivityKind.USAGE:
            self.bench.tell(
                Happening.ACTIVITY, activity.text, task=self.task, step=activity.kind, usage=self.usage + self.live
            )

    def spend(self, usage: Usage) -> None:
        """Book a finished stretch."""
        self.usage += usage
        self.live = Usage()
        self.running = False

    def publish(self, outcome: Outcome, branch: BranchMove, proposal: Proposal, *, base: str) -> None:
        """Move the branch and the record together. Raises LeaseLost, BranchRefused, PublishingRefused."""
        record = replace(
            self._settled(outcome),
            branch=branch.branch,
            base=base,
            head=branch.commit,
            proposal=proposal,
            session=self.session,
        )
        with self.writing:
            self.seen = self.bench.world.ledger.publish(record, over=self.seen, branch=branch)
            self.written_at = self.bench.now()

    def settle(self, outcome: Outcome) -> None:
        """Give the task back: the record first, then what people see. A tracker that fails is only a warning."""
        if self.lost:
            return
        outcome = self._without_secrets(outcome)
        if self.record.holder is None and outcome.state is TaskState.IN_REVIEW and outcome.pull_request is None:
            record = replace(self.record, outcome=outcome)  # the proposal stands: whoever comes next opens it
        elif self.record.holder is None:
            record = confirmed(self.record, outcome)
        else:
            # A session in the record says that there is unfinished work to look for.
            goes_on = outcome.reason in _GOES_ON
            session, kept = (self.session, self.kept) if goes_on else (None, None)
            record = replace(self._settled(outcome), session=session, kept=kept)
        try:
            self._write(record)
        except LeaseLost:
            self.lost = True
            return
        except ProviderError as error:
            if self.bench.stop() is None:
                raise
            text = f"{self.task.id} could not be given back: {error}; another run takes it over."
            self.bench.tell(Happening.WARNING, text, task=self.task)
            return
        with suppress(LeaseLost):  # another runner has it by now, and shows what it does
            self.show()

    def show(self) -> None:
        """Let the tracker show the record. Raises LeaseLost if it is another runner's by now."""
        try:
            self.fence()
            self.bench.world.tasks.show(self.task, self.record)
        except LeaseLost:
            raise
        except AutorunError as error:
            self.bench.tell(Happening.WARNING, f"{self.task.id} is not shown as it stands: {error}", task=self.task)

    def _without_secrets(self, outcome: Outcome) -> Outcome:
        """The record is public to every reader of the repository, and parts of an outcome are the agent's words."""

        def clean(text: str) -> str:
            return redacted(text, self.bench.terms.secrets)

        blockers = tuple(
            replace(one, what=clean(one.what), why=clean(one.why), needed=clean(one.needed))
            for one in outcome.blockers
        )
        return replace(outcome, sentence=clean(outcome.sentence), remedy=clean(outcome.remedy), blockers=blockers)

    def _settled(self, outcome: Outcome) -> Record:
        used = self.usage + self.live
        # Of a stretch that was torn off nobody knows what its last call cost: it keeps what was covered.
        unknown = max(0.0, self.record.attempts[-1].charged_usd - used.cost_usd) if self.running else 0.0
        return settled(
            self.record,
            outcome,
            now=self.bench.now(),
            usage=used,
            burned=burns(outcome),
            reserved_usd=unknown,
        )

    @property
    def _renewal(self) -> timedelta:
        """How often the lease is renewed, and the task looked at."""
        return self.bench.terms.lease / _RENEWALS_PER_LEASE

    def _due(self) -> bool:
        lease, now = self.bench.terms.lease, self.bench.now()
        if self.bench.monotonic() - self.tried_at <= lease.total_seconds() / _RENEWAL_TRIES:
            return False
        # By the clock on the wall: this machine may have slept, and the lease did not.
        aged = now - ((self.record.expires_at or now) - lease) > self._renewal
        left = self.record.attempts[-1].charged_usd - (self.usage + self.live).cost_usd
        return aged or left < self.bench.terms.reserve_usd / 2

    def _renew(self) -> None:
        """Keep the lease alive; a ledger out of reach is endured until the lease is nearly over."""
        self.tried_at = self.bench.monotonic()
        with self.writing:
            try:
                used = self.usage + self.live
                unspent = self.record.attempts[-1].charged_usd - used.cost_usd
                self._write_renewal(used, max(unspent, self.bench.terms.reserve_usd))
            except LeaseLost:
                self.lost = True
            except AutorunError as error:
                self.bench.tell(Happening.WARNING, f"The lease was not renewed: {error}", task=self.task)
                expires = self.record.expires_at or self.bench.now()
                self.lost = expires - self.bench.now() < self._renewal

    def _look(self) -> None:
        """See whether the task is still to be done; a tracker that does not answer is asked again later."""
        self.looked_at = self.bench.monotonic()
        try:
            now = self.bench.world.tasks.refresh(self.task, patient=False)
        except TaskGone as error:
            self.withdrawn = Outcome(state=TaskState.CANCELLED, reason=Reason.WITHDRAWN, sentence=str(error))
        except AutorunError:
            return
        else:
            self.withdrawn = None if still_open(now, self.task) else verdicts.withdrawn(now)

    def _write_renewal(self, usage: Usage, reserve_usd: float) -> None:
        record = renewed(
            self.record, now=self.bench.now(), ttl=self.bench.terms.lease, usage=usage, reserve_usd=reserve_usd
        )
        self._write(record)

    def _write(self, record: Record) -> None:
        with self.writing:
            try:
                self.seen = self.bench.world.ledger.write(record, over=self.seen)
            except CredentialRefused:
                self.refused = True  # nothing of this can be published any more
                raise
            self.written_at = self.bench.now()


def still_open(task: Task, listed: Task) -> bool:
    """Tell whether a task that was just read again may still be worked: nobody closed it since it was listed."""
    closed = task.state in {TaskState.DONE, TaskState.CANCELLED} and task.state is not listed.state
    return not task.objection and not closed
