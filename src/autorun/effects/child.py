"""A long-lived child process: lines in, lines out, and an end that leaves nothing behind.

The child gets exactly the environment it is given, plus a mark by which whatever descends from it is found
again and killed, in however many sessions and groups it went to hide. What clears its own environment and
leaves its parents cannot be found this way: only a sandbox, whose process namespace ends as a whole, helps there.
"""

import os
import secrets
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from autorun.core.model import Command
from autorun.core.text.lines import Lines
from autorun.effects.process import kill_group

MARK = "AUTORUN_STRETCH"
_STREAMS = ("stdin", "stdout", "stderr")
_CHUNK = 65536
_STDERR_KEPT = 16 * 1024
_STRAGGLER_SECONDS = 1.0
_HUNTS = 20


class Child:
    """A running child; leaving the context kills it and all its kin. Raises OSError if it cannot be started."""

    def __init__(self, command: Command) -> None:
        self._mark = f"{MARK}={secrets.token_hex(16)}"
        name, _, value = self._mark.partition("=")
        self._process = subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            env={**command.env, name: value},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._stdin, self._stdout, self._stderr = (_pipe(getattr(self._process, name)) for name in _STREAMS)
        self._selector = selectors.DefaultSelector()
        self._lines = Lines()
        self._pending = bytearray()
        self._closing = False
        self._errors = bytearray()
        self._exited_at: float | None = None
        os.set_blocking(self._stdin.fileno(), False)
        self._selector.register(self._stdout, selectors.EVENT_READ)
        self._selector.register(self._stderr, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        kill_group(self._process.pid)
        self._process.wait()
        kill_marked(self._mark)
        self._selector.close()
        for stream in (self._stdin, self._stdout, self._stderr):
            with suppress(OSError):
                stream.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """It has not been seen to end."""
        return self._exited_at is None

    @property
    def alive(self) -> bool:
        """More lines may come."""
        return self.running or self._stdout in self._registered

    @property
    def status(self) -> int:
        """How it ended, negative for a signal; 0 while it runs."""
        return self._process.poll() or 0

    @property
    def stderr(self) -> str:
        """The end of what it wrote to its standard error."""
        return self._errors.decode(errors="replace")

    @property
    def _registered(self) -> set[object]:
        return {key.fileobj for key in self._selector.get_map().values()}

    def send(self, line: bytes) -> None:
        """Queue a line for its standard input; it goes out while lines are read."""
        if not self._closing:
            self._pending += line + b"\n"
            self._write()

    def hang_up(self) -> None:
        """Close its standard input once everything queued is written."""
        self._closing = True
        self._write()

    def terminate(self) -> None:
        """Ask the child and its process group to end."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kill the child and everything that descends from it."""
        kill_group(self._process.pid)
        kill_marked(self._mark)

    def read(self, seconds: float) -> list[bytes]:
        """Return the lines that come within `seconds`; at once when some are there, or when it has ended."""
        lines: list[bytes] = []
        if self._selector.get_map():
            for key, _ in self._selector.select(seconds):
                lines += self._serve(key)
        else:  # it closed its streams: only its end is still to come
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        self._notice_end()
        if not self.alive and (rest := self._lines.rest()):
            lines.append(rest)
        return lines

    def _serve(self, key: selectors.SelectorKey) -> list[bytes]:
        if key.fileobj is self._stdin:
            self._write()
        elif key.fileobj is self._stdout:
            return self._lines.feed(self._chunk(key.fd, self._stdout))
        else:
            self._errors += self._chunk(key.fd, self._stderr)
            del self._errors[:-_STDERR_KEPT]
        return []

    def _chunk(self, descriptor: int, stream: IO[bytes]) -> bytes:
        data = os.read(descriptor, _CHUNK)
        if not data:
            self._selector.unregister(stream)
        return data

    def _notice_end(self) -> None:
        now = time.monotonic()
        if self._exited_at is None and self._process.poll() is not None:
            self._exited_at = now
        if self._exited_at is not None and now - self._exited_at > _STRAGGLER_SECONDS:
            with suppress(KeyError):  # something it left behind holds the pipe: not ours to wait for
                self._selector.unregister(self._stdout)

    def _write(self) -> None:
        with suppress(BlockingIOError):
            try:
                while self._pending:
                    del self._pending[: os.write(self._stdin.fileno(), self._pending[:_CHUNK])]
            except (BrokenPipeError, ValueError):
                self._pending.clear()  # it does not listen any more
        listening = self._stdin in self._registered
        if self._pending and not listening:
            self._selector.register(self._stdin, selectors.EVENT_WRITE)
        elif not self._pending and listening:
            self._selector.unregister(self._stdin)
        if self._closing and not self._pending:
            with suppress(BrokenPipeError):
                self._stdin.close()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("every stream of a child is a pipe")
    return stream


def kill_marked(mark: str) -> None:
    """Kill every process whose environment carries `mark`, until a look around finds none."""
    for _ in range(_HUNTS):
        found = [pid for pid in _processes() if _carries(pid, mark)]
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return
        time.sleep(0.01)


def _processes() -> list[int]:
    own = os.getpid()
    try:
        names = [path.name for path in Path("/proc").iterdir()]
    except OSError:  # no such file system here: there is no way to look
        return []
    return [int(name) for name in names if name.isdigit() and int(name) != own]


def _carries(pid: int, mark: str) -> bool:
    try:
        return mark.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False  # gone, or not ours
