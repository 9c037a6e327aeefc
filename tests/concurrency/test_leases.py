"""Leases: how long they hold, what ends them, and that whoever lost one writes nothing more."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from autorun.adapters.workspaces import GitWorkspaces
from autorun.claim import Hold
from autorun.core.errors import AutorunError, LeaseLost, RateLimited, Unanswered
from autorun.core.ledger.record import Record
from autorun.core.model import (
    Activity,
    ActivityKind,
    AgentResult,
    Assignment,
    Check,
    Reason,
    Stop,
    StopReason,
    Task,
    TaskState,
    Usage,
    Watch,
)
from autorun.core.money.budget import Budget, Spent
from autorun.session import Ended, Session
from autorun.terms import GRACE, LEASE, Bench
from kit.repos import git
from kit.workshop import CENTS, ActedAgent, Broken, Workshop, make_workshop, writes

RENEWAL = LEASE / 3


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    shop = make_workshop(tmp_path)
    shop.task("a")
    return shop


def held(bench: Bench) -> Hold:
    """Claim the only task."""
    (task,) = bench.world.tasks.backlog().tasks
    return Hold.take(bench, task, bench.world.ledger.history().seen.get(task.id), Spent())


def takes_over(shop: Workshop, ahead: timedelta = timedelta()) -> bool:
    """Tell whether a runner whose clock is `ahead` would take the task from its holder now."""
    with shop.bench(ActedAgent({})) as bench:
        ours = replace(bench, now=lambda: shop.clock.now() + ahead)
        today = Session(bench=ours).look().plan
        return bool(today.ready)


@pytest.mark.parametrize("minutes", [-10, 10, 14])
def test_a_live_holder_keeps_its_task_though_clocks_differ(shop: Workshop, minutes: int) -> None:
    """Renewed in time, a lease is over for nobody whose clock is wrong by less than it lasts beyond a renewal."""
    with shop.bench(ActedAgent({})) as bench:
        hold = held(bench)
        for _ in range(25):
            assert hold.stop() is None
            assert not takes_over(shop, timedelta(minutes=minutes))
            shop.clock.pass_(minutes=1)
        assert hold.record.expires_at is not None
        assert hold.record.expires_at - shop.clock.now() > LEASE - RENEWAL - timedelta(minutes=2)


def test_a_rate_limit_met_after_the_claim_does_not_cost_it(shop: Workshop) -> None:
    """It is waited for longer than a lease lasts; the task stays ours, and is then worked."""
    stolen: list[bool] = []
    with shop.bench(ActedAgent({"a": [writes({"a.txt": ""})]})) as bench:
        tasks, limits = bench.world.tasks, [shop.clock.now() + timedelta(minutes=50)]

        def refresh(task: Task, *, patient: bool = True) -> Task:
            if not patient and limits and shop.clock.now() < limits[0]:
                raise RateLimited("GitHub asks for a pause.", resets_at=limits[0])
            return tasks.refresh(task, patient=patient)

        def wait(seconds: float, stop: Stop) -> None:
            for _ in range(int(seconds // 60)):
                shop.clock.pass_(minutes=1)
                assert stop() is None
                stolen.append(takes_over(shop))

        bench.world = replace(bench.world, tasks=Broken(tasks, "refresh", refresh))  # type: ignore[arg-type]  # a stand-in
        bench.wait = wait
        Session(bench=bench).run()
    assert stolen == [False] * 50
    assert shop.record("a").state is TaskState.IN_REVIEW


def test_a_silent_holder_loses_its_task_after_the_grace(shop: Workshop) -> None:
    """Expiry alone is not enough; expiry and grace are, and the silent one notices at its next breath."""
    with shop.bench(ActedAgent({})) as bench:
        hold = held(bench)
        shop.clock.pass_(seconds=(LEASE + GRACE).total_seconds() - 1)
        assert not takes_over(shop)
        shop.clock.pass_(seconds=2)
        assert takes_over(shop)
        assert hold.stop() is StopReason.LEASE_LOST


def test_a_machine_that_slept_asks_before_anything_else(shop: Workshop) -> None:
    """While it slept its own count of seconds stood still: by the clock on the wall its lease is due at once."""
    with shop.bench(ActedAgent({})) as bench:
        elapsed = [100.0]
        hold = held(replace(bench, monotonic=lambda: elapsed[0]))
        shop.clock.pass_(hours=8)
        assert takes_over(shop)
        elapsed[0] += LEASE.total_seconds() / 10
        assert hold.stop() is StopReason.LEASE_LOST


def test_whoever_lost_a_task_shows_nothing_of_it(shop: Workshop) -> None:
    """A fresh write of ours is proof enough; later the ledger is asked, and a lost task is left alone."""
    with shop.bench(ActedAgent({})) as bench:
        hold = held(bench)
        hold.fence()
        shop.clock.pass_(hours=1)
        assert takes_over(shop)
        before = shop.status_of("a")
        with pytest.raises(LeaseLost):
            hold.show()
        with pytest.raises(LeaseLost):
            hold.fence()
        assert shop.status_of("a") == before
        with pytest.raises(LeaseLost):
            hold.cover(1.0)


def test_nobody_holds_a_task_for_ever(shop: Workshop) -> None:
    """Beyond its minutes and a reserve a lease is renewed no more: the work ends, as an attempt that counts."""
    renewals: list[datetime] = []

    def never_ends(assignment: Assignment, stop: Stop) -> AgentResult:
        while stop() is None:
            shop.clock.pass_(minutes=1)
            renewals.append(shop.clock.now())
        return writes({"a.txt": ""})(assignment)

    ran = _run(shop, never_ends, budget=Budget(minutes_per_task=30))
    assert len(renewals) == 91
    record = shop.record("a")
    assert (record.state, record.outcome and record.outcome.reason) == (TaskState.TODO, Reason.LIMIT)
    assert record.burned == 1
    assert ran.count(TaskState.TODO) == 1


def test_a_lost_lease_reaches_a_busy_agent_within_a_renewal(shop: Workshop) -> None:
    """Robbed in the middle of an answer, the agent is told at the next renewal, and nothing is published."""
    told: list[tuple[timedelta, StopReason]] = []

    def robbed(assignment: Assignment, stop: Stop) -> AgentResult:
        with shop.bench(ActedAgent({})) as thief:
            (task,) = thief.world.tasks.backlog().tasks
            Hold.take(thief, task, thief.world.ledger.history().seen[task.id], Spent())
        since = shop.clock.now()
        while (why := stop()) is None:
            shop.clock.pass_(seconds=10)
        told.append((shop.clock.now() - since, why))
        return writes({"a.txt": ""})(assignment)

    _run(shop, robbed)
    ((after, why),) = told
    assert why is StopReason.LEASE_LOST
    assert after <= RENEWAL + timedelta(seconds=10)
    assert shop.record("a").fence == 2
    assert "autorun/file-a" not in shop.git("branch", "--list", "--all")


def test_a_stretch_that_is_torn_off_keeps_what_was_covered(shop: Workshop) -> None:
    """Nobody knows what the last call of an agent cost that was torn away: all that was covered stays charged."""

    def torn(assignment: Assignment, stop: Stop, watch: Watch, bench: Bench) -> NoReturn:
        del stop
        bench.covers[assignment.task](2.0)
        watch(Activity(kind=ActivityKind.USAGE, text="", usage=Usage(turns=1, cost_usd=0.5)))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _run(shop, torn, reserve_usd=0.1)
    record = shop.record("a")
    assert (record.holder, record.outcome and record.outcome.reason) == (None, Reason.INTERRUPTED)
    assert record.attempts[-1].usage.cost_usd == 0.5
    assert record.charged_usd >= 2.0


PORTS = {
    "tasks": ("refresh",),
    "workspaces": ("base", "opened"),
    "changes": ("snapshot", "change", "surroundings", "commit"),
    "verifier": ("run",),
    "forge": ("propose",),
    "shelf": ("put", "clear"),
}


@pytest.mark.parametrize("error", [AutorunError("no"), KeyboardInterrupt()])
@pytest.mark.parametrize(("port", "method"), [(port, name) for port, names in PORTS.items() for name in names])
def test_the_claim_is_given_back_whatever_breaks(
    shop: Workshop, port: str, method: str, error: BaseException
) -> None:
    """Understood, or from the keyboard: after it nobody holds the task."""

    def fails(*_: object, **__: object) -> NoReturn:
        raise error

    agent = ActedAgent({"a": [writes({"a.txt": ""})]})
    with shop.bench(agent, max_attempts=2) as bench:
        broken = Broken(getattr(bench.world, port), method, fails)
        session = Session(bench=replace(bench, world=replace(bench.world, **{port: broken})))  # type: ignore[arg-type]  # a stand-in
        try:
            session.run()
        except type(error):
            pass
    record = shop.record("a")
    assert record.holder is None
    assert record.state in {TaskState.TODO, TaskState.IN_REVIEW, TaskState.BLOCKED, TaskState.FAILED}
    assert record.charged_usd in {0.0, CENTS.cost_usd}


def test_a_server_without_atomic_pushes_ends_the_session(shop: Workshop) -> None:
    """Work that cannot be published whole is not published at all; the exit code says that none ever will be."""
    git(shop.root, "config", "receive.advertiseAtomic", "false")
    ran = shop.run({"a": [writes({"a.txt": ""})]})
    assert (ran.report.end.reason, ran.report.end.exit_code) == (Ended.ERROR, 5)
    assert "atomic" in ran.report.end.sentence
    record = shop.record("a")
    assert (record.state, record.holder, record.burned) == (TaskState.TODO, None, 0)
    assert "autorun/file-a" not in shop.git("branch", "--list", "--all")


def test_an_outage_of_the_forge_leaves_the_proposal_to_the_next_run(shop: Workshop) -> None:
    """Pushed, but nobody answered: the task is in review, nobody is asked for anything, and the next run proposes."""

    def silent(*_: object) -> NoReturn:
        raise Unanswered("nobody answers")

    with shop.bench(ActedAgent({"a": [writes({"a.txt": ""})]})) as bench:
        forge = Broken(bench.world.forge, "propose", silent)
        world = replace(bench.world, forge=forge)  # type: ignore[arg-type]  # a stand-in
        Session(bench=replace(bench, world=world)).run()
    record = shop.record("a")
    assert (record.state, record.pull_request, shop.status_of("a")) == (TaskState.IN_REVIEW, None, "in_review")
    assert record.proposal is not None
    shop.run({})
    record = shop.record("a")
    assert record.proposal is None
    assert record.pull_request is not None
    assert (shop.root / ".ai-agents/pull-requests/a.md").exists()


def test_a_signal_during_setup_counts_against_nobody(shop: Workshop) -> None:
    """Set-up that a signal broke off is no failed attempt."""
    with shop.bench(ActedAgent({"a": []})) as bench:
        assert isinstance(bench.world.workspaces, GitWorkspaces)

        def asked() -> StopReason | None:
            shop.stop_reasons.append(StopReason.SIGTERM)
            return StopReason.SIGTERM

        slow = replace(bench.world.workspaces, setup=(Check(run="sleep 60"),), stop=asked)
        Session(bench=replace(bench, world=replace(bench.world, workspaces=slow))).run()
    record = shop.record("a")
    assert (record.state, record.burned, record.outcome and record.outcome.reason) == (
        TaskState.TODO,
        0,
        Reason.INTERRUPTED,
    )


# ------------ helpers


@dataclass
class _Busy:
    """An agent that is given all that a real one gets, and the bench."""

    play: Callable[..., AgentResult]
    bench: Bench | None = None

    def ready(self) -> str:
        return "busy"

    def work(self, assignment: Assignment, *, stop: Stop, watch: Watch) -> AgentResult:
        wanted = self.play.__code__.co_argcount
        return self.play(*(assignment, stop, watch, self.bench)[:wanted])


@dataclass
class _Ran:
    records: list[Record]

    def count(self, state: TaskState) -> int:
        return sum(record.state is state for record in self.records)


def _run(shop: Workshop, play: Callable[..., AgentResult], **terms: object) -> _Ran:
    with shop.bench(ActedAgent({}), **terms) as bench:
        agent = _Busy(play)
        agent.bench = replace(bench, world=replace(bench.world, agent=agent))
        Session(bench=agent.bench).run()
    return _Ran([one.record for one in shop.history().seen.values()])
