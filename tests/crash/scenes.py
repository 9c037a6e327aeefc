"""Where lives are led: a laptop's own repository, or machines that share nothing but a git server."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from autorun.adapters.ledger import RefLedger
from autorun.adapters.sandbox import probe
from autorun.core.ledger import History
from autorun.core.model import Reason
from autorun.core.money.pricing import plausible_cost
from autorun.core.naming import BRANCH_PREFIX
from autorun.core.sandbox.remedies import Usable
from autorun.effects.git import Remote, find_repository
from autorun.effects.store import Store
from crash.actor import PLAUSIBLE
from crash.cli import left_running, script
from crash.machines import AsJob, Machine, Remotely, Staffed
from crash.servers import HubProcess, Ill, Trouble, prepare, serve, serve_hub, serve_model
from kit.repos import git, make_repository

CONFIG = """\
state_provider: {type: file}
workspace:
  verify: ["test ! -e bad.txt"]
sandbox: {mode: "off"}
"""
RESERVE = plausible_cost("opus", 30_000, 8_192)


def wanted(keys: tuple[str, ...], config: str = CONFIG) -> dict[str, str]:
    """Files of a repository in which a task is wanted for each key, and a configuration."""
    head = "---\ncreated: 2026-11-01T08:00:{second:02}Z\n---\n"
    body = "# Title: Do {key}\n\n## Acceptance Criteria\n- [ ] {key}.txt\n"
    tasks = {
        f".ai-agents/state/{key}.md": (head + body).format(key=key, second=number) for number, key in enumerate(keys)
    }
    return {"README.md": "# Example\n", ".ai-agents/config.yml": config, **tasks}


@dataclass(kw_only=True)
class Scene:
    """A backlog in a folder of its own. `server` is the git directory that holds branches and records."""

    folder: Path
    keys: tuple[str, ...]
    server: Path = field(init=False)
    reserve: float = RESERVE + PLAUSIBLE  # what a life that dies may be charged beyond what was paid

    @property
    def bank(self) -> Path:
        """What was really paid, line by line."""
        return self.folder / "bank"

    def machine(self, number: int) -> Machine:
        """The machine of the n-th life: a fresh one."""
        raise NotImplementedError

    @contextmanager
    def open(self, trouble: Trouble) -> Iterator[Self]:
        """Have the scene's servers run, with trouble to come."""
        del trouble
        yield self

    def history(self) -> History:
        """Every record as it is now."""
        store = Store.create(self.folder / "reader", borrowed=find_repository(self.checkout))
        return RefLedger(store=store, remote=Remote(url=str(self.server)), pauses=()).history()

    @property
    def checkout(self) -> Path:
        """Some checkout that is there."""
        return self.folder / "project"

    def shown(self) -> dict[str, Any]:
        """What people see: pull requests, and the status of each task."""
        raise NotImplementedError

    def picture(self) -> dict[str, Any]:
        """Everything that must be the same however often runners died: records, branches, pull requests, states."""
        seen = {task.key: one.record for task, one in self.history().seen.items()}
        heads = git(self.server, "for-each-ref", "--format=%(refname:short)", f"refs/heads/{BRANCH_PREFIX}")
        branches = {
            branch: {
                "commits": git(self.server, "rev-list", "--count", f"main..{branch}"),
                "files": git(self.server, "diff", "--name-only", "main", branch),
            }
            for branch in heads.split()
        }
        records = {
            key: {
                "state": record.state,
                "reason": record.outcome.reason if record.outcome else None,
                "branch": record.branch,
                "held": record.holder is not None,
                "to propose": record.proposal is not None,
                "pull request": record.pull_request is not None,
            }
            for key, record in seen.items()
        }
        return {"records": records, "branches": branches, **self.shown()}

    def strays(self) -> list[str]:
        """Whatever still runs of a life that has ended, unless it ends at once."""
        return []

    def costs(self) -> dict[str, tuple[float, float, int]]:
        """Return for each task what was paid, what its records are charged, and how many lives died over it."""
        paid: dict[str, float] = {}
        for line in self.bank.read_text().splitlines() if self.bank.exists() else ():
            key, usd, *_ = line.split()
            paid[key] = paid.get(key, 0.0) + float(usd)
        records = {task.key: one.record for task, one in self.history().seen.items()}
        return {
            key: (paid.get(key, 0.0), record.charged_usd, sum(a.reserved_usd > 0 for a in record.attempts))
            for key, record in records.items()
        }


@dataclass(kw_only=True)
class Locally(Scene):
    """One repository on one machine; each life finds it without the session folder of the one before."""

    config: str = CONFIG

    def __post_init__(self) -> None:
        make_repository(self.checkout, wanted(self.keys, self.config))
        self.server = self.checkout / ".git"

    def machine(self, number: int) -> Machine:
        del number  # there is but one
        shutil.rmtree(self.checkout / ".ai-agents/session", ignore_errors=True)
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return Machine(checkout=self.checkout, home=home)

    def shown(self) -> dict[str, Any]:
        statuses = {}
        for key in self.keys:
            lines = (self.checkout / f".ai-agents/state/{key}.md").read_text().splitlines()
            statuses[key] = next((line for line in lines if line.startswith("status:")), "")
        return {
            "pull requests": _names(self.checkout / ".ai-agents/pull-requests"),
            "statuses": statuses,
            "worktrees": git(self.checkout, "worktree", "list", "--porcelain").count("worktree "),
            "dirty": git(self.checkout, "status", "--porcelain", "--", ".", ":!.ai-agents"),
            "strays": _names(self.checkout / ".ai-agents/state", ".autorun-*"),
        }


