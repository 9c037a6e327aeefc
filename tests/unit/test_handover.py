"""The hand-over's own rules: how money is dealt out, what is read back, what is believed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from autorun.core.errors import HandoverRefused
from autorun.core.ledger.handover import (
    NOT_STARTED,
    RESULT_BYTES,
    Itinerary,
    Leg,
    Result,
    believed,
    charged,
    digest,
    encoded,
    matrix,
    read_plan,
    read_result,
    refused,
    shares,
)
from autorun.core.ledger.record import Holder, Kept, Record, claimed
from autorun.core.model import (
    AgentSession,
    Blocker,
    Claimed,
    Outcome,
    PullRequest,
    Reason,
    Statement,
    Task,
    TaskId,
    TaskState,
    Usage,
)
from autorun.core.verdicts import Attempts

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ATTEMPTS = Attempts(burned=1, allowed=3, now=NOW)
MONEY = st.floats(min_value=0, max_value=1000, allow_nan=False)


def leg(key: str) -> Leg:
    return Leg(task=Task(id=TaskId(provider="file", key=key), title="T"), claim="c", nonce="n", base="b")


PLAN = Itinerary(session_id="s", legs=(leg("one"), leg("a/b")), end="No more tasks available", reason="empty")


@given(MONEY, st.lists(st.none() | MONEY, max_size=30), MONEY)
def test_shares_keep_within_the_budget(budget: float, wanted: list[float | None], least: float) -> None:
    """Together no more than there is, nobody more than is wanted, nobody less than is of use."""
    dealt = shares(budget, wanted, least)
    assert len(dealt) <= len(wanted)
    given_out = [share for share in dealt if share is not None]
    assert len(given_out) == len(dealt)
    assert sum(given_out) <= budget * (1 + 1e-9)
    for share, limit in zip(given_out, wanted, strict=False):
        assert share >= 0
        if limit is not None:
            assert min(least, limit) <= share <= limit
        else:
            assert share >= least


def test_what_the_modest_leave_goes_to_the_others() -> None:
    """Equal shares, but nobody gets money that may not be spent; without a budget each gets its own limit."""
    assert shares(10.0, [1.0, None, None], 0.1) == [1.0, 4.5, 4.5]
    assert shares(None, [1.0, None], 0.1) == [1.0, None]
    assert shares(1.0, [None, None, None], 0.5) == [0.5, 0.5]
    assert shares(0.0, [None], 0.0) == []


def test_a_plan_is_read_as_it_was_written() -> None:
    """The digest proves it; another byte, digest or version is refused."""
    data = encoded(PLAN)
    assert read_plan(data, digest(data)) == PLAN
    assert read_plan(data) == PLAN
    assert PLAN.leg("a/b").name.startswith("autorun-result-a_b-x")
    for wrong in (data + b" ", data.replace(b'"s"', b'"s","x":1'), data.replace(b"{", b'{"v":2,', 1)):
        with pytest.raises(HandoverRefused):
            read_plan(wrong)
    with pytest.raises(HandoverRefused, match="digest"):
        read_plan(data, "0" * 64)
    with pytest.raises(HandoverRefused, match="no task two"):
        PLAN.leg("two")
    with pytest.raises(HandoverRefused) as none:
        Itinerary(session_id="s").leg("one")
    assert none.value.hint == "it has none"


def test_the_matrix_names_each_task_once() -> None:
    """Key, artifact and the digest of the plan: nothing else travels in a job's output."""
    include = matrix(PLAN, "d")["include"]
    assert [each["task"] for each in include] == ["one", "a/b"]
    assert include[0] == {"task": "one", "name": "autorun-result-one", "plan": "d"}


def resumed(kept: Kept | None) -> Leg:
    """A leg whose attempt before left a conversation, and what is given."""
    talk = AgentSession(backend="acted", id="talk", model="opus")
    return replace(leg("one"), before=Record(task=leg("one").task.id, session=talk, kept=kept))


def test_work_may_lie_on_the_planned_base_or_on_that_of_what_was_kept() -> None:
    """Only where something was kept there are two."""
    kept = Kept(run_id="5", artifact="a", manifest="0" * 64, base="older")
    assert resumed(kept).bases == ("b", "older")
    assert resumed(None).bases == leg("one").bases == ("b",)


def test_what_was_kept_is_found_by_names_of_our_own() -> None:
    """Run and artifact are the plan's to say, and a runner's digest is only believed to be one."""
    one = resumed(None)
    talked = Result(task=one.task.id, nonce="n", outcome=NOT_STARTED)
    said = replace(talked, kept="0" * 64, base="b")
    run = Itinerary(session_id="s", run_id="5", run_attempt=2, legs=(one,))
    assert read_result(encoded(said), one) == said
    assert run.kept(one, talked) is None
    assert run.kept(one, said) == Kept(run_id="5", artifact="autorun-kept-one-2", manifest="0" * 64, base="b")
    assert PLAN.artifact(one) == "autorun-kept-one"
    for forged in (
        replace(said, kept="0" * 63),
        replace(said, kept="0" * 63 + "G"),
        replace(said, base=""),
        replace(said, base="elsewhere"),
        replace(talked, base="b"),
    ):
        with pytest.raises(HandoverRefused):
            read_result(encoded(forged), one)


STATED = Statement(claimed=Claimed.COMPLETED, summary="Done.")
WORKED = Result(
    task=leg("one").task.id,
    nonce="n",
    outcome=Outcome(state=TaskState.IN_REVIEW, reason=Reason.PUBLISHED, sentence="Done."),
    session=AgentSession(backend="acted", id="talk", model="opus"),
    statement=STATED,
    head="a" * 40,
    base="b",
)
PULL = PullRequest(branch="autorun/file-one", url="https://github.com/o/r/pull/1", number=1)


