"""What every provider of tasks must do, as one suite: subclass `TasksContract` and give it a `bench` fixture."""

from dataclasses import dataclass
from typing import Protocol

import pytest

from autorun.core.errors import TaskGone
from autorun.core.ledger.record import Holder, Record
from autorun.core.model import Outcome, Priority, Reason, Task, TaskId, TaskState
from autorun.ports import Tasks

BODY = """## Description
Ünïcode, "quotes", `code` and <b>tags</b> & more stay as they are.

## Acceptance Criteria
- [ ] A wrong password is refused with status 401
- [x] The form has two fields
* After five failures the account waits 15 minutes
- [ ] Log out ends the session

## Test Steps
1. Open /login
2) Enter a wrong password
3. Enter the right one
"""
CRITERIA = (
    ("A wrong password is refused with status 401", False),
    ("The form has two fields", True),
    ("After five failures the account waits 15 minutes", False),
    ("Log out ends the session", False),
)
STEPS = ("Open /login", "Enter a wrong password", "Enter the right one")
MANY = 130  # more than one page of any tracker


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A task as a person writes it."""

    title: str = "Let people log in"
    body: str = BODY
    priority: Priority = Priority.MEDIUM
    depends_on: tuple[TaskId, ...] = ()


class Bench(Protocol):
    """A provider on the bench, and a person's hands on its tracker."""

    tasks: Tasks

    def put(self, draft: Draft) -> TaskId:
        """Create a task that Autorun may work."""
        ...

    def rewrite(self, task: TaskId, body: str) -> None:
        """Replace a task's text, its title left as it is."""
        ...

    def remove(self, task: TaskId) -> None:
        """Delete a task for good."""
        ...

    def seen(self, task: TaskId) -> TaskState:
        """Return the state that people see in the tracker."""
        ...


def record_of(task: TaskId, state: TaskState) -> Record:
    return Record(
        task=task,
        state=state,
        holder=Holder(nonce="n1") if state is TaskState.IN_PROGRESS else None,
        outcome=Outcome(state=state, reason=Reason.CLAIMED, sentence="Something happened."),
    )


def only_task(bench: Bench) -> Task:
    (task,) = bench.tasks.backlog().tasks
    return task


class TasksContract:
    """The laws of the Tasks port."""

    def test_an_empty_tracker_is_an_empty_backlog(self, bench: Bench) -> None:
        """Nothing there: no task, and no error."""
        assert bench.tasks.backlog().tasks == ()

    def test_a_task_is_listed_with_all_it_says(self, bench: Bench) -> None:
        """Title, text, criteria, steps and priority arrive as a person wrote them."""
        created = bench.put(Draft(priority=Priority.HIGH))
        task = only_task(bench)
        assert (task.id, task.title, task.state, task.priority) == (
            created,
            "Let people log in",
            TaskState.TODO,
            Priority.HIGH,
        )
        assert BODY.strip() in task.body
        assert tuple((each.text, each.ticked) for each in task.criteria) == CRITERIA
        assert task.steps == STEPS
        assert task.objection == ""

    def test_a_task_without_text_is_listed(self, bench: Bench) -> None:
        """A missing description is no reason to hide a task; its author is warned."""
        bench.put(Draft(body=""))
        task = only_task(bench)
        assert task.criteria == ()
        assert any("no acceptance criteria" in warning for warning in task.warnings)

    def test_dependencies_name_tasks_of_the_backlog(self, bench: Bench) -> None:
        """A dependency carries the key under which the backlog lists the other task, not done yet."""
        first = bench.put(Draft(title="First"))
        second = bench.put(Draft(title="Second", depends_on=(first,)))
        found = {task.id: task for task in bench.tasks.backlog().tasks}
        assert [(each.key, each.done) for each in found[second].depends_on] == [(first.key, False)]
        assert found[first].depends_on == ()

    def test_every_task_is_listed_once(self, bench: Bench) -> None:
        """A long backlog is whole, however many pages it takes."""
        created = {bench.put(Draft(title=f"Task {number}")) for number in range(MANY)}
        listed = [task.id for task in bench.tasks.backlog().tasks]
        assert len(listed) == MANY
        assert set(listed) == created

    def test_reading_changes_nothing(self, bench: Bench) -> None:
        """Two readings are equal, and refresh agrees with the backlog on text and revision."""
        bench.put(Draft())
        before = bench.tasks.backlog()
        again = bench.tasks.refresh(before.tasks[0])
        assert (again.id, again.title, again.body, again.revision) == (
            before.tasks[0].id,
            before.tasks[0].title,
            before.tasks[0].body,
            before.tasks[0].revision,
        )
        assert bench.tasks.backlog() == before

    def test_a_new_text_is_a_new_revision(self, bench: Bench) -> None:
        """An edit is seen by refresh and the backlog, under the same id."""
        bench.put(Draft())
        before = only_task(bench)
        bench.rewrite(before.id, BODY.replace("401", "403"))
        after = bench.tasks.refresh(before)
        assert after.id == before.id
        assert "403" in after.body
        assert after.revision not in {"", before.revision}
        assert only_task(bench).revision == after.revision

    def test_a_removed_task_is_gone(self, bench: Bench) -> None:
        """Refresh says so by TaskGone, and the backlog leaves it out."""
        bench.put(Draft())
        task = only_task(bench)
        bench.remove(task.id)
        with pytest.raises(TaskGone):
            bench.tasks.refresh(task)
        assert bench.tasks.backlog().tasks == ()

    @pytest.mark.parametrize("state", TaskState)
    def test_people_see_the_record(self, bench: Bench, state: TaskState) -> None:
        """Whatever the record's state, the tracker shows it, however often it is told."""
        bench.put(Draft())
        task = only_task(bench)
        for _ in range(2):
            bench.tasks.show(task, record_of(task.id, state))
            assert bench.seen(task.id) is state

    def test_states_follow_one_another(self, bench: Bench) -> None:
        """Each state shown replaces the one before."""
        bench.put(Draft())
        task = only_task(bench)
        for state in (TaskState.IN_PROGRESS, TaskState.BLOCKED, TaskState.IN_PROGRESS, TaskState.TODO):
            bench.tasks.show(task, record_of(task.id, state))
            assert bench.seen(task.id) is state

    def test_showing_leaves_the_text_alone(self, bench: Bench) -> None:
        """What we show is ours; title, text and revision are people's."""
        bench.put(Draft())
        task = only_task(bench)
        bench.tasks.show(task, record_of(task.id, TaskState.BLOCKED))
        after = bench.tasks.refresh(task)
        assert (after.title, after.body, after.revision) == (task.title, task.body, task.revision)
