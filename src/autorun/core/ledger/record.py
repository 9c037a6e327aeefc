"""A task's record: the lock, the ledger and the audit trail in one value.

One record is one commit on the task's ref. The functions return the next record; they check that the move is
legal, and that a task in progress always has a holder and no other task has one.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from autorun.core.ledger.moves import Move, after, settling
from autorun.core.model import AgentSession, Outcome, Proposal, PullRequest, Reason, TaskId, TaskState, Usage

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who works a task. `nonce` is the identity; the rest tells others whether that runner still lives.

    `host` is the machine's boot id, `process_started` the kernel's start time of `pid` (clock ticks since
    boot), `run_id` and `run_attempt` the Actions run, empty and 0 elsewhere.
    """

    nonce: str
    host: str = ""
    pid: int = 0
    process_started: int = 0
    run_id: str = ""
    run_attempt: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at a task, with what it cost.

    `reserved_usd` is what may have been spent since the last write: zero once the attempt has ended in order,
    charged in full when its runner died. `burned` attempts count against `max_attempts`; an outage, a signal
    or a human's stop burns none.
    """

    number: int
    session_id: str
    started_at: datetime
    ended_at: datetime | None = None
    usage: Usage = field(default_factory=Usage)
    reserved_usd: float = 0.0
    reason: Reason | None = None
    burned: bool = False

    @property
    def charged_usd(self) -> float:
        """USD this attempt is charged: never less than was spent, over by at most the reservation."""
        return self.usage.cost_usd + self.reserved_usd

    @property
    def broke_off(self) -> bool:
        """It ended without a word of its own: its runner died, or could not write any more."""
        return self.ended_at is None or self.reason is Reason.INTERRUPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Where the work of an unfinished attempt of a split run lies: in an artifact of a run.

    `manifest` is the SHA-256 of its list of files, `base` the commit that the work starts from. Without a `run_id` it
    lies in the hand-over folder, in a folder of the artifact's name.
    """

    run_id: str = ""
    artifact: str
    manifest: str
    base: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that is durable about a task. Unknown fields of a same-version record are kept in `extra`.

    `base` and `head` are the commits the published work starts from and ends at. `proposal` stands from the moment
    the branch is pushed until its pull request is known: whoever finds one opens it. `kept` is what the last attempt
    left, and nothing that happens after it leaves it there.
    """

    task: TaskId
    v: int = VERSION
    state: TaskState = TaskState.TODO
    fence: int = 0
    holder: Holder | None = None
    acquired_at: datetime | None = None
    expires_at: datetime | None = None
    revision: str = ""
    attempts: tuple[Attempt, ...] = ()
    next_eligible_at: datetime | None = None
    base: str = ""
    head: str = ""
    branch: str = ""
    pull_request: PullRequest | None = None
    proposal: Proposal | None = None
    session: AgentSession | None = None
    kept: Kept | None = None
    outcome: Outcome | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.holder is not None) != (self.state is TaskState.IN_PROGRESS):
            raise ValueError(f"{self.task}: state {self.state} with holder {self.holder}")

    @property
    def charged_usd(self) -> float:
        """USD charged over all attempts."""
        return sum(attempt.charged_usd for attempt in self.attempts)

    @property
    def estimated(self) -> bool:
        """Whether a subscription paid for some of it, so that the money is an estimate."""
        return any(attempt.usage.estimated for attempt in self.attempts)

    @property
    def burned(self) -> int:
        """Attempts that count against `max_attempts`."""
        return sum(attempt.burned for attempt in self.attempts)

    @property
    def broke_off(self) -> bool:
        """Whether the last attempt did."""
        return bool(self.attempts) and self.attempts[-1].broke_off

    def charged_since(self, moment: datetime) -> float:
        """USD charged by attempts that ended, or may still run, after `moment`."""
        return sum(a.charged_usd for a in self.attempts if a.ended_at is None or a.ended_at >= moment)


def claimed(
    record: Record,
    holder: Holder,
    *,
    now: datetime,
    ttl: timedelta,
    session_id: str,
    reserve_usd: float = 0.0,
    estimated: bool = False,
) -> Record:
    """Return the record with a new attempt by `holder`: a claim, or a steal if someone else holds it.

    A stolen attempt keeps its reservation, because its runner may have spent it, and counts against
    `max_attempts`, because it may be the task that kills its runners.
    """
    stolen = record.state is TaskState.IN_PROGRESS
    attempts = tuple(
        replace(attempt, ended_at=now, reason=Reason.INTERRUPTED, burned=True)
        if attempt.ended_at is None
        else attempt
        for attempt in record.attempts
    )
    attempt = Attempt(
        number=len(attempts) + 1,
        session_id=session_id,
        started_at=now,
        reserved_usd=reserve_usd,
        usage=Usage(estimated=estimated),
    )
    return replace(
        record,
        state=after(record.state, Move.STEAL if stolen else Move.CLAIM),
        fence=record.fence + 1,
        holder=holder,
        acquired_at=now,
        expires_at=now + ttl,
        attempts=(*attempts, attempt),
        next_eligible_at=None,
        kept=None,
        outcome=Outcome(state=TaskState.IN_PROGRESS, reason=Reason.CLAIMED, sentence="Autorun is working on it."),
    )


def renewed(record: Record, *, now: datetime, ttl: timedelta, usage: Usage, reserve_usd: float) -> Record:
    """Return the record with a later expiry, the usage so far and what may be spent until the next write."""
    return replace(
        record,
        state=after(record.state, Move.RENEW),
        expires_at=now + ttl,
        attempts=(*record.attempts[:-1], replace(record.attempts[-1], usage=usage, reserved_usd=reserve_usd)),
    )


def settled(
    record: Record,
    outcome: Outcome,
    *,
    now: datetime,
    usage: Usage,
    burned: bool,
    reserved_usd: float = 0.0,
) -> Record:
    """Return the record of a finished attempt: nobody holds the task, the cost is final.

    `reserved_usd` stays charged where it is not known what was spent at the end.
    """
    last = replace(
        record.attempts[-1],
        ended_at=now,
        usage=usage,
        reserved_usd=reserved_usd,
        reason=outcome.reason,
        burned=burned,
    )
    return replace(
        record,
        state=after(record.state, settling(outcome.state)),
        holder=None,
        expires_at=None,
        attempts=(*record.attempts[:-1], last),
        next_eligible_at=outcome.retry_at,
        pull_request=outcome.pull_request or record.pull_request,
        outcome=outcome,
    )


def reaped(record: Record, outcome: Outcome, *, now: datetime) -> Record:
    """Return the record of an attempt whose runner died: it is charged its reservation and counts as tried."""
    last = replace(record.attempts[-1], ended_at=now, reason=outcome.reason, burned=True)
    return replace(
        record,
        state=after(record.state, settling(outcome.state)),
        holder=None,
        expires_at=None,
        attempts=(*record.attempts[:-1], last),
        outcome=outcome,
    )


def confirmed(record: Record, outcome: Outcome) -> Record:
    """Return a published record once its pull request is known, or known to be refused."""
    state = record.state if outcome.state is record.state else after(record.state, Move.BLOCK)
    return replace(
        record,
        state=state,
        pull_request=outcome.pull_request or record.pull_request,
        proposal=None,
        outcome=outcome,
    )


def moved(record: Record, move: Move, outcome: Outcome) -> Record:
    """Return the record after something that happened outside a run (merged, closed, a human pushed)."""
    return replace(
        record,
        state=after(record.state, move),
        kept=None,
        pull_request=outcome.pull_request or record.pull_request,
        outcome=outcome,
    )


def may_take(record: Record | None, *, now: datetime, grace: timedelta, holder_is_dead: bool) -> bool:
    """Tell whether a claim may be tried: nobody holds the task, or its holder is dead or long expired."""
    if record is None or record.holder is None or holder_is_dead:
        return True
    return record.expires_at is not None and now > record.expires_at + grace
