"""What a planned task left unfinished, on its way from one split run to the next: in a folder of the hand-over."""

import os
from contextlib import suppress

from autorun.adapters import state_carrier
from autorun.adapters.handover import HandoverFolder
from autorun.commands.between import store_of
from autorun.commands.common import note
from autorun.core.errors import ResumeRefused
from autorun.core.ledger.carried import UNFINISHED
from autorun.core.ledger.handover import Leg
from autorun.core.ledger.record import Kept
from autorun.core.naming import component
from autorun.core.report.journal import Happening
from autorun.terms import Bench


def take_up(leg: Leg, folder: HandoverFolder, bench: Bench) -> None:
    """Put what the attempt before left into the session folder; whatever is wrong with it costs the resume only."""
    try:
        if leg.kept:
            _unpack(leg, leg.kept, folder, bench)
    except (OSError, ResumeRefused) as error:
        bench.tell(Happening.WARNING, f"{error} The task starts afresh.", task=leg.task)
        bench.world.shelf.clear(leg.task.id)
    with suppress(OSError):  # so that it is not taken for what this attempt leaves
        state_carrier.drop(folder.kept(leg))


def _unpack(leg: Leg, kept: Kept, folder: HandoverFolder, bench: Bench) -> None:
    place = folder.kept(leg)
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{kept.base}^{{commit}}")
    if not store_of(bench).git.finished(*asked).ok:
        raise ResumeRefused("The last run's unfinished work starts from a commit that is not here any more.")
    if not kept.run_id and not os.path.lexists(place):
        return  # by hand, on the machine that did the work: it lies in the session folder
    if place.is_symlink():
        raise ResumeRefused(f"The last run's unfinished work is not used: {place.name} is no folder.")
    own = component(leg.task.id.key)
    state_carrier.unpack_work(place, bench.terms.folder, kept.manifest, only=own)
    note(f"Going on from {f'run {kept.run_id}' if kept.run_id else place}.")


def lay_by(leg: Leg, folder: HandoverFolder, bench: Bench) -> str:
    """Pack what the next run can go on from; return the SHA-256 of the list of its files, empty without any."""
    place, own = folder.kept(leg), component(leg.task.id.key)
    try:
        digest = state_carrier.pack_work(bench.terms.folder, place, secrets=bench.terms.secrets, only=own)
        if (place / "tasks" / own / UNFINISHED).exists():
            return digest
        state_carrier.drop(place)
    except OSError as error:
        bench.tell(Happening.WARNING, f"The next run cannot go on from this one: {error}.", task=leg.task)
    return ""
