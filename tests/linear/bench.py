"""The Linear provider over the double."""

from dataclasses import dataclass
from typing import Any

from autorun.adapters.tasks.linear import LinearTasks
from autorun.adapters.tasks.linear.client import LinearClient
from autorun.core.model import Stop, Task, TaskId, TaskState
from autorun.effects.http import JsonDoor
from kit.linear_double import KEY, LinearDouble
from kit.tasks_conformance import Draft

SECRET = "hunter2-hunter2"


def provider(
    linear: LinearDouble, *, key: str = KEY, patience: float = 5.0, stop: Stop = lambda: None, **more: Any
) -> LinearTasks:
    """The provider as it is wired, with little patience."""
    door = JsonDoor(linear.url, name="Linear", headers={"Authorization": key}, patience=patience, stop=stop)
    client = LinearClient(door, key_name="LINEAR_API_KEY", secrets=(key,))
    return LinearTasks(client, **{"label": "autorun", "secrets": (key, SECRET)} | more)


@dataclass
class LinearBench:
    """Issues of one team, written and read as people do."""

    linear: LinearDouble

    def __post_init__(self) -> None:
        self.tasks = provider(self.linear)

    def put(self, draft: Draft) -> TaskId:
        """Write an issue and label it."""
        issue = self.linear.issue(draft.title, draft.body or None, priority=float(draft.priority))
        self.linear.queue(issue)
        for each in draft.depends_on:
            self.linear.blocks(self.linear.find(each.key), issue)
        return TaskId(provider="linear", key=issue["identifier"])

    def rewrite(self, task: TaskId, body: str) -> None:
        """Edit the description."""
        self.linear.edit(self.linear.find(task.key), description=body)

    def remove(self, task: TaskId) -> None:
        """Delete the issue for good."""
        self.linear.issues.remove(self.linear.find(task.key))

    def seen(self, task: TaskId) -> TaskState:
        """Read the column, and where that is a common one, our label."""
        issue = self.linear.find(task.key)
        columns = {
            "Todo": TaskState.TODO,
            "In Progress": TaskState.IN_PROGRESS,
            "In Review": TaskState.IN_REVIEW,
            "Done": TaskState.DONE,
            "Canceled": TaskState.CANCELLED,
        }
        (label,) = [name.partition(":")[2] for name in self.linear.names(issue) if ":" in name] or [""]
        return TaskState(label) if label else columns[issue["state"]["name"]]

    def only(self) -> Task:
        """The one task there is."""
        (task,) = self.tasks.backlog().tasks
        return task
