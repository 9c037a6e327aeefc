"""A ledger in memory: the same laws as the one in git, for tests that need no git."""

import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from autorun.core.errors import BranchRefused, LeaseLost
from autorun.core.ledger import BranchMove, History, Seen
from autorun.core.ledger.record import Record
from autorun.core.model import Fault, TaskId


@dataclass
class MemoryLedger:
    """Records and branches as they would stand on a server; several runners may share one.

    `faults` are reported by `history`; `refused_branches` names branches that the server takes from nobody.
    """

    branches: dict[str, str] = field(default_factory=dict)
    faults: dict[TaskId, Fault] = field(default_factory=dict)
    refused_branches: set[str] = field(default_factory=set)
    _trails: dict[TaskId, list[Seen]] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def history(self) -> History:
        """Every newest record."""
        with self._lock:
            return History(seen={task: trail[-1] for task, trail in self._trails.items()}, faults=dict(self.faults))

    def write(self, record: Record, *, over: Seen | None) -> Seen:
        """Put a record in the place of what was seen."""
        with self._lock:
            return self._put(record, over)

    def publish(self, record: Record, *, over: Seen, branch: BranchMove) -> Seen:
        """Move a branch and a record, or neither."""
        with self._lock:
            self._expect(record.task, over)
            if branch.branch in self.refused_branches:
                raise BranchRefused(f"the server refuses {branch.branch}: hook declined")
            if self.branches.get(branch.branch) != branch.expected:
                raise BranchRefused(f"someone else has pushed to {branch.branch}")
            self.branches[branch.branch] = branch.commit
            return self._put(record, over)

    def stands(self, seen: Seen) -> bool:
        """Whether nobody has written since."""
        with self._lock:
            return seen.record.task in self._trails and self._trails[seen.record.task][-1] == seen

    def trail(self, task: TaskId) -> Sequence[Seen]:
        """All records of a task."""
        with self._lock:
            return tuple(self._trails.get(task, ()))

    def _put(self, record: Record, over: Seen | None) -> Seen:
        self._expect(record.task, over)
        seen = Seen(commit=f"{next(self._numbers):040x}", record=record)
        self._trails.setdefault(record.task, []).append(seen)
        return seen

    def _expect(self, task: TaskId, over: Seen | None) -> None:
        held = self._trails[task][-1].commit if task in self._trails else None
        if held != (over.commit if over else None):
            raise LeaseLost(f"another runner has written to {task} since it was read")
