"""Runners side by side on one backlog: how far from linear, and what it costs in calls and core time.

The model takes its time for every answer, the rest is real: agent loop, gateway, worktrees, checks, ledger. The tasks
are worked by several `autorun start` in one clone; they are files, or with `--provider github` issues of a GitHub of
our own, whose calls are counted. `--tasks 4 --latency 0.2 --runners 1 2` is a short run.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from github_double import GitHubDouble
from github_double.calls import Calls
from kit import bench, repos
from kit.action_stage import cloned

AUTORUN = str(Path(sys.executable).with_name("autorun"))
GIT = {f"GIT_{role}_{what}": "bench" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
HEAD = ("runners", "s", "of linear", "core s per task", "cores busy", "model calls per task")
COUNTED = ("REST", "GraphQL", "both but plans", "git pushes", "git reads")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is to be worked: so many tasks, seconds for each answer of the model, and by whom."""

    tasks: int
    latency: float
    backend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """A clone with tasks to work, what its runners need in their environment, and what came of it."""

    clone: Path
    published: Callable[[], int]
    environ: Mapping[str, str] = field(default_factory=dict)
    calls: Calls = field(default_factory=Calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One backlog worked: seconds, core seconds of the runners, share of all cores, tasks published, calls made.

    `plan` is how many calls of an API one plan takes.
    """

    seconds: float
    cpu: float
    busy: float
    asked: int
    done: int
    calls: Calls
    plan: int


# ------------ backlogs


@contextmanager
def files(folder: Path, tasks: list[str]) -> Iterator[Backlog]:
    """A repository with a task file per key; branches show what was published."""
    told = "## Description\nAdd it.\n\n## Acceptance Criteria\n- [ ] it is there\n"
    texts = {f".ai-agents/state/{key}.md": f"# Title: {bench.title(key)}\n\n{told}" for key in tasks}
    clone = repos.make_repository(folder / "clone", {"README.md": "# A project\n", **texts})
    yield Backlog(clone=clone, published=lambda: len(repos.git(clone, "branch", "--list", "autorun/*").split()))


@contextmanager
def issues(folder: Path, tasks: list[str]) -> Iterator[Backlog]:
    """A clone of a repository with an issue per key; pull requests show what was published."""
    folder.mkdir()
    with GitHubDouble() as hub:
        repo = bench.queue(hub, tasks)
        environ = {"GITHUB_TOKEN": hub.token(repository=repo), **hub.env(repo)}
        clone = cloned(hub, repo, folder / "clone")
        yield Backlog(clone=clone, published=lambda: len(repo.pull_requests), environ=environ, calls=hub.calls)


BACKLOGS = {"file": files, "github": issues}


# ------------ one run


def work(load: Load, runners: int, provider: str, folder: Path) -> Run:
    """Work a backlog by so many runners at once."""
    tasks = bench.keys(load.tasks)
    with BACKLOGS[provider](folder, tasks) as backlog, bench.model(tasks, load.latency) as model:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "ANTHROPIC_BASE_URL": model.url,
            "ANTHROPIC_API_KEY": "sk-ant-benchmark",
            "AUTORUN_AUTONOMOUS_RATE_LIMIT_RPM": "100000",
            **GIT,
            **backlog.environ,
        }
        listing = [AUTORUN, "tasks", "--json", f"--provider={provider}"]
        subprocess.run(listing, cwd=backlog.clone, env=environ, stdout=subprocess.DEVNULL, check=True)
        plan = len(backlog.calls.api)
        backlog.calls.clear()
        limits = (f"--max-tasks={load.tasks}", "--cost-limit=1000")
        argv = [AUTORUN, "start", f"--provider={provider}", f"--backend={load.backend}", *limits]
        cores, started = bench.Cores.now(), time.monotonic()
        cpu = sum(_ended(each) for each in [_started(argv, backlog.clone, environ) for _ in range(runners)])
        return Run(
            seconds=time.monotonic() - started,
            cpu=cpu,
            busy=cores.share(),
            asked=len(model.asked),
            done=backlog.published(),
            calls=Calls(backlog.calls),
            plan=plan,
        )


def _started(argv: list[str], folder: Path, environ: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        argv, cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=(folder.parent / "said").open("ab")
    )


def _ended(child: "subprocess.Popen[bytes]") -> float:
    """Wait for a runner and return its core seconds, with those of all it started; it must have succeeded."""
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"a runner ended with {child.returncode}")
    return used.ru_utime + used.ru_stime


# ------------ the table


def row(load: Load, runners: int, runs: list[Run], linear: float) -> list[str]:
    """Return a line of the table: the medians of some runs, where so many seconds would be linear."""

    def per_task(count: Callable[[Run], float]) -> float:
        return statistics.median(map(count, runs)) / load.tasks

    seconds = statistics.median(run.seconds for run in runs)
    busy = statistics.median(run.busy for run in runs)
    shown = [f"{runners}", f"{seconds:.1f}", f"{linear / seconds:.0%}", f"{per_task(lambda run: run.cpu):.2f}"]
    shown += [f"{busy:.0%}", f"{per_task(lambda run: run.asked):.1f}"]
    if any(run.calls for run in runs):
        graphql = per_task(lambda run: run.calls.count("GRAPHQL *"))
        both = per_task(lambda run: len(run.calls.api))
        beyond = per_task(lambda run: len(run.calls.api) - runners * run.plan)
        # Each begins with what the server advertises; a push that has lost its race may end there.
        pushes = per_task(lambda run: run.calls.count("GIT push (advertisement)"))
        reads = per_task(lambda run: run.calls.count("GIT fetch (advertisement)"))
        shown += [f"{each:.1f}" for each in (both - graphql, graphql, beyond, pushes, reads)]
    return shown


def table(load: Load, provider: str, runners: list[int], rounds: int, folder: Path) -> None:
    """Print the table of one kind of backlog, line by line; the first number of runners is taken as linear."""
    head = (*HEAD, *(COUNTED if provider == "github" else ()))
    print(f"\n{provider}\n\n| {' | '.join(head)} |\n|{'--:|' * len(head)}")
    alone = 0.0
    for many in runners:
        runs = [work(load, many, provider, folder / f"{provider}-{many}-{number}") for number in range(rounds)]
        if any(each.done != load.tasks for each in runs):
            raise SystemExit(f"{many} runners published {[each.done for each in runs]} of {load.tasks} tasks")
        alone = alone or statistics.median(each.seconds for each in runs) * many
        print(f"| {' | '.join(row(load, many, runs, alone / many))} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=24)
    parser.add_argument("--latency", type=float, default=2.0, help="seconds of every answer of the model")
    parser.add_argument("--runners", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--provider", choices=tuple(BACKLOGS), nargs="+", default=["file"])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--backend", default="anthropic-sdk")
    options = parser.parse_args()
    load = Load(tasks=options.tasks, latency=options.latency, backend=options.backend)
    print(f"{load.tasks} tasks, {bench.CALLS} answers of {load.latency:g} s each, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory(prefix="autorun-bench-") as scratch:
        for provider in options.provider:
            table(load, provider, options.runners, options.rounds, Path(scratch))


if __name__ == "__main__":
    main()
