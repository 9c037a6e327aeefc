"""A real sandbox around a real repository, as root and as a plain user."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from autorun.adapters.sandbox import Bubblewrap, probe
from autorun.core.model import Command, Room, Workspace
from autorun.core.sandbox.confinement import Caps, Machine
from autorun.core.sandbox.remedies import Unusable
from autorun.effects import process
from autorun.effects.machine import survey
from autorun.effects.process import Finished
from autorun.effects.watchdog import Watchdog

NOBODY = 65534
SMALL = Caps(scratch_bytes=64 << 20)


def require_sandbox() -> Path:
    """Return bubblewrap's path; skip where none works, and fail there on CI."""
    found = probe(os.environ)
    if isinstance(found, Unusable):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{found.sentence} {found.remedy}")
    return found.program


def git(folder: Path, *args: str) -> str:
    """Run plain git as some developer."""
    who = (
        "-c",
        "user.name=dev",
        "-c",
        "user.email=dev@example.test",
        "-c",
        "init.defaultBranch=main",
        "-c",
        "safe.directory=*",
    )
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(("git", *who, *args), cwd=folder, env=env, check=True, capture_output=True).stdout.decode()


def repository(folder: Path, files: dict[str, str] | None = None) -> Path:
    """Make a repository with one commit and return its folder."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet")
    for name, text in {"README.md": "hello\n", **(files or {})}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "Begin")
    return folder


@dataclass(kw_only=True)
class Den:
    """One workspace in a sandbox. `uid` is who starts bubblewrap; None is whoever runs the tests."""

    base: Path
    workspace: Workspace
    uid: int | None = None
    environ: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/bin:/bin"})
    names: tuple[str, ...] = ()
    exposed: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    secrets: tuple[str, ...] = ()
    writable: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()
    sockets: tuple[Path, ...] = ()
    caps: Caps = SMALL
    alive: Path | None = None
    real_home: Path | None = None

    @property
    def home(self) -> Path:
        """The runner's home: of this test alone, unless it needs this machine's toolchains."""
        return self.real_home or self.base / "home"

    @property
    def machine(self) -> Machine:
        """The facts a runner would find."""
        return survey(self.environ, home=self.home, hidden=self.hidden)

    @property
    def room(self) -> Room:
        """What is shown."""
        return Room(workspace=self.workspace, writable=self.writable, readable=self.readable, sockets=self.sockets)

    def confined(self, *argv: str, env: dict[str, str] | None = None, cwd: Path | None = None) -> Command:
        """Return the command as it would be started."""
        box = Bubblewrap(
            require_sandbox(),
            folder=self.base / "papers",
            machine=self.machine,
            environ=self.environ,
            names=self.names,
            exposed=self.exposed,
            secrets=self.secrets,
            caps=self.caps,
            alive=self.alive,
        )
        (self.base / "papers").chmod(0o755)  # another user starts bubblewrap here, in the product it is the same one
        command = box(Command(argv=argv, cwd=cwd or self.workspace.path, env=env or {}), self.room)
        return self.started_by(command)

    def started_by(self, command: Command) -> Command:
        """Return a command as the den's user starts it."""
        if self.uid is None:
            return command
        user = ("setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", "--")
        return Command(argv=(*user, *command.argv), cwd=command.cwd, env=command.env)

    def run(self, *argv: str, env: dict[str, str] | None = None, timeout: float = 60.0) -> Finished:
        """Run a command in the sandbox, watched."""
        guard = Watchdog(self.caps, self.workspace.path)
        return process.run(self.confined(*argv, env=env), timeout=timeout, guard=guard)

    def shell(self, script: str, env: dict[str, str] | None = None) -> str:
        """Run a shell script in the sandbox and return all it said."""
        done = self.run("bash", "-c", script, env=env)
        return (done.stdout + done.stderr).decode("utf-8", "replace")

    def python(self, script: str, *args: str) -> str:
        """Run a Python script in the sandbox and return all it said."""
        done = self.run("/usr/bin/python3", "-c", script, *args)
        return (done.stdout + done.stderr).decode("utf-8", "replace")


def make_den(base: Path, uid: int | None = None, files: dict[str, str] | None = None) -> Den:
    """Make a den around a fresh repository below `base`."""
    path = repository(base / "work" / "project", files)
    (base / "home").mkdir()
    den = Den(base=base, workspace=Workspace(path=path, base="HEAD", git_dir=path / ".git"), uid=uid)
    give(den)
    return den


def give(den: Den) -> None:
    """Let the den's user own everything in it."""
    if den.uid is not None:
        subprocess.run(("chown", "-R", f"{den.uid}:{den.uid}", str(den.base)), check=True)
