"""What every ledger must do, whatever it keeps its records in."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from autorun.core.errors import BranchRefused, LeaseLost
from autorun.core.ledger import BranchMove, Seen
from autorun.core.ledger.record import Holder, Record, claimed, renewed, settled
from autorun.core.model import Outcome, Reason, TaskId, TaskState, Usage
from autorun.ports import Ledger

NOW = datetime(2026, 11, 2, 22, 0, tzinfo=UTC)
TTL = timedelta(minutes=15)
TASK = TaskId(provider="file", key="7")


def claim(task: TaskId = TASK, nonce: str = "one", record: Record | None = None) -> Record:
    """A record as a runner writes it when it takes a task."""
    holder = Holder(nonce=nonce)
    return claimed(record or Record(task=task), holder, now=NOW, ttl=TTL, session_id=nonce, reserve_usd=0.5)


def in_review(record: Record) -> Record:
    """A record as a runner writes it when it publishes."""
    outcome = Outcome(state=TaskState.IN_REVIEW, reason=Reason.PUBLISHED, sentence="The pull request is open.")
    return settled(record, outcome, now=NOW, usage=Usage(turns=3, cost_usd=0.2), burned=False)


class LedgerLaws:
    """Subclass with fixtures `runners` (gives independent ledgers over the same place), `work` (makes a commit that
    the first runner can publish), `branch_head` (reads a branch), `human_pushes` (moves one), `refuse_branches`.
    """  # noqa: D205 (a list of fixtures is the docstring)

    def test_starts_empty(self, runners: Callable[[], Ledger]) -> None:
        """A place nobody has written to has no history and no trail."""
        ledger = runners()
        assert ledger.history().seen == {}
        assert ledger.history().faults == {}
        assert list(ledger.trail(TASK)) == []

    def test_keeps_every_record(self, runners: Callable[[], Ledger]) -> None:
        """What was written is read back by another runner: the newest by history, all by trail."""
        ledger = runners()
        first = ledger.write(claim(), over=None)
        more = replace(
            renewed(first.record, now=NOW, ttl=TTL, usage=Usage(turns=1), reserve_usd=1), extra={"new": [1]}
        )
        second = ledger.write(more, over=first)
        other = ledger.write(claim(TaskId(provider="github", key="a b")), over=None)
        reader = runners()
        assert reader.history().seen == {TASK: second, other.record.task: other}
        assert list(reader.trail(TASK)) == [first, second]
        assert reader.history().seen[TASK].record.extra == {"new": [1]}

    def test_first_write_needs_absence(self, runners: Callable[[], Ledger]) -> None:
        """A task that has a record cannot be claimed as if it had none."""
        first = runners().write(claim(), over=None)
        late = runners()
        with pytest.raises(LeaseLost):
            late.write(claim(nonce="two"), over=None)
        assert late.history().seen == {TASK: first}

    def test_stale_writer_changes_nothing(self, runners: Callable[[], Ledger]) -> None:
        """Once a task was stolen, the earlier holder can neither renew nor settle it."""
        zombie, thief = runners(), runners()
        before = zombie.write(claim(), over=None)
        stolen = thief.write(claim(nonce="thief", record=before.record), over=before)
        with pytest.raises(LeaseLost):
            zombie.write(renewed(before.record, now=NOW, ttl=TTL, usage=Usage(), reserve_usd=0), over=before)
        with pytest.raises(LeaseLost):
            zombie.write(in_review(before.record), over=before)
        assert zombie.history().seen == {TASK: stolen}

    def test_a_record_stands_until_the_next_write(self, runners: Callable[[], Ledger]) -> None:
        """Whoever holds a record can ask whether it is still the newest, and so can others."""
        one, two = runners(), runners()
        first = one.write(claim(), over=None)
        assert one.stands(first)
        assert two.stands(first)
        second = two.write(claim(nonce="thief", record=first.record), over=first)
        assert not one.stands(first)
        assert one.stands(second)

    def test_equal_records_are_two_writes(self, runners: Callable[[], Ledger]) -> None:
        """Two runners that write the very same record over the same one: only one of them wrote it."""
        one, two = runners(), runners()
        seen = one.write(claim(), over=None)
        same = in_review(seen.record)
        winner = one.write(same, over=seen)
        with pytest.raises(LeaseLost):
            two.write(same, over=seen)
        assert two.history().seen == {TASK: winner}

    def test_race_has_one_winner(self, runners: Callable[[], Ledger]) -> None:
        """Of several runners that claim at once, exactly one gets the task and the others are told."""
        ledgers = [runners() for _ in range(3)]
        for number in range(4):
            task = TaskId(provider="file", key=str(number))
            winners = race([partial(it.write, claim(task, str(n)), over=None) for n, it in enumerate(ledgers)])
            assert len(winners) == 1
            assert ledgers[0].history().seen[task] == winners[0]

    def test_publishes_both(
        self, runners: Callable[[], Ledger], work: Callable[[str], str], branch_head: Callable[[str], str | None]
    ) -> None:
        """Publishing creates the branch, a later one moves it, and each moves the record."""
        ledger = runners()
        seen = ledger.write(claim(), over=None)
        first, second = work("first"), work("second")
        seen = ledger.publish(in_review(seen.record), over=seen, branch=BranchMove(branch="autorun/x", commit=first))
        assert (branch_head("autorun/x"), ledger.history().seen[TASK]) == (first, seen)
        again = ledger.write(claim(nonce="again", record=seen.record), over=seen)
        move = BranchMove(branch="autorun/x", commit=second, expected=first)
        again = ledger.publish(in_review(again.record), over=again, branch=move)
        assert (branch_head("autorun/x"), ledger.history().seen[TASK]) == (second, again)

    def test_zombie_publishes_nothing(
        self, runners: Callable[[], Ledger], work: Callable[[str], str], branch_head: Callable[[str], str | None]
    ) -> None:
        """A holder that lost its lease cannot even create the branch."""
        zombie, thief = runners(), runners()
        before = zombie.write(claim(), over=None)
        stolen = thief.write(claim(nonce="thief", record=before.record), over=before)
        with pytest.raises(LeaseLost):
            zombie.publish(
                in_review(before.record), over=before, branch=BranchMove(branch="autorun/x", commit=work("zombie"))
            )
        assert branch_head("autorun/x") is None
        assert zombie.history().seen == {TASK: stolen}

    def test_branch_moved_by_a_human(
        self,
        runners: Callable[[], Ledger],
        work: Callable[[str], str],
        branch_head: Callable[[str], str | None],
        human_pushes: Callable[[str], str],
    ) -> None:
        """A branch that is not where it was expected is left alone, and so is the record: the lease still holds."""
        ledger = runners()
        seen = ledger.write(claim(), over=None)
        theirs = human_pushes("autorun/x")
        with pytest.raises(BranchRefused, match="autorun/x"):
            ledger.publish(
                in_review(seen.record), over=seen, branch=BranchMove(branch="autorun/x", commit=work("ours"))
            )
        assert branch_head("autorun/x") == theirs
        assert ledger.history().seen == {TASK: seen}
        assert ledger.write(in_review(seen.record), over=seen).record.state is TaskState.IN_REVIEW

    def test_branch_refused_by_the_server(
        self,
        runners: Callable[[], Ledger],
        work: Callable[[str], str],
        branch_head: Callable[[str], str | None],
        refuse_branches: Callable[[str], None],
    ) -> None:
        """A branch that the server refuses leaves the record as it was; the record alone can still move."""
        ledger = runners()
        seen = ledger.write(claim(), over=None)
        refuse_branches("autorun/x")
        with pytest.raises(BranchRefused, match="autorun/x"):
            ledger.publish(
                in_review(seen.record), over=seen, branch=BranchMove(branch="autorun/x", commit=work("ours"))
            )
        assert branch_head("autorun/x") is None
        assert ledger.history().seen == {TASK: seen}
        assert ledger.write(in_review(seen.record), over=seen).record.state is TaskState.IN_REVIEW


def race(writers: Sequence[Callable[[], Seen]]) -> list[Seen]:
    """Start every writer at once; return what those got that did not lose."""
    start = threading.Barrier(len(writers))
    winners: list[Seen] = []
    surprises: list[BaseException] = []

    def run(write: Callable[[], Seen]) -> None:
        start.wait()
        try:
            winners.append(write())
        except LeaseLost:
            pass
        except BaseException as error:  # noqa: BLE001 (told by the test's own thread)
            surprises.append(error)

    threads = [threading.Thread(target=run, args=(write,)) for write in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not surprises, surprises
    return winners
