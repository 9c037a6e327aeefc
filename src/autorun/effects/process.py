"""The one place that starts short-lived child processes and waits for them.

A child gets exactly the environment it is given, a session of its own, and is killed with its whole process
group. Output is drained while it runs, so a child that writes without end neither blocks nor fills memory.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from autorun.core.model import Command, Guard, Stop

_CHUNK = 65536
_POLL_SECONDS = 0.1
_TERM_SECONDS = 2.0
_STRAGGLER_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a child ended. `returncode` is negative for a signal; `killed` says why we ended it ourselves.

    `left_behind`: it ended while processes it had started still ran. Those of its own group are dead now.
    """

    returncode: int
    stdout: bytes
    stderr: bytes
    seconds: float
    killed: str = ""
    left_behind: bool = False

    @property
    def ok(self) -> bool:
        """It ended by itself, with status 0."""
        return self.returncode == 0 and not self.killed


class _Tail:
    """The last `limit` bytes of a stream."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = bytearray()

    def add(self, chunk: bytes) -> None:
        self._data += chunk
        if len(self._data) > 2 * self._limit:
            del self._data[: -self._limit]

    def value(self) -> bytes:
        return bytes(self._data[-self._limit :])


def run(
    command: Command,
    *,
    stdin: bytes = b"",
    timeout: float = 120.0,
    limit: int = 64 * 1024 * 1024,
    stop: Stop | None = None,
    sink: Callable[[bytes], object] | None = None,
    guard: Guard | None = None,
) -> Finished:
    """Run `command` to its end and return what it said.

    `timeout` is in seconds; `limit` is how many bytes of each stream's end are kept; `sink` is given every
    chunk of both streams as it arrives. When `stop` or `guard` gives a reason or time runs out, the whole process
    group gets SIGTERM, then SIGKILL. Raises FileNotFoundError or PermissionError if the program cannot be started.
    """
    started = time.monotonic()
    tails = {"stdout": _Tail(limit), "stderr": _Tail(limit)}
    killed = ""
    left_behind = False
    exited_at: float | None = None
    with (
        subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            env=command.env,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as child,
        _Pipes(child, stdin, tails, sink) as pipes,
    ):
        while pipes.open:
            pipes.pump()
            now = time.monotonic()
            if exited_at is None and child.poll() is not None:
                exited_at = now
                left_behind = kill_group(child.pid)  # what stays in its group holds the pipes open
            if exited_at is not None and now - exited_at > _STRAGGLER_SECONDS:
                left_behind = True
                break  # a daemon in a session of its own holds them: not ours to wait for
            killed = killed or _reason_to_end(now - started, timeout, stop) or _alarm(guard, child)
            if killed and exited_at is None:
                end_group(child)
        if child.poll() is None:  # it closed its streams and works on
            killed = killed or _await(child, timeout - (time.monotonic() - started), stop, guard)
        left_behind = kill_group(child.pid) or left_behind
    return Finished(
        returncode=child.returncode,
        stdout=tails["stdout"].value(),
        stderr=tails["stderr"].value(),
        seconds=time.monotonic() - started,
        killed=killed,
        left_behind=left_behind and not killed,
    )


class _Pipes:
    """The three pipes of a child, pumped from one thread."""

    def __init__(
        self,
        child: "subprocess.Popen[bytes]",
        stdin: bytes,
        tails: dict[str, _Tail],
        sink: Callable[[bytes], object] | None,
    ) -> None:
        self._selector = selectors.DefaultSelector()
        self._pending = memoryview(stdin)
        self._sink = sink
        for name, tail in tails.items():
            self._selector.register(getattr(child, name), selectors.EVENT_READ, tail)
        if child.stdin is not None:
            os.set_blocking(child.stdin.fileno(), False)
            self._selector.register(child.stdin, selectors.EVENT_WRITE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()

    @property
    def open(self) -> bool:
        return bool(self._selector.get_map())

    def pump(self) -> None:
        for key, events in self._selector.select(_POLL_SECONDS):
            if events & selectors.EVENT_WRITE:
                self._write(key)
            else:
                self._read(key)

    def _read(self, key: selectors.SelectorKey) -> None:
        chunk = os.read(key.fd, _CHUNK)
        if not chunk:
            self._selector.unregister(key.fileobj)
            return
        key.data.add(chunk)
        if self._sink is not None:
            self._sink(chunk)

    def _write(self, key: selectors.SelectorKey) -> None:
        try:
            written = os.write(key.fd, self._pending[:_CHUNK])
        except BrokenPipeError:
            written = len(self._pending)  # it does not care for the rest
        self._pending = self._pending[written:]
        if not self._pending:
            self._selector.unregister(key.fileobj)
            key.fileobj.close()  # type: ignore[union-attr]


def _reason_to_end(elapsed: float, timeout: float, stop: Stop | None) -> str:
    if elapsed > timeout:
        return f"no end after {timeout:g} s"
    reason = stop() if stop is not None else None
    return f"stopped: {reason}" if reason else ""


def _alarm(guard: Guard | None, child: "subprocess.Popen[bytes]") -> str:
    return guard(child.pid) if guard is not None and child.returncode is None else ""


def _await(child: "subprocess.Popen[bytes]", seconds: float, stop: Stop | None, guard: Guard | None) -> str:
    started = time.monotonic()
    while True:
        with suppress(subprocess.TimeoutExpired):
            child.wait(_POLL_SECONDS)
            return ""
        if reason := _reason_to_end(time.monotonic() - started, seconds, stop) or _alarm(guard, child):
            end_group(child)
            return reason


def end_group(child: "subprocess.Popen[bytes]", seconds: float = _TERM_SECONDS) -> None:
    """Ask a child's process group to end, and make it end after `seconds`."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(seconds)
    kill_group(child.pid)
    child.wait()


def kill_group(pid: int) -> bool:
    """Kill whatever still lives in the process group of a child we started; tell whether anything did."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
        return True
    return False
