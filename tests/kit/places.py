"""A clone, where its ledger lies, and the runners that share it."""

from dataclasses import dataclass, field
from pathlib import Path

from autorun.adapters.ledger import RefLedger
from autorun.core.model import Stop
from autorun.effects.git import Remote, find_repository
from autorun.effects.store import Store
from kit.githttp import GitBackend
from kit.repos import git


@dataclass
class Place:
    """A clone, where its ledger lies, and the runners that share it; each runner has a store of its own."""

    root: Path
    clone: Path
    origin: Path
    remote: Remote
    backend: GitBackend | None = None
    stores: list[Store] = field(default_factory=list)

    def store(self) -> Store:
        """Another runner's own repository."""
        store = Store.create(self.root / f"store-{len(self.stores)}", borrowed=find_repository(self.clone))
        self.stores.append(store)
        return store

    def runner(
        self, *, timeout: float = 20.0, pauses: tuple[float, ...] = (0.01, 0.1), stop: Stop = lambda: None
    ) -> RefLedger:
        """Another runner's ledger over the same refs."""
        return RefLedger(store=self.store(), remote=self.remote, pauses=pauses, timeout=timeout, stop=stop)

    def work(self, text: str, number: int = 0) -> str:
        """Commit something on top of main in a runner's store."""
        store = self.stores[number]
        tree = store.folder("work.txt", store.blob(text.encode()))
        return store.commit(tree, (git(self.clone, "rev-parse", "main"),), text)

    def head(self, ref: str) -> str | None:
        """Where a ref of the origin stands."""
        return git(self.origin, "for-each-ref", "--format=%(objectname)", ref) or None
