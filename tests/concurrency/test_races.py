"""Tasks that others take between a runner's look at the records and its claim."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from autorun.claim import Hold
from autorun.core.errors import LeaseLost
from autorun.core.ledger import Seen
from autorun.core.ledger.record import Record
from autorun.core.model import AgentResult, Assignment, TaskState
from autorun.core.money.budget import Budget, Spent
from autorun.core.report.journal import Happening
from autorun.ports import Ledger
from autorun.session import Ended, Report, Session
from kit.workshop import CENTS, ActedAgent, Turn, Workshop, make_workshop, writes


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    shop = make_workshop(tmp_path)
    for key in ("a", "b", "c"):
        shop.task(key)
    return shop


def claims(shop: Workshop, key: str) -> Hold:
    """Another runner's claim."""
    with shop.bench(ActedAgent({})) as bench:
        task = next(one for one in bench.world.tasks.backlog().tasks if one.id.key == key)
        return Hold.take(bench, task, bench.world.ledger.history().seen.get(task.id), Spent())


def works(key: str, meanwhile: Callable[[], object] = lambda: None) -> dict[str, list[Turn]]:
    """A turn for a task, during which something else happens."""

    def turn(assignment: Assignment) -> AgentResult:
        meanwhile()
        return writes({f"{key}.txt": ""})(assignment)

    return {key: [turn]}


def test_a_task_that_a_dead_runner_took_is_taken_back_in_the_same_session(shop: Workshop) -> None:
    """A push may land after its runner was killed: who loses the race to it looks again, and does the task."""

    def dies_with_b() -> None:
        hold = claims(shop, "b")
        assert hold.record.holder is not None
        shop.graves.dead_nonces.add(hold.record.holder.nonce)

    ran = shop.run({**works("a", dies_with_b), **works("b"), **works("c")})
    assert [(one.task.id.key, one.outcome.state) for one in ran.report.settled] == [
        (key, TaskState.IN_REVIEW) for key in ("a", "b", "c")
    ]
    assert len(shop.record("b").attempts) == 2


def test_a_task_that_another_runner_holds_is_left_to_it(shop: Workshop) -> None:
    """The others are done, and the reason is told once."""
    ran = shop.run({**works("a", lambda: claims(shop, "b")), **works("c")})
    assert [one.task.id.key for one in ran.report.settled] == ["a", "c"]
    assert shop.record("b").state is TaskState.IN_PROGRESS
    assert shop.notes.texts(Happening.TASK_SKIPPED) == ["Skipping b - held by another runner, process 2"]
    assert ran.report.end.reason is Ended.EMPTY


def test_one_lost_race_tells_of_every_task_that_is_gone(shop: Workshop) -> None:
    """The look after a lost race is for the whole queue: no claim is tried of what others hold by then."""

    def takes_both() -> None:
        claims(shop, "b")
        claims(shop, "c")

    counted, report = counting(shop, works("a", takes_both))
    assert [one.task.id.key for one in report.settled] == ["a"]
    assert counted.lost == 1
    assert len(shop.notes.texts(Happening.TASK_SKIPPED)) == 2


def test_money_is_counted_once_after_a_lost_race(shop: Workshop) -> None:
    """The records read again hold what this session has spent: the limit of the day has room for one task more."""
    budget = Budget(usd_per_day=1.9 * CENTS.cost_usd)
    ran = shop.run({**works("a", lambda: claims(shop, "b")), **works("c")}, budget=budget)
    assert [one.task.id.key for one in ran.report.settled] == ["a", "c"]


def test_a_task_lost_in_the_middle_is_not_begun_again(shop: Workshop) -> None:
    """Once in a session is enough, also where whoever took it over is dead by the time of the next look."""

    def robbed() -> None:
        shop.graves.all_dead = True
        claims(shop, "a")
        claims(shop, "b")

    ran = shop.run({**works("a", robbed), **works("b"), **works("c")})
    assert [one.task.id.key for one in ran.report.settled] == ["b", "c"]
    assert shop.record("a").state is TaskState.IN_PROGRESS


def test_races_over_one_task_end(shop: Workshop) -> None:
    """A ledger that refuses every claim of one task keeps nobody from the others."""
    counted, report = counting(shop, {**works("a"), **works("c")}, refuses="b")
    assert [one.task.id.key for one in report.settled] == ["a", "c"]
    assert counted.lost == 3


@dataclass(slots=True)
class Counting:
    """A ledger that counts the races that are lost, and may refuse one task."""

    inner: Ledger
    refuses: str
    lost: int = 0

    def write(self, record: Record, *, over: Seen | None) -> Seen:
        if record.task.key == self.refuses:
            self.lost += 1
            raise LeaseLost("another runner was quicker")
        try:
            return self.inner.write(record, over=over)
        except LeaseLost:
            self.lost += 1
            raise

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


def counting(shop: Workshop, turns: dict[str, list[Turn]], refuses: str = "") -> tuple[Counting, Report]:
    """Run a session whose lost races are counted."""
    with shop.bench(ActedAgent(turns)) as bench:
        ledger = Counting(bench.world.ledger, refuses)
        watched = replace(bench, world=replace(bench.world, ledger=ledger))  # type: ignore[arg-type]  # passes the rest on
        return ledger, Session(bench=watched).run()
