"""Values of the ledger: what was seen, and the branch that moves with a record."""

from dataclasses import dataclass, replace
from typing import Self

from autorun.core.ledger.record import Record
from autorun.core.model import Fault, TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A record as it was seen at a commit: the expectation of the next compare-and-swap."""

    commit: str
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Every record there is. `faults` are damaged or newer records: their tasks are left alone."""

    seen: dict[TaskId, Seen]
    faults: dict[TaskId, Fault]

    def after(self, seen: Seen) -> Self:
        """Return the history with a newer record."""
        return replace(self, seen={**self.seen, seen.record.task: seen})


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchMove:
    """A branch to be moved: from `expected` (None: it must not exist) to `commit`."""

    branch: str
    commit: str
    expected: str | None = None