@pytest.mark.parametrize(
    ("forged", "why"),
    [
        (WORKED, ""),
        (replace(WORKED, head="a" * 64), ""),
        (replace(WORKED, session=None), ""),
        (replace(WORKED, task=TaskId(provider="file", key="two")), "is one of file/two"),
        (replace(WORKED, nonce="m"), "another claim"),
        (replace(WORKED, usage=Usage(cost_usd=-1.0)), "a usage that cannot be"),
        (replace(WORKED, usage=Usage(turns=-1)), "a usage that cannot be"),
        (replace(WORKED, usage=Usage(input_tokens=10**13)), "a usage that cannot be"),
        (replace(WORKED, session=AgentSession(backend="acted", id="../talk", model="opus")), "a conversation"),
        (replace(WORKED, outcome=replace(WORKED.outcome, pull_request=PULL)), "claims a pull request"),
        (replace(WORKED, head=""), "claims work without handing it over"),
        (replace(WORKED, statement=None), "claims work without handing it over"),
        (replace(WORKED, outcome=NOT_STARTED), "hands over work it does not claim"),
        (replace(WORKED, head="a" * 39 + "G"), "names a commit"),
        (replace(WORKED, head="--upload-pack=x"), "names a commit"),
        (replace(WORKED, kept="0" * 63), "names a list of files"),
        (replace(WORKED, base="c"), "was not planned"),
    ],
)
def test_a_result_that_no_runner_of_ours_would_write_is_refused(forged: Result, why: str) -> None:
    """Whatever it claims beyond its own work, the reason says which claim it is."""
    if why:
        with pytest.raises(HandoverRefused, match=why):
            read_result(encoded(forged), leg("one"))
    else:
        assert read_result(encoded(forged), leg("one")) == forged


def test_a_result_of_another_version_or_form_is_refused() -> None:
    """Every byte is as we would have written it."""
    data = encoded(WORKED)
    for wrong, why in (
        (encoded(replace(WORKED, v=2)), "version 2"),
        (data.replace(b":", b": ", 1), "not written as Autorun writes it"),
        (
            data.replace(b'"nonce":"n"', b'"nonce":"n","usage":{"cost_usd":1e999}'),
            "it (is not written|cannot be read)",
        ),
        (b"\xff", "cannot be read"),
        (b"[]", "cannot be read"),
    ):
        with pytest.raises(HandoverRefused, match=why):
            read_result(wrong, leg("one"))


def test_the_claim_of_a_plan_is_known_by_its_nonce() -> None:
    """Not by the task alone: another run may have claimed it since, or nobody holds it."""
    free = Record(task=leg("one").task.id)
    for holder, held in ((Holder(nonce="n"), True), (Holder(nonce="m"), False)):
        record = claimed(free, holder, now=NOW, ttl=timedelta(minutes=15), session_id="s")
        assert leg("one").holds(record) is held
    assert not leg("one").holds(free)


def test_cost_counts_up_to_the_reservation() -> None:
    """Without a limit there is nothing to hold it against."""
    assert charged(Usage(cost_usd=9.0), 2.0).cost_usd == 2.0
    assert charged(Usage(cost_usd=1.0), 2.0).cost_usd == 1.0
    assert charged(Usage(cost_usd=9.0), None).cost_usd == 9.0


def test_failures_are_counted_here() -> None:
    """What the runner says of attempts is dropped, and ours is said instead."""
    sentence = "Too long. That was attempt 3 of 3; it is not tried again by itself."
    said = Outcome(state=TaskState.FAILED, reason=Reason.LIMIT, sentence=sentence)
    found = believed(said, ATTEMPTS)
    assert (found.state, found.sentence) == (TaskState.TODO, "Too long. That was attempt 2 of 3.")
    assert found.retry_at is not None
    assert refused("it is torn", ATTEMPTS).sentence.startswith(
        "What its runner handed over cannot be used: it is torn."
    )


def test_a_result_larger_than_any_is_not_parsed() -> None:
    """The bound holds for whoever reads, whatever the reader's own."""
    with pytest.raises(HandoverRefused, match="larger than 1 MiB"):
        read_result(b" " * (RESULT_BYTES + 1), leg("one"))


def test_words_and_times_are_bounded() -> None:
    """However long a runner talks, and however far away it puts the next try."""
    said = Outcome(
        state=TaskState.BLOCKED,
        reason=Reason.NEEDS_INPUT,
        sentence="x" * 9000,
        blockers=(Blocker(what="y" * 9000),) * 50,
        retry_at=NOW + timedelta(days=99),
    )
    found = believed(said, ATTEMPTS)
    assert (len(found.sentence), len(found.blockers), len(found.blockers[0].what)) == (4000, 20, 4000)
    assert found.retry_at == NOW + timedelta(days=8)
    past = Outcome(state=TaskState.TODO, reason=Reason.SERVICE, sentence="s", retry_at=NOW - timedelta(days=1))
    assert believed(past, ATTEMPTS).retry_at == NOW


@given(st.sampled_from(TaskState), st.sampled_from(Reason))
def test_no_runner_decides_what_only_publication_can(state: TaskState, reason: Reason) -> None:
    """Whatever is said, a believed outcome is one that leaves the task to be tried or answered."""
    try:
        found = believed(Outcome(state=state, reason=reason, sentence="s"), ATTEMPTS)
    except HandoverRefused:
        return
    assert found.state in {TaskState.TODO, TaskState.BLOCKED, TaskState.PAUSED, TaskState.FAILED}
    assert found.pull_request is None
