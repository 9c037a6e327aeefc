"""What a session looks at the world through: tracker, ledger and forge, as the place and the configuration say.

A part of the wiring: like it, it knows every adapter of its kind and imports late.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from autorun.adapters.forges.local import LocalForge
from autorun.adapters.ledger import RefLedger
from autorun.adapters.tasks.files import FileTasks
from autorun.core.config import Config
from autorun.core.config.choices import Provider
from autorun.core.config.derived import own_secrets
from autorun.core.config.layers import Effective
from autorun.core.ledger import History
from autorun.core.model import Stop, Task
from autorun.core.planning import Plan, plan
from autorun.effects import host
from autorun.effects.git import AUTORUN, Git, Identity, Remote
from autorun.effects.place import Place
from autorun.effects.store import Store
from autorun.phases.frozen import FrozenTasks, LooseLeaves
from autorun.ports import Forge, Ledger, Liveness, Tasks
from autorun.quarters import Published, Quarters
from autorun.terms import GRACE

_PULL_REQUESTS = Path(".ai-agents/pull-requests")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Everything needed to look at the backlog: no agent, no workspace, no write.

    `published` is where branches and records go, None where that is this repository itself; `token_ends` tells when
    the credential for it expires, as far as it is known.
    """

    place: Place
    effective: Effective
    tasks: Tasks
    ledger: Ledger
    forge: Forge
    liveness: Liveness
    store: Store
    published: Remote | None = None
    token_ends: Callable[[], datetime | None] = lambda: None

    @property
    def config(self) -> Config:
        """The effective configuration."""
        return self.effective.config

    def look(self) -> tuple[Plan, History]:
        """Read backlog and records and plan, as a run would; write nothing."""
        config = self.config
        history = self.ledger.history()
        today = plan(
            self.tasks.backlog(),
            history,
            now=host.now(),
            max_attempts=config.autonomous.max_attempts,
            only=config.run.tasks,
            dead=self.liveness.dead,
            grace=GRACE,
        )
        return today, history


@contextmanager
def shop(
    place: Place, effective: Effective, stop: Stop = lambda: None, warn: Callable[[str], None] = lambda _: None
) -> Iterator[Shop]:
    """Open the tracker and the ledger; the runner's own repository lives as long as the block.

    A reason of `stop` ends the waits for a tracker that is busy; `warn` hears of what is no failure.
    """
    config = effective.config
    with ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="autorun-", ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(temporary))
        store = Store.create(folder / "store.git", borrowed=place.repository, identity=_identity(place))
        there = stack.enter_context(_github(place, config, stop, warn))
        published = there.published or Published(
            remote=Remote(url=str(place.repository.common_dir)),
            forge=LocalForge(folder=place.root / _PULL_REQUESTS, repository=Git(git_dir=place.repository.common_dir)),
            liveness=host.LocalLiveness(),
        )
        yield Shop(
            place=place,
            effective=effective,
            tasks=there.tasks or _tasks(place, config, stop),
            ledger=RefLedger(store=store, remote=published.remote, stop=stop),
            forge=published.forge,
            liveness=published.liveness,
            store=store,
            published=there.published.remote if there.published else None,
            token_ends=published.token_ends,
        )


@contextmanager
def detached(
    task: Task, place: Place, effective: Effective, stop: Stop, warn: Callable[[str], None]
) -> Iterator[Shop]:
    """Open a shop for the runner of one planned task: it knows no tracker, and what it writes goes nowhere."""
    del stop, warn
    with tempfile.TemporaryDirectory(prefix="autorun-", ignore_cleanup_errors=True) as folder:
        leaves = LooseLeaves()
        yield Shop(
            place=place,
            effective=effective,
            tasks=FrozenTasks(task=task),
            ledger=leaves,
            forge=leaves,
            liveness=host.LocalLiveness(),
            store=Store.create(Path(folder) / "store.git", borrowed=place.repository, identity=_identity(place)),
        )


def _github(
    place: Place, config: Config, stop: Stop, warn: Callable[[str], None]
) -> AbstractContextManager[Quarters]:
    """What GitHub has for this place; PyGithub is loaded only where it may have something."""
    if config.state_provider.type is not Provider.GITHUB and not place.origin:
        return nullcontext(Quarters())
    from autorun.on_github import quarters  # noqa: PLC0415

    return quarters(place, config, secrets(place, config), stop=stop, warn=warn)


def _tasks(place: Place, config: Config, stop: Stop) -> Tasks:
    if config.state_provider.type is Provider.FILE:
        return FileTasks(place.root / config.state_provider.state_dir, writes=not place.on_actions)
    from autorun.adapters.tasks.linear import linear_tasks  # noqa: PLC0415

    return linear_tasks(
        config.state_provider,
        place.environ,
        bots=config.trust.bots,
        run_url=place.run_url,
        secrets=secrets(place, config),
        stop=stop,
    )


def _identity(place: Place) -> Identity:
    """The identity of commits: the user's own on a laptop, the bot of GitHub's own jobs there."""
    if place.on_actions:
        return Identity(name="github-actions[bot]", email="41898282+github-actions[bot]@users.noreply.github.com")
    return place.git_identity or AUTORUN


def secrets(place: Place, config: Config) -> tuple[str, ...]:
    """The exact values that may stand in nothing that leaves."""
    return own_secrets(config, place.environ)
