"""Unfinished work on disk, in the session folder: where an attempt stopped, and its work as a patch."""

from pathlib import Path

from autorun.core.errors import ResumeRefused
from autorun.core.ledger import codec
from autorun.core.ledger.unfinished import Unfinished
from autorun.core.model import TaskId
from autorun.core.naming import component
from autorun.effects import files

_STATE = "unfinished.json"
_PATCH = "diff.patch"
_STATE_BYTES = 1 << 20
_PATCH_BYTES = 256 << 20


class FolderShelf:
    """Keeps one unfinished attempt per task in `<session folder>/tasks/<key>/`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, found: Unfinished, patch: bytes) -> None:
        """Keep an unfinished attempt in the place of an earlier one. Raises OSError."""
        place = files.private_folder(self._place(found.task))
        (place / _STATE).unlink(missing_ok=True)  # a kill between the two leaves none, never a mixed one
        files.replace(place / _PATCH, patch)
        files.replace(place / _STATE, codec.dumps(found))

    def take(self, task: TaskId) -> tuple[Unfinished, bytes] | None:
        """Return what was kept; None if there is nothing. Raises ResumeRefused if it cannot be used."""
        place = self._place(task)
        if not (place / _STATE).exists():
            return None
        try:
            state = _read(place / _STATE, _STATE_BYTES)
            return codec.loads(state.decode(), Unfinished), _read(place / _PATCH, _PATCH_BYTES)
        except (OSError, ValueError) as error:
            raise ResumeRefused(f"The saved work cannot be read: {error}.") from None

    def clear(self, task: TaskId) -> None:
        """Forget that there is unfinished work; the patch stays for people to read."""
        (self._place(task) / _STATE).unlink(missing_ok=True)

    def note(self, task: TaskId, name: str, text: str) -> None:
        """Write a file for people beside it. Raises OSError."""
        files.replace(files.private_folder(self._place(task)) / name, text)

    def _place(self, task: TaskId) -> Path:
        return self._folder / "tasks" / component(task.key)


def _read(path: Path, most: int) -> bytes:
    content = files.read(path, limit=most)
    if len(content) > most:
        raise ValueError(f"{path.name} is larger than any we write")
    return content