@dataclass(kw_only=True)
class WithCli(Locally):
    """The same with the real CLI for an agent, in the sandbox if there can be one, and its model on loopback.

    Whoever comes next finds what the dead one kept.
    """

    config: str = CONFIG.replace('"off"', "auto")
    model: str = ""
    reserve: float = 2 * RESERVE
    unsure: int = 0

    @contextmanager
    def open(self, trouble: Trouble) -> Iterator[Self]:
        (key,) = self.keys
        self.unsure = trouble.ill not in {Ill.NONE, Ill.ERROR}
        with serve_model(script(key), key, self.bank, trouble) as url:
            self.model = url
            yield self

    def machine(self, number: int) -> Machine:
        del number
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return Staffed(checkout=self.checkout, home=home, model=self.model)

    def strays(self) -> list[str]:
        """Without a sandbox nothing ends the CLI together with its runner: it takes some seconds to see that."""
        return left_running(self.folder) if isinstance(probe(os.environ), Usable) else []

    def costs(self) -> dict[str, tuple[float, float, int]]:
        """As ever; an answer that was not heard to its end is charged what it could have cost."""
        return {key: (paid, charged, died + self.unsure) for key, (paid, charged, died) in super().costs().items()}


@dataclass(kw_only=True)
class OverHttp(Scene):
    """A git server and machines that come and go: a fresh clone, home and boot each, and time has passed."""

    url: str = ""

    def __post_init__(self) -> None:
        make_repository(self.checkout, wanted(self.keys))
        self.server = self.folder / "srv/origin.git"
        self.server.parent.mkdir()
        git(self.checkout, "clone", "--quiet", "--bare", str(self.checkout), str(self.server))

    def shown(self) -> dict[str, Any]:
        return {"pull requests": _names(self.folder / "srv/pull-requests")}

    @contextmanager
    def open(self, trouble: Trouble) -> Iterator[Self]:
        with serve(self.server.parent, trouble) as url:
            self.url = url
            yield self

    def machine(self, number: int) -> Machine:
        checkout, home = self.folder / f"clone-{number}", self.folder / f"home-{number}"
        git(self.folder, "clone", "--quiet", str(self.server), str(checkout))
        home.mkdir()
        # Another machine cannot know that the last one is dead: the lease has to run out.
        return Remotely(
            checkout=checkout,
            home=home,
            boot_id=f"boot-{number}",
            seconds_ahead=1500.0 * number,
            url=self.url,
            server=self.server,
        )


@dataclass(kw_only=True)
class OnGitHub(Scene):
    """A double of GitHub, issues for tasks, and jobs: one life is one run, and the next begins when it has ended."""

    hub: HubProcess | None = None

    def __post_init__(self) -> None:
        prepare()

    @property
    def config(self) -> str:
        """The configuration in the repository."""
        return CONFIG.replace("type: file", "type: github")

    @contextmanager
    def open(self, trouble: Trouble) -> Iterator[Self]:
        with serve_hub(self.folder / "hub", self.keys, self.config, trouble) as hub:
            self.hub = hub
            self.server = Path(hub.ask("server"))
            git(self.folder, "clone", "--quiet", str(self.server), str(self.checkout))
            yield self

    def machine(self, number: int) -> Machine:
        assert self.hub is not None
        job: dict[str, str] = self.hub.ask("job")
        return self._machine(str(number), job)

    def _machine(self, name: str, job: Mapping[str, str], seconds_ahead: float = 0.0) -> Machine:
        checkout, home = self.folder / f"clone-{name}", self.folder / f"home-{name}"
        git(self.folder, "clone", "--quiet", str(self.server), str(checkout))
        home.mkdir()
        git(checkout, "remote", "set-url", "origin", f"{job['GITHUB_SERVER_URL']}/{job['GITHUB_REPOSITORY']}.git")
        roles = {str(issue): key for issue, key in enumerate(self.keys, 1)}
        return AsJob(
            checkout=checkout,
            home=home,
            boot_id=f"boot-{name}",
            job=job,
            roles=roles,
            seconds_ahead=seconds_ahead,
        )

    def shown(self) -> dict[str, Any]:
        assert self.hub is not None
        found: dict[str, Any] = self.hub.ask("shown")
        return found


@dataclass(kw_only=True)
class InJobs(OnGitHub):
    """The same in four kinds of jobs, each on a machine of its own; a life is a run of all of them."""

    reserve: float = 2.0

    @property
    def config(self) -> str:
        money = f"autonomous: {{cost_limit_per_session: {self.reserve * len(self.keys)}}}\n"
        return super().config + money

    def run(self) -> dict[str, str]:
        """Begin a run and return the environment of its jobs; whatever ran before has ended."""
        assert self.hub is not None
        job: dict[str, str] = self.hub.ask("job")
        return job

    def runner(self, run: Mapping[str, str], life: int, name: str) -> Machine:
        """A fresh machine for one job of a run."""
        return self._machine(f"{life}-{name}", run, seconds_ahead=600.0 * life)

    def costs(self) -> dict[str, tuple[float, float, int]]:
        """As ever; whoever left no result that can be used is charged its share."""
        records = {task.key: one.record for task, one in self.history().seen.items()}
        lost = {Reason.INTERRUPTED, Reason.AGENT_FAILED}
        return {
            key: (paid, charged, sum(attempt.reason in lost for attempt in records[key].attempts))
            for key, (paid, charged, _) in super().costs().items()
        }


def _names(folder: Path, pattern: str = "*") -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


SCENES: dict[str, Callable[..., Scene]] = {
    "local": Locally,
    "cli": WithCli,
    "http": OverHttp,
    "github": OnGitHub,
    "jobs": InJobs,
}
