"""Machines on which lives are led, and what of a runner's world differs from one to the next."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from autorun.adapters.changes import TreeChanges
from autorun.adapters.forges.local import LocalForge
from autorun.adapters.ledger import RefLedger
from autorun.adapters.tasks.files import FileTasks
from autorun.effects import host
from autorun.effects.git import Git, Remote, find_repository
from autorun.effects.store import Store
from autorun.ports import Agent, World
from autorun.terms import Terms
from crash.cli import Heard
from kit.tools import CLAUDE

_PAUSES = (0.05, 0.1, 0.2)
_TIMEOUT = 1.5


@dataclass(kw_only=True)
class Machine:
    """Where one runner lives: its checkout, its home, and what of its world differs from the wiring's.

    `seconds_ahead` may be changed while it lives, in the file `clock`. `lease` is in seconds, None for the usual.
    `roles` is what the actor plays for a task, by key.
    """

    checkout: Path
    home: Path
    boot_id: str = ""
    seconds_ahead: float = 0.0
    lease: float | None = None
    roles: Mapping[str, str] = field(default_factory=dict)

    @property
    def clock(self) -> Path:
        """The file that tells by how much this machine's clock is ahead, if it is there."""
        return self.home / "clock"

    def now(self) -> datetime:
        """The time as this machine has it."""
        try:
            ahead = float(self.clock.read_text())
        except OSError:
            ahead = self.seconds_ahead
        return host.now() + timedelta(seconds=ahead)

    def terms(self, terms: Terms) -> Terms:
        """Return the terms as they are on this machine."""
        if self.lease is not None:
            terms = replace(terms, lease=timedelta(seconds=self.lease), grace=timedelta(seconds=self.lease / 3))
        return replace(terms, holder=replace(terms.holder, host=self.boot_id or terms.holder.host))

    @property
    def environ(self) -> dict[str, str]:
        """All that the runner knows of the machine."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "ANTHROPIC_API_KEY": "sk-ant-fake"}

    def equipped(self, world: World) -> World:
        """Return the world as it is on this machine."""
        return world

    def agent(self, real: Agent, actor: Agent) -> Agent:
        """Return who works here."""
        del real
        return actor

    @property
    def private(self) -> tuple[Path, ...]:
        """Folders whose content matters to nobody but the one process that made it."""
        return (Path(os.environ.get("TMPDIR", "/tmp")) / "autorun-",)  # noqa: S108  a prefix, not a place we write to


@dataclass(kw_only=True)
class Remotely(Machine):
    """A machine with a clone of its own: records, branches and pull requests lie on the server."""

    url: str
    server: Path

    def equipped(self, world: World) -> World:
        store = Store.create(self.home / "store", borrowed=find_repository(self.checkout))
        remote = Remote(url=f"{self.url}/{self.server.name}")
        return World(
            tasks=FileTasks(self.checkout / ".ai-agents/state", writes=False),
            ledger=RefLedger(store=store, remote=remote, pauses=_PAUSES, timeout=_TIMEOUT),
            forge=LocalForge(folder=self.server.parent / "pull-requests", repository=Git(git_dir=self.server)),
            workspaces=world.workspaces,
            changes=TreeChanges(store=store),
            agent=world.agent,
            verifier=world.verifier,
            liveness=world.liveness,
            human=world.human,
            shelf=world.shelf,
            notifiers=world.notifiers,
        )

    @property
    def private(self) -> tuple[Path, ...]:
        return (*super().private, self.checkout, self.home)


@dataclass(kw_only=True)
class Staffed(Machine):
    """A machine with the real CLI, whose model answers at `model`."""

    model: str

    @property
    def environ(self) -> dict[str, str]:
        environ = super().environ
        return {**environ, "PATH": f"{CLAUDE.parent}:{environ['PATH']}", "ANTHROPIC_BASE_URL": self.model}

    def agent(self, real: Agent, actor: Agent) -> Agent:
        del actor
        return Heard(agent=real)


@dataclass(kw_only=True)
class AsJob(Machine):
    """A hosted runner: the job's environment, a checkout of the repository, nothing from the job before."""

    job: Mapping[str, str]

    @property
    def environ(self) -> dict[str, str]:
        temporary = {"RUNNER_TEMP": str(self.home), "GITHUB_ACTIONS": "true"}
        return {**super().environ, **temporary, **self.job}

    @property
    def private(self) -> tuple[Path, ...]:
        return (*super().private, self.checkout, self.home)
