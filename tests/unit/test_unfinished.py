"""Saved work is gone on from only where it is still true."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from autorun.core.checkpoints import Point
from autorun.core.ledger.record import Holder, Record, claimed, settled
from autorun.core.ledger.unfinished import Unfinished, objection, still_true
from autorun.core.model import AgentSession, Claimed, Outcome, Reason, Statement, TaskId, TaskState, Usage

NOW = datetime(2026, 11, 20, tzinfo=UTC)
TASK = TaskId(provider="github", key="7")
TALK = AgentSession(backend="claude-code", id="talk", model="opus")


def held(record: Record) -> Record:
    return claimed(record, Holder(nonce="n"), now=NOW, ttl=timedelta(minutes=15), session_id="s")


def ended(record: Record, reason: Reason) -> Record:
    outcome = Outcome(state=TaskState.TODO, reason=reason, sentence="So it is.")
    return settled(record, outcome, now=NOW, usage=Usage(), burned=False)


FIRST = held(Record(task=TASK))
SAVED = Unfinished(
    task=TASK,
    fence=FIRST.fence,
    base="b",
    session=TALK,
    stopped_at=Point.PLAN,
    statement=Statement(claimed=Claimed.COMPLETED, summary="Done."),
    passed=(Point.TURNS,),
)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (SAVED, ""),
        (replace(SAVED, session=None), ""),
        (replace(SAVED, v=2), "version 2"),
        (replace(SAVED, task=TaskId(provider="github", key="8")), "belongs to github/8"),
        (replace(SAVED, fence=SAVED.fence + 1), "another attempt"),
        (
            replace(SAVED, session=replace(TALK, backend="anthropic-sdk")),
            "one of anthropic-sdk, now claude-code works",
        ),
    ],
)
def test_work_of_another_version_task_attempt_or_backend_is_not_gone_on_from(found: Unfinished, why: str) -> None:
    """The objection is a sentence; without one the work fits."""
    said = objection(found, FIRST, backend="claude-code")
    assert why in said
    assert bool(said) is bool(why)
    assert said.endswith("." if why else "")


def test_who_went_on_and_broke_off_leaves_the_files_alone() -> None:
    """Its runner died or was cut off: the files fit that attempt, its conversation and its words are gone."""
    again = held(ended(FIRST, Reason.INTERRUPTED))
    twice = ended(again, Reason.INTERRUPTED)
    for record in (again, twice, held(twice)):
        assert record.broke_off
        found = still_true(SAVED, record)
        assert objection(found, record, backend="anthropic-sdk") == ""
        assert (found.base, found.passed) == (SAVED.base, SAVED.passed)
        assert (found.session, found.stopped_at, found.statement) == (None, None, None)
        assert "Somebody went on from there" in found.note


def test_saved_work_stays_as_it_is_otherwise() -> None:
    """Where its own attempt is the last, and where a later one has ended in order."""
    in_order = ended(held(ended(FIRST, Reason.INTERRUPTED)), Reason.SERVICE)
    assert not in_order.broke_off
    for record in (FIRST, ended(FIRST, Reason.INTERRUPTED), in_order, held(in_order)):
        assert still_true(SAVED, record) is SAVED


def test_a_task_that_nobody_began_did_not_break_off() -> None:
    assert not Record(task=TASK).broke_off
