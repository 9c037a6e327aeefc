"""The session folder: what happened, line by line, and where the session stands, for other processes to read.

Several runners may work side by side. The first one's folder is the session folder itself, a second one's is the
folder `2` in it, and so on; a lock on the folder tells whether it is taken, and a kill frees it.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from itertools import count, takewhile
from pathlib import Path

from autorun.core.ledger import codec
from autorun.core.report.journal import Entry, Happening
from autorun.core.report.status import RunnerState, SessionState, after
from autorun.effects import files, host

_EVENTS = "events.jsonl"
_STATE = "session.json"
_STOP = "stop"
_WRITE_EVERY = timedelta(seconds=1)
_SEAT_SECONDS = 0.2  # who only looks whether a folder is taken holds it for much less


class SessionFolder:
    """The folder other processes look into: `session.json`, `events.jsonl`, the stop request."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def stop_request(self) -> Path:
        """The file by which another process asks the running one to end."""
        return self.path / _STOP

    @property
    def taken(self) -> bool:
        """Whether a runner has this folder."""
        try:
            with files.locked(self.path, timeout=0):
                return False
        except TimeoutError:
            return True
        except OSError:
            return False

    def state(self) -> SessionState | None:
        """Return where the last session stands, DEAD if its runner is gone; None if there was none or it is torn."""
        try:
            state = codec.loads((self.path / _STATE).read_text(encoding="utf-8"), SessionState)
        except (OSError, ValueError):
            return None
        if state.state is RunnerState.RUNNING and not (host.alive(state.holder) and self.taken):
            return replace(state, state=RunnerState.DEAD)
        return state

    def entries(self, last: int) -> tuple[Entry, ...]:
        """Return the last entries of the journal, oldest first; a torn line is passed over."""
        try:
            with (self.path / _EVENTS).open(encoding="utf-8", errors="replace") as lines:
                tail = deque(lines, maxlen=last)
        except OSError:
            return ()
        return tuple(entry for line in tail if (entry := _entry(line)) is not None)


def session_folders(top: Path) -> Iterator[SessionFolder]:
    """Give the folder of every runner that worked here, whether it still does or not."""
    return takewhile(lambda folder: folder.path.is_dir(), _every(top))


def latest(top: Path) -> tuple[SessionFolder, SessionState] | None:
    """Return the session that says most about now: one that runs before any other, then the one heard of last."""
    found = [(folder, state) for folder in session_folders(top) if (state := folder.state()) is not None]
    return max(found, key=lambda each: (each[1].state is RunnerState.RUNNING, each[1].updated_at), default=None)


def running(top: Path) -> list[tuple[SessionFolder, SessionState]]:
    """Return every session whose runner is at work."""
    found = [(folder, state) for folder in session_folders(top) if (state := folder.state()) is not None]
    return [each for each in found if each[1].state is RunnerState.RUNNING]


@contextmanager
def own_folder(top: Path) -> Iterator[SessionFolder]:
    """Have a session folder that no other runner has, while the block lasts."""
    with ExitStack() as stack:
        for folder in _every(top):
            with suppress(TimeoutError):
                stack.enter_context(files.locked(files.private_folder(folder.path), timeout=_SEAT_SECONDS))
                files.sweep(folder.path)
                break
        yield folder


def _every(top: Path) -> Iterator[SessionFolder]:
    return (SessionFolder(top if number == 1 else top / str(number)) for number in count(1))


class Journal:
    """Writes the session folder: a notifier like any other, but the one that `status` relies on.

    `goes_on`: the session continues the last one in this folder, and so does its journal.
    """

    def __init__(self, folder: SessionFolder, start: SessionState, *, goes_on: bool = False) -> None:
        self._folder = folder
        self._state = start
        self._written = start.started_at - _WRITE_EVERY
        files.private_folder(folder.path)
        folder.stop_request.unlink(missing_ok=True)
        if not goes_on:
            (folder.path / _EVENTS).unlink(missing_ok=True)
        self._write()

    def tell(self, entry: Entry) -> None:
        """Append the entry, and bring `session.json` up to date; signs of life at most once a second."""
        self._state = after(self._state, entry)
        if entry.what is Happening.ACTIVITY and entry.at - self._written < _WRITE_EVERY:
            return
        if entry.what is not Happening.ACTIVITY:
            files.append(self._folder.path / _EVENTS, codec.dumps(entry) + "\n")
        self._written = entry.at
        self._write()

    def _write(self) -> None:
        files.replace(self._folder.path / _STATE, codec.dumps(self._state))


def _entry(line: str) -> Entry | None:
    try:
        return codec.loads(line, Entry)
    except ValueError:
        return None
