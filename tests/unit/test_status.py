"""Where a session stands follows from its journal, entry by entry."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from autorun.core.ledger.record import Holder
from autorun.core.model import Outcome, Reason, TaskId, TaskState, Usage
from autorun.core.report.journal import Entry, Happening
from autorun.core.report.status import RunnerState, SessionState, after, resumed

START = datetime(2026, 11, 20, 22, tzinfo=UTC)
FRESH = SessionState(session="s", holder=Holder(nonce="n"), started_at=START, updated_at=START)
TASK = TaskId(provider="github", key="7")


def entry(what: Happening, text: str = "", *, minute: int = 1, step: str = "", usage: Usage | None = None) -> Entry:
    at = START + timedelta(minutes=minute)
    return Entry(at=at, what=what, session="s", text=text, task=TASK, title="T", step=step, usage=usage)


def ended(state: TaskState, *, minute: int = 1, usage: Usage | None = None) -> Entry:
    outcome = Outcome(state=state, reason=Reason.LIMIT, sentence="So it is.")
    return replace(entry(Happening.TASK_ENDED, minute=minute, usage=usage), outcome=outcome)


def folded(*entries: Entry, state: SessionState = FRESH) -> SessionState:
    for each in entries:
        state = after(state, each)
    return state


def test_the_present_is_the_latest_task_step_and_activity() -> None:
    """A new step forgets what was seen in the one before; usage stands until it is told anew."""
    state = folded(
        entry(Happening.PLANNED, "2 to do"),
        entry(Happening.TASK_STARTED),
        entry(Happening.ACTIVITY, "Reading", usage=Usage(turns=2, cost_usd=0.5)),
        entry(Happening.ACTIVITY, "Writing", minute=3),
    )
    assert (state.planned, state.task, state.title, state.step) == ("2 to do", TASK, "T", "claim")
    assert (state.activity, state.task_usage.turns, state.cost_usd) == ("Writing", 2, 0.5)
    assert state.seconds == 180
    state = after(state, entry(Happening.STEP, step="verify"))
    assert (state.step, state.activity, state.task_usage.turns) == ("verify", "", 2)


def test_an_ended_task_is_counted_and_its_cost_is_the_session_s() -> None:
    """What it had used so far is not counted twice, and nothing is in hand."""
    state = folded(
        entry(Happening.TASK_STARTED),
        entry(Happening.ACTIVITY, "Reading", usage=Usage(turns=2, cost_usd=0.5)),
        ended(TaskState.IN_REVIEW, usage=Usage(turns=3, cost_usd=0.75)),
        ended(TaskState.FAILED),
        ended(TaskState.DONE, minute=30),
    )
    assert (state.task, state.title, state.step, state.activity) == (None, "", "", "")
    assert (state.usage.turns, state.task_usage, state.cost_usd) == (3, Usage(), 0.75)
    assert (state.tasks_ended, state.tasks_completed, state.tasks_per_hour) == (3, 2, 6)


def test_before_any_time_has_passed_there_is_no_pace() -> None:
    assert FRESH.tasks_per_hour is None


@pytest.mark.parametrize(
    ("outcome", "state"), [(TaskState.PAUSED, RunnerState.PAUSED), (TaskState.FAILED, RunnerState.STOPPED)]
)
def test_a_session_that_leaves_a_paused_task_is_paused(outcome: TaskState, state: RunnerState) -> None:
    """Its end says why; any other is stopped."""
    found = folded(ended(outcome), entry(Happening.SESSION_ENDED, "Cost limit reached", step="limit"))
    assert (found.state, found.reason, found.sentence) == (state, "limit", "Cost limit reached")


@given(st.sampled_from([Happening.SESSION_STARTED, Happening.WARNING, Happening.ASKING, Happening.TASK_SKIPPED]))
def test_what_is_only_told_changes_nothing_but_the_time(what: Happening) -> None:
    at_work = folded(entry(Happening.TASK_STARTED))
    told = entry(what, "mind", minute=5)
    assert after(at_work, told) == replace(at_work, updated_at=told.at)


def test_an_end_without_an_outcome_is_only_told() -> None:
    """A journal that was cut or written by another version stops no reader."""
    at_work = folded(entry(Happening.TASK_STARTED))
    assert folded(entry(Happening.TASK_ENDED), state=at_work).ended == {}


def test_a_resumed_session_keeps_its_counters() -> None:
    """Id, cost, endings and time go on; what was in hand is begun anew."""
    last = folded(
        ended(TaskState.DONE, usage=Usage(turns=3, cost_usd=0.75)),
        entry(Happening.TASK_STARTED, minute=2),
        entry(Happening.ACTIVITY, "Reading", usage=Usage(turns=2, cost_usd=0.5), minute=10),
    )
    later = START + timedelta(days=1)
    start = replace(FRESH, session="new", started_at=later, updated_at=later, model="opus")
    state = resumed(last, start)
    assert (state.session, state.model, state.task) == ("s", "opus", None)
    assert (state.usage.turns, state.cost_usd, state.ended) == (5, 1.25, {TaskState.DONE: 1})
    assert (state.seconds, state.seconds_before) == (600, 600)
