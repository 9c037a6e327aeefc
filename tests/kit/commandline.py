"""The `autorun` command as a process of its own, in a throw-away repository with a fake home."""

import errno
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kit import tools
from kit.repos import commit_all, git, make_repository, write_files

AUTORUN = (sys.executable, "-I", "-m", "autorun")
PATIENCE = 30.0


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def data(self) -> Any:
        """What it printed for programs."""
        return json.loads(self.out)


@dataclass
class Project:
    """A repository with file tasks, a home, and the environment that commands get."""

    root: Path
    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    def task(self, key: str, title: str = "", body: str = "", **front: str) -> None:
        """Write a task file."""
        head = "".join(f"{name}: {value}\n" for name, value in front.items())
        criteria = "## Acceptance Criteria\n- [ ] it is there\n"
        text = f"---\n{head}---\n# Title: {title or f'Task {key}'}\n\n{body}\n\n{criteria}"
        write_files(self.root, {f".ai-agents/state/{key}.md": text})

    def config(self, text: str) -> None:
        """Write the configuration file."""
        write_files(self.root, {".ai-agents/config.yml": text})

    def commit(self) -> None:
        """Commit everything."""
        commit_all(self.root, "Want more")

    def run(
        self, *args: str, cwd: Path | None = None, stdin: bytes = b"", environ: dict[str, str] | None = None
    ) -> Done:
        """Run a command to its end."""
        started = time.monotonic()
        done = subprocess.run(
            (*AUTORUN, *args),
            cwd=cwd or self.root,
            env=self.environ | (environ or {}),
            input=stdin,
            capture_output=True,
            timeout=PATIENCE * 2,
            check=False,
        )
        seconds = time.monotonic() - started
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode(), seconds)

    @contextmanager
    def started(self, *args: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Start a command; whatever is left of it after the block is killed."""
        with subprocess.Popen(
            (*AUTORUN, *args),
            cwd=self.root,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()
                process.communicate()
                self.sweep()

    def left(self) -> list[int]:
        """Every process that runs with this project's home."""
        mark = f"HOME={self.home}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    if mark in (entry / "environ").read_bytes().split(b"\0"):
                        found.append(int(entry.name))
        return found

    def sweep(self) -> None:
        """Kill what a test left running."""
        for pid in self.left():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def status(self) -> Any:
        """What `autorun status --json` says."""
        return self.run("status", "--json").data

    def record(self, key: str) -> Any:
        """The latest record of a task."""
        return self.run("show", "--json", key).data[-1]

    def state_of(self, key: str) -> str:
        """The status line of a task file, empty if there is none."""
        lines = (self.root / f".ai-agents/state/{key}.md").read_text().splitlines()
        return next((line.partition(": ")[2] for line in lines if line.startswith("status:")), "")

    def picture(self) -> dict[str, object]:
        """Everything a read-only command must leave as it is: files with their times, and refs."""
        files = {
            str(path.relative_to(self.root)): (path.stat().st_mtime_ns, path.stat().st_mode)
            for path in sorted(self.root.rglob("*"))
            if ".git/objects" not in str(path)
        }
        return {"files": files, "refs": git(self.root, "show-ref")}


def make_project(folder: Path) -> Project:
    """Build a repository and a home, without an agent."""
    home = folder / "home"
    home.mkdir(parents=True)
    root = make_repository(folder / "project", {"README.md": "# Example\n", ".gitignore": ".ai-agents/\n"})
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "AUTORUN_SANDBOX_MODE": "off"}
    return Project(root=root, home=home, environ=environ)


def with_agent(project: Project, url: str) -> None:
    """Let the project's commands find the real CLI, and the model at `url`."""
    project.environ |= {
        "PATH": f"{tools.claude().parent}:{os.environ['PATH']}",
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "sk-ant-fake",
    }


def eventually(true: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait until something holds."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"not within {seconds} s: {what}"
        time.sleep(0.05)


# ------------ a terminal


@dataclass
class Screen:
    """A command on a terminal of its own: what it shows, and a hand that types."""

    pid: int
    terminal: int
    shown: str = ""
    code: int | None = None

    def wait_for(self, text: str, seconds: float = PATIENCE) -> str:
        """Read until `text` was shown since the last call, and return what was."""
        until = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < until, f"{text!r} was not shown: {self.shown!r}"
            assert self._read(), f"it ended without {text!r}: {self.shown!r}"
        before, _, self.shown = self.shown.partition(text)
        return before + text

    def type(self, text: str) -> None:
        """Type."""
        os.write(self.terminal, text.encode())

    def end(self, seconds: float = PATIENCE) -> str:
        """Read to the end, keep the exit code and return what was shown last."""
        until = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < until, f"no end: {self.shown!r}"
        _, status = os.waitpid(self.pid, 0)
        self.code = os.waitstatus_to_exitcode(status)
        return self.shown

    def _read(self) -> bool:
        ready, _, _ = select.select([self.terminal], [], [], 0.1)
        if not ready:
            return True
        try:
            chunk = os.read(self.terminal, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return False
        self.shown += _ESCAPES.sub("", chunk.decode(errors="replace").replace("\r\n", "\n"))
        return bool(chunk)


_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@contextmanager
def on_terminal(argv: tuple[str, ...], cwd: Path, environ: dict[str, str]) -> Iterator[Screen]:
    """Run a command on a terminal of its own, in the foreground."""
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # as a shell's foreground has it, whoever started the tests
        os.chdir(cwd)
        os.execve(argv[0], argv, environ | {"TERM": "xterm", "COLUMNS": "200", "LINES": "50"})  # noqa: S606  no shell wanted
    screen = Screen(pid=pid, terminal=terminal)
    try:
        yield screen
    finally:
        if screen.code is None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(terminal)
