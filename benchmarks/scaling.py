"""Runners side by side on one backlog: how far from linear, and what planning a large one takes.

The model takes its time for every answer, the rest is real: agent loop, gateway, worktrees, checks, ledger. The
tasks are worked by several `autorun start` in one repository. `--tasks 4 --latency 0.2 --runners 1 2` is a short run.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from autorun.demo.script import run, state, write
from autorun.demo.scripted_model import ScriptedModel

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from github_double import GitHubDouble  # noqa: E402  the double lives with the tests

AUTORUN = str(Path(sys.executable).with_name("autorun"))
CALLS = 8
GIT = {f"GIT_{role}_{what}": "bench" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One backlog worked: wall seconds, seconds of our processes on a core, model calls, tasks in review."""

    seconds: float
    cpu: float
    calls: int
    done: int


def script(key: str) -> list[object]:
    """Eight answers: look five times, write, check, report."""
    looks = [run(f"ls; echo {number}") for number in range(5)]
    return [
        *looks,
        write(f"{key}.txt", f"{key}\n"),
        run(f"cat {key}.txt"),
        state(completed="Done.", title=f"Add {key}"),
    ]


def git(folder: Path, *args: str) -> None:
    """Run git, which must succeed."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), **GIT}
    subprocess.run(["git", *args], cwd=folder, env=environ, check=True, capture_output=True)


def project(folder: Path, keys: list[str]) -> Path:
    """A repository with a task file per key."""
    top = folder / "project"
    (top / ".ai-agents/state").mkdir(parents=True)
    (top / "README.md").write_text("# A project\n")
    for key in keys:
        text = f"# Title: Marker-{key}-\n\n## Description\nAdd {key}.\n\n## Acceptance Criteria\n- [ ] it is there\n"
        (top / f".ai-agents/state/{key}.md").write_text(text)
    git(top, "init", "--quiet", "--initial-branch=main")
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "-m", "Start")
    return top


def work(tasks: int, runners: int, latency: float, backend: str, folder: Path) -> Run:
    """Work a backlog by so many runners at once."""
    keys = [f"t{number:03}" for number in range(tasks)]
    top = project(folder, keys)
    with ScriptedModel({f"Marker-{key}-": script(key) for key in keys}, latency=latency) as model:  # type: ignore[misc]  # a list of answers is a script
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "ANTHROPIC_BASE_URL": model.url,
            "ANTHROPIC_API_KEY": "sk-ant-benchmark",
            "AUTORUN_AUTONOMOUS_RATE_LIMIT_RPM": "100000",
            **GIT,
        }
        argv = [AUTORUN, "start", f"--backend={backend}", f"--max-tasks={tasks}", "--cost-limit=1000"]
        before, started = os.times(), time.monotonic()
        children = [
            subprocess.Popen(argv, cwd=top, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(runners)
        ]
        for child in children:
            child.wait()
        seconds, after = time.monotonic() - started, os.times()
        calls = len(model.asked)
    listed = subprocess.run(["git", "branch", "--list", "autorun/*"], cwd=top, capture_output=True, check=True).stdout
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(seconds=seconds, cpu=cpu, calls=calls, done=len(listed.split()))


def planning(count: int, folder: Path) -> tuple[float, float, int]:
    """Seconds, peak MB and API calls of `autorun tasks` over that many labelled issues of a GitHub of our own."""
    with GitHubDouble() as hub:
        repo = hub.repository("octo/app", files={"README.md": "# A project\n"})
        repo.user("ana", role="write")
        for number in range(count):
            repo.issue(f"Task {number}", "Do it.\n\n- [ ] done\n", by="ana").label("autorun", by="ana")
        clone = folder / "clone"
        token = hub.token(repository=repo)
        address = repo.web(".git").replace("://", f"://x-access-token:{token}@")
        git(folder, "clone", "--quiet", address, str(clone))
        git(clone, "remote", "set-url", "origin", repo.web(".git"))
        environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "GITHUB_TOKEN": token, **hub.env(repo)}
        calls = len(hub.calls)
        started = time.monotonic()
        with (folder / "out").open("wb") as out:
            child = subprocess.Popen(
                [AUTORUN, "tasks", "--json", "--provider=github"], cwd=clone, env=environ, stdout=out, stderr=out
            )
            peak = 0.0
            while child.poll() is None:
                peak = max(peak, _peak_mb(child.pid))
                time.sleep(0.01)
        if child.returncode:
            raise SystemExit((folder / "out").read_text()[-2000:])
        return time.monotonic() - started, peak, len(hub.calls) - calls


def _peak_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=24)
    parser.add_argument("--latency", type=float, default=2.0, help="seconds of every answer of the model")
    parser.add_argument("--runners", type=int, nargs="*", default=[1, 2, 4, 8])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--backend", default="anthropic-sdk")
    parser.add_argument("--issues", type=int, default=10_000, help="labelled issues to plan; 0 leaves it out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="autorun-bench-") as scratch:
        print(f"{options.tasks} tasks, {CALLS} answers of {options.latency:g} s each, {os.cpu_count()} cores\n")
        print("| runners | s | of linear | model calls per task | core seconds per task |\n|--:|--:|--:|--:|--:|")
        alone = 0.0
        for runners in options.runners:
            runs = [
                work(options.tasks, runners, options.latency, options.backend, Path(scratch, f"{runners}-{number}"))
                for number in range(options.rounds)
            ]
            if any(each.done != options.tasks for each in runs):
                raise SystemExit(
                    f"{runners} runners published {[each.done for each in runs]} of {options.tasks} tasks"
                )
            seconds = statistics.median(each.seconds for each in runs)
            alone = alone or seconds * runners
            cpu = statistics.median(each.cpu for each in runs) / options.tasks
            calls = statistics.median(each.calls for each in runs) / options.tasks
            print(
                f"| {runners} | {seconds:.1f} | {alone / seconds / runners:.0%} | {calls:.1f} | {cpu:.2f} |",
                flush=True,
            )
        if options.issues:
            seconds, peak, calls_made = planning(options.issues, Path(scratch))
            print(f"\n{options.issues} issues planned in {seconds:.1f} s, {peak:.0f} MB, {calls_made} API calls")


if __name__ == "__main__":
    main()
