"""A workshop whose line is cut into jobs: each phase has a bench of its own, and only the hand-over between them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from autorun.adapters import handover
from autorun.adapters.changes import TreeChanges
from autorun.adapters.handover import HandoverFolder
from autorun.commands.kept import lay_by, take_up
from autorun.core.ledger.handover import Itinerary, Leg, Result
from autorun.effects.store import Store
from autorun.phases.execute import execute
from autorun.phases.frozen import FrozenTasks, LooseLeaves
from autorun.phases.plan import plan
from autorun.phases.publish import publish
from autorun.phases.report import report
from autorun.pipeline import Settled
from autorun.session import Report, Session
from autorun.terms import Bench
from kit.workshop import ActedAgent, Turn, Workshop


class Absent:
    """An agent, a verifier and a human that no phase but one may ask for."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"{name} was asked for in a phase that works nothing")


@dataclass
class Split:
    """The four phases over a workshop; `terms` hold for all of them."""

    shop: Workshop
    folder: Path
    terms: dict[str, object] = field(default_factory=dict)
    digest: str = ""

    @property
    def handover(self) -> HandoverFolder:
        """The folder between the phases."""
        return HandoverFolder(path=self.folder)

    @property
    def itinerary(self) -> Itinerary:
        """The plan as every phase reads it."""
        return self.handover.plan(self.digest)

    def leg(self, key: str) -> Leg:
        """The plan of one task."""
        return self.itinerary.leg(key)

    def result(self, key: str) -> Result:
        """What the runner of a task has handed over."""
        taken = self.handover.take(self.leg(key))
        assert taken is not None
        return taken[0]

    @contextmanager
    def idle(self) -> Iterator[Bench]:
        """A bench at which nobody works."""
        with self.shop.bench(ActedAgent({}), **self.terms) as bench:
            nobody = Absent()
            bench.world = replace(bench.world, agent=nobody, verifier=nobody, human=nobody)  # type: ignore[arg-type]  # on purpose
            yield bench

    def plan(self, *, only: tuple[str, ...] = ()) -> list[str]:
        """Plan, and return the keys of the tasks that were claimed."""
        with self.idle() as bench:
            found = plan(Session(bench=bench, only=only), self._keep)
        return [leg.task.id.key for leg in found.legs]

    def _keep(self, found: Itinerary) -> None:
        self.digest = self.handover.write_plan(found)

    def execute(self, key: str, *turns: Turn, **terms: object) -> Settled:
        """Work one task as its runner would."""
        leg = self.leg(key)
        agent = ActedAgent({key: list(turns)})
        with self.shop.bench(agent, **self.terms, **terms) as bench:
            leaves = LooseLeaves()
            bench.world = replace(bench.world, tasks=FrozenTasks(task=leg.task), ledger=leaves, forge=leaves)
            store = store_of(bench)

            def hand_over(result: Result) -> None:
                bundle = handover.pack(store, head=result.head, base=result.base) if result.head else b""
                self.handover.put(leg, result, bundle)

            take_up(leg, self.handover, bench)
            return execute(bench, leg, hand_over, lambda: lay_by(leg, self.handover, bench))

    def publish(self, *only: str) -> tuple[Settled, ...]:
        """Publish what was handed over."""
        with self.idle() as bench:
            return self.publish_at(bench, *only)

    def publish_at(self, bench: Bench, *only: str) -> tuple[Settled, ...]:
        """Publish at a bench of one's own."""
        store = store_of(bench)
        return publish(
            bench,
            self.itinerary,
            self.handover.take,
            lambda result, bundle: handover.unpack(store, bundle, head=result.head, base=result.base),
            only=only,
        )

    def report(self) -> Report:
        """Settle the rest and tell of the run."""
        with self.idle() as bench:
            return report(bench, self.itinerary)


def store_of(bench: Bench) -> Store:
    """The runner's own repository of a bench."""
    changes = bench.world.changes
    assert isinstance(changes, TreeChanges)
    return changes.store
