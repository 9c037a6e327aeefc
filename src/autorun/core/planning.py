"""Which tasks would run, in which order, and for every other one the reason why not."""

import heapq
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from autorun.core.ledger import History
from autorun.core.ledger.record import Holder, Record, may_take
from autorun.core.model import Backlog, Fault, Reason, Task, TaskId, TaskState

_CLOSED = frozenset({TaskState.DONE, TaskState.CANCELLED})
_EDITABLE = frozenset({TaskState.BLOCKED, TaskState.PAUSED, TaskState.FAILED})
_STOPPED = _EDITABLE | {TaskState.CANCELLED}
_UNFINISHED = frozenset({TaskState.TODO, TaskState.IN_PROGRESS})
_PHASE = re.compile(
    r"(?<!\w)\[([A-Z][A-Z0-9]*(?:[-_][A-Z0-9]+)*)-([0-9]{1,9})\.([0-9]{1,9})([A-Z]?)\](?!\w)", re.IGNORECASE
)
_NAMED = 12  # members of a circle named in one sentence
_DIGITS = re.compile(r"([0-9]+)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_Rank = tuple[object, ...]
_Position = tuple[int, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A task that would not run; `reason` continues "Skipping X - ". `waits`: only for other tasks."""

    task: Task
    state: TaskState
    reason: str
    waits: bool = False

    def __str__(self) -> str:
        return f"Skipping {self.task.id.key} - {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The backlog as a run would see it: `ready` in the order it would run, every other task in `skipped`."""

    ready: tuple[Task, ...]
    skipped: tuple[Skip, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def nothing(self) -> str:
        """Say why there is nothing to do; empty if there is."""
        if self.ready:
            return ""
        todo = [skip for skip in self.skipped if skip.state is TaskState.TODO]
        if todo and all(skip.waits for skip in todo):
            return "No tasks ready - all TODO tasks blocked by dependencies"
        return "No more tasks available"


def plan(
    backlog: Backlog,
    history: History,
    *,
    now: datetime,
    max_attempts: int,
    only: tuple[str, ...] = (),
    dead: Callable[[Holder], bool],
    grace: timedelta,
) -> Plan:
    """Sort the backlog into what would run and what would not; `only` names keys that a human asked for.

    Every task of the backlog is in exactly one of `ready` and `skipped`, whatever the backlog's own order.
    """
    records = {task: seen.record for task, seen in history.seen.items()}
    sieve = _Sieve(
        backlog=backlog,
        history=history,
        only=frozenset(only),
        now=now,
        max_attempts=max_attempts,
        dead=dead,
        grace=grace,
        waiting=_Waiting.of(backlog, records),
    )
    ready: list[Task] = []
    skipped: list[Skip] = []
    for task in backlog.tasks:
        skip = sieve.skip(task, records.get(task.id))
        if skip is None:
            ready.append(task)
        else:
            skipped.append(skip)
    ranks = {task.id: _rank(task, records.get(task.id)) for task in backlog.tasks}
    known = {task.id.key for task in backlog.tasks}
    unknown = tuple(
        Fault(place=key, reason=f"There is no task {key} in the backlog.") for key in only if key not in known
    )
    return Plan(
        ready=tuple(_in_order(ready, ranks)),
        skipped=tuple(sorted(skipped, key=lambda skip: ranks[skip.task.id])),
        faults=(*unknown, *backlog.faults, *history.faults.values()),
    )


def standing(task: Task, record: Record | None) -> TaskState:
    """Return where a task stands: the record decides, but what people closed in the tracker is closed."""
    if record is None:
        return task.state
    if task.state in _CLOSED and record.state is not TaskState.IN_PROGRESS:
        return task.state
    return record.state


def let_go(task: Task, record: Record | None, backlog: Backlog) -> bool:
    """Tell whether a human let a stopped task go on: by an answer, or where the provider counts it, an edit."""
    if task.answer is not None:
        return True
    if record is None:
        return False
    edited = backlog.edits_answer and record.revision not in {"", task.revision} and record.state in _EDITABLE
    return edited or (backlog.resets_answer and task.state is TaskState.TODO and record.state in _STOPPED)


def phase(title: str) -> tuple[str, _Position] | None:
    """Return prefix and position of a title like `[AUTH-1.2a] ...`; None if it carries no such mark."""
    mark = _PHASE.search(title)
    if mark is None:
        return None
    return mark[1].upper(), (int(mark[2]), int(mark[3]), mark[4].lower())


# ------------ who waits for whom


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """Unmet dependencies: `reasons` has a clause for each, `circles` tells who waits for itself, and how."""

    reasons: Mapping[str, tuple[str, ...]]
    circles: Mapping[str, str]

    @classmethod
    def of(cls, backlog: Backlog, records: Mapping[TaskId, Record]) -> "_Waiting":
        tasks = {task.id.key: task for task in backlog.tasks}
        states = {key: standing(task, records.get(task.id)) for key, task in tasks.items()}
        reopened = {key for key, task in tasks.items() if let_go(task, records.get(task.id), backlog)}
        providers = {task.id.provider for task in backlog.tasks}
        absent = {
            task.key
            for task, record in records.items()
            if task.provider in providers and task.key not in tasks and record.state in _CLOSED
        }
        closed = absent | {key for key, state in states.items() if state in _CLOSED and key not in reopened}
        unmet = {
            task.id.key: [each.key for each in task.depends_on if not each.done and each.key not in closed]
            for task in backlog.tasks
        }
        return cls(
            reasons={
                key: tuple(
                    f"{each} ({_words(states[each]) if each in tasks else 'not in the backlog'})" for each in keys
                )
                for key, keys in unmet.items()
            },
            circles=_circles({key: [each for each in keys if each in tasks] for key, keys in unmet.items()}),
        )


def _circles(waits_for: Mapping[str, list[str]]) -> dict[str, str]:
    """Find who waits for itself: each key found in a circle, with the way around it."""
    after = _knotted(waits_for)
    found: dict[str, str] = {}
    visited: set[str] = set()
    for start in sorted(after):
        trail: dict[str, None] = {}
        key = start
        while key not in visited:
            visited.add(key)
            trail[key] = None
            key = after[key]
        if key in trail:
            keys = list(trail)
            circle = keys[keys.index(key) :]
            found |= {member: _way_around(circle, at) for at, member in enumerate(circle)}
    return found


def _way_around(circle: Sequence[str], start: int) -> str:
    named = [circle[(start + step) % len(circle)] for step in range(min(len(circle), _NAMED))]
    more = [f"({len(circle) - _NAMED} more)"] if len(circle) > _NAMED else []
    return " -> ".join((*named, *more, circle[start]))


def _knotted(waits_for: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the keys that can never come free, each with one such key it waits for."""
    waiters: dict[str, list[str]] = {}
    open_ends = {key: len(keys) for key, keys in waits_for.items()}
    for key, keys in waits_for.items():
        for each in keys:
            waiters.setdefault(each, []).append(key)
    free = [key for key, count in open_ends.items() if not count]
    while free:
        for waiter in waiters.get(free.pop(), ()):
            open_ends[waiter] -= 1
            if not open_ends[waiter]:
                free.append(waiter)
    knotted = {key for key, count in open_ends.items() if count}
    return {key: min(each for each in waits_for[key] if each in knotted) for key in knotted}


# ------------ why not


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sieve:
    """Everything needed to tell whether one task would run."""

    backlog: Backlog
    history: History
    only: frozenset[str]
    now: datetime
    max_attempts: int
    dead: Callable[[Holder], bool]
    grace: timedelta
    waiting: _Waiting

    def skip(self, task: Task, record: Record | None) -> Skip | None:
        """Return why a task would not run, None if it would."""
        reason = self._withheld(task) or self._stopped(task, record) or self._exhausted(task, record)
        waiting = "" if reason else self._waits(task)
        if not reason and not waiting:
            return None
        return Skip(task=task, state=standing(task, record), reason=reason or waiting, waits=bool(waiting))

    def _waits(self, task: Task) -> str:
        if circle := self.waiting.circles.get(task.id.key):
            return f"waits for itself: {circle}; remove one of these dependencies"
        if reasons := self.waiting.reasons[task.id.key]:
            return f"blocked by: {', '.join(reasons)}"
        return ""

    def _withheld(self, task: Task) -> str:
        if self.only and task.id.key not in self.only:
            return f"only {', '.join(sorted(self.only))} was asked for"
        if fault := self.history.faults.get(task.id):
            return f"its record cannot be read: {fault.reason}"
        return task.objection

    def _stopped(self, task: Task, record: Record | None) -> str:
        state = standing(task, record)
        if state is TaskState.IN_PROGRESS and record is not None and record.holder is not None:
            free = may_take(record, now=self.now, grace=self.grace, holder_is_dead=self.dead(record.holder))
            return "" if free else f"held by another runner, {_name(record.holder)}"
        if state is TaskState.TODO or self._asked(task, record):
            return ""
        return _stop_sentence(record, state, _way_on(task, record, self.backlog))

    def _exhausted(self, task: Task, record: Record | None) -> str:
        if record is None or self._asked(task, record):
            return ""
        if record.next_eligible_at is not None and record.next_eligible_at > self.now:
            return f"waits until {_time(record.next_eligible_at)} before it is tried again"
        tries = record.burned + (record.state is TaskState.IN_PROGRESS)  # a dead runner's attempt counts once taken
        if tries >= self.max_attempts:
            return f"all {self.max_attempts} attempts are used up; {_way_on(task, record, self.backlog)}"
        return ""

    def _asked(self, task: Task, record: Record | None) -> bool:
        return task.id.key in self.only or let_go(task, record, self.backlog)


def _stop_sentence(record: Record | None, state: TaskState, way_on: str) -> str:
    if record is None or record.state is not state:
        return f"its status is {_words(state)}" + ("" if state in _CLOSED else f"; {way_on}")
    outcome = record.outcome
    said = f": {outcome.sentence.rstrip('. ')}" if outcome is not None and outcome.sentence else ""
    if state is TaskState.IN_REVIEW:
        url = f" at {record.pull_request.url}" if record.pull_request is not None else ""
        return f"in review{url}; merge the pull request to finish it, or close it to say no"
    if state is TaskState.CANCELLED and outcome is not None and outcome.reason is Reason.CLOSED_UNMERGED:
        return f"its pull request was closed unmerged, which means no; {way_on}"
    if state in _CLOSED:
        return f"{_words(state)}{said}"
    return f"{_words(state)}{said}; {way_on}"


def _way_on(task: Task, record: Record | None, backlog: Backlog) -> str:
    if task.id.provider == "github":
        return "to let it go on, comment `/autorun retry` with an answer"
    ways = [f"run `autorun start --task {task.id.key}`"]
    if record is None or (record.state in _STOPPED and backlog.resets_answer):
        ways.insert(0, "set its status to todo")
    if record is not None and record.state in _EDITABLE and backlog.edits_answer:
        ways.insert(0, "edit its text")
    return f"to let it go on, {' or '.join(ways)}"


def _name(holder: Holder) -> str:
    if holder.run_id:
        return f"Actions run {holder.run_id} (attempt {holder.run_attempt})"
    return f"process {holder.pid}" if holder.pid else holder.nonce


def _words(state: TaskState) -> str:
    return state.replace("_", " ")


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


# ------------ in which order


def _in_order(ready: Sequence[Task], ranks: Mapping[TaskId, _Rank]) -> Iterator[Task]:
    """Pick again and again the best among every unphased task and each prefix's first."""
    queues: dict[str | int, list[tuple[_Position, _Rank, int]]] = {}
    for number, task in enumerate(ready):
        prefix, position = phase(task.title) or (number, (0, 0, ""))
        queues.setdefault(prefix, []).append((position, ranks[task.id], number))
    heap = []
    for queue in queues.values():
        queue.sort(reverse=True)
        _, rank, number = queue.pop()
        heap.append((rank, number, queue))
    heapq.heapify(heap)
    while heap:
        _, picked, queue = heap[0]
        yield ready[picked]
        if queue:
            _, rank, number = queue.pop()
            heapq.heapreplace(heap, (rank, number, queue))
        else:
            heapq.heappop(heap)


def _rank(task: Task, record: Record | None) -> _Rank:
    unfinished = record is not None and record.session is not None and record.state in _UNFINISHED
    natural = tuple(
        (len(part.lstrip("0")), part.lstrip("0")) if at % 2 else part.casefold()
        for at, part in enumerate(_DIGITS.split(task.id.key))
    )
    age = (task.created_at is None, task.created_at or _EPOCH)
    return (task.priority, not unfinished, age, natural, task.id.key)
