"""The line: one task from claim to settlement.

    claim -> workspace -> agent -> verify -> publish -> settle

Each step yields the outcome that holds if nothing more can be done; the task is settled whatever happens.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from autorun.attempt import Attempt
from autorun.claim import Hold, still_open
from autorun.core import naming, verdicts
from autorun.core.errors import (
    AgentUnavailable,
    AutorunError,
    BranchRefused,
    ContentRefused,
    Interrupted,
    LeaseLost,
    ProviderError,
    PublishingRefused,
    RateLimited,
    ResumeRefused,
    TaskGone,
    TaskUnreadable,
    Unanswered,
    WorkspaceFailed,
)
from autorun.core.ledger import BranchMove, codec
from autorun.core.ledger.record import Record
from autorun.core.ledger.unfinished import Unfinished, objection, still_true
from autorun.core.model import Outcome, Proposal, Reason, Statement, Task, TaskState, Usage
from autorun.core.report import rendering
from autorun.core.report.journal import Happening
from autorun.core.verdicts import Stop
from autorun.evidence import Evidence
from autorun.terms import Bench

_OVER = frozenset({TaskState.DONE, TaskState.CANCELLED})

_UNFINISHED = Outcome(
    state=TaskState.TODO,
    reason=Reason.INTERRUPTED,
    sentence="The run ended before the task did; nothing was published. The next run goes on.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of a task in this attempt, and what the attempt consumed. `exit_code` is that of a failure."""

    task: Task
    outcome: Outcome
    usage: Usage
    exit_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that was taken: what it does, and the outcome that holds if nothing more can be done."""

    name: str
    doing: str
    outcome: Outcome


# What is done with work that holds: given the bench, the held task, its record before, statement and evidence.
Deliver = Callable[[Bench, Hold, Record | None, Statement, Evidence], Iterator[Step]]


def work(bench: Bench, hold: Hold, before: Record | None, deliver: Deliver | None = None) -> Settled:
    """Take a task just claimed down the line and settle it; work that holds is published, or else goes to `deliver`.

    `before` is its record before the claim. Raises LeaseLost when another runner takes it over.
    """
    bench.tell(Happening.TASK_STARTED, f"{hold.task.id}: {hold.task.title}", task=hold.task)
    return walk(bench, hold, _steps(bench, hold, before, deliver or published))


def walk(bench: Bench, hold: Hold, steps: Iterator[Step]) -> Settled:
    """Take steps with a held task and settle it by the last one's outcome. Raises LeaseLost."""
    task = hold.task
    outcome, exit_code = _UNFINISHED, 0
    bench.covers[task.id], bench.stops[task.id] = hold.cover, hold.stop
    try:
        for step in steps:
            outcome = step.outcome
            bench.tell(Happening.STEP, step.doing, task=task, step=step.name)
    except LeaseLost:
        hold.lost = True
        raise
    except AutorunError as error:
        if hold.lost:
            raise LeaseLost(f"{task.id} was taken over by another runner; nothing is published") from error
        outcome, exit_code = broken_off(error, hold), error.exit_code
    except Exception:
        outcome = verdicts.failed(Reason.AGENT_FAILED, "Autorun broke down while it worked on this.", hold.attempts)
        raise
    finally:
        del bench.covers[task.id], bench.stops[task.id]
        hold.settle(outcome)
        with suppress(OSError):  # for people; the record has it all
            bench.world.shelf.note(task.id, "result.json", codec.dump_record(hold.record))
        bench.tell(Happening.TASK_ENDED, outcome.sentence, task=task, outcome=outcome, usage=hold.usage)
    return Settled(task=hold.task, outcome=outcome, usage=hold.usage, exit_code=exit_code)


def _steps(bench: Bench, hold: Hold, before: Record | None, deliver: Deliver) -> Iterator[Step]:
    """The line itself."""
    listed, hold.task = hold.task, _read_again(hold)
    task = hold.task
    if not still_open(task, listed):
        yield Step(name="claim", doing="It is no longer to be done", outcome=verdicts.withdrawn(task))
        return
    hold.show()
    yield Step(name="workspace", doing="Preparing the workspace", outcome=_UNFINISHED)
    resumed, patch = _kept(bench, hold, before)
    base = resumed.base if resumed else start_of(bench, before)
    with bench.world.workspaces.opened(task.id, base) as workspace:
        yield Step(name="agent", doing="The agent goes on" if resumed else "The agent starts", outcome=_UNFINISHED)
        attempt = Attempt(hold=hold, workspace=workspace, earlier=before)
        with attempt.kept():
            worked = attempt.run(resumed, patch)
        if isinstance(worked.verdict, Stop):
            outcome = worked.verdict.outcome
            yield Step(name="verify", doing=outcome.sentence, outcome=outcome)
            return
        yield Step(name="verify", doing="The evidence holds", outcome=_UNFINISHED)
    yield from deliver(bench, hold, before, worked.verdict.statement, worked.evidence)


def _read_again(hold: Hold) -> Task:
    """Read a claimed task again. A rate limit is waited for here, where waiting keeps the lease."""
    bench, tasks = hold.bench, hold.bench.world.tasks
    try:
        return tasks.refresh(hold.task, patient=False)
    except Unanswered:
        pass
    except RateLimited as error:
        if error.resets_at is not None:
            bench.wait((error.resets_at - bench.now()).total_seconds(), hold.stop)
    return tasks.refresh(hold.task)


