"""The line in four jobs: the same tasks end in the same states as in one."""

from dataclasses import replace

import pytest

from autorun.core.errors import HandoverRefused, ProviderError
from autorun.core.model import AgentResult, Assignment, Ending, Reason, TaskState
from autorun.core.money.budget import Budget
from autorun.phases.plan import plan
from autorun.session import Ended, Session
from kit.split import Split
from kit.workshop import Broken, check, completed, ends, needs_input, says, writes


def test_four_phases_bring_a_task_to_review(split: Split) -> None:
    """A task is claimed by the plan, worked by a runner, published by another job, and reported by a third."""
    split.shop.task("one")
    assert split.plan() == ["one"]
    assert split.shop.record("one").state is TaskState.IN_PROGRESS
    split.execute("one", writes({"one.txt": "1\n"}, completed("It is there.")))
    assert split.shop.record("one").state is TaskState.IN_PROGRESS
    assert "autorun/file-one" not in split.shop.git("branch", "--list", "--all")
    (settled,) = split.publish()
    report = split.report()
    record = split.shop.record("one")
    assert (settled.outcome.state, record.state) == (TaskState.IN_REVIEW, TaskState.IN_REVIEW)
    assert (record.attempts[-1].usage.cost_usd, record.attempts[-1].reserved_usd) == (0.25, 0.0)
    assert record.pull_request is not None
    assert record.proposal is None
    assert split.shop.git("diff", "--name-only", "main", "autorun/file-one") == "one.txt"
    assert split.shop.git("log", "-1", "--format=%s", "autorun/file-one") == "Do it"
    assert [one.task.id.key for one in report.settled] == ["one"]
    assert report.usage.cost_usd == 0.25


def test_every_end_but_work_that_holds_is_settled_by_publication(split: Split) -> None:
    """Blocked, paused and failed attempts come to the record as they would in one job."""
    for key in ("ask", "bad", "crash"):
        split.shop.task(key)
    split.terms = {"verify": check("test ! -e bad.txt"), "max_repairs": 0}
    split.plan()
    split.execute("ask", says(needs_input("Which?")))
    split.execute("bad", writes({"bad.txt": ""}))
    split.execute("crash", ends(Ending.CRASHED, "It fell over."))
    split.publish()
    records = {key: split.shop.record(key) for key in ("ask", "bad", "crash")}
    outcomes = {key: (record.state, record.outcome.reason) for key, record in records.items() if record.outcome}
    assert outcomes == {
        "ask": (TaskState.BLOCKED, Reason.NEEDS_INPUT),
        "bad": (TaskState.PAUSED, Reason.CHECKS_FAILED),
        "crash": (TaskState.TODO, Reason.AGENT_FAILED),
    }
    assert [records[key].burned for key in ("ask", "bad", "crash")] == [0, 0, 1]
    assert records["crash"].outcome is not None
    assert records["crash"].outcome.sentence == "It fell over. That was attempt 1 of 3."
    assert records["crash"].next_eligible_at is not None
    assert records["ask"].session is not None


def test_a_runner_that_is_interrupted_hands_over_how_far_it_came(split: Split) -> None:
    """A signal ends the work in order: the task is free again, what was spent is booked, the next run goes on."""
    split.shop.task("one")
    split.plan()
    split.execute("one", ends(Ending.STOPPED, "Stopped.", {"half.txt": ""}))
    split.publish()
    record = split.shop.record("one")
    assert (record.state, record.burned, record.charged_usd) == (TaskState.TODO, 0, 0.25)
    assert record.session is not None
    assert split.plan() == ["one"]
    split.execute("one", says(completed()))
    split.publish()
    assert split.shop.git("diff", "--name-only", "main", "autorun/file-one") == "half.txt"


def test_a_runner_that_breaks_down_leaves_a_result_all_the_same(split: Split) -> None:
    """Even a bug of ours leaves a result, and the bug is not hidden."""
    split.shop.task("one")
    split.plan()

    def breaks(_: object) -> object:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        split.execute("one", breaks)  # type: ignore[arg-type]  # it never returns
    assert split.result("one").outcome.reason is Reason.AGENT_FAILED
    split.publish()
    assert (split.shop.record("one").state, split.shop.record("one").burned) == (TaskState.TODO, 1)


def test_the_text_is_the_planned_one_whatever_happens_to_the_task(split: Split) -> None:
    """An edit after the plan reaches the agent no more, and a base that moves does not move the work."""
    split.shop.task("one", "the first text")
    split.plan()
    base = split.leg("one").base
    split.shop.task("one", "another text")
    told: list[str] = []

    def listens(assignment: Assignment) -> AgentResult:
        told.append(assignment.prompt)
        return writes({"one.txt": ""})(assignment)

    split.execute("one", listens)
    split.publish()
    assert "the first text" in told[0]
    assert split.shop.git("rev-parse", "autorun/file-one~") == base


def test_a_task_that_was_closed_meanwhile_is_not_published(split: Split) -> None:
    """A human who closes the task while it is worked has the last word."""
    split.shop.task("one")
    split.plan()
    split.execute("one", writes({"one.txt": ""}))
    split.shop.task("one", status="done")
    split.publish()
    assert split.shop.record("one").state is TaskState.DONE
    assert "autorun/file-one" not in split.shop.git("branch", "--list")


