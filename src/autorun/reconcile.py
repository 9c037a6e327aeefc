"""Bring records, pull requests and what people see back into agreement, from whatever a dead run left."""

from dataclasses import replace

from autorun.core import verdicts
from autorun.core.errors import AutorunError, LeaseLost
from autorun.core.ledger import History, Seen
from autorun.core.ledger.moves import Move
from autorun.core.ledger.record import Record, confirmed, may_take, moved, reaped
from autorun.core.model import Backlog, Outcome, PullRequest, PullRequestState, Reason, Task, TaskId, TaskState
from autorun.core.planning import let_go
from autorun.core.report.journal import Happening
from autorun.core.verdicts import Attempts
from autorun.terms import Bench

# Where a task may wait for its pull request to be merged or closed.
_WITH_PULL_REQUEST = frozenset(
    {TaskState.IN_REVIEW, TaskState.BLOCKED, TaskState.PAUSED, TaskState.FAILED, TaskState.TODO}
)
_CLOSED = frozenset({TaskState.DONE, TaskState.CANCELLED})


def reconcile(bench: Bench, backlog: Backlog, history: History) -> History:
    """Settle what is known to have happened since the records were written; return the history as it is now."""
    seen = dict(history.seen)
    pull_requests = bench.world.forge.pull_requests(
        [s.record.branch for s in seen.values() if s.record.branch and s.record.state in _WITH_PULL_REQUEST]
    )
    closed = {task.id: task for task in backlog.tasks if task.state in _CLOSED}
    for task, one in history.seen.items():
        record = (
            _reaped(bench, one.record)
            or _followed(bench, one.record, pull_requests.get(one.record.branch))
            or _ended(one.record, closed.get(task))
        )
        if record is not None and (now := _written(bench, one, record)):
            seen[task] = now
    _show(bench, backlog, seen)
    return replace(history, seen=seen)


def _reaped(bench: Bench, record: Record) -> Record | None:
    """Give back a task whose runner is known to be dead, or whose lease expired long ago."""
    terms = bench.terms
    if record.holder is None or not may_take(
        record, now=bench.now(), grace=terms.grace, holder_is_dead=bench.world.liveness.dead(record.holder)
    ):
        return None
    attempts = Attempts(burned=record.burned, allowed=terms.max_attempts, now=bench.now())
    bench.tell(Happening.WARNING, f"{record.task}: the run that worked on it died; its claim is released.")
    return reaped(record, verdicts.died(attempts), now=bench.now())


def _followed(bench: Bench, record: Record, found: PullRequest | None) -> Record | None:
    """Follow the pull request: merged means done, closed means no, missing means it was never opened."""
    if record.state not in _WITH_PULL_REQUEST or not record.branch:
        return None
    if found is None:
        return _proposed(bench, record)
    if found.state is PullRequestState.MERGED:
        sentence = f"The pull request is merged: {found.url}"
        return moved(record, Move.MERGE, _over(TaskState.DONE, Reason.MERGED, sentence, found))
    if found.state is PullRequestState.CLOSED:
        sentence = f"The pull request was closed without a merge: {found.url}"
        return moved(record, Move.CLOSE, _over(TaskState.CANCELLED, Reason.CLOSED_UNMERGED, sentence, found))
    refused = record.outcome is not None and record.outcome.reason is Reason.PUBLISHING
    if refused and record.state is TaskState.BLOCKED:  # we could not open it, a human could
        return moved(record, Move.PUBLISH, _open(found))
    unnoted = record.proposal is not None and record.state is TaskState.IN_REVIEW
    return confirmed(record, _open(found)) if unnoted else None


def _ended(record: Record, task: Task | None) -> Record | None:
    """Follow a human who ended the task in the tracker."""
    if task is None or record.holder is not None or record.state in _CLOSED:
        return None
    move = Move.MERGE if task.state is TaskState.DONE else Move.CLOSE
    sentence = f"A human set the task to {task.state}."
    return moved(record, move, Outcome(state=task.state, reason=Reason.WITHDRAWN, sentence=sentence))


def _proposed(bench: Bench, record: Record) -> Record | None:
    if record.proposal is None or record.state is not TaskState.IN_REVIEW:
        return None
    return confirmed(record, _open(bench.world.forge.propose(record.proposal)))


def _open(found: PullRequest) -> Outcome:
    return _over(TaskState.IN_REVIEW, Reason.PUBLISHED, f"The pull request is open: {found.url}", found)


def _over(state: TaskState, reason: Reason, sentence: str, found: PullRequest) -> Outcome:
    return Outcome(state=state, reason=reason, sentence=sentence, pull_request=found)


def _written(bench: Bench, over: Seen, record: Record) -> Seen | None:
    try:
        return bench.world.ledger.write(record, over=over)
    except LeaseLost:
        return None  # another runner was quicker: what it wrote is newer than what we know


def _show(bench: Bench, backlog: Backlog, seen: dict[TaskId, Seen]) -> None:
    """Let the tracker show every record it disagrees with."""
    for task in backlog.tasks:
        one = seen.get(task.id)
        if one is None or one.record.state is (task.shows or task.state) or let_go(task, one.record, backlog):
            continue
        try:
            if bench.world.ledger.stands(one):  # else whoever has written since shows what it does
                bench.world.tasks.show(task, one.record)
        except AutorunError as error:
            bench.tell(Happening.WARNING, f"{task.id} is not shown as it stands: {error}", task=task)
