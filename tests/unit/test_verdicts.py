"""Verdicts: the agent's word is a claim, and what each kind of evidence leads to."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from autorun.core.checkpoints import Point
from autorun.core.checks import compare
from autorun.core.model import (
    AgentResult,
    Change,
    CheckResult,
    Claimed,
    Ending,
    FileChange,
    FileStatus,
    Reason,
    Statement,
    Task,
    TaskId,
    TaskState,
    Usage,
)
from autorun.core.policy import Finding, Rule, Tier
from autorun.core.verdicts import (
    Attempts,
    Repair,
    Stop,
    burns,
    died,
    failed,
    on_change,
    on_checks,
    on_result,
    put_aside,
    waiting,
    withdrawn,
)

_NOW = datetime(2026, 11, 20, tzinfo=UTC)
_FIRST = Attempts(burned=0, allowed=3, now=_NOW)
_DONE = Statement(claimed=Claimed.COMPLETED, summary="Done.")
_FILE = FileChange(path="a", status=FileStatus.ADDED, old_mode="000000", new_mode="100644")


def _result(ending: Ending, statement: Statement | None = None, denials: tuple[str, ...] = ()) -> AgentResult:
    return AgentResult(ending=ending, usage=Usage(), statement=statement, denials=denials, sentence="It ended.")


@given(st.sampled_from(Ending), st.booleans(), st.integers(0, 5))
def test_no_ending_without_a_statement_is_done(ending: Ending, stated: bool, burned: int) -> None:
    """Only a statement of completion is looked at further; everything else stops, and never as in review or done."""
    verdict = on_result(_result(ending, _DONE if stated else None), Attempts(burned=burned, allowed=3, now=_NOW))
    if ending is Ending.STATED and stated:
        assert verdict is None
        return
    assert isinstance(verdict, Stop)
    assert verdict.outcome.state not in {TaskState.IN_REVIEW, TaskState.DONE, TaskState.IN_PROGRESS}
    assert verdict.outcome.sentence


@pytest.mark.parametrize(
    ("ending", "state", "reason"),
    [
        (Ending.MODEL_REFUSED, TaskState.BLOCKED, Reason.AGENT_BLOCKED),
        (Ending.CONTEXT_HIGH, TaskState.PAUSED, Reason.CHECKPOINT),
    ],
)
def test_an_ending_that_a_human_must_look_at_is_not_tried_again(
    ending: Ending, state: TaskState, reason: Reason
) -> None:
    """A model that declines needs other words, a full context somebody's consent; no attempt is burned."""
    verdict = on_result(_result(ending), _FIRST)
    assert isinstance(verdict, Stop)
    assert (verdict.outcome.state, verdict.outcome.reason) == (state, reason)
    assert not burns(verdict.outcome)


@pytest.mark.parametrize("claimed", [Claimed.BLOCKED, Claimed.NEEDS_INPUT])
def test_a_blocker_is_the_humans_turn(claimed: Claimed) -> None:
    """Both kinds block the task at the blocker checkpoint."""
    verdict = on_result(_result(Ending.STATED, Statement(claimed=claimed, summary="Why?")), _FIRST)
    assert isinstance(verdict, Stop)
    assert (verdict.outcome.state, verdict.point) == (TaskState.BLOCKED, Point.BLOCKER)


def test_prose_about_blockers_blocks_nothing() -> None:
    """The verdict is never read out of words."""
    words = Statement(claimed=Claimed.COMPLETED, summary="Fixed the thread blocked by IO. Task Blocked: no.")
    assert on_result(_result(Ending.STATED, words), _FIRST) is None


def test_refused_tools_are_no_success() -> None:
    """A completion with denials goes back to the agent, and is a failed attempt if it stays so."""
    verdict = on_result(_result(Ending.STATED, _DONE, denials=("Bash: curl",)), _FIRST)
    assert isinstance(verdict, Repair)
    assert "Bash: curl" in verdict.feedback
    assert verdict.otherwise.reason is Reason.AGENT_FAILED


@pytest.mark.parametrize(
    ("ending", "burned"),
    [
        (Ending.API_DOWN, False),
        (Ending.RATE_LIMITED, False),
        (Ending.USAGE_WINDOW, False),
        (Ending.UNAUTHORISED, False),
        (Ending.STOPPED, False),
        (Ending.BAD_REQUEST, False),
        (Ending.CRASHED, True),
        (Ending.SILENT, True),
        (Ending.TURN_LIMIT, True),
        (Ending.COST_LIMIT, True),
        (Ending.TIME_LIMIT, True),
        (Ending.NO_STATEMENT, True),
        (Ending.TOOLS_REFUSED, True),
    ],
)
def test_an_outage_burns_no_attempt(ending: Ending, burned: bool) -> None:
    """What says nothing about the task does not count against it."""
    verdict = on_result(_result(ending), _FIRST)
    assert isinstance(verdict, Stop)
    assert verdict.outcome.state is TaskState.TODO
    assert burns(verdict.outcome) is burned


