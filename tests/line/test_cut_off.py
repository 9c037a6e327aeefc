"""A session whose token ends, or whose server is gone: what it saves, what it says, and how the next one goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NoReturn

import pytest

from autorun.claim import Hold
from autorun.core.errors import CredentialRefused, ProviderError
from autorun.core.ledger import Seen
from autorun.core.ledger.record import Record
from autorun.core.model import AgentResult, Assignment, Ending, StopReason, TaskState
from autorun.core.money.budget import Spent
from autorun.core.report.journal import Happening
from autorun.session import Ended, Session
from autorun.terms import LEASE, Bench
from kit.repos import write_files
from kit.workshop import ActedAgent, Broken, Turn, Workshop, ends, writes


@contextmanager
def until(shop: Workshop, gone: list[bool], error: ProviderError, turns: list[Turn]) -> Iterator[Bench]:
    """A bench whose ledger takes writes until `gone` holds something, and then fails with `error`."""
    with shop.bench(ActedAgent({"a": turns})) as bench:
        taken = bench.world.ledger.write

        def write(record: Record, *, over: Seen | None) -> Seen:
            if gone:
                raise error
            return taken(record, over=over)

        ledger = Broken(bench.world.ledger, "write", write)
        yield replace(bench, world=replace(bench.world, ledger=ledger))  # type: ignore[arg-type]  # a stand-in


def refused() -> CredentialRefused:
    return CredentialRefused("the server does not accept our credential")


def test_a_token_that_ends_stops_the_agent_and_costs_no_work(shop: Workshop) -> None:
    """At the next renewal: no money is spent on what cannot be published, and the next run goes on with it."""
    shop.task("a")
    gone: list[bool] = []
    why: list[StopReason | None] = []

    def outlives_its_token(assignment: Assignment) -> AgentResult:
        write_files(assignment.workspace.path, {"half.txt": "half\n"})
        gone.append(True)
        shop.clock.pass_(seconds=LEASE.total_seconds() / 2)
        why.append(bench.stops[assignment.task]())
        return ends(Ending.STOPPED, files={})(assignment)

    with until(shop, gone, refused(), [outlives_its_token]) as bench:
        with pytest.raises(CredentialRefused) as caught:
            Session(bench=bench).run()
        assert "renew the token" in caught.value.hint
    assert why == [StopReason.CREDENTIAL]
    assert shop.record("a").state is TaskState.IN_PROGRESS

    shop.graves.all_dead = True
    ran = shop.run({"a": [writes({"rest.txt": "rest\n"})]})
    assert ran.agent.told[0].session is not None
    assert shop.git("diff", "--name-only", "main", "autorun/file-a").split() == ["half.txt", "rest.txt"]
    assert shop.record("a").state is TaskState.IN_REVIEW


def test_a_token_that_ends_before_the_publication_costs_no_work_either(shop: Workshop) -> None:
    """The work is on the shelf before it is pushed."""
    shop.task("a")
    gone: list[bool] = []

    def publish(*_: object, **__: object) -> NoReturn:
        gone.append(True)
        raise refused()

    with until(shop, gone, refused(), [writes({"a.txt": ""})]) as bench:
        world = replace(bench.world, ledger=Broken(bench.world.ledger, "publish", publish))  # type: ignore[arg-type]
        with pytest.raises(CredentialRefused):
            Session(bench=replace(bench, world=world)).run()
    shop.graves.all_dead = True
    shop.run({"a": [writes({})]})
    assert shop.git("diff", "--name-only", "main", "autorun/file-a") == "a.txt"


def test_a_signal_ends_in_order_though_the_server_is_gone(shop: Workshop) -> None:
    """The claim cannot be given back: that is a warning, the end is the signal's, and the money stays charged."""
    shop.task("a")
    gone: list[bool] = []

    def cancelled(assignment: Assignment) -> AgentResult:
        gone.append(True)
        shop.stop_reasons.append(StopReason.SIGTERM)
        return ends(Ending.STOPPED, files={"half.txt": ""})(assignment)

    with until(shop, gone, ProviderError("the server cannot be reached"), [cancelled]) as bench:
        report = Session(bench=replace(bench, terms=replace(bench.terms, reserve_usd=0.5))).run()
    assert (report.end.reason, report.end.stopped_by) == (Ended.SIGNAL, StopReason.SIGTERM)
    assert any("file/a could not be given back" in text for text in shop.notes.texts(Happening.WARNING))
    record = shop.record("a")
    assert (record.state, record.charged_usd) == (TaskState.IN_PROGRESS, 0.5)
    shop.stop_reasons.clear()
    shop.graves.all_dead = True
    shop.run({"a": [writes({})]})
    assert shop.git("diff", "--name-only", "main", "autorun/file-a") == "half.txt"


@pytest.mark.parametrize("killed", [1, 2])
def test_work_that_was_saved_outlives_runners_killed_over_it(shop: Workshop, killed: int) -> None:
    """Who went on from it and was killed took the conversation along, not the files of the one before."""
    shop.task("a")
    shop.run({"a": [ends(Ending.API_DOWN, files={"half.txt": ""})] * 9})
    assert shop.record("a").session is not None
    shop.clock.pass_(days=1)
    for _ in range(killed):
        with shop.bench(ActedAgent({})) as bench:
            (task,) = bench.world.tasks.backlog().tasks
            Hold.take(bench, task, bench.world.ledger.history().seen[task.id], Spent())
    shop.graves.all_dead = True
    ran = shop.run({"a": [writes({"rest.txt": ""})]})
    assert ran.agent.told[0].session is None
    assert "The files are as they were then." in ran.agent.messages("a")[0]
    assert shop.git("diff", "--name-only", "main", "autorun/file-a").split() == ["half.txt", "rest.txt"]


def test_what_a_failed_attempt_left_is_not_gone_on_with(shop: Workshop) -> None:
    """Only an attempt that ended without a word is looked for: a failed one is made afresh, as ever."""
    shop.task("a")
    shop.run({"a": [ends(Ending.CRASHED, files={"wreck.txt": ""})]})
    shop.clock.pass_(days=1)
    ran = shop.run({"a": [writes({"a.txt": ""})]})
    assert ran.agent.told[0].session is None
    assert shop.git("diff", "--name-only", "main", "autorun/file-a") == "a.txt"
