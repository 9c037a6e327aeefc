"""What the commands of the split topology share: hand-over folder, plan and the runner's own repository."""

from dataclasses import replace

from autorun.adapters.changes import TreeChanges
from autorun.adapters.handover import HandoverFolder
from autorun.commands.common import bare, effective, note
from autorun.core.config.layers import Effective
from autorun.core.errors import ConfigurationError
from autorun.core.ledger.handover import Itinerary
from autorun.core.model import WorkspaceKind
from autorun.effects.place import Place
from autorun.effects.store import Store
from autorun.terms import Bench


def between(overrides: dict[str, object]) -> tuple[Place, Effective, HandoverFolder]:
    """Return where we are, the configuration and the hand-over folder. Raises ConfigurationError."""
    keys = overrides.get("run.tasks", ())
    assert isinstance(keys, tuple)
    place, found = effective({**overrides, "run.tasks": tuple(bare(key) for key in keys)})
    if found.config.run.handover is None:
        raise ConfigurationError("this phase needs a hand-over folder", hint="name it with `--handover DIR`")
    path = place.root / found.config.run.handover
    if found.config.workspace.kind is WorkspaceKind.CHECKOUT and path.is_relative_to(place.root):
        raise ConfigurationError(
            f"the hand-over folder {path} lies in the checkout, which is cleaned for every task",
            hint="name a folder outside of it, on GitHub Actions below `${{ runner.temp }}`",
        )
    for warning in found.warnings:
        note(f"warning: {warning}")
    return place, found, HandoverFolder(path=path)


def planned(found: Effective, folder: HandoverFolder) -> Itinerary:
    """Read the plan. Raises HandoverRefused."""
    return folder.plan(found.config.run.plan or "")


def take_terms_of(itinerary: Itinerary, bench: Bench) -> None:
    """Let a bench work under the name of the planned session."""
    bench.terms = replace(
        bench.terms, session_id=itinerary.session_id, base_branch=itinerary.base_branch or bench.terms.base_branch
    )


def store_of(bench: Bench) -> Store:
    """Return the runner's own repository."""
    assert isinstance(bench.world.changes, TreeChanges)
    return bench.world.changes.store
