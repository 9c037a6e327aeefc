"""A record survives being written whole, and nothing that is not a record is taken for one."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from autorun.core.errors import RecordUnreadable
from autorun.core.ledger import History, Seen
from autorun.core.ledger.codec import dump_record, load_record
from autorun.core.ledger.moves import Move
from autorun.core.ledger.record import (
    VERSION,
    Attempt,
    Holder,
    Kept,
    Record,
    claimed,
    confirmed,
    may_take,
    moved,
    reaped,
    renewed,
)
from autorun.core.model import Outcome, Proposal, PullRequest, Reason, TaskId, TaskState, Usage
from kit.values import JSON, records

NOW = datetime(2026, 11, 2, 22, 0, tzinfo=UTC)
HELD = claimed(
    Record(task=TaskId(provider="github", key="7")),
    Holder(nonce="n"),
    now=NOW,
    ttl=timedelta(minutes=15),
    session_id="s",
)
SLOW = settings(
    max_examples=settings().max_examples // 2, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@SLOW
@given(record=records())
def test_records_survive(record: Record) -> None:
    """Any record is UTF-8 text that reads back equal, fields we do not know included."""
    text = dump_record(record)
    assert load_record(text.encode().decode()) == record
    assert dump_record(load_record(text)) == text
    assert json.loads(text)["v"] == VERSION


@SLOW
@given(record=records(), data=st.data())
def test_damaged_records_are_refused(record: Record, data: st.DataObject) -> None:
    """A record that was cut or had a field replaced is read or refused, never anything else."""
    text = dump_record(record)
    cut = text[: data.draw(st.integers(0, len(text) - 2))]
    with pytest.raises(RecordUnreadable):
        load_record(cut)
    document = json.loads(text)
    document[data.draw(st.sampled_from(sorted(document)))] = data.draw(JSON)
    with suppress(RecordUnreadable):
        assert dump_record(load_record(json.dumps(document)))


@given(text=st.text() | JSON.map(json.dumps))
def test_anything_else_is_refused(text: str) -> None:
    """Text that is no record is unreadable, with a remedy."""
    with pytest.raises(RecordUnreadable) as caught:
        load_record(text)
    assert caught.value.hint


@pytest.mark.parametrize("version", [0, 2, 99, "1", None, [1]])
def test_other_versions_are_refused(version: object) -> None:
    """A record of another version is not read, and the remedy is to update."""
    document = json.loads(dump_record(HELD)) | {"v": version}
    with pytest.raises(RecordUnreadable, match="version") as caught:
        load_record(json.dumps(document))
    assert "update" in caught.value.hint


@pytest.mark.parametrize(
    "change",
    [
        {"state": "todo"},
        {"holder": None},
        {"attempts": []},
        {"expires_at": "2026-11-02T22:00:00"},
        {"expires_at": 7},
        {"fence": "many"},
        {"task": "7"},
        {"attempts": {"number": 1}},
    ],
)
def test_contradictions_are_damage(change: dict[str, object]) -> None:
    """A record whose fields contradict each other or have the wrong shape is damaged."""
    document = json.loads(dump_record(HELD)) | change
    with pytest.raises(RecordUnreadable, match="damaged"):
        load_record(json.dumps(document))


def test_newer_fields_are_kept_through_a_move() -> None:
    """What a newer runner wrote beside our fields is written again by an older one."""
    document = json.loads(dump_record(HELD)) | {"mood": {"of": ["the", "day"]}}
    record = load_record(json.dumps(document))
    again = claimed(record, Holder(nonce="m"), now=NOW, ttl=timedelta(1), session_id="t")
    assert json.loads(dump_record(again))["mood"] == {"of": ["the", "day"]}


def test_what_was_kept_goes_with_the_attempt_that_left_it() -> None:
    """A record from before there was such a word has none, and whatever comes next forgets it."""
    assert "kept" not in json.loads(dump_record(HELD))
    assert load_record(dump_record(HELD)).kept is None
    free = replace(HELD, state=TaskState.PAUSED, holder=None, kept=Kept(artifact="a", manifest="m", base="b"))
    assert load_record(dump_record(free)).kept == free.kept
    assert claimed(free, Holder(nonce="m"), now=NOW, ttl=timedelta(1), session_id="t").kept is None
    merged = Outcome(state=TaskState.DONE, reason=Reason.MERGED, sentence="It is merged.")
    assert moved(free, Move.MERGE, merged).kept is None


def test_a_history_goes_on_with_the_newest_record_of_a_task() -> None:
    """Others stay as they were seen, and so does the history before."""
    other = Seen(commit="a", record=Record(task=TaskId(provider="github", key="8")))
    old, new = (Seen(commit=commit, record=HELD) for commit in ("b", "c"))
    before = History(seen={other.record.task: other, HELD.task: old}, faults={})
    assert before.after(new).seen == {other.record.task: other, HELD.task: new}
    assert before.seen[HELD.task] == old


def test_a_holder_is_someone_in_progress() -> None:
    """A record cannot even be made with a holder and no work, or work and no holder."""
    with pytest.raises(ValueError, match="todo"):
        replace(HELD, state=TaskState.TODO)
    with pytest.raises(ValueError, match="in_progress"):
        replace(HELD, holder=None)


def test_who_may_take_a_task() -> None:
    """Nobody's task, a dead holder's at once, a silent one's after expiry and grace."""
    grace = timedelta(minutes=2)
    end = NOW + timedelta(minutes=15) + grace
    assert may_take(None, now=NOW, grace=grace, holder_is_dead=False)
    assert may_take(Record(task=HELD.task), now=NOW, grace=grace, holder_is_dead=False)
    assert may_take(HELD, now=NOW, grace=grace, holder_is_dead=True)
    assert not may_take(HELD, now=end, grace=grace, holder_is_dead=False)
    assert may_take(HELD, now=end + timedelta(seconds=1), grace=grace, holder_is_dead=False)