@given(st.integers(0, 20), st.integers(1, 20))
def test_back_off_grows_and_ends(burned: int, allowed: int) -> None:
    """Each vain attempt waits longer, at most four hours; the last one fails the task."""
    outcome = failed(Reason.AGENT_FAILED, "No.", Attempts(burned=burned, allowed=allowed, now=_NOW))
    if burned + 1 >= allowed:
        assert outcome.state is TaskState.FAILED
        assert outcome.retry_at is None
    else:
        assert outcome.retry_at is not None
        assert timedelta(minutes=5) <= outcome.retry_at - _NOW <= timedelta(hours=4)


def test_a_dead_run_is_tried_again_at_once() -> None:
    """No waiting after a death; after too many the task is failed."""
    assert died(_FIRST).retry_at is None
    assert died(_FIRST).state is TaskState.TODO
    assert died(Attempts(burned=2, allowed=3, now=_NOW)).state is TaskState.FAILED


def test_an_empty_change_is_no_evidence() -> None:
    """It goes back once and then blocks with the agent's own words."""
    verdict = on_change(Change(base="b", tree="t"), (), _DONE)
    assert isinstance(verdict, Repair)
    assert verdict.otherwise.reason is Reason.NO_CHANGE
    assert "Done." in verdict.otherwise.sentence


def test_only_blocking_findings_refuse() -> None:
    """A warning does not stop a publication; a block names rule, path and remedy."""
    change = Change(base="b", tree="t", files=(_FILE,))
    block = Finding(tier=Tier.BLOCK, rule=Rule.PROTECTED, path="a", sentence="No.", remedy="Allow it.")
    warn = Finding(tier=Tier.WARN, rule=Rule.PROTECTED, path="a", sentence="Hm.", remedy="")
    assert on_change(change, (warn,), _DONE) is None
    verdict = on_change(change, (block, block, warn), _DONE)
    assert isinstance(verdict, Repair)
    assert verdict.otherwise.remedy == "Allow it."
    assert "1 more" in verdict.otherwise.sentence


def test_a_regression_pauses_or_fails_as_configured() -> None:
    """Red after green goes back; what it leaves behind depends on the checkpoint."""
    green = CheckResult(run="make test", exit_code=0, seconds=1)
    red = CheckResult(run="make test", exit_code=1, seconds=1, output="boom")
    assert on_checks(compare([green], [green]), _FIRST, pauses=True) is None
    assert on_checks(compare([red], [red]), _FIRST, pauses=True) is None
    paused = on_checks(compare([green], [red]), _FIRST, pauses=True)
    lost = on_checks(compare([green], [red]), _FIRST, pauses=False)
    assert isinstance(paused, Repair)
    assert isinstance(lost, Repair)
    assert "boom" in paused.feedback
    assert (paused.otherwise.state, paused.point) == (TaskState.PAUSED, Point.REGRESSION)
    assert (lost.otherwise.state, lost.point) == (TaskState.TODO, None)


@pytest.mark.parametrize(
    ("state", "objection", "kept", "sentence"),
    [
        (TaskState.CANCELLED, "", TaskState.CANCELLED, "The task is cancelled: a human ended it."),
        (TaskState.DONE, "", TaskState.DONE, "The task is done: a human ended it."),
        (TaskState.TODO, "The label is off.", TaskState.TODO, "The label is off."),
        (TaskState.IN_REVIEW, "The label is off.", TaskState.TODO, "The label is off."),
    ],
)
def test_a_withdrawn_task_stands_where_a_human_put_it(
    state: TaskState, objection: str, kept: TaskState, sentence: str
) -> None:
    """One that is only held back is still to do."""
    task = Task(id=TaskId(provider="file", key="7"), title="T", state=state, objection=objection)
    outcome = withdrawn(task)
    assert (outcome.state, outcome.reason, outcome.sentence) == (kept, Reason.WITHDRAWN, sentence)


@pytest.mark.parametrize("point", list(Point))
def test_every_checkpoint_says_what_waits(point: Point) -> None:
    """A waiting task has a sentence of its own, and can be put aside."""
    outcome = waiting(point)
    assert outcome.state is TaskState.PAUSED
    assert outcome.sentence in put_aside(outcome).sentence
    assert put_aside(outcome).reason is Reason.CHECKPOINT
