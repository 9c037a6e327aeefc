"""What the jobs of a split run hand to each other: a plan that all of them read, and results that nobody trusts."""

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from autorun.core import verdicts
from autorun.core.checks import Comparison
from autorun.core.errors import HandoverRefused
from autorun.core.ledger import codec
from autorun.core.ledger.record import Kept, Record
from autorun.core.model import (
    AgentSession,
    Blocker,
    Outcome,
    Reason,
    Statement,
    Task,
    TaskId,
    TaskState,
    Usage,
)
from autorun.core.naming import component
from autorun.core.verdicts import Attempts

VERSION = 1
MATRIX_LIMIT = 256  # jobs that GitHub makes of one matrix
PLAN_BYTES = 64 << 20
RESULT_BYTES = 1 << 20
BUNDLE_BYTES = 32 << 20
_SENTENCE = 4000  # characters
_BLOCKERS = 20
_MOST_TOKENS = 10**12
_LONGEST_WAIT = timedelta(days=8)  # a subscription's window is a week
_LEAST_USD = 0.01
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@\[\]-]{0,199}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
NOT_STARTED = Outcome(
    state=TaskState.TODO, reason=Reason.INTERRUPTED, sentence="The run broke off before it came to this task."
)
# What a runner may say of a task that it does not hand over for publication; the rest follows from the reason.
_SAYABLE = {
    Reason.INTERRUPTED: TaskState.TODO,
    Reason.SERVICE: TaskState.TODO,
    Reason.UNAUTHORISED: TaskState.TODO,
    Reason.USAGE_WINDOW: TaskState.TODO,
    Reason.SESSION_LIMIT: TaskState.TODO,
    Reason.AGENT_BLOCKED: TaskState.BLOCKED,
    Reason.NEEDS_INPUT: TaskState.BLOCKED,
    Reason.NO_CHANGE: TaskState.BLOCKED,
    Reason.POLICY: TaskState.BLOCKED,
    Reason.CHECKS_FAILED: TaskState.PAUSED,
    Reason.CHECKPOINT: TaskState.PAUSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One planned task, its text frozen.

    `before` is its record before the claim, `claim` the commit that claimed it and `nonce` the claim's. Work that
    starts afresh starts at the commit `base`. It may cost `budget_usd`, None for no limit.
    """

    task: Task
    before: Record | None = None
    claim: str
    nonce: str
    base: str
    budget_usd: float | None = None

    @property
    def name(self) -> str:
        """The name of the folder, and of the artifact, that holds the task's result."""
        return f"autorun-result-{component(self.task.id.key)}"

    def holds(self, record: Record) -> bool:
        """Tell whether the claim of this plan stands in a record."""
        return record.holder is not None and record.holder.nonce == self.nonce

    @property
    def kept_name(self) -> str:
        """The name of the folder that holds the task's unfinished work."""
        return f"autorun-kept-{component(self.task.id.key)}"

    @property
    def kept(self) -> Kept | None:
        """Where the unfinished work of the attempt before lies."""
        return self.before.kept if self.before else None

    @property
    def bases(self) -> tuple[str, ...]:
        """The commits that work may lie on: its own, and the one that the attempt before started from."""
        return (self.base, self.kept.base) if self.kept else (self.base,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Itinerary:
    """The plan of a run. `end` says why no more tasks were taken, `reason` in one word; `notes` tell of others."""

    v: int = VERSION
    session_id: str
    run_id: str = ""
    run_attempt: int = 0
    base_branch: str = ""
    legs: tuple[Leg, ...] = ()
    reason: str = ""
    end: str = ""
    notes: tuple[str, ...] = ()

    def artifact(self, leg: Leg) -> str:
        """Return the name of the artifact for a leg's unfinished work; without a run, of its folder."""
        return f"{leg.kept_name}-{self.run_attempt}" if self.run_id else leg.kept_name

    def kept(self, leg: Leg, result: "Result") -> Kept | None:
        """Return where the unfinished work lies that a result tells of."""
        if not result.kept:
            return None
        return Kept(run_id=self.run_id, artifact=self.artifact(leg), manifest=result.kept, base=result.base)

    def leg(self, key: str) -> Leg:
        """Return the leg of a task. Raises HandoverRefused."""
        for leg in self.legs:
            if leg.task.id.key == key:
                return leg
        raise HandoverRefused(
            f"the plan has no task {key}",
            hint=f"it has {', '.join(each.task.id.key for each in self.legs) or 'none'}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a runner says became of its task. With a `head` there is a bundle that holds it, and a statement.

    `kept` is the SHA-256 of the list of files that the next run may go on from, `base` the commit that both lie on.
    """

    v: int = VERSION
    task: TaskId
    nonce: str
    usage: Usage = field(default_factory=Usage)
    outcome: Outcome
    session: AgentSession | None = None
    statement: Statement | None = None
    checks: Comparison = field(default_factory=Comparison)
    head: str = ""
    kept: str = ""
    base: str = ""


# ------------ the plan


def matrix(plan: Itinerary, digest: str) -> dict[str, list[dict[str, str]]]:
    """Return the matrix of jobs: a task's key, the name of its artifact, and the digest that proves the plan."""
    return {"include": [{"task": leg.task.id.key, "name": leg.name, "plan": digest} for leg in plan.legs]}


def digest(data: bytes) -> str:
    """Return the digest by which a plan is known."""
    return hashlib.sha256(data).hexdigest()


def read_plan(data: bytes, expected: str = "") -> Itinerary:
    """Read a plan; `expected` is the digest that the plan phase printed. Raises HandoverRefused."""
    if expected and digest(data) != expected:
        raise HandoverRefused(
            "the plan is not the one that the plan phase wrote: its digest differs",
            hint="run the whole workflow again; another job of the run may have been taken over",
        )
    return _read(data, Itinerary)


def shares(budget_usd: float | None, wanted: Sequence[float | None], least: float) -> list[float | None]:
    """Divide a budget (None: no limit) among tasks that may cost `wanted` each (None: anything).

    Money that one may not spend goes to the others. Fewer shares than tasks are returned where a share would not
    cover `least`; nobody gets more than is wanted, and all together get no more than the budget.
    """
    if budget_usd is None:
        return list(wanted)
    for count in range(len(wanted), 0, -1):
        dealt = _dealt(budget_usd, wanted[:count])
        needed = (max(least, _LEAST_USD) if limit is None else min(least, limit) for limit in wanted)
        if all(share >= need for share, need in zip(dealt, needed, strict=False)):
            return list(dealt)
    return []


def _dealt(budget_usd: float, wanted: Sequence[float | None]) -> list[float]:
    """Give the modest first, so that what they leave goes to the others."""
    limits = [math.inf if limit is None else limit for limit in wanted]
    dealt, left, waiting = [0.0] * len(limits), budget_usd, len(limits)
    for index in sorted(range(len(limits)), key=limits.__getitem__):
        dealt[index] = min(left / waiting, limits[index])
        left, waiting = left - dealt[index], waiting - 1
    return dealt


# ------------ results


def read_result(data: bytes, leg: Leg) -> Result:
    """Read a result of the leg's task, and refuse all that no runner of ours would write. Raises HandoverRefused."""
    if len(data) > RESULT_BYTES:
        raise HandoverRefused(f"the result is larger than {RESULT_BYTES >> 20} MiB")
    result = _read(data, Result)
    if result.task != leg.task.id or result.nonce != leg.nonce:
        raise HandoverRefused(f"the result is one of {result.task}, or of another claim")
    _refuse_usage(result.usage)
    session = result.session
    if session is not None and not all(_NAME.fullmatch(each) for each in astuple(session)):
        raise HandoverRefused("the result names a conversation that cannot be")
    if result.outcome.pull_request is not None:
        raise HandoverRefused("the result claims a pull request, which no runner can open")
    delivered = result.outcome.state is TaskState.IN_REVIEW
    if delivered != bool(result.head) or delivered != (result.statement is not None):
        raise HandoverRefused("the result claims work without handing it over, or hands over work it does not claim")
    if result.head and not _COMMIT.fullmatch(result.head):
        raise HandoverRefused("the result names a commit that cannot be")
    if result.kept and not _SHA256.fullmatch(result.kept):
        raise HandoverRefused("the result names a list of files that cannot be")
    if result.base not in (leg.bases if result.head or result.kept else ("",)):
        raise HandoverRefused("the result is of work on a commit that was not planned")
    return result


def charged(usage: Usage, budget_usd: float | None) -> Usage:
    """Return usage whose cost is believed: never more than was reserved."""
    return usage if budget_usd is None else replace(usage, cost_usd=min(usage.cost_usd, budget_usd))


def believed(said: Outcome, attempts: Attempts) -> Outcome:
    """Return the outcome of work that is not published, as far as its runner is believed. Raises HandoverRefused.

    How often a task is tried again and how long it waits is never the runner's to say.
    """
    sentence, remedy = said.sentence[:_SENTENCE], said.remedy[:_SENTENCE]
    if verdicts.burns(said):
        return verdicts.failed(said.reason, _uncounted(sentence), attempts, remedy=remedy)
    if _SAYABLE.get(said.reason) is not said.state:
        raise HandoverRefused(f"the result claims to be {said.state} because of {said.reason}")
    blockers = tuple(
        Blocker(what=one.what[:_SENTENCE], why=one.why[:_SENTENCE], needed=one.needed[:_SENTENCE])
        for one in said.blockers[:_BLOCKERS]
    )
    return Outcome(
        state=said.state,
        reason=said.reason,
        sentence=sentence,
        remedy=remedy,
        blockers=blockers,
        retry_at=_soon(said.retry_at, attempts.now),
    )


def refused(why: str, attempts: Attempts) -> Outcome:
    """Return the outcome of a task whose runner handed over something that cannot be used."""
    return verdicts.failed(
        Reason.AGENT_FAILED,
        f"What its runner handed over cannot be used: {why}.",
        attempts,
        remedy="The run's artifacts tell more; if it happens again, look at what the task makes the agent run.",
    )


def _uncounted(sentence: str) -> str:
    """Return what happened without the count of attempts that its runner added; ours is added anew."""
    return re.sub(r" That was attempt \d+ of \d+(; it is not tried again by itself)?\.$", "", sentence)


def _soon(moment: datetime | None, now: datetime) -> datetime | None:
    return None if moment is None else min(max(moment, now), now + _LONGEST_WAIT)


def _refuse_usage(usage: Usage) -> None:
    counts = (value for value in astuple(usage) if isinstance(value, int))
    if not math.isfinite(usage.cost_usd) or usage.cost_usd < 0 or not all(0 <= n <= _MOST_TOKENS for n in counts):
        raise HandoverRefused("the result claims a usage that cannot be")


_Kind = TypeVar("_Kind", Itinerary, Result)


def encoded(value: Itinerary | Result) -> bytes:
    """Return a value as its file, in the one form that is read."""
    return codec.dumps(codec.loads(codec.dumps(value), type(value))).encode()


def _read(data: bytes, kind: type[_Kind]) -> _Kind:
    """Read a value that was written by us: every byte must be as we would have written it."""
    try:
        text = data.decode()
        value = codec.loads(text, kind)
        ours = codec.dumps(value) == text
    except ValueError as error:
        raise HandoverRefused(f"it cannot be read: {str(error)[:200]}") from None
    if value.v != VERSION:
        raise HandoverRefused(
            f"it is of version {value.v}, this Autorun reads version {VERSION}",
            hint="let every job of the run use the same release",
        )
    if not ours:
        raise HandoverRefused("it is not written as Autorun writes it")
    return value
