"""A whole bench on a throw-away repository: everything real but the agent, the human and the clock."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from autorun.adapters.changes import TreeChanges
from autorun.adapters.forges.local import LocalForge
from autorun.adapters.ledger import RefLedger
from autorun.adapters.shelf import FolderShelf
from autorun.adapters.tasks.files import FileTasks
from autorun.adapters.verifier import CommandVerifier
from autorun.adapters.workspaces import GitWorkspaces
from autorun.core.checkpoints import Decision, Question
from autorun.core.ledger import History
from autorun.core.ledger.record import Holder, Record
from autorun.core.model import (
    AgentResult,
    AgentSession,
    Assignment,
    Blocker,
    Check,
    Claimed,
    Command,
    Ending,
    Room,
    Statement,
    Stop,
    StopReason,
    Usage,
    Watch,
    WorkspaceKind,
)
from autorun.core.report.journal import Entry, Happening
from autorun.effects.git import Git, Remote, find_repository
from autorun.effects.store import Store
from autorun.ports import World
from autorun.session import Report, Session
from autorun.terms import Bench, Terms
from kit.repos import commit_all, git, make_repository, write_files

START = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
CENTS = Usage(turns=2, input_tokens=100, output_tokens=50, cost_usd=0.25, context_tokens=150)
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent"}

Turn = Callable[[Assignment], AgentResult]


def completed(summary: str = "Done.", **more: object) -> Statement:
    """A statement that the work is complete."""
    return replace(Statement(claimed=Claimed.COMPLETED, summary=summary, title="Do it", body="It is done."), **more)  # type: ignore[arg-type]  # fields by name


def needs_input(question: str = "Which one?") -> Statement:
    """A statement that asks."""
    return Statement(claimed=Claimed.NEEDS_INPUT, summary=question, blockers=(Blocker(what=question, needed="say"),))


def writes(files: dict[str, str], statement: Statement | None = None, usage: Usage = CENTS) -> Turn:
    """A turn that writes files and states something, by default completion."""

    def turn(assignment: Assignment) -> AgentResult:
        write_files(assignment.workspace.path, files)
        return stated(assignment, statement or completed(), usage)

    return turn


def removes(name: str, then: Turn) -> Turn:
    """A turn that removes a file first."""

    def turn(assignment: Assignment) -> AgentResult:
        (assignment.workspace.path / name).unlink()
        return then(assignment)

    return turn


def says(statement: Statement, usage: Usage = CENTS) -> Turn:
    """A turn that changes nothing and states something."""
    return lambda assignment: stated(assignment, statement, usage)


def ends(ending: Ending, sentence: str = "It ended.", files: dict[str, str] | None = None) -> Turn:
    """A turn that ends without a statement, after writing files."""

    def turn(assignment: Assignment) -> AgentResult:
        write_files(assignment.workspace.path, files or {})
        return AgentResult(ending=ending, usage=CENTS, sentence=sentence, session=_session(assignment))

    return turn


def stated(assignment: Assignment, statement: Statement, usage: Usage = CENTS) -> AgentResult:
    """A result with a statement."""
    return AgentResult(ending=Ending.STATED, usage=usage, statement=statement, session=_session(assignment))


def _session(assignment: Assignment) -> AgentSession:
    return assignment.session or AgentSession(backend="acted", id=f"talk-{assignment.task.key}", model="opus")


@dataclass
class ActedAgent:
    """An agent that plays turns per task key, in order; it keeps what it was told."""

    turns: dict[str, list[Turn]]
    told: list[Assignment] = field(default_factory=list)

    def ready(self) -> str:
        return "an acted agent"

    def work(self, assignment: Assignment, *, stop: Stop, watch: Watch) -> AgentResult:
        del watch
        self.told.append(assignment)
        if stop():
            return AgentResult(
                ending=Ending.STOPPED, usage=Usage(), sentence="Stopped.", session=_session(assignment)
            )
        return self.turns[assignment.task.key].pop(0)(assignment)

    def messages(self, key: str) -> list[str]:
        """What the agent was told about a task."""
        return [assignment.prompt for assignment in self.told if assignment.task.key == key]


@dataclass
class Answers:
    """A human who gives the decisions in order, and None when there is none left."""

    decisions: list[Decision] = field(default_factory=list)
    asked: list[Question] = field(default_factory=list)

    def ask(self, question: Question) -> Decision | None:
        self.asked.append(question)
        return self.decisions.pop(0) if self.decisions else None


@dataclass
class Graveyard:
    """Knows which holders are dead, by nonce; `all_dead` after a power cut."""

    dead_nonces: set[str] = field(default_factory=set)
    all_dead: bool = False

    def dead(self, holder: Holder) -> bool:
        return self.all_dead or holder.nonce in self.dead_nonces


@dataclass
class Notes:
    """A notifier that keeps everything."""

    entries: list[Entry] = field(default_factory=list)

    def tell(self, entry: Entry) -> None:
        self.entries.append(entry)

    def texts(self, what: Happening) -> list[str]:
        return [entry.text for entry in self.entries if entry.what is what]


@dataclass
class Clock:
    """A clock that a test moves."""

    time: datetime = START

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return (self.time - START).total_seconds()

    def pass_(self, **span: float) -> None:
        self.time += timedelta(**span)


@dataclass
class Workshop:
    """A repository with file tasks, and sessions over it."""

    root: Path
    scratch: Path
    human: Answers = field(default_factory=Answers)
    graves: Graveyard = field(default_factory=Graveyard)
    notes: Notes = field(default_factory=Notes)
    clock: Clock = field(default_factory=Clock)
    stop_reasons: list[StopReason] = field(default_factory=list)
    runs: int = 0

    def task(self, key: str, text: str = "", **front: str) -> None:
        """Write and commit a task file."""
        head = "".join(f"{name}: {value}\n" for name, value in front.items())
        wanted = f"## Description\n{text or key}\n\n## Acceptance Criteria\n- [ ] {key}.txt is there\n"
        body = f"# Title: Task {key}\n\n{wanted}"
        write_files(self.root, {f".ai-agents/state/{key}.md": f"---\n{head}---\n{body}"})
        commit_all(self.root, f"Want {key}")

    @contextmanager
    def bench(self, agent: ActedAgent, **terms: object) -> Iterator[Bench]:
        """A bench for one session; `terms` replace those of Terms."""
        self.runs += 1
        repository = find_repository(self.root)
        store = Store.create(self.scratch / f"store-{self.runs}", borrowed=repository)
        folder = self.scratch / "session"
        defaults = Terms(
            session_id=f"s{self.runs}",
            holder=Holder(nonce="", pid=self.runs),
            folder=folder,
            base_branch="main",
            backend="acted",
            model="opus",
            max_repairs=1,
        )
        nonces = (f"nonce-{self.runs}-{number}" for number in range(1000))
        world = World(
            tasks=FileTasks(self.root / ".ai-agents/state", writes=True),
            ledger=RefLedger(store=store, remote=Remote(url=str(repository.common_dir)), pauses=()),
            forge=LocalForge(
                folder=self.root / ".ai-agents/pull-requests", repository=Git(git_dir=repository.common_dir)
            ),
            workspaces=GitWorkspaces(
                repository=repository,
                kind=WorkspaceKind.WORKTREE,
                home=self.scratch / "worktrees",
                logs=folder / "setup",
                environment=ENVIRONMENT,
            ),
            changes=TreeChanges(store=store),
            agent=agent,
            verifier=CommandVerifier(confine=_unconfined, environ=ENVIRONMENT),
            liveness=self.graves,
            human=self.human,
            shelf=FolderShelf(folder),
            notifiers=(self.notes,),
        )
        yield Bench(
            terms=replace(defaults, **terms),  # type: ignore[arg-type]  # fields by name
            world=world,
            now=self.clock.now,
            monotonic=self.clock.monotonic,
            nonce=lambda: next(nonces),
            stop=self._stop,
            closing=self._stop,
            wait=lambda seconds, _: self.clock.pass_(seconds=seconds),
        )

    def _stop(self) -> StopReason | None:
        return self.stop_reasons[0] if self.stop_reasons else None

    def run(self, turns: Mapping[str, Iterable[Turn]], *, only: tuple[str, ...] = (), **terms: object) -> "Ran":
        """Run a session with an agent that plays `turns`."""
        agent = ActedAgent({key: list(each) for key, each in turns.items()})
        with self.bench(agent, **terms) as bench:
            report = Session(bench=bench, only=only).run()
        return Ran(report=report, agent=agent)

    def history(self) -> History:
        """The ledger as it is now."""
        with self.bench(ActedAgent({})) as bench:
            return bench.world.ledger.history()

    def record(self, key: str) -> Record:
        """A task's record as it is now."""
        return next(seen.record for task, seen in self.history().seen.items() if task.key == key)

    def git(self, *args: str) -> str:
        """Ask the user's repository."""
        return git(self.root, *args)

    def status_of(self, key: str) -> str:
        """The status line of a task file."""
        lines = (self.root / f".ai-agents/state/{key}.md").read_text().splitlines()
        return next((line.partition(": ")[2] for line in lines if line.startswith("status:")), "")


class Broken:
    """A port of which one method is another: it fails, or does something first."""

    def __init__(self, port: object, method: str, fails: Callable[..., object]) -> None:
        self._port = port
        setattr(self, method, fails)

    def __getattr__(self, name: str) -> object:
        return getattr(self._port, name)


@dataclass(frozen=True)
class Ran:
    """A session that has run."""

    report: Report
    agent: ActedAgent

    def outcome(self, key: str) -> object:
        return next(one.outcome for one in self.report.settled if one.task.id.key == key)


def _unconfined(command: Command, room: Room) -> Command:
    del room
    return command


def check(run: str) -> tuple[Check, ...]:
    """One verification command."""
    return (Check(run=run, timeout=20),)


def make_workshop(folder: Path, files: dict[str, str] | None = None) -> Workshop:
    """Build a repository, by default with one file, and a workshop over it."""
    root = make_repository(folder / "project", files or {"README.md": "# Example\n"})
    return Workshop(root=root, scratch=folder)
