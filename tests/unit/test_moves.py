"""No sequence of legal moves leaves a record that contradicts itself or forgets money."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from autorun.core.ledger.codec import dump_record, load_record
from autorun.core.ledger.moves import MOVES, IllegalMove, Move, after, settling
from autorun.core.ledger.record import Holder, Record, claimed, confirmed, may_take, moved, reaped, renewed, settled
from autorun.core.model import Outcome, PullRequest, Reason, TaskId, TaskState, Usage

START = datetime(2026, 11, 2, 22, 0, tzinfo=UTC)
TTL = timedelta(minutes=15)
SETTLED = [state for state in TaskState if state is not TaskState.IN_PROGRESS]
OUTSIDE = [Move.MERGE, Move.CLOSE]
COSTS = st.integers(0, 500).map(lambda cents: cents / 100)


def outcome(state: TaskState) -> Outcome:
    return Outcome(state=state, reason=Reason.PUBLISHED, sentence="So it is.")


class Life(RuleBasedStateMachine):
    """A task's life, in any order that the rules allow."""

    def __init__(self) -> None:
        super().__init__()
        self.record = Record(task=TaskId(provider="github", key="7"))
        self.now = START
        self.spent = 0.0  # what the models really cost, as the runners last knew it
        self.holders = 0

    @property
    def held(self) -> bool:
        """Someone works on it."""
        return self.record.state is TaskState.IN_PROGRESS

    @rule(reserve=COSTS)
    def claim_or_steal(self, reserve: float) -> None:
        """Each holder opens an attempt and raises the fence."""
        self.holders += 1
        before = self.record
        self.record = claimed(
            before,
            Holder(nonce=str(self.holders)),
            now=self.now,
            ttl=TTL,
            session_id="s",
            reserve_usd=reserve,
        )
        assert self.record.fence == before.fence + 1
        assert len(self.record.attempts) == len(before.attempts) + 1

    @precondition(lambda self: self.held)
    @rule(cost=COSTS, reserve=COSTS)
    def renew(self, cost: float, reserve: float) -> None:
        """A renewed lease holds until it expires."""
        usage = self.record.attempts[-1].usage + Usage(turns=1, cost_usd=cost)
        self.record = renewed(self.record, now=self.now, ttl=TTL, usage=usage, reserve_usd=reserve)
        self.spent += cost
        assert not may_take(self.record, now=self.now + TTL, grace=timedelta(), holder_is_dead=False)
        assert may_take(self.record, now=self.now + 2 * TTL, grace=timedelta(), holder_is_dead=False)

    @precondition(lambda self: self.held)
    @rule(state=st.sampled_from(SETTLED), cost=COSTS, burned=st.booleans())
    def settle(self, state: TaskState, cost: float, *, burned: bool) -> None:
        """A finished attempt has no reservation."""
        usage = self.record.attempts[-1].usage + Usage(turns=1, cost_usd=cost)
        self.record = settled(self.record, outcome(state), now=self.now, usage=usage, burned=burned)
        self.spent += cost
        assert self.record.attempts[-1].reserved_usd == 0

    @precondition(lambda self: self.held)
    @rule(state=st.sampled_from(SETTLED))
    def reap(self, state: TaskState) -> None:
        """A dead runner's attempt stays charged."""
        before = self.record.charged_usd
        self.record = reaped(self.record, outcome(state), now=self.now)
        assert self.record.charged_usd == before

    @precondition(lambda self: self.record.state is TaskState.IN_REVIEW)
    @rule(state=st.sampled_from([TaskState.IN_REVIEW, TaskState.BLOCKED]))
    def confirm(self, state: TaskState) -> None:
        """The pull request becomes known."""
        self.record = confirmed(self.record, outcome(state))

    @precondition(lambda self: not self.held and self.record.state is not TaskState.DONE)
    @rule(move=st.sampled_from(OUTSIDE))
    def happen_outside(self, move: Move) -> None:
        """A human merges or closes."""
        self.record = moved(self.record, move, outcome(after(self.record.state, move)))

    @rule(minutes=st.integers(0, 90))
    def wait(self, minutes: int) -> None:
        """Time goes by."""
        self.now += timedelta(minutes=minutes)

    @invariant()
    def holder_means_in_progress(self) -> None:
        """Held and in progress are one thing."""
        assert (self.record.holder is not None) == self.held
        assert (self.record.expires_at is not None) == self.held

    @invariant()
    def only_the_last_attempt_is_open(self) -> None:
        """Work is open only while someone holds it."""
        open_ones = [attempt.number for attempt in self.record.attempts if attempt.ended_at is None]
        assert open_ones == ([len(self.record.attempts)] if self.held else [])

    @invariant()
    def money_is_never_forgotten(self) -> None:
        """Never charged less than was spent."""
        assert self.record.charged_usd >= self.spent - 1e-9
        assert self.record.charged_since(START) == pytest.approx(self.record.charged_usd)

    @invariant()
    def survives_writing(self) -> None:
        """It reads back as it was written."""
        assert load_record(dump_record(self.record)) == self.record


Life.TestCase.settings = settings(max_examples=settings().max_examples // 2, stateful_step_count=15, deadline=None)
TestLife = Life.TestCase


@given(state=st.sampled_from(list(TaskState)), move=st.sampled_from(list(Move)))
@example(state=TaskState.TODO, move=Move.CLAIM)
@example(state=TaskState.TODO, move=Move.RENEW)
def test_the_table_decides(state: TaskState, move: Move) -> None:
    """A move that is not in the table is refused, one that is leads where the table says."""
    if (state, move) in MOVES:
        assert after(state, move) is MOVES[state, move]
    else:
        with pytest.raises(IllegalMove, match="no legal move"):
            after(state, move)


def test_only_claims_and_steals_begin_work() -> None:
    """A task comes into progress by a claim or a steal and stays there by a renewal, by nothing else."""
    assert {move for (_, move), target in MOVES.items() if target is TaskState.IN_PROGRESS} == {
        Move.CLAIM,
        Move.STEAL,
        Move.RENEW,
    }
    assert all((state is TaskState.IN_PROGRESS) != ((state, Move.CLAIM) in MOVES) for state in TaskState)


@pytest.mark.parametrize("state", SETTLED)
def test_every_settled_state_can_be_reached(state: TaskState) -> None:
    """Whatever an outcome says, there is a move that leads there."""
    assert after(TaskState.IN_PROGRESS, settling(state)) is state


def test_nothing_settles_into_progress() -> None:
    """A task in progress cannot be settled as being in progress."""
    with pytest.raises(IllegalMove):
        settling(TaskState.IN_PROGRESS)


def test_held_tasks_are_not_moved_from_outside() -> None:
    """What happens outside must not take a task from its holder: the holder settles it."""
    held = claimed(
        Record(task=TaskId(provider="file", key="1")), Holder(nonce="n"), now=START, ttl=TTL, session_id="s"
    )
    with pytest.raises((IllegalMove, ValueError)):
        moved(held, Move.MERGE, outcome(TaskState.DONE))


def test_the_pull_request_stays_known() -> None:
    """A later outcome without a pull request does not forget the one there is."""
    url = PullRequest(branch="b", url="https://example.org/1", number=1)
    record = Record(task=TaskId(provider="file", key="1"), state=TaskState.IN_REVIEW, pull_request=url)
    assert moved(record, Move.CLOSE, outcome(TaskState.CANCELLED)).pull_request == url
