"""A task that a human takes back while it is worked."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from autorun.core.errors import AutorunError, ProviderError, TaskGone
from autorun.core.ledger import Seen
from autorun.core.ledger.record import Record
from autorun.core.model import AgentResult, Assignment, Ending, Reason, StopReason, Task, TaskState
from autorun.session import Session
from autorun.terms import LEASE
from kit.repos import write_files
from kit.workshop import ActedAgent, Broken, Workshop, ends, writes

GARBLED = {".ai-agents/state/a.md": "---\nlabels: [\n---\n# Title: Task a\n"}


@pytest.fixture
def shop(shop: Workshop) -> Workshop:
    shop.task("a")
    shop.task("b")
    return shop


def work(
    shop: Workshop, meanwhile: Callable[[], object], minutes: float, error: AutorunError | None = None
) -> StopReason | None:
    """Work both tasks; while `a` is worked something happens, time passes, and the tracker may fail.

    Returns why the agent was asked to end.
    """
    told: list[StopReason | None] = []
    begun: list[bool] = []

    def a_while(assignment: Assignment) -> AgentResult:
        begun.append(True)
        meanwhile()
        shop.clock.pass_(minutes=minutes)
        told.append(bench.stops[assignment.task]())
        return (ends(Ending.STOPPED) if told[-1] else writes({"a.txt": ""}))(assignment)

    with shop.bench(ActedAgent({"a": [a_while], "b": [writes({"b.txt": ""})]})) as bench:
        refresh = bench.world.tasks.refresh

        def fails_later(task: Task, *, patient: bool = True) -> Task:
            if error is not None and begun:
                raise error
            return refresh(task, patient=patient)

        tasks = Broken(bench.world.tasks, "refresh", fails_later)
        bench.world = replace(bench.world, tasks=tasks)  # type: ignore[arg-type]  # a stand-in
        Session(bench=bench, only=("a", "b") if error is None else ("a",)).run()
    return told[0]


def sets_status(shop: Workshop, key: str, status: str) -> None:
    write_files(shop.root, {f".ai-agents/state/{key}.md": f"---\nstatus: {status}\n---\n# Title: Task {key}\n"})


@pytest.mark.parametrize(("status", "state"), [("done", TaskState.DONE), ("cancelled", TaskState.CANCELLED)])
def test_a_task_that_a_human_closes_is_worked_no_further(shop: Workshop, status: str, state: TaskState) -> None:
    """Within a renewal's time the agent is stopped; nothing is published, and the session goes on."""
    why = work(shop, lambda: sets_status(shop, "a", status), LEASE.total_seconds() / 60 / 2)
    assert why is StopReason.TASK_WITHDRAWN
    record = shop.record("a")
    assert (record.state, record.holder, record.burned) == (state, None, 0)
    assert record.outcome is not None
    assert record.outcome.reason is Reason.WITHDRAWN
    assert record.outcome.sentence == f"The task is {status}: a human ended it."
    assert shop.git("branch", "--list", "autorun/*").split() == ["autorun/file-b"]


def test_nobody_looks_more_often_than_the_lease_is_renewed(shop: Workshop) -> None:
    """A minute later the task is not looked at: a call for each would be too many."""
    assert work(shop, lambda: sets_status(shop, "a", "done"), 1) is None


def test_an_edit_by_the_way_stops_nobody(shop: Workshop) -> None:
    """A task that is still to be done is worked on."""
    assert work(shop, lambda: sets_status(shop, "a", "in_progress"), 10) is None
    assert shop.record("a").state is TaskState.IN_REVIEW


def test_a_file_that_somebody_is_writing_stops_nobody(shop: Workshop) -> None:
    """What makes no sense in the middle of the work is no word about it."""
    assert work(shop, lambda: write_files(shop.root, GARBLED), 10) is None
    assert shop.record("a").state is TaskState.IN_REVIEW


def test_a_file_that_makes_no_sense_when_it_is_claimed_is_left(shop: Workshop) -> None:
    """It costs neither an attempt nor the session: the next one says what to mend, or works it."""
    with shop.bench(ActedAgent({"b": [writes({"b.txt": ""})]})) as bench:
        ledger = bench.world.ledger

        def write(record: Record, *, over: Seen | None) -> Seen:
            if record.task.key == "a" and record.holder:
                write_files(shop.root, GARBLED)
            return ledger.write(record, over=over)

        bench.world = replace(bench.world, ledger=Broken(ledger, "write", write))  # type: ignore[arg-type]  # a stand-in
        report = Session(bench=bench).run()
    assert report.end.exit_code == 0
    record = shop.record("a")
    assert (record.state, record.burned) == (TaskState.TODO, 0)
    assert record.outcome is not None
    assert "is no task any more. The front matter is no valid YAML" in record.outcome.sentence
    assert shop.record("b").state is TaskState.IN_REVIEW


def test_a_task_that_is_gone_is_cancelled(shop: Workshop) -> None:
    """Deleted or transferred: the work ends, and says so."""
    why = work(shop, lambda: None, 10, TaskGone("The issue is not there any more."))
    assert why is StopReason.TASK_WITHDRAWN
    record = shop.record("a")
    assert (record.state, record.outcome and record.outcome.sentence) == (
        TaskState.CANCELLED,
        "The issue is not there any more.",
    )


def test_a_tracker_that_does_not_answer_stops_nobody(shop: Workshop) -> None:
    """Work goes on while it cannot be asked; what it says later still counts."""
    assert work(shop, lambda: None, 10, ProviderError("nobody answers")) is None
    assert shop.record("a").state is TaskState.IN_REVIEW
