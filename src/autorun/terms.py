"""What every task of a session is worked by: the terms, and the bench they are worked at."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from autorun.core.checkpoints import Checkpoints
from autorun.core.ledger.record import Holder
from autorun.core.model import Check, CheckResult, Outcome, Stop, Task, TaskId, Usage
from autorun.core.money.budget import Budget
from autorun.core.policy import PolicyRules
from autorun.core.report.journal import Entry, Happening
from autorun.ports import World

LEASE = timedelta(minutes=15)
GRACE = timedelta(minutes=5)
# Beyond its own minutes a task may be held for set-up, checks, outages and the questions of a checkpoint.
_TENURE_RESERVE_SECONDS = 3600.0
_LONGEST_TENURE_SECONDS = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a session works by; all of it comes from the trusted configuration.

    `holder` is this runner's identity, its nonce renewed for every claim. `folder` is the session folder. `secrets`
    are the values that may leave in no text. `context_window` is in tokens. `cost_estimated`: a subscription pays.
    `reserve_usd` is charged for a running attempt beyond what it is known to have spent.
    """

    session_id: str
    holder: Holder
    folder: Path
    base_branch: str
    backend: str
    model: str
    context_window: int = 200_000
    standing_orders: str = ""
    budget: Budget = field(default_factory=Budget)
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    policy: PolicyRules = field(default_factory=PolicyRules)
    verify: tuple[Check, ...] = ()
    max_repairs: int = 2
    max_attempts: int = 3
    draft: bool = True
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    title_prefix: str = ""
    run_url: str = ""
    cost_estimated: bool = False
    reserve_usd: float = 0.0
    lease: timedelta = LEASE
    grace: timedelta = GRACE
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def tenure_seconds(self) -> float:
        """How long one runner may hold one task, in seconds: renewing a lease has an end, too."""
        minutes = self.budget.minutes_per_task
        return _LONGEST_TENURE_SECONDS if minutes is None else minutes * 60 + _TENURE_RESERVE_SECONDS


@dataclass(slots=True, kw_only=True)
class Bench:
    """Where a session works: its terms, its world, and the few things that grow while it lasts.

    `baselines` are the checks' results by base commit, `covers` the running tasks' ways to reserve money in their
    records, `stops` their ways to be asked whether they must end, which keeps their leases. `now` gives the time in
    UTC, `monotonic` seconds for durations, `nonce` fresh random text. `stop` says why to end the work in hand,
    `closing` why to begin no other task; `wait` sleeps for some seconds, less if its `Stop` has a reason.
    """

    terms: Terms
    world: World
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    nonce: Callable[[], str]
    stop: Stop
    closing: Stop
    wait: Callable[[float, Stop], None]
    baselines: dict[str, tuple[CheckResult, ...]] = field(default_factory=dict)
    covers: dict[TaskId, Callable[[float], None]] = field(default_factory=dict)
    stops: dict[TaskId, Stop] = field(default_factory=dict)

    def tell(
        self,
        what: Happening,
        text: str,
        *,
        task: Task | None = None,
        step: str = "",
        outcome: Outcome | None = None,
        usage: Usage | None = None,
    ) -> None:
        """Tell every notifier what happened; one that fails costs its own message only."""
        entry = Entry(
            at=self.now(),
            what=what,
            session=self.terms.session_id,
            text=text,
            task=task.id if task else None,
            title=task.title if task else "",
            url=task.url if task else "",
            step=step,
            outcome=outcome,
            usage=usage,
        )
        for notifier in self.world.notifiers:
            with suppress(Exception):
                notifier.tell(entry)