def test_a_dead_runner_costs_its_own_task_only(split: Split) -> None:
    """Where no result came the task is charged its reservation and free again; the others are published."""
    for key in ("alive", "dead"):
        split.shop.task(key)
    split.terms = {"budget": Budget(usd_per_session=4.0)}
    assert sorted(split.plan()) == ["alive", "dead"]
    split.execute("alive", writes({"a.txt": ""}))
    split.publish("alive")
    report = split.report()
    dead = split.shop.record("dead")
    assert (dead.state, dead.holder, dead.burned, dead.charged_usd) == (TaskState.TODO, None, 1, 2.0)
    assert split.shop.record("alive").state is TaskState.IN_REVIEW
    assert report.usage.cost_usd == 2.25
    assert split.shop.record("alive").charged_usd == 0.25


def test_publication_settles_a_task_whose_runner_left_nothing(split: Split) -> None:
    """Publication need not wait for the report to say that nothing came."""
    split.shop.task("dead")
    split.plan()
    (settled,) = split.publish()
    assert "there is nothing" in settled.outcome.sentence
    assert split.shop.record("dead").burned == 1


def test_a_lost_claim_cannot_be_published(split: Split) -> None:
    """When another run has taken the task over, neither branch nor record moves, and the report keeps out of it."""
    split.shop.task("one")
    split.plan()
    split.execute("one", writes({"one.txt": ""}))
    split.shop.clock.pass_(days=9)
    split.shop.run({"one": [says(needs_input())]})
    assert split.publish() == ()
    assert split.report().settled == ()
    assert split.shop.record("one").state is TaskState.BLOCKED
    assert "autorun/file-one" not in split.shop.git("branch", "--list")


def test_a_slow_leg_keeps_its_claim_without_renewal(split: Split) -> None:
    """Hours after the plan another run still leaves the tasks alone, and the slow one is published."""
    for key in ("one", "two"):
        split.shop.task(key)
    split.plan()
    split.shop.clock.pass_(hours=4)
    assert split.shop.run({}).report.settled == ()
    split.execute("one", writes({"one.txt": ""}))
    split.publish("one")
    assert split.shop.record("one").state is TaskState.IN_REVIEW


def test_two_plans_never_plan_one_task_twice(split: Split, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A second plan takes what the first one left."""
    for key in ("one", "two", "three"):
        split.shop.task(key)
    split.terms = {"budget": Budget(tasks_per_session=2)}
    other = Split(shop=split.shop, folder=tmp_path_factory.mktemp("other"), terms=split.terms)
    first, second = split.plan(), other.plan()
    assert (len(first), len(second)) == (2, 1)
    assert not set(first) & set(second)
    assert split.itinerary.reason == Ended.LIMIT
    assert split.itinerary.end == "1 more tasks wait for the next run"


def test_budgets_are_dealt_out_before_anything_runs(split: Split) -> None:
    """All reservations together keep within session and day; a settled task gives back what it did not need."""
    for key in ("a", "b", "c"):
        split.shop.task(key)
    split.terms = {"budget": Budget(usd_per_session=3.0, usd_per_day=4.0, usd_per_task=1.5)}
    split.plan()
    assert [leg.budget_usd for leg in split.itinerary.legs] == [1.0, 1.0, 1.0]
    assert sum(split.shop.record(key).charged_usd for key in "abc") == 3.0
    split.execute("a", writes({"a.txt": ""}))
    split.publish("a")
    split.shop.task("d")
    split.plan()
    (leg,) = split.itinerary.legs
    assert leg.budget_usd == 1.5  # of 4.00 a day 0.25 are spent and 2.00 reserved, and one task may cost 1.50


def test_a_plan_that_breaks_off_keeps_no_claim(split: Split) -> None:
    """When planning fails halfway, what was claimed by then is free again."""
    for key in ("a", "b"):
        split.shop.task(key)
    with split.idle() as bench:
        written = bench.world.ledger.write

        class Failing:
            """A ledger that goes away after the first claim."""

            calls = 0

            def __getattr__(self, name: str) -> object:
                return getattr(ledger, name)

            def write(self, record: object, *, over: object) -> object:
                self.calls += 1
                if self.calls == 2:
                    raise ProviderError("gone")
                return written(record, over=over)  # type: ignore[arg-type]  # passed on

        ledger = bench.world.ledger

        bench.world = replace(bench.world, ledger=Failing())  # type: ignore[arg-type]  # stands for one
        with pytest.raises(ProviderError):
            plan(Session(bench=bench), lambda _: None)
    assert {split.shop.record("a").state} == {TaskState.TODO}
    assert split.shop.record("a").charged_usd == 0


def test_a_plan_that_slept_goes_on_without_the_task_it_lost(split: Split) -> None:
    """Another run that took one of its tasks over takes that one only."""
    for key in ("a", "b"):
        split.shop.task(key)
    with split.idle() as bench:
        base, robbed = bench.world.workspaces.base, list[str]()

        def sleeps() -> str:
            if not robbed:
                robbed.append("a")
                split.shop.clock.pass_(days=40)
                with split.idle() as thief:
                    Session(bench=thief).look()
            return base()

        workspaces = Broken(bench.world.workspaces, "base", sleeps)
        bench.world = replace(bench.world, workspaces=workspaces)  # type: ignore[arg-type]  # stands for one
        found = plan(Session(bench=bench), lambda _: None)
    assert [leg.task.id.key for leg in found.legs] == ["b"]
    assert split.shop.record("a").state is TaskState.TODO
    assert split.shop.record("b").state is TaskState.IN_PROGRESS


def test_a_forged_plan_is_refused(split: Split) -> None:
    """A plan that is not the one whose digest was printed is believed by nobody."""
    split.shop.task("one")
    split.plan()
    path = split.folder / "plan.json"
    path.write_bytes(path.read_bytes().replace(b'"base_branch":"main"', b'"base_branch":"evil"'))
    with pytest.raises(HandoverRefused, match="digest"):
        _ = split.itinerary
