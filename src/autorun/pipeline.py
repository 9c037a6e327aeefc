"""The line: one task from claim to settlement.

    claim -> workspace -> agent -> verify -> publish -> settle

Each step yields the outcome that holds if nothing more can be done; the task is settled whatever happens.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from autorun.claim import Hold, still_open
from autorun.core import briefing, naming, rendering, verdicts
from autorun.core.budget import Spent, stretch_limits
from autorun.core.checks import Comparison, compare
from autorun.core.errors import (
    AgentUnavailable,
    AutorunError,
    BranchRefused,
    Interrupted,
    LeaseLost,
    ProviderError,
    PublishingRefused,
    TaskGone,
    WorkspaceFailed,
)
from autorun.core.journal import Happening
from autorun.core.ledger import BranchMove, Seen
from autorun.core.model import (
    AgentResult,
    Assignment,
    Change,
    CheckResult,
    Ending,
    Outcome,
    Proposal,
    Reason,
    Statement,
    Task,
    TaskState,
    Usage,
    Workspace,
)
from autorun.core.policy import Finding, judge_change
from autorun.core.record import Record
from autorun.core.verdicts import Publish, Repair, Verdict
from autorun.terms import Bench

# Seconds to wait before the agent is let loose again on a service that failed.
_PATIENCE = (10, 30, 60, 120, 240)
_PASSING = frozenset({Ending.API_DOWN, Ending.RATE_LIMITED})
_PATCH_BYTES = 8 * 1024 * 1024
_OVER = frozenset({TaskState.DONE, TaskState.CANCELLED})

_UNFINISHED = Outcome(
    state=TaskState.TODO,
    reason=Reason.INTERRUPTED,
    sentence="The run ended before the task did; nothing was published. The next run goes on.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of a task in this attempt, and what the attempt consumed."""

    task: Task
    outcome: Outcome
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that was taken: what it does, and the outcome that holds if nothing more can be done."""

    name: str
    doing: str
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one look at the workspace brought to light."""

    change: Change
    findings: tuple[Finding, ...] = ()
    checks: Comparison = field(default_factory=Comparison)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What the agent and the checks leave to the steps after them."""

    verdict: Verdict
    evidence: Evidence


def work(bench: Bench, task: Task, over: Seen | None, spent: Spent, *, reserve_usd: float = 0.0) -> Settled:
    """Take one task down the line and settle it. Raises LeaseLost when another runner has it."""
    hold = Hold.take(bench, task, over, spent, reserve_usd=reserve_usd)
    outcome = verdicts.failed(Reason.AGENT_FAILED, "Autorun broke down while it worked on this.", hold.attempts)
    bench.tell(Happening.TASK_STARTED, f"{task.id}: {task.title}", task=task)
    hold.show()
    try:
        for step in _steps(bench, hold, over.record if over else None):
            outcome = step.outcome
            bench.tell(Happening.STEP, step.doing, task=task, step=step.name)
    except LeaseLost:
        hold.lost = True
        raise
    except AutorunError as error:
        outcome = _broken_off(error, hold)
    finally:
        hold.settle(outcome)
        bench.tell(Happening.TASK_ENDED, outcome.sentence, task=task, outcome=outcome, usage=hold.usage)
    return Settled(task=hold.task, outcome=outcome, usage=hold.usage)


def _steps(bench: Bench, hold: Hold, before: Record | None) -> Iterator[Step]:
    """The line itself."""
    hold.task = task = bench.world.tasks.refresh(hold.task)
    if not still_open(task):
        yield Step(name="claim", doing="It is no longer to be done", outcome=_withdrawn(task))
        return
    yield Step(name="workspace", doing="Preparing the workspace", outcome=_UNFINISHED)
    base = _start_of(bench, before)
    with bench.world.workspaces.opened(task.id, base) as workspace:
        yield Step(name="agent", doing="The agent starts", outcome=_UNFINISHED)
        worked = _agent_and_checks(bench, hold, workspace, before.outcome if before else None)
        if not isinstance(worked.verdict, Publish):
            outcome = _final(worked.verdict)
            yield Step(name="verify", doing=outcome.sentence, outcome=outcome)
            return
        yield Step(name="verify", doing="The evidence holds", outcome=_UNFINISHED)
        proposal, move = _prepare(bench, hold, before, worked.verdict.statement, worked.evidence)
    yield Step(name="publish", doing=f"Branch {move.branch} is pushed", outcome=_push(hold, proposal, move, base))
    pull_request = bench.world.forge.propose(proposal)
    published = Outcome(
        state=TaskState.IN_REVIEW,
        reason=Reason.PUBLISHED,
        sentence=f"The pull request is open: {pull_request.url}",
        pull_request=pull_request,
    )
    yield Step(name="publish", doing=published.sentence, outcome=published)


def _agent_and_checks(bench: Bench, hold: Hold, workspace: Workspace, last: Outcome | None) -> Worked:
    """Let the agent work until the evidence holds, no repair is left, or there is nothing to judge."""
    changes = bench.world.changes
    baseline = _baseline(bench, hold, workspace)
    before = changes.snapshot(workspace)
    tree = f"{workspace.base}^{{tree}}"
    message = briefing.first_message(hold.task, nonce=bench.nonce(), checks=bench.terms.verify, last=last)
    rounds_left = bench.terms.max_repairs
    hold.session = None
    while True:
        result = _stretch(bench, hold, workspace, message)
        tree = changes.overlay(tree, before, changes.snapshot(workspace))
        evidence = Evidence(change=changes.change(workspace.base, tree))
        verdict = verdicts.on_result(result, hold.attempts)
        if verdict is None and result.statement is not None:
            evidence, verdict = _look(bench, hold, workspace, evidence.change, result.statement, baseline)
        assert verdict is not None
        if not isinstance(verdict, Repair) or rounds_left == 0 or hold.stop():
            return Worked(verdict=verdict, evidence=evidence)
        rounds_left -= 1
        message = verdict.feedback
        bench.tell(Happening.STEP, verdict.otherwise.sentence, task=hold.task, step="repair")
        before = changes.snapshot(workspace)


def _stretch(bench: Bench, hold: Hold, workspace: Workspace, message: str) -> AgentResult:
    """One stretch of agent work; an outage of the model's service is waited out a few times."""
    for seconds in (*_PATIENCE, 0):
        result = _one_stretch(bench, hold, workspace, message)
        if result.ending not in _PASSING or not seconds or hold.stop():
            break
        bench.tell(Happening.WARNING, f"{result.sentence} Trying again in {seconds} s.", task=hold.task)
        bench.wait(seconds, hold.stop)
    return result


