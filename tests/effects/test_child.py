"""A long-lived child: lines both ways, bounded memory, and nothing left of it."""

import json
import os
import signal
import sys
import time
import tracemalloc
from pathlib import Path

import pytest

from autorun.core.model import Command
from autorun.effects.child import MARK, Child
from kit.agent_conformance import alive


def _python(code: str, folder: Path) -> Command:
    return Command(argv=(sys.executable, "-u", "-c", code), cwd=folder, env={"PATH": os.environ["PATH"]})


def _all_lines(child: Child, seconds: float = 20.0) -> list[bytes]:
    lines = []
    until = time.monotonic() + seconds
    while child.alive and time.monotonic() < until:
        lines += child.read(0.1)
    return lines


def test_lines_go_both_ways(tmp_path: Path) -> None:
    """What is sent arrives whole, however long, while lines are read; the end of input is the child's end."""
    echo = "import sys\nfor line in sys.stdin: print(len(line), flush=True)\nprint('over', end='')"
    with Child(_python(echo, tmp_path)) as child:
        child.send(b"x" * 3_000_000)
        child.send(b"short")
        child.hang_up()
        assert _all_lines(child) == [b"3000001", b"6", b"over"]
        assert (child.alive, child.status) == (False, 0)
    child.send(b"nobody listens")


def test_a_child_that_does_not_listen_blocks_nobody(tmp_path: Path) -> None:
    """Sending to a child that closed its input, or reads nothing, returns at once."""
    with Child(_python("import os, time; os.close(0); print(1); time.sleep(60)", tmp_path)) as child:
        while not child.read(0.1):
            pass
        began = time.monotonic()
        child.send(b"x" * 1_000_000)
        assert time.monotonic() - began < 1


def test_a_line_of_fifty_megabytes_is_read_in_a_few(tmp_path: Path) -> None:
    """The reader's memory stays small, and the shortened line still tells what it is."""
    code = "import json; print(json.dumps({'type': 'user', 'content': 'é\\n' * 16_000_000, 'after': 1}))"
    with Child(_python(code, tmp_path)) as child:
        tracemalloc.start()
        [line] = _all_lines(child)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert json.loads(line)["after"] == 1
    assert peak < 8 * 1024 * 1024


def test_only_the_end_of_stderr_is_kept(tmp_path: Path) -> None:
    """A child that complains without end fills no memory."""
    code = "import sys; sys.stderr.write('x' * 1_000_000 + 'the end'); sys.exit(3)"
    with Child(_python(code, tmp_path)) as child:
        _all_lines(child)
        assert child.status == 3
        assert child.stderr.endswith("xthe end")
        assert len(child.stderr) < 100_000


def test_leaving_kills_the_child_and_its_kin(tmp_path: Path) -> None:
    """Children in sessions of their own, and orphans, end with the child."""
    hidden = "import os, time; open(f'pid-{os.getpid()}', 'w'); time.sleep(60)"
    code = f"""
import subprocess, sys, time
for _ in range(2):
    subprocess.Popen([sys.executable, "-c", {hidden!r}], start_new_session=True, stdout=subprocess.DEVNULL)
print("started", flush=True)
{hidden}
"""
    with Child(_python(code, tmp_path)) as child:
        until = time.monotonic() + 10
        while len(pids := [int(path.name[4:]) for path in tmp_path.glob("pid-*")]) < 3:
            child.read(0.05)
            assert time.monotonic() < until
    assert not [pid for pid in pids if alive(pid)]


def test_a_daemon_that_holds_the_pipe_holds_nobody_up(tmp_path: Path) -> None:
    """Reading ends soon after the child has, though something it left behind keeps its output open."""
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    began = time.monotonic()
    with Child(_python(code, tmp_path)) as child:
        _all_lines(child)
        assert child.status == 0
    assert time.monotonic() - began < 5


def test_strangers_are_left_alone(tmp_path: Path) -> None:
    """Killing one child's kin does not touch another's."""
    sleeper = _python("import time; time.sleep(60)", tmp_path)
    with Child(sleeper) as bystander:
        with Child(sleeper) as child:
            child.kill()
            _all_lines(child)
            assert child.status == -signal.SIGKILL
        bystander.read(0)
        assert bystander.alive


def test_the_child_sees_its_environment_and_the_mark_alone(tmp_path: Path) -> None:
    """Nothing of ours is inherited."""
    env = {"PATH": os.environ["PATH"], "LC_CTYPE": "C.UTF-8"}  # Python would set the second by itself
    code = "import json, os; print(json.dumps(sorted(os.environ)))"
    with Child(Command(argv=(sys.executable, "-c", code), cwd=tmp_path, env=env)) as child:
        [line] = _all_lines(child)
    assert json.loads(line) == sorted([*env, MARK])


def test_a_missing_program_is_told(tmp_path: Path) -> None:
    """Nothing to start: OSError, and nothing leaks."""
    with pytest.raises(FileNotFoundError):
        Child(Command(argv=("/nonexistent/program",), cwd=tmp_path, env={}))
