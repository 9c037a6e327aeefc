"""The file provider and the in-memory one obey the contract of the Tasks port."""

import hashlib
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from autorun.adapters.tasks.files import FileTasks
from autorun.core import tasktext
from autorun.core.model import Dependency, Task, TaskId, TaskState
from autorun.core.taskfile import parse
from kit.fakes import MemoryTasks
from kit.tasks_conformance import Draft, TasksContract


class FileBench:
    """Task files in a folder, edited as with an editor."""

    def __init__(self, folder: Path) -> None:
        self.tasks = FileTasks(folder, writes=True)
        self._folder = folder

    def put(self, draft: Draft) -> TaskId:
        """Write a new file."""
        keys = [task.key for task in draft.depends_on]
        return self.tasks.add(draft.title, draft.body, priority=draft.priority, depends_on=keys).id

    def rewrite(self, task: TaskId, body: str) -> None:
        """Replace what follows the title."""
        path = self._path(task)
        head, mark, _ = path.read_text().partition("# Title:")
        title = parse(path.read_bytes(), task.key).task.title
        path.write_text(f"{head}{mark} {title}\n\n{body}")

    def remove(self, task: TaskId) -> None:
        """Delete the file."""
        self._path(task).unlink()

    def seen(self, task: TaskId) -> TaskState:
        """Read the status line."""
        (line,) = [line for line in self._path(task).read_text().splitlines() if line.startswith("status:")]
        return TaskState(line.removeprefix("status:").strip())

    def _path(self, task: TaskId) -> Path:
        return self._folder / f"{task.key}.md"


class MemoryBench:
    """Tasks in memory."""

    def __init__(self) -> None:
        self.tasks = MemoryTasks()
        self._numbers = count(1)

    def put(self, draft: Draft) -> TaskId:
        """Keep a new task."""
        task = Task(
            id=TaskId(provider="memory", key=str(next(self._numbers))),
            title=draft.title,
            priority=draft.priority,
            depends_on=tuple(Dependency(key=each.key) for each in draft.depends_on),
        )
        self.tasks.put(written(task, draft.body))
        return task.id

    def rewrite(self, task: TaskId, body: str) -> None:
        """Replace the text."""
        self.tasks.put(written(self._task(task), body))

    def remove(self, task: TaskId) -> None:
        """Forget the task."""
        self.tasks.remove(task)

    def seen(self, task: TaskId) -> TaskState:
        """Return the state last shown."""
        return self.tasks.shown[task].state

    def _task(self, wanted: TaskId) -> Task:
        return next(task for task in self.tasks.backlog().tasks if task.id == wanted)


def written(task: Task, body: str) -> Task:
    text = tasktext.read(body)
    return replace(
        task,
        body=body,
        criteria=text.criteria,
        steps=text.steps,
        warnings=text.warnings,
        revision=hashlib.sha256(body.encode()).hexdigest(),
    )


class TestFileTasks(TasksContract):
    """Markdown files."""

    @pytest.fixture
    def bench(self, tmp_path: Path) -> FileBench:
        """Start with no folder at all."""
        return FileBench(tmp_path / "state")


class TestMemoryTasks(TasksContract):
    """The fake."""

    @pytest.fixture
    def bench(self) -> MemoryBench:
        """Start empty."""
        return MemoryBench()
