"""A life in four kinds of jobs: plan, then execute and publish for each task, then report, each on a fresh machine.

A job that dies takes along what the workflow says: without a plan nothing follows, after any other death the rest
goes on. The hand-over folder stands for the artifacts.
"""

from dataclasses import replace
from functools import partial

from autorun.adapters import handover
from autorun.adapters.handover import HandoverFolder
from autorun.commands.between import store_of, take_terms_of
from autorun.core.ledger.handover import Itinerary, Leg, Result
from autorun.crew import nobody
from autorun.phases.execute import execute
from autorun.phases.plan import plan
from autorun.phases.publish import publish
from autorun.phases.report import report
from autorun.session import Session
from autorun.shop import detached
from crash.effects import Death
from crash.life import Ended, Work, begin
from crash.scenes import InJobs


def lead(scene: InJobs, number: int, death: Death | None = None) -> tuple[Ended, int]:
    """Lead a run and return how it ended, by the first job that did not end well; or a sleeper's pid."""
    run, folder = scene.run(), HandoverFolder(path=scene.folder / f"handover-{number}")

    def job(name: str, work: Work) -> tuple[Ended, int]:
        machine = scene.runner(run, number, name)
        return begin(machine, scene.bank, scene.folder / f"life-{number}", death=death, work=work)

    first, sleeper = job("plan", Work(does=partial(_plans, folder), staffs=nobody))
    if sleeper or first != Ended(said=first.said):
        return first, sleeper
    itinerary = folder.plan()
    jobs = [each for leg in itinerary.legs for each in _of_the_leg(folder, itinerary, leg)]
    for name, work in (*jobs, ("report", Work(does=partial(_reports, itinerary), staffs=nobody))):
        ended, sleeper = job(name, work)
        if sleeper:
            return ended, sleeper
        first = ended if first.code == first.signal == 0 else first
    return first, 0


def _of_the_leg(folder: HandoverFolder, itinerary: Itinerary, leg: Leg) -> tuple[tuple[str, Work], tuple[str, Work]]:
    key = leg.task.id.key
    executes = Work(does=partial(_executes, folder, itinerary, leg), opens=partial(detached, leg.task))
    return (
        (f"execute-{key}", executes),
        (f"publish-{key}", Work(does=partial(_publishes, folder, itinerary, key), staffs=nobody)),
    )


def _plans(folder: HandoverFolder, running: Session) -> tuple[int, str]:
    itinerary = plan(running, folder.write_plan)
    return 0, f"{len(itinerary.legs)} planned"


def _executes(folder: HandoverFolder, itinerary: Itinerary, leg: Leg, running: Session) -> tuple[int, str]:
    bench = running.bench
    take_terms_of(itinerary, bench)
    bench.terms = replace(bench.terms, budget=bench.terms.budget.of_one_task(leg.budget_usd))

    def hand_over(result: Result) -> None:
        store = store_of(bench)
        bundle = handover.pack(store, head=result.head, base=result.base) if result.head else b""
        folder.put(leg, result, bundle)

    settled = execute(bench, leg, hand_over, keep=str)
    return 0, settled.outcome.sentence


def _publishes(folder: HandoverFolder, itinerary: Itinerary, key: str, running: Session) -> tuple[int, str]:
    bench = running.bench
    take_terms_of(itinerary, bench)

    def unpack(result: Result, bundle: bytes) -> str:
        return handover.unpack(store_of(bench), bundle, head=result.head, base=result.base)

    done = publish(bench, itinerary, folder.take, unpack, only=(key,))
    return 0, f"{len(done)} settled"


def _reports(itinerary: Itinerary, running: Session) -> tuple[int, str]:
    take_terms_of(itinerary, running.bench)
    return 0, report(running.bench, itinerary).end.sentence
