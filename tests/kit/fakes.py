"""Small working stand-ins for what lies outside: they keep their state in memory."""

from dataclasses import replace

from autorun.core.errors import TaskGone
from autorun.core.ledger.record import Record
from autorun.core.model import Backlog, Fault, Task, TaskId


class MemoryTasks:
    """A tracker in memory; `shown` holds what people see, per task."""

    def __init__(self, *tasks: Task, edits_answer: bool = False, resets_answer: bool = False) -> None:
        self.faults: tuple[Fault, ...] = ()
        self.shown: dict[TaskId, Record] = {}
        self._tasks = {task.id: task for task in tasks}
        self._edits_answer = edits_answer
        self._resets_answer = resets_answer

    def put(self, task: Task) -> None:
        """Add a task, or change it as a person would."""
        self._tasks[task.id] = task

    def remove(self, task: TaskId) -> None:
        """Delete a task as a person would."""
        del self._tasks[task]

    def backlog(self) -> Backlog:
        """Return every task and fault."""
        return Backlog(
            tasks=tuple(self._tasks.values()),
            faults=self.faults,
            edits_answer=self._edits_answer,
            resets_answer=self._resets_answer,
        )

    def refresh(self, task: Task, *, patient: bool = True) -> Task:
        """Return the task as it is now. Raises TaskGone."""
        del patient
        if task.id not in self._tasks:
            raise TaskGone(f"{task.id} is not there any more.")
        return self._tasks[task.id]

    def show(self, task: Task, record: Record) -> None:
        """Show the record's state. Raises TaskGone."""
        self._tasks[task.id] = replace(self.refresh(task), state=record.state)
        self.shown[task.id] = record
