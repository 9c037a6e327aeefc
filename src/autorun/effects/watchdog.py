"""Keeps what runs in a sandbox within its caps, so that a fork bomb or a full disk ends the task, not the runner.

Every process of a sandbox stays below the child we started, whatever it forks, so only that tree is read.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from autorun.core.errors import AgentUnavailable
from autorun.core.sandbox.confinement import Caps

_POLL_SECONDS = 0.4
_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MEBIBYTE = 1 << 20
_KIBIBYTE = 1 << 10


class Watchdog:
    """A guard for one child: call it often with the child's process id, it looks about twice a second.

    Returns why the child must be killed, as a sentence, and "" while it may go on. `disk` is a folder on the
    file system that the child writes to. Raises AgentUnavailable where the kernel does not show a process's children.
    """

    def __init__(self, caps: Caps, disk: Path) -> None:
        if not Path("/proc/thread-self/children").exists():
            raise AgentUnavailable(
                "The kernel does not list the children of a process, so a sandbox cannot be kept within its limits.",
                hint="Run on a kernel built with CONFIG_PROC_CHILDREN, as those of Ubuntu and Debian are.",
            )
        self._caps = caps
        self._disk = disk
        free = _free_bytes(disk)
        self._least_free = max(free - caps.growth_bytes, min(free // 2, 1 << 30))
        self._next = 0.0

    def __call__(self, pid: int) -> str:
        """Look, unless the last look was a moment ago."""
        now = time.monotonic()
        if now < self._next:
            return ""
        reason = self._disk_reason() or self._process_reason(pid)
        self._next = time.monotonic() + _POLL_SECONDS
        return reason

    def _disk_reason(self) -> str:
        if _free_bytes(self._disk) >= self._least_free:
            return ""
        return f"It filled the disk: less than {self._least_free // _MEBIBYTE} MiB were free."

    def _process_reason(self, pid: int) -> str:
        tasks = resident = 0
        seen: list[int] = []
        for process, threads in _tree(pid):
            seen.append(process)
            tasks += threads
            resident += _resident_bytes(process)
            if tasks > self._caps.tasks:
                return f"It started more than {self._caps.tasks} processes and threads."
        # Resident sizes count shared pages once per process: only beyond the cap is the exact sum worth its price.
        if resident > self._caps.memory_bytes and sum(map(_share_bytes, seen)) > self._caps.memory_bytes:
            return f"It used more than {self._caps.memory_bytes // _MEBIBYTE} MiB of memory."
        return ""


def _tree(root: int) -> Iterator[tuple[int, int]]:
    """Yield every process at and below `root`, with its number of threads."""
    waiting = [root]
    while waiting:
        process = waiting.pop()
        threads = 0
        # It may end at any moment; its children then belong to the sandbox's first process and are seen next time.
        with suppress(FileNotFoundError, ProcessLookupError):
            for task in (_PROC / str(process) / "task").iterdir():
                threads += 1
                with suppress(FileNotFoundError, ProcessLookupError):
                    waiting.extend(map(int, (task / "children").read_text().split()))
        yield process, threads


def _resident_bytes(process: int) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):
        return int((_PROC / str(process) / "statm").read_text().split()[1]) * _PAGE
    return 0


def _share_bytes(process: int) -> int:
    """Return a process's own memory plus its share of what it shares."""
    try:
        lines = (_PROC / str(process) / "smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    except PermissionError:
        return _resident_bytes(process)
    return sum(int(line.split()[1]) * _KIBIBYTE for line in lines if line.startswith("Pss:"))


def _free_bytes(folder: Path) -> int:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize
