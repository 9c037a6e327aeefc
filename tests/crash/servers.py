"""A git server in a process of its own, with trouble in store for its n-th request."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from kit.githttp import ConnectionCut, GitBackend, git_server


class Ill(StrEnum):
    """What befalls a request."""

    NONE = "nothing"
    DEATH_BEFORE = "the client dies, nothing was applied"
    DEATH_AFTER = "the client dies, all was applied"
    ERROR = "a 503"
    RESET_BEFORE = "a reset, nothing was applied"
    RESET_AFTER = "a reset, all was applied"
    SILENCE = "a time-out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What befalls the n-th request, counted from 1. The client's pid stands in `victim`."""

    ill: Ill = Ill.NONE
    at: int = 0
    victim: Path = Path("/nonexistent")
    log: Path = Path("/dev/null")

    def kill(self) -> None:
        """Kill the client's runner."""
        with suppress(ProcessLookupError):
            os.kill(int(self.victim.read_text()), signal.SIGKILL)


class TroubledBackend(GitBackend):
    """A git server that brings its trouble."""

    trouble: Trouble
    count = 0

    def respond(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        with self._lock:
            self.count += 1
            due = self.trouble.ill if self.count == self.trouble.at else Ill.NONE
            with self.trouble.log.open("a") as log:
                log.write(f"{method} {target}\n")
        match due:
            case Ill.DEATH_BEFORE:
                self.trouble.kill()
                raise ConnectionCut
            case Ill.RESET_BEFORE:
                raise ConnectionCut
            case Ill.ERROR:
                return 503, [], b""
            case Ill.SILENCE:
                time.sleep(3.0)
                raise ConnectionCut
        answer = super().respond(method, target, headers, body)
        if due is Ill.DEATH_AFTER:
            self.trouble.kill()
        if due in {Ill.RESET_AFTER, Ill.DEATH_AFTER}:
            raise ConnectionCut
        return answer


@contextmanager
def serve(root: Path, trouble: Trouble) -> Iterator[str]:
    """Serve the repositories under `root` from a forked process and give the base URL."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        backend = TroubledBackend(root=root)
        backend.trouble = trouble
        with git_server(backend) as url:
            os.write(writing, url.encode())
            os.close(writing)
            while os.getppid() != 1:
                time.sleep(1)
        os._exit(0)
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            yield pipe.read()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
