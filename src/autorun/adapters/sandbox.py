"""Runs commands in a bubblewrap sandbox, and says whether this machine lets it."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from autorun.core.config.choices import SandboxMode
from autorun.core.errors import AgentUnavailable, ConfigurationError, WorkspaceFailed
from autorun.core.model import Command, Confine, Room, Workspace
from autorun.core.sandbox.confinement import (
    FORWARDED_BY,
    FORWARDER,
    ISOLATION,
    PAPERS,
    Caps,
    Machine,
    arguments,
    environment,
    forbidden_names,
    forwarded,
    limited,
    refusal,
    too_wide,
    unless_orphaned,
    visible,
)
from autorun.core.sandbox.remedies import MISSING, Unusable, Usable, diagnose
from autorun.effects import files, forward, process
from autorun.effects.git_view import repository

_CLEAN = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}


def unconfined(command: Command, room: Room) -> Command:  # noqa: ARG001 -- a Confine that confines nothing
    """Return the command as it is."""
    return command


class Bubblewrap:
    """A Confine: wraps a command so that it sees the room and the system, holds no secret and has no way out.

    `folder` is a private folder of the runner for the neutral files shown inside. `machine` are the facts,
    `environ` the runner's own environment, of which `names` are handed inside beside harmless ones. `exposed`
    are further paths to read, `proxy` is the unix socket of the one way out, if there is one. `alive` is a file the
    runner keeps locked: no command begins once it does not. A command that would show one of `secrets` (their values)
    is refused.
    Raises ConfigurationError for a path or a name that must not be shown, WorkspaceFailed for a room that cannot be.
    """

    def __init__(
        self,
        program: Path,
        *,
        folder: Path,
        machine: Machine,
        environ: Mapping[str, str],
        names: Iterable[str] = (),
        exposed: Iterable[Path] = (),
        secrets: Iterable[str] = (),
        caps: Caps | None = None,
        proxy: Path | None = None,
        alive: Path | None = None,
    ) -> None:
        self._program = program
        self._folder = files.private_folder(folder)
        self._machine = machine
        self._environ = dict(environ)
        self._names = tuple(names)
        self._exposed = tuple(path.resolve() for path in exposed)
        self._secrets = tuple(filter(None, secrets))
        self._caps = caps or Caps()
        for name in forbidden_names(self._names):
            raise ConfigurationError(
                f"`{name}` cannot be handed into the sandbox.", hint="Take it out of `sandbox.env`."
            )
        for path in self._exposed:
            if reason := refusal(path, machine):
                raise ConfigurationError(
                    f"{path} cannot be shown in the sandbox: it {reason}.",
                    hint="Name a narrower folder in `sandbox.read_paths`.",
                )
        self._proxy = proxy
        self._alive = alive
        papers = dict(PAPERS)
        if proxy is not None:
            if not FORWARDED_BY.exists():
                raise ConfigurationError(
                    f"`sandbox.allow_domains` needs {FORWARDED_BY}, which is not there.",
                    hint="Install it (`sudo apt-get install --yes python3`), or take `sandbox.allow_domains` out.",
                )
            papers[FORWARDER.name] = Path(forward.__file__).read_text(encoding="utf-8")
        for name, text in papers.items():
            files.replace(self._folder / name, text, mode=0o644)

    def __call__(self, command: Command, room: Room) -> Command:
        """Return the command that runs `command` in the sandbox; its environment is the whole one, inside and out."""
        room = self._resolved(room)
        self._check(room)
        env = environment(
            command.env, self._environ, self._names, self._machine, room, proxied=self._proxy is not None
        )
        program = _program(command.argv[0])
        alone = program if program is not None and not visible(program, self._machine, room) else None
        inner = (str(alone), *command.argv[1:]) if alone else command.argv
        options = arguments(
            self._machine,
            room,
            repository(room.workspace, self._folder),
            papers=self._folder,
            program=alone,
            caps=self._caps,
            proxy=self._proxy,
            alive=self._alive,
        )
        if self._proxy is not None:
            inner = forwarded(inner, self._proxy)
        inner = limited(inner, self._caps)
        if self._alive is not None:
            inner = unless_orphaned(inner)
        argv = (str(self._program), *options, "--chdir", str(command.cwd.resolve()), "--", *inner)
        self._refuse_secrets(argv, env)
        return Command(argv=argv, cwd=Path("/"), env=env)

    def _check(self, room: Room) -> None:
        root = room.workspace.path
        if self._machine.home.is_relative_to(root):
            raise WorkspaceFailed(
                f"{root} cannot be the workspace: it holds the home folder.", hint="Work in a folder of its own."
            )
        for path in (*room.readable, *room.writable):
            if reason := too_wide(path, self._machine):
                raise WorkspaceFailed(f"{path} cannot be shown in the sandbox: it {reason}.")
        for path in room.writable:
            if path.is_relative_to(root) and not self._covered(path):
                raise WorkspaceFailed(
                    f"{path} lies in the workspace {root}, where the agent could replace it.",
                    hint="Keep the runner's folders outside the workspace, or hide them.",
                )

    def _covered(self, path: Path) -> bool:
        return any(path.is_relative_to(hidden) for hidden in self._machine.hidden)

    def _resolved(self, room: Room) -> Room:
        """Return the room with real paths; what the workspace shows anyway is not shown twice."""
        workspace, root = room.workspace, room.workspace.path.resolve()
        readable = (*self._exposed, *(path.resolve() for path in room.readable))
        return Room(
            workspace=Workspace(path=root, base=workspace.base, git_dir=workspace.git_dir.resolve()),
            writable=tuple(path.resolve() for path in room.writable),
            readable=tuple(path for path in readable if self._covered(path) or not path.is_relative_to(root)),
            sockets=tuple(path.resolve() for path in room.sockets),
        )

    def _refuse_secrets(self, argv: tuple[str, ...], env: Mapping[str, str]) -> None:
        shown = {**env, "the command line": "\0".join(argv)}
        for name, text in shown.items():
            if any(secret in text for secret in self._secrets):
                raise ConfigurationError(
                    f"A credential of the runner stands in {name}: nothing in the sandbox may hold one.",
                    hint="Take the variable out of `sandbox.env`, or the credential out of the command.",
                )


def _program(name: str) -> Path | None:
    return Path(name).resolve() if name.startswith("/") else None


# ------------ does it work here

Probe = Callable[[], Usable | Unusable]


def probe(environ: Mapping[str, str]) -> Usable | Unusable:
    """Try a sandbox with everything ours needs; `environ` names the PATH to look for bubblewrap on."""
    program = next((path for path in _search(environ.get("PATH", "")) if os.access(path, os.X_OK)), None)
    if program is None:
        return MISSING
    system = ("--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--size", "65536", "--tmpfs", "/tmp")  # noqa: S108 -- a folder of the sandbox's own
    inner = limited(("/usr/bin/true",), Caps())
    argv = (str(program), *ISOLATION, *system, "--remount-ro", "/proc", "--", *inner)
    tried = process.run(Command(argv=argv, cwd=Path("/"), env=_CLEAN), timeout=20.0)
    return Usable(program=program) if tried.ok else diagnose(tried.stderr.decode("utf-8", "replace"), _restrictions())


def choose(
    mode: SandboxMode, probe: Probe, sandbox: Callable[[Path], Confine], *, warn: Callable[[str], object]
) -> Confine:
    """Return how commands are confined: `sandbox` is called with the program once that works.

    Raises AgentUnavailable when a sandbox is required and none can be had. Anything less is told to `warn`.
    """
    if mode is SandboxMode.OFF:
        warn("The sandbox is off: the agent can read and change whatever this user can, and reach the network.")
        return unconfined
    found = probe()
    if isinstance(found, Usable):
        return sandbox(found.program)
    if mode is SandboxMode.REQUIRED:
        raise AgentUnavailable(f"{found.sentence} Nothing was started.", hint=found.remedy)
    warn(f"{found.sentence} The agent runs without a sandbox, as free as this user. {found.remedy}")
    return unconfined


def apparmor_restricts() -> bool:
    """Tell whether AppArmor keeps programs from making user namespaces."""
    return "apparmor" in _restrictions()


def _restrictions() -> frozenset[str]:
    settings = {
        "apparmor": (Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"), "1"),
        "unprivileged_userns_clone": (Path("/proc/sys/kernel/unprivileged_userns_clone"), "0"),
        "max_user_namespaces": (Path("/proc/sys/user/max_user_namespaces"), "0"),
    }
    return frozenset(name for name, (path, value) in settings.items() if _setting(path) == value)


def _setting(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _search(path: str) -> list[Path]:
    return [Path(folder) / "bwrap" for folder in path.split(":") if folder.startswith("/")]
