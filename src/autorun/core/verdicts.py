"""What the evidence says: publish, try once more, or stop with an outcome. The agent's word is a claim."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from autorun.core.checkpoints import Point
from autorun.core.checks import Comparison
from autorun.core.model import AgentResult, Change, Claimed, Ending, Outcome, Reason, Statement, Task, TaskState
from autorun.core.policy import Finding, Tier

# Endings that say nothing about the task: the service, the credential or a human ended the work.
_BLAMELESS = {
    Ending.STOPPED: Reason.INTERRUPTED,
    Ending.API_DOWN: Reason.SERVICE,
    Ending.RATE_LIMITED: Reason.SERVICE,
    Ending.BAD_REQUEST: Reason.SERVICE,
    Ending.USAGE_WINDOW: Reason.USAGE_WINDOW,
    Ending.UNAUTHORISED: Reason.UNAUTHORISED,
}
_BACKOFF = timedelta(minutes=5)
_LONGEST_BACKOFF = timedelta(hours=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """The evidence holds: this may leave the house."""

    statement: Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """The agent gets this back, in the same conversation.

    If no round is left `otherwise` holds, unless a human at checkpoint `point` wants it otherwise.
    """

    feedback: str
    otherwise: Outcome
    point: Point | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """The work on this task ends here, unless a human at checkpoint `point` wants it to go on."""

    outcome: Outcome
    point: Point | None = None


Verdict = Publish | Repair | Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """How often a task was tried in vain, this time not counted, and how often it may be."""

    burned: int
    allowed: int
    now: datetime


def on_result(result: AgentResult, attempts: Attempts) -> Verdict | None:
    """Judge how the agent ended; None means: go on and look at what it did."""
    if result.ending is not Ending.STATED or result.statement is None:
        point = Point.CONTEXT if result.ending is Ending.CONTEXT_HIGH else None
        return Stop(outcome=_ended(result, attempts), point=point)
    statement = result.statement
    if statement.claimed is not Claimed.COMPLETED:
        blocked = statement.claimed is Claimed.BLOCKED
        return Stop(
            outcome=Outcome(
                state=TaskState.BLOCKED,
                reason=Reason.AGENT_BLOCKED if blocked else Reason.NEEDS_INPUT,
                sentence=statement.summary or "The agent cannot go on without a human.",
                remedy="Answer what is asked below, then let it be tried again.",
                blockers=statement.blockers,
            ),
            point=Point.BLOCKER,
        )
    if result.denials:
        return Repair(
            feedback="These tool calls were refused, and stay refused: "
            + "; ".join(result.denials)
            + ". Reach the goal without them, or report that you are blocked and by what.",
            otherwise=failed(
                Reason.AGENT_FAILED,
                f"The agent called its work completed although tools it wanted were refused: {result.denials[0]}.",
                attempts,
                remedy="Allow the tool with `autonomous.allowed_tools`, or describe a way that needs no such tool.",
            ),
        )
    return None


def on_change(change: Change, findings: tuple[Finding, ...], statement: Statement) -> Verdict | None:
    """Judge what was changed: something must be, and all of it must be allowed."""
    if change.empty:
        return Repair(
            feedback="You reported the task as completed, but no file in the workspace differs from the base "
            "revision. Make the change, or report that you are blocked and what a human must decide.",
            otherwise=Outcome(
                state=TaskState.BLOCKED,
                reason=Reason.NO_CHANGE,
                sentence="The agent called the task completed but changed no file, so there is nothing to review. "
                f"It said: {statement.summary}",
                remedy="Say what should change and let it be tried again, or close the task if nothing has to.",
            ),
        )
    blocking = [finding for finding in findings if finding.tier is Tier.BLOCK]
    if not blocking:
        return None
    rows = "\n".join(f"- {f.path}: {f.sentence} (rule {f.rule})" for f in blocking)
    return Repair(
        feedback=f"The publication policy refuses this change:\n{rows}\nUndo those parts, keep the rest, or report "
        "that you are blocked because the task cannot be done without them.",
        otherwise=Outcome(
            state=TaskState.BLOCKED,
            reason=Reason.POLICY,
            sentence=f"The policy refuses the change: {blocking[0].path}: {blocking[0].sentence}"
            + (f" ({len(blocking) - 1} more)" if len(blocking) > 1 else ""),
            remedy=blocking[0].remedy,
        ),
    )


def on_checks(comparison: Comparison, attempts: Attempts, *, pauses: bool) -> Verdict | None:
    """Judge the verification: green at base must be green now; what was red before is no evidence.

    Red after the repairs is a checkpoint if `pauses`, else a failed attempt.
    """
    if not comparison.regressions:
        return None
    worst = comparison.regressions[0]
    sentence = f"`{worst.run}` passed before the change and fails after it, also after the repair attempts."
    paused = Outcome(
        state=TaskState.PAUSED,
        reason=Reason.CHECKS_FAILED,
        sentence=sentence,
        remedy="Approve with guidance to let the agent go on, or take the work over by hand.",
    )
    return Repair(
        feedback="The verification fails after your change; it passed on the base revision.\n\n"
        + "\n\n".join(f"$ {r.run}\n{r.output}" for r in comparison.regressions)
        + "\n\nFind the cause and mend it. Do not weaken the check.",
        otherwise=paused if pauses else failed(Reason.AGENT_FAILED, sentence, attempts),
        point=Point.REGRESSION if pauses else None,
    )


def waiting(point: Point) -> Outcome:
    """Return the outcome of a task that waits for a human at a checkpoint."""
    return Outcome(
        state=TaskState.PAUSED,
        reason=Reason.CHECKPOINT,
        sentence=_WAITING[point],
        remedy="Approve, with guidance if you like, to let it go on.",
    )


def withdrawn(task: Task) -> Outcome:
    """Return the outcome of a task that is no longer to be done."""
    gone = task.state in {TaskState.DONE, TaskState.CANCELLED}
    return Outcome(
        state=task.state if gone else TaskState.TODO,
        reason=Reason.WITHDRAWN,
        sentence=task.objection or f"The task is {task.state}: a human ended it.",
    )


def put_aside(outcome: Outcome) -> Outcome:
    """Return the outcome of a task that a human at a checkpoint does not want to go on with now."""
    return replace(
        outcome,
        state=TaskState.PAUSED,
        reason=Reason.CHECKPOINT,
        sentence=f"It was put aside at a checkpoint. {outcome.sentence}",
        retry_at=None,
    )


_WAITING = {
    Point.PLAN: "The agent has a plan and waits for approval before it edits anything.",
    Point.TURNS: "The agent has worked for as many turns as it may without asking.",
    Point.BLOCKER: "The agent is blocked.",
    Point.REGRESSION: "The checks stay red.",
    Point.CONTEXT: "The conversation outgrew the model's context, also after handing over to fresh ones.",
    Point.PUBLICATION: "The work is done and checked; it waits for approval to be published.",
}


def failed(reason: Reason, sentence: str, attempts: Attempts, *, remedy: str = "") -> Outcome:
    """Return the outcome of a failed attempt: another one later, or `failed` when none is left."""
    burned = attempts.burned + 1
    if burned >= attempts.allowed:
        return Outcome(
            state=TaskState.FAILED,
            reason=reason,
            sentence=f"{sentence} That was attempt {burned} of {attempts.allowed}; it is not tried again by itself.",
            remedy=remedy,
        )
    wait = min(_BACKOFF * 2 ** (burned - 1), _LONGEST_BACKOFF)
    return Outcome(
        state=TaskState.TODO,
        reason=reason,
        sentence=f"{sentence} That was attempt {burned} of {attempts.allowed}.",
        remedy=remedy,
        retry_at=attempts.now + wait,
    )


def died(attempts: Attempts) -> Outcome:
    """Return the outcome of an attempt whose runner died: at once another one, or `failed` when none is left."""
    outcome = failed(Reason.INTERRUPTED, "The run that worked on this died.", attempts)
    return replace(outcome, retry_at=None)


def burns(outcome: Outcome) -> bool:
    """Tell whether an attempt that ended so counts against `max_attempts`."""
    return outcome.reason in {Reason.AGENT_FAILED, Reason.LIMIT, Reason.WORKSPACE}


def _ended(result: AgentResult, attempts: Attempts) -> Outcome:
    if result.ending in _BLAMELESS:
        return Outcome(
            state=TaskState.TODO,
            reason=_BLAMELESS[result.ending],
            sentence=result.sentence,
            remedy=result.remedy,
            retry_at=result.retry_at,
        )
    if result.ending is Ending.MODEL_REFUSED:
        return Outcome(
            state=TaskState.BLOCKED, reason=Reason.AGENT_BLOCKED, sentence=result.sentence, remedy=result.remedy
        )
    if result.ending is Ending.CONTEXT_HIGH:
        return waiting(Point.CONTEXT)
    limits = {Ending.TURN_LIMIT, Ending.COST_LIMIT, Ending.TIME_LIMIT}
    reason = Reason.LIMIT if result.ending in limits else Reason.AGENT_FAILED
    return failed(reason, result.sentence, attempts, remedy=result.remedy)