def _one_stretch(bench: Bench, hold: Hold, workspace: Workspace, message: str) -> AgentResult:
    """One go of the agent within what is left of every limit, booked whatever came of it."""
    terms = bench.terms
    limits = stretch_limits(terms.budget, hold.spent, hold.usage, hold.seconds, context_window=terms.context_window)
    assignment = Assignment(
        task=hold.task.id,
        prompt=message,
        system=terms.standing_orders,
        workspace=workspace,
        folder=hold.folder,
        limits=limits,
        session=hold.session,
    )
    result = bench.world.agent.work(assignment, stop=hold.stop, watch=hold.watch)
    hold.spend(result.usage)
    hold.session = result.session or hold.session
    if hold.lost:
        raise LeaseLost(f"{hold.task.id} was taken over by another runner; nothing of this attempt is published")
    return result


def _look(
    bench: Bench,
    hold: Hold,
    workspace: Workspace,
    change: Change,
    statement: Statement,
    baseline: tuple[CheckResult, ...],
) -> tuple[Evidence, Verdict]:
    """Gather the evidence in the order of its price, and stop at the first thing that is not right."""
    terms = bench.terms
    findings = judge_change(
        change,
        terms.policy,
        patch=bench.world.changes.patch(change, max_bytes=_PATCH_BYTES),
        texts={"title": statement.title, "body": statement.body, "summary": statement.summary},
        canaries=terms.secrets,
    )
    evidence = Evidence(change=change, findings=findings)
    if verdict := verdicts.on_change(change, findings, statement):
        return evidence, verdict
    checks = compare(baseline, _verify(bench, hold, workspace, "verify.log"))
    evidence = Evidence(change=change, findings=findings, checks=checks)
    return evidence, verdicts.on_checks(checks) or Publish(statement=statement)


def _baseline(bench: Bench, hold: Hold, workspace: Workspace) -> tuple[CheckResult, ...]:
    """The verification of the base revision, run once a session for each base."""
    known = bench.baselines.get(workspace.base)
    if known is None:
        known = _verify(bench, hold, workspace, "verify-base.log")
        bench.baselines[workspace.base] = known
    return known


def _verify(bench: Bench, hold: Hold, workspace: Workspace, log: str) -> tuple[CheckResult, ...]:
    results = bench.world.verifier.run(bench.terms.verify, workspace, log=hold.folder / log, stop=hold.stop)
    if reason := hold.stop():
        raise Interrupted(f"The verification was broken off ({reason})")
    return results


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
        cost_estimated=terms.cost_estimated,
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


def _start_of(bench: Bench, before: Record | None) -> str:
    """The commit to start from: the head of the open pull request if there is one, else the base."""
    if before is not None and before.head and before.state not in _OVER:
        return before.head
    return bench.world.workspaces.base()


def _final(verdict: Verdict) -> Outcome:
    match verdict:
        case Repair(otherwise=outcome) | verdicts.Stop(outcome=outcome):
            return outcome
        case Publish():
            raise AssertionError("a verdict to publish is no end")


def _withdrawn(task: Task) -> Outcome:
    gone = task.state in {TaskState.DONE, TaskState.CANCELLED}
    return Outcome(
        state=task.state if gone else TaskState.TODO,
        reason=Reason.WITHDRAWN,
        sentence=task.objection or f"The task was {task.state} when Autorun came to it.",
    )


def _broken_off(error: AutorunError, hold: Hold) -> Outcome:
    """The outcome of a line that an understood failure ended."""
    state, reason = TaskState.TODO, Reason.SERVICE
    match error:
        case Interrupted():
            return _UNFINISHED
        case TaskGone():
            state, reason = TaskState.CANCELLED, Reason.WITHDRAWN
        case BranchRefused():
            state, reason = TaskState.BLOCKED, Reason.HUMAN_PUSHED
        case ProviderError() if hold.record.proposal is not None:
            state, reason = TaskState.BLOCKED, Reason.PUBLISHING
        case ProviderError() | PublishingRefused() | AgentUnavailable():
            pass
        case _:
            burned = Reason.WORKSPACE if isinstance(error, WorkspaceFailed) else Reason.AGENT_FAILED
            return verdicts.failed(burned, str(error), hold.attempts, remedy=error.hint)
    return Outcome(state=state, reason=reason, sentence=str(error), remedy=error.hint)
