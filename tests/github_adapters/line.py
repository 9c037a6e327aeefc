"""The whole line over the double: clones, sessions, an acted agent; everything else is real."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autorun.adapters.changes import TreeChanges
from autorun.adapters.ledger import RefLedger
from autorun.adapters.liveness_github import ActionsLiveness
from autorun.adapters.shelf import FolderShelf
from autorun.adapters.verifier import CommandVerifier
from autorun.adapters.workspaces import GitWorkspaces
from autorun.core.ledger import History
from autorun.core.ledger.record import Holder, Record
from autorun.core.model import Command, Outcome, Room, WorkspaceKind
from autorun.effects.git import Remote, basic, find_repository
from autorun.effects.store import Store
from autorun.ports import World
from autorun.session import Session
from autorun.terms import Bench, Terms
from github_adapters.scene import Scene
from github_double.issues import Issue
from kit.repos import git
from kit.workshop import ENVIRONMENT, ActedAgent, Answers, Notes, Ran, Turn


@dataclass
class Line:
    """Sessions over a scene; each may start from a clone of its own, as a fresh runner does."""

    scene: Scene
    scratch: Path
    human: Answers = field(default_factory=Answers)
    notes: Notes = field(default_factory=Notes)
    warned: list[str] = field(default_factory=list)
    depth: int | None = None
    runs: int = 0

    def clone(self) -> Path:
        """Clone as a job's checkout does, without a credential in its configuration."""
        root = self.scratch / f"clone-{self.runs}"
        depth = ["--depth", str(self.depth)] if self.depth else []
        git(self.scratch, "clone", "--quiet", *depth, f"file://{self.scene.repo.git.path}", str(root))
        git(root, "remote", "set-url", "origin", self.scene.repo.web(".git"))
        return root

    @contextmanager
    def bench(self, agent: ActedAgent, asked: Mapping[str, Any], **terms: object) -> Iterator[Bench]:
        """A bench for one session; `asked` goes to the provider, `terms` replace those of Terms."""
        self.runs += 1
        scene, hub = self.scene, self.scene.hub
        repository = find_repository(self.clone())
        client = scene.client()
        remote = Remote(url=scene.repo.web(".git"), header=basic("x-access-token", scene.token))
        store = Store.create(self.scratch / f"store-{self.runs}", borrowed=repository)
        folder = self.scratch / f"session-{self.runs}"
        nonces = (f"nonce-{self.runs}-{number}" for number in range(1000))
        world = World(
            tasks=scene.tasks(client=client, **asked),
            ledger=RefLedger(store=store, remote=remote, pauses=()),
            forge=scene.forge(warn=self.warned.append),
            workspaces=GitWorkspaces(
                repository=repository,
                kind=WorkspaceKind.CHECKOUT,
                home=self.scratch / "worktrees",
                logs=folder / "setup",
                environment=ENVIRONMENT,
                remote="origin",
                discard=True,
                source=remote,
            ),
            changes=TreeChanges(store=store),
            agent=agent,
            verifier=CommandVerifier(confine=_unconfined, environ=ENVIRONMENT),
            liveness=ActionsLiveness(client, "octo/app"),
            human=self.human,
            shelf=FolderShelf(folder),
            notifiers=(self.notes,),
        )
        yield Bench(
            terms=replace(
                Terms(
                    session_id=f"s{self.runs}",
                    holder=Holder(nonce="", run_id=str(self.runs), run_attempt=1),
                    folder=folder,
                    base_branch="main",
                    backend="acted",
                    model="opus",
                    run_url=f"{hub.origin}/octo/app/actions/runs/{self.runs}",
                ),
                **terms,  # type: ignore[arg-type]  # fields by name
            ),
            world=world,
            now=hub.clock.now,
            monotonic=lambda: hub.clock.now().timestamp(),
            nonce=nonces.__next__,
            stop=lambda: None,
            closing=lambda: None,
            wait=lambda _seconds, _stop: None,
        )
        client.close()

    def run(
        self,
        turns: Mapping[str, Iterable[Turn]],
        *,
        only: tuple[str, ...] = (),
        comment: int | None = None,
        **terms: Any,
    ) -> Ran:
        """Run a session with an agent that plays `turns`; `comment` asked for it."""
        agent = ActedAgent({key: list(each) for key, each in turns.items()})
        with self.bench(agent, {"wanted": only, "comment_id": comment}, **terms) as bench:
            report = Session(bench=bench, only=only).run()
        return Ran(report=report, agent=agent)

    def history(self) -> History:
        """The ledger as it is now."""
        with self.bench(ActedAgent({}), {}) as bench:
            return bench.world.ledger.history()

    def record(self, issue: Issue) -> Record:
        """An issue's record as it is now."""
        key = str(issue.number)
        return next(seen.record for task, seen in self.history().seen.items() if task.key == key)

    def outcome(self, ran: Ran, key: str) -> Outcome:
        """What became of a task in a session."""
        return next(one.outcome for one in ran.report.settled if one.task.id.key == key)


def _unconfined(command: Command, room: Room) -> Command:
    del room
    return command
