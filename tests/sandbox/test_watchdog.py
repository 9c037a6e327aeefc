"""What takes more of the machine than it may ends with a reason, and takes nothing else along."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from autorun.core.model import Command
from autorun.core.sandbox.confinement import Caps
from autorun.effects import process
from autorun.effects.watchdog import Watchdog
from kit.den import Den

MIB = 1 << 20

BOMB = """
import os, time
for _ in range(300):  # bounded, should the watchdog fail
    if os.fork() == 0:
        time.sleep(20)
        os._exit(0)
    time.sleep(0.005)
time.sleep(20)
"""
THREADS = """
import threading, time
for _ in range(200): threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
time.sleep(20)
"""
HOG = "import time; data = [bytearray(b'x' * 10_000_000) for _ in range(30)]; time.sleep(20)"
FORKED_HOG = """
import os, time
for _ in range(6):
    if os.fork() == 0:
        data = bytearray(b'x' * 50_000_000)
        time.sleep(20)
time.sleep(20)
"""
FILLER = """
import time
for n in range(20):
    with open(f"big{n}", "wb") as file: file.write(bytes(10_000_000))
    time.sleep(0.05)
time.sleep(20)
"""
SHARED = """
import os, time
data = bytearray(b'x' * 60_000_000)
for _ in range(5):
    if os.fork() == 0:
        time.sleep(2)
        os._exit(0)
time.sleep(2)
"""


def _survivors(marker: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if marker.encode() in text:
                found.append(entry.name)
    return found


@pytest.mark.parametrize(
    ("script", "caps", "reason"),
    [
        (BOMB, Caps(tasks=64), "processes and threads"),
        (THREADS, Caps(tasks=64), "processes and threads"),
        (HOG, Caps(memory_bytes=150 * MIB), "more than 150 MiB of memory"),
        (FORKED_HOG, Caps(memory_bytes=150 * MIB), "more than 150 MiB of memory"),
        (FILLER, Caps(growth_bytes=50 * MIB), "filled the disk"),
    ],
    ids=["fork-bomb", "threads", "memory", "memory-of-many", "disk"],
)
def test_a_cap_ends_the_command_and_all_it_started(own_den: Den, script: str, caps: Caps, reason: str) -> None:
    """A fork bomb, a memory hog and a full disk end the command within seconds and leave no process (A9)."""
    # The kernel's own limit on processes would stop the bomb first where it holds: here the watchdog is meant.
    marker = f"bomb-{time.monotonic_ns()}"
    command = own_den.confined("/usr/bin/python3", "-c", script, marker)
    started = time.monotonic()
    ended = process.run(command, timeout=15, guard=Watchdog(caps, own_den.workspace.path))
    assert reason in ended.killed
    assert time.monotonic() - started < 10
    assert _gone(marker)


def _gone(marker: str) -> bool:
    deadline = time.monotonic() + 3
    while _survivors(marker) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not _survivors(marker)


def test_shared_memory_counts_once(own_den: Den) -> None:
    """Processes that share their parent's memory are not ended for its sum."""
    command = own_den.confined("/usr/bin/python3", "-c", SHARED)
    assert process.run(command, timeout=15, guard=Watchdog(Caps(memory_bytes=150 * MIB), own_den.base)).ok


def test_a_watchdog_looks_twice_a_second_and_cheaply(own_den: Den) -> None:
    """One look at a sandbox with a few processes costs a few milliseconds, and calls in between none."""
    costs = []
    watchdog = Watchdog(Caps(), own_den.workspace.path)

    def timed(pid: int) -> str:
        started = time.perf_counter()
        reason = watchdog(pid)
        costs.append(time.perf_counter() - started)
        return reason

    process.run(own_den.confined("bash", "-c", "for i in 1 2 3; do sleep 1.5 & done; wait"), guard=timed)
    looks = [cost for cost in costs if cost > 0.0001]
    assert 2 <= len(looks) <= 6
    assert sorted(looks)[len(looks) // 2] < 0.02


def test_a_daemon_does_not_outlive_its_command(den: Den) -> None:
    """What double-forks into a session of its own is gone with the command that started it (A9)."""
    marker = f"daemon-{time.monotonic_ns()}"
    daemon = f"setsid bash -c '(exec -a {marker} sleep 60) & disown' >/dev/null 2>&1 </dev/null & sleep 0.3; ps aux"
    assert marker in den.shell(daemon)
    assert _gone(marker)


def test_killing_the_launcher_kills_everything_inside(den: Den) -> None:
    """When the time is over, also a process that ignores every signal is gone (A9)."""
    marker = f"stubborn-{time.monotonic_ns()}"
    ended = den.run("bash", "-c", f"trap '' TERM INT HUP; exec -a {marker} sleep 60", timeout=0.8)
    assert "no end after" in ended.killed
    assert ended.seconds < 5
    assert _gone(marker)


def test_one_file_and_the_number_of_processes_have_the_kernels_limits(den: Den) -> None:
    """A file beyond the limit is refused; a plain user's fork bomb stops by itself (A9)."""
    den.caps = replace(den.caps, file_bytes=1 * MIB, tasks=40)
    assert "File size limit exceeded" in den.shell("head -c 2M /dev/zero > big")
    assert (den.workspace.path / "big").stat().st_size == MIB
    if den.uid is not None or os.geteuid() != 0:
        said = process.run(den.confined("/usr/bin/python3", "-c", BOMB), timeout=20)
        assert b"BlockingIOError" in said.stderr


def test_a_command_that_ends_by_itself_is_let_be(own_den: Den) -> None:
    """An unconfined command is watched the same way."""
    command = Command(argv=("/usr/bin/true",), cwd=own_den.base, env={})
    assert process.run(command, guard=Watchdog(Caps(), own_den.base)).ok