def test_a_renewed_claim_says_what_was_spent_and_may_be() -> None:
    """Of the attempt that runs; those before it are history."""
    again = claimed(HELD, Holder(nonce="m"), now=NOW, ttl=timedelta(1), session_id="t")
    later = renewed(again, now=NOW, ttl=timedelta(2), usage=Usage(turns=3, cost_usd=0.5), reserve_usd=0.25)
    assert (later.state, later.holder, later.fence) == (again.state, again.holder, again.fence)
    assert later.expires_at == NOW + timedelta(2)
    assert later.attempts[0] == again.attempts[0]
    assert (later.attempts[1].usage.turns, later.charged_usd) == (3, 0.75)


def test_a_dead_runner_is_charged_what_it_may_have_spent() -> None:
    """Its attempt ends and counts as tried, and nobody holds the task."""
    spent = renewed(HELD, now=NOW, ttl=timedelta(1), usage=Usage(cost_usd=0.5), reserve_usd=0.25)
    died = Outcome(state=TaskState.TODO, reason=Reason.INTERRUPTED, sentence="The run that worked on this died.")
    record = reaped(spent, died, now=NOW + timedelta(1))
    assert (record.state, record.holder, record.expires_at, record.outcome) == (TaskState.TODO, None, None, died)
    assert (record.attempts[0].ended_at, record.attempts[0].reason) == (NOW + timedelta(1), Reason.INTERRUPTED)
    assert (record.burned, record.charged_usd) == (1, 0.75)


@pytest.mark.parametrize(
    ("state", "reason"), [(TaskState.IN_REVIEW, Reason.PUBLISHED), (TaskState.BLOCKED, Reason.PUBLISHING)]
)
def test_a_published_record_learns_what_became_of_its_proposal(state: TaskState, reason: Reason) -> None:
    """The pull request is open, or it is refused and a human is needed; either way nothing is left to propose."""
    proposal = Proposal(task=HELD.task, branch="x", base_branch="main", head="a", title="T", body="B")
    record = replace(HELD, state=TaskState.IN_REVIEW, holder=None, proposal=proposal)
    pull = PullRequest(branch="x", url="https://example.org/1") if state is TaskState.IN_REVIEW else None
    found = confirmed(record, Outcome(state=state, reason=reason, sentence="So it is.", pull_request=pull))
    assert (found.state, found.proposal, found.pull_request) == (state, None, pull)
    assert found.outcome is not None
    assert found.outcome.reason is reason


def test_the_day_counts_what_ended_in_it_or_may_still_run() -> None:
    """The charge since a moment leaves out only what had ended before it."""
    old = Attempt(number=1, session_id="s", started_at=NOW, ended_at=NOW, reserved_usd=1)
    late = replace(old, number=2, ended_at=NOW + timedelta(hours=2), reserved_usd=2)
    live = replace(old, number=3, ended_at=None, reserved_usd=4)
    record = Record(task=HELD.task, attempts=(old, late, live))
    assert record.charged_since(NOW + timedelta(hours=1)) == 6
    assert record.charged_usd == 7