def published(
    bench: Bench, hold: Hold, before: Record | None, statement: Statement, evidence: Evidence
) -> Iterator[Step]:
    """Publish work that holds: the branch and the record first, then the pull request."""
    proposal, move = _prepare(bench, hold, before, statement, evidence)
    pushed = _push(hold, proposal, move, evidence.change.base)
    yield Step(name="publish", doing=f"Branch {move.branch} is pushed", outcome=pushed)
    hold.fence()
    pull_request = bench.world.forge.propose(proposal)
    outcome = Outcome(
        state=TaskState.IN_REVIEW,
        reason=Reason.PUBLISHED,
        sentence=f"The pull request is open: {pull_request.url}",
        pull_request=pull_request,
    )
    yield Step(name="publish", doing=outcome.sentence, outcome=outcome)
    bench.world.shelf.clear(hold.task.id)


def _kept(bench: Bench, hold: Hold, before: Record | None) -> tuple[Unfinished | None, bytes]:
    """What an unfinished attempt left, if it is the record's last one, is to go on, and can be used."""
    if before is None or not (before.session or before.broke_off):
        return None, b""
    try:
        kept = bench.world.shelf.take(hold.task.id)
    except ResumeRefused as error:
        bench.tell(Happening.WARNING, f"{error} The task starts afresh.", task=hold.task)
        return None, b""
    if kept is None:
        return None, b""
    found, patch = still_true(kept[0], before), kept[1]
    if refusal := objection(found, before, backend=bench.terms.backend):
        bench.tell(Happening.WARNING, f"{refusal} The task starts afresh.", task=hold.task)
        return None, b""
    return found, patch


def _prepare(
    bench: Bench, hold: Hold, before: Record | None, statement: Statement, evidence: Evidence
) -> tuple[Proposal, BranchMove]:
    """Commit the change and write what is to be pushed and proposed."""
    terms, task = bench.terms, hold.task
    goes_on = before is not None and before.branch and before.state not in _OVER
    branch = before.branch if before and goes_on else naming.next_branch(task.id, before.branch if before else "")
    facts = rendering.PullRequestFacts(
        statement=statement,
        comparison=evidence.checks,
        usage=hold.usage,
        model=terms.model,
        session_id=terms.session_id,
        findings=evidence.findings,
        run_url=terms.run_url,
        blocked=tuple(hold.blocked),
    )
    message = rendering.commit_message(task, statement, session_id=terms.session_id)
    commit = bench.world.changes.commit(evidence.change, parent=evidence.change.base, message=message)
    proposal = Proposal(
        task=task.id,
        branch=branch,
        base_branch=terms.base_branch,
        head=commit,
        title=rendering.pull_request_title(task, statement, prefix=terms.title_prefix),
        body=rendering.pull_request_body(task, facts),
        draft=terms.draft,
        labels=terms.labels,
        reviewers=terms.reviewers,
    )
    expected = before.head if before and goes_on else None
    return proposal, BranchMove(branch=branch, commit=commit, expected=expected)


def _push(hold: Hold, proposal: Proposal, move: BranchMove, base: str) -> Outcome:
    """Move branch and record together; from here on the work cannot be lost."""
    pushed = Outcome(
        state=TaskState.IN_REVIEW,
        reason=Reason.PUBLISHED,
        sentence=f"The work is on branch {move.branch}; its pull request was not opened yet.",
    )
    hold.publish(pushed, move, proposal, base=base)
    return pushed


def start_of(bench: Bench, before: Record | None) -> str:
    """The commit to start from: the head of the open pull request if there is one, else the base."""
    if before is not None and before.head and before.state not in _OVER:
        return before.head
    return bench.world.workspaces.base()


def broken_off(error: AutorunError, hold: Hold) -> Outcome:
    """The outcome of a line that an understood failure ended."""
    state, reason = TaskState.TODO, Reason.SERVICE
    match error:
        case Interrupted():
            return _interrupted(hold)
        case WorkspaceFailed() if hold.stop():
            return _interrupted(hold)
        case TaskGone():
            state, reason = TaskState.CANCELLED, Reason.WITHDRAWN
        case TaskUnreadable():
            reason = Reason.WITHDRAWN
        case ContentRefused():
            state, reason = TaskState.BLOCKED, Reason.POLICY
        case BranchRefused():
            state, reason = TaskState.BLOCKED, Reason.HUMAN_PUSHED
        case Unanswered() | RateLimited() if hold.record.proposal is not None:
            pushed = f"The work is on branch {hold.record.branch}; the next run opens its pull request. {error}"
            return Outcome(state=TaskState.IN_REVIEW, reason=Reason.PUBLISHED, sentence=pushed, remedy=error.hint)
        case ProviderError() if hold.record.proposal is not None:
            state, reason = TaskState.BLOCKED, Reason.PUBLISHING
        case ProviderError() | PublishingRefused() | AgentUnavailable():
            pass
        case _:
            burned = Reason.WORKSPACE if isinstance(error, WorkspaceFailed) else Reason.AGENT_FAILED
            return verdicts.failed(burned, str(error), hold.attempts, remedy=error.hint)
    return Outcome(state=state, reason=reason, sentence=str(error), remedy=error.hint)


def _interrupted(hold: Hold) -> Outcome:
    """The outcome of work that was stopped: by a human who wants it no more, by its length, or with the whole run."""
    if hold.withdrawn is not None:
        return hold.withdrawn
    if hold.overdue:
        sentence = f"It was held for {hold.seconds / 60:.0f} minutes, longer than any runner may hold a task."
        return verdicts.failed(Reason.LIMIT, sentence, hold.attempts, remedy="Raise `autonomous.minutes_per_task`.")
    return _UNFINISHED
