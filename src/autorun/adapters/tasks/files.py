"""Tasks as Markdown files in one folder: `<state_dir>/<key>.md`.

Hidden files and `README.md` are no tasks. Git keeps no file times, so a task's age is its front matter's
`created`; tasks without one follow in the natural order of their keys.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path

from autorun.core.errors import ConfigurationError, ProviderError, TaskGone, TaskUnreadable
from autorun.core.ledger.record import Record
from autorun.core.model import Backlog, Fault, Priority, Task
from autorun.core.taskfile import MAX_BYTES, Malformed, TaskFile, parse, render, slug, with_status
from autorun.effects import files

_SUFFIX = ".md"
_NO_TASKS = frozenset({"readme.md"})
_NAMED = 5  # files named in one sentence
_NEW_FILE = 0o644  # tasks are committed with the repository; nothing in them is secret


class FileTasks:
    """The file provider. With `writes` false (on Actions) no file is ever written."""

    def __init__(self, state_dir: Path, *, writes: bool) -> None:
        self._folder = state_dir
        self._writes = writes
        self._swept = False

    def backlog(self) -> Backlog:
        """Read every task file; what is no task is a fault and hides nothing else. Raises ProviderError."""
        found: list[TaskFile] = []
        faults: list[Fault] = []
        for name in self._names():
            try:
                found.append(self._read(name))
            except FileNotFoundError:
                if (self._folder / name).is_symlink():
                    faults.append(self._fault(name, "The symbolic link leads nowhere."))
            except (OSError, ValueError) as error:
                faults.append(self._fault(name, _sentence(error)))
        if not self._folder.exists():
            faults.append(self._fault("", "There is no such folder yet: `autorun add TITLE` creates it."))
        owners: dict[str, list[str]] = {}
        for each in found:
            owners.setdefault(each.identity, []).append(each.task.id.key + _SUFFIX)
        for identity, names in owners.items():
            if len(names) > 1:
                shared = f'The id "{identity}" stands in {_listed(names)}: give every task an id of its own.'
                faults += [self._fault(name, shared) for name in names]
        tasks = tuple(each.task for each in found if len(owners[each.identity]) == 1)
        return Backlog(tasks=tasks, faults=tuple(faults), edits_answer=True, resets_answer=self._writes)

    def refresh(self, task: Task, *, patient: bool = True) -> Task:
        """Read one task again. Raises TaskGone if its file is not there, TaskUnreadable if it is no task any more."""
        del patient  # there is nothing to wait for
        name = task.id.key + _SUFFIX
        try:
            return self._read(name).task
        except FileNotFoundError:
            raise self._gone(name) from None
        except (OSError, ValueError) as error:
            raise TaskUnreadable(
                f"{self._folder / name} is no task any more. {_sentence(error)}", hint="mend the file"
            ) from None

    def show(self, task: Task, record: Record) -> None:
        """Set the file's status to the record's state, every other byte stays. Raises TaskGone, ProviderError."""
        if not self._writes:
            return
        name = task.id.key + _SUFFIX
        try:
            data = self._bytes(name)
            if with_status(data, record.state) == data:
                return
            with self._locked():
                path = (self._folder / name).resolve(strict=True)
                mode = stat.S_IMODE(path.stat().st_mode)
                files.replace(path, with_status(self._bytes(name), record.state), mode=mode)
        except FileNotFoundError:
            raise self._gone(name) from None
        except (OSError, ValueError) as error:
            raise ProviderError(
                f"The status of {self._folder / name} could not be written. {_sentence(error)}",
                hint=f"it should be `status: {record.state}`",
            ) from None

    def add(
        self,
        title: str,
        body: str = "",
        *,
        priority: Priority = Priority.MEDIUM,
        labels: Sequence[str] = (),
        depends_on: Sequence[str] = (),
        created_at: datetime | None = None,
    ) -> Task:
        """Create a task file under a key made from the title, unique also among processes that add at once.

        Raises ConfigurationError for text that is no task, ProviderError if the file cannot be written.
        """
        if not self._writes:
            raise ConfigurationError(
                "Task files are only read here.", hint="add the task on your machine and commit its file"
            )
        text = render(title, body, priority=priority, labels=labels, depends_on=depends_on, created_at=created_at)
        try:
            data = text.encode()
            parse(data, "new")
        except ValueError as error:
            raise ConfigurationError(f"This cannot become a task. {_sentence(error)}") from None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._locked():
                key = self._free_key(slug(title))
                files.replace(self._folder / f"{key}{_SUFFIX}", data, mode=_NEW_FILE)
        except OSError as error:
            raise ProviderError(f"No task can be added to {self._folder}. {_sentence(error)}") from None
        return parse(data, key).task

    def _names(self) -> list[str]:
        try:
            names = os.listdir(self._folder)  # noqa: PTH208 - names, not ten thousand paths
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ProviderError(
                f"Could not initialize state provider file: {self._folder} cannot be listed. {_sentence(error)}",
                hint="let `state_provider.state_dir` name a folder you may read",
            ) from None
        return sorted(
            name
            for name in names
            if name.endswith(_SUFFIX) and not name.startswith(".") and name.lower() not in _NO_TASKS
        )

    def _read(self, name: str) -> TaskFile:
        """Read one file. Raises OSError, or ValueError with a whole sentence."""
        if not name.isprintable():
            raise Malformed("The file's name has characters that cannot be printed: rename it.")
        return parse(self._bytes(name), name.removesuffix(_SUFFIX))

    def _bytes(self, name: str) -> bytes:
        path = self._folder / name
        if os.sep in name:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self._folder)):
            raise Malformed("The symbolic link leads out of the folder of tasks: put the file itself there.")
        return files.read(path, limit=MAX_BYTES)

    def _free_key(self, wanted: str) -> str:
        taken = {name.lower() for name in os.listdir(self._folder)} | _NO_TASKS  # noqa: PTH208 - as in _names
        keys = (wanted if number == 1 else f"{wanted}-{number}" for number in count(1))
        return next(key for key in keys if f"{key}{_SUFFIX}" not in taken)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the folder; the first time, clear away what a killed writer left half-written."""
        with files.locked(self._folder):
            if not self._swept:
                for leftover in self._folder.glob(f"{files.TEMPORARY_PREFIX}*{_SUFFIX}.tmp"):
                    leftover.unlink(missing_ok=True)
                self._swept = True
            yield

    def _fault(self, name: str, reason: str) -> Fault:
        place = str(self._folder / name)
        return Fault(place=place if place.isprintable() else ascii(place)[1:-1], reason=reason)

    def _gone(self, name: str) -> TaskGone:
        return TaskGone(f"{self._folder / name} is not there any more.")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _sentence(error: Exception) -> str:
    """Put a failure in a sentence; ours are sentences already."""
    if isinstance(error, IsADirectoryError):
        return "It is a folder, not a file."
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}."
    text = str(error)
    return text if text.endswith(".") else f"{text}."
