"""A subscription pays: wherever the cost of an attempt is shown, it is an estimate, whichever job shows it."""

from pathlib import Path

import pytest

from autorun.core.ledger.record import Record
from autorun.core.report.journal import Happening
from autorun.core.report.progress import spent, told
from autorun.core.report.rendering import status_comment
from autorun.core.report.summary import job_summary
from kit.split import Split
from kit.workshop import Workshop, make_workshop, needs_input, says, writes


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return make_workshop(tmp_path)


def comment(shop: Workshop, record: Record) -> str:
    """What people read of a record in the tracker."""
    with shop.bench(shop.run({}).agent) as bench:
        task = next(each for each in bench.world.tasks.backlog().tasks if each.id == record.task)
    return status_comment(task, record)


def test_each_attempt_knows_whether_its_cost_is_an_estimate(shop: Workshop) -> None:
    """A later attempt that a key pays for does not change what an earlier one was; the sum holds an estimate."""
    shop.task("a")
    shop.run({"a": [says(needs_input())]}, cost_estimated=True)
    assert comment(shop, shop.record("a")).count("$0.25 (estimated)") == 2
    shop.run({"a": [writes({"a.txt": ""})]}, only=("a",))
    record = shop.record("a")
    assert [attempt.usage.estimated for attempt in record.attempts] == [True, False]
    assert "2 attempts, $0.50 (estimated) in all." in comment(shop, record)


def test_whoever_tells_of_the_money_says_so(shop: Workshop) -> None:
    """The log, the terminal's last line, and the job's page."""
    shop.task("a")
    ran = shop.run({"a": [writes({"a.txt": ""})]}, cost_estimated=True)
    assert spent(ran.report.usage) == "2 turns, $0.25 (estimated)"
    *entries, end = shop.notes.entries
    assert next(told(entry) for entry in entries if entry.what is Happening.TASK_ENDED).endswith("$0.25 (estimated))")
    assert job_summary(tuple(entries), end).count("$0.25 (estimated)") == 2


def test_a_job_without_a_credential_passes_the_estimate_on(shop: Workshop, tmp_path: Path) -> None:
    """The job that publishes has no credential of the model; the runner's word is in comment and pull request."""
    split = Split(shop=shop, folder=tmp_path / "handover")
    for key in ("asks", "does"):
        shop.task(key)
    split.plan()
    split.execute("asks", says(needs_input()), cost_estimated=True)
    split.execute("does", writes({"does.txt": ""}), cost_estimated=True)
    split.publish()
    for key in ("asks", "does"):
        assert "(estimated) in all." in comment(shop, shop.record(key))
    proposed = shop.record("does").pull_request
    assert proposed is not None
    assert "(estimated)" in Path(proposed.url).read_text()
