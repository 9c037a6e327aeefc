"""The session folder: what happened, line by line, and where the session stands, for other processes to read."""

from collections import deque
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from autorun.core import codec
from autorun.core.journal import Entry, Happening
from autorun.core.status import RunnerState, SessionState, after
from autorun.effects import files, host

_EVENTS = "events.jsonl"
_STATE = "session.json"
_STOP = "stop"
_WRITE_EVERY = timedelta(seconds=1)


class SessionFolder:
    """The folder other processes look into: `session.json`, `events.jsonl`, the stop request."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def stop_request(self) -> Path:
        """The file by which another process asks the running one to end."""
        return self.path / _STOP

    def state(self) -> SessionState | None:
        """Return where the last session stands, DEAD if its process is gone; None if there was none or it is torn."""
        try:
            state = codec.loads((self.path / _STATE).read_text(), SessionState)
        except (OSError, ValueError):
            return None
        if state.state is RunnerState.RUNNING and host.alive(state.holder) is not True:
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


class Journal:
    """Writes the session folder: a notifier like any other, but the one that `status` relies on."""

    def __init__(self, folder: SessionFolder, start: SessionState) -> None:
        self._folder = folder
        self._state = start
        self._written = start.started_at - _WRITE_EVERY
        files.private_folder(folder.path)
        folder.stop_request.unlink(missing_ok=True)
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
