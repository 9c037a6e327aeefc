"""The matrix on one machine: the reusable workflow under act, one runner per task, so many at once.

act runs every job on this machine, in host mode, and the action comes from what it keeps there: the first run, which
is not counted, fetches it. A job begins like one on a runner of its own, with a virtual environment and Autorun to
set up, so the cores are busy sooner than with `autorun start` side by side. `--tasks 2 --latency 0.1 --parallel 1 2`
is a short run.
"""

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from github_double import GitHubDouble
from kit import bench
from kit.act import Ended, Machine
from kit.action_stage import Stage, cloned
from kit.reusable import install

HEAD = ("max-parallel", "s", "of it work", "of linear", "jobs at once", "execute", "beyond its answers", "publish")
ALSO = ("core s per task", "cores busy", "API calls per task")
LONGEST = 3600.0


@dataclass(frozen=True, slots=True)
class Span:
    """When a job began and ended, in seconds of the clock; act tells whole ones."""

    begun: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.begun


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One backlog worked: seconds, of all processes on a core, share of all cores, the jobs, API calls."""

    seconds: float
    cpu: float
    busy: float
    executed: list[Span]
    published: list[Span]
    calls: int

    @property
    def work(self) -> float:
        """Seconds from the first task's begin to the last one's end; plan and report are not in it."""
        return max(job.ended for job in self.published) - min(job.begun for job in self.executed)


def work(machine: Machine, tasks: list[str], latency: float, parallel: int, backend: str, folder: Path) -> Run:
    """Work a backlog with so many runners at once."""
    folder.mkdir()
    with GitHubDouble() as hub, bench.model(tasks, latency) as model:
        repo = bench.queue(hub, tasks)
        stage = Stage(hub=hub, repo=repo, machine=machine, clone=cloned(hub, repo, folder / "clone"), model=model)
        given = {"max-tasks": str(len(tasks)), "cost-limit": "1000", "backend": backend}
        caller = install(stage.clone, max_parallel=parallel, given=given)
        hub.calls.clear()
        cores, cpu, started = bench.Cores.now(), _core_seconds(), time.monotonic()
        ended = machine.run(
            stage.clone,
            "schedule",
            workflow=caller,
            secrets=stage.secrets,
            env=stage.env,
            jobs=parallel,
            seconds=LONGEST,
        )
        seconds = time.monotonic() - started
        if ended.code or len(repo.pull_requests) != len(tasks):
            raise SystemExit(f"{len(repo.pull_requests)} of {len(tasks)} published\n{ended.told[-6000:]}")
        return Run(
            seconds=seconds,
            cpu=_core_seconds() - cpu,
            busy=cores.share(),
            executed=spans(ended, "execute"),
            published=spans(ended, "publish"),
            calls=len(hub.calls.api),
        )


def _core_seconds() -> float:
    """Core seconds of all processes that we started and that ended: act's jobs, and the double's git."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def spans(ended: Ended, kind: str) -> list[Span]:
    """Return when each job of a kind ran."""
    times: dict[str, list[float]] = {}
    for line in ended.lines:
        if line.get("jobID") == kind:
            times.setdefault(line["job"], []).append(datetime.fromisoformat(line["time"]).timestamp())
    return [Span(min(each), max(each)) for each in times.values()]


def at_once(jobs: Iterable[Span]) -> float:
    """Return how many jobs ran at once on average, from the first one's begin to the last one's end."""
    all_jobs = list(jobs)
    whole = max(job.ended for job in all_jobs) - min(job.begun for job in all_jobs)
    return sum(job.seconds for job in all_jobs) / max(1.0, whole)


def row(parallel: int, tasks: int, latency: float, run: Run, linear: float) -> list[str]:
    """Return a line of the table, where so many seconds of work would be linear."""
    executing = statistics.mean(job.seconds for job in run.executed)
    publishing = statistics.mean(job.seconds for job in run.published)
    return [
        f"{parallel}",
        f"{run.seconds:.0f}",
        f"{run.work:.0f}",
        f"{linear / run.work:.0%}",
        f"{at_once([*run.executed, *run.published]):.1f}",
        f"{executing:.1f}",
        f"{executing - bench.CALLS * latency:.1f}",
        f"{publishing:.1f}",
        f"{run.cpu / tasks:.1f}",
        f"{run.busy:.0%}",
        f"{run.calls / tasks:.1f}",
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=8)
    parser.add_argument("--latency", type=float, default=2.0, help="seconds of every answer of the model")
    parser.add_argument("--parallel", type=int, nargs="+", default=[1, 2, 4], help="`max-parallel` of the matrix")
    parser.add_argument("--backend", default="anthropic-sdk")
    parser.add_argument("--warm-up", action=argparse.BooleanOptionalAction, default=True, help="fetch it all first")
    options = parser.parse_args()
    tasks = bench.keys(options.tasks)
    with tempfile.TemporaryDirectory(prefix="autorun-bench-") as scratch:
        machine = Machine(home=Path(scratch, "machine"))
        if options.backend == "claude-code":
            machine.seed_cli()
        print(f"{len(tasks)} tasks, {bench.CALLS} answers of {options.latency:g} s each, {os.cpu_count()} cores")
        if options.warm_up:
            cold = work(machine, tasks[:1], 0.0, 1, options.backend, Path(scratch, "cold"))
            print(f"one task on a machine that has nothing yet, answered at once: {cold.seconds:.0f} s")
        print(f"\n| {' | '.join((*HEAD, *ALSO))} |\n|{'--:|' * len((*HEAD, *ALSO))}")
        alone = 0.0
        for parallel in options.parallel:
            run = work(machine, tasks, options.latency, parallel, options.backend, Path(scratch, str(parallel)))
            alone = alone or run.work * parallel
            shown = row(parallel, len(tasks), options.latency, run, alone / parallel)
            print(f"| {' | '.join(shown)} |", flush=True)


if __name__ == "__main__":
    main()
