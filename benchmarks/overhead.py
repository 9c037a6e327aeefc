"""Overhead of the line: the same scripted work by a bare shell script and by `autorun start`, in one run.

The model answers at once, so what is left is the CLI's own time and ours. The bare script does no verification, no
sandbox, no record and no policy: it is the least anybody could do. More than some ten tasks at this pace meet the
gateway's limit of calls a minute, and wait.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autorun.demo.script import run, say, state, write
from autorun.demo.scripted_model import ScriptedModel

AUTORUN = str(Path(sys.executable).with_name("autorun"))
GIT = {f"GIT_{role}_{what}": "bench" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

BARE = """\
set -e
for key in $KEYS; do
  git checkout --quiet -B work-$key main
  claude -p --model=opus --output-format=json --permission-mode=dontAsk --allowedTools=Bash,Write,Edit,Read \
    --setting-sources= --strict-mcp-config < prompts/$key > /dev/null
  git add --all . ':!prompts'
  git commit --quiet -m "Task $key"
  git push --quiet origin work-$key
done
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """How long a process took, in seconds, and its own peak memory, in MB."""

    seconds: float
    peak_mb: float


def timed(argv: list[str], folder: Path, environ: Mapping[str, str]) -> Timed:
    """Run a process to its end; it must succeed."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(argv, cwd=folder, env=dict(environ), stdout=said, stderr=said)
        peak = 0.0
        while child.poll() is None:
            peak = max(peak, _peak_mb(child.pid))
            time.sleep(0.005)
        seconds = time.perf_counter() - started
        said.seek(0)
        if child.returncode:
            raise SystemExit(f"{argv[:3]} ended with {child.returncode}:\n{said.read().decode()[-3000:]}")
    return Timed(seconds=seconds, peak_mb=peak)


def _peak_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def script(key: str) -> list[object]:
    """What the model does for a task: look, write, test, report."""
    return [
        run("ls"),
        write(f"{key}.txt", f"{key}\n"),
        run(f"cat {key}.txt"),
        state(completed=f"Wrote {key}.txt", title=f"Write {key}.txt"),
        say("Done."),
    ]


def repository(folder: Path, keys: list[str], environ: Mapping[str, str]) -> Path:
    """A repository with a task, and a prompt for the bare script, per key; and an origin to push to."""
    top = folder / "project"
    (top / ".ai-agents/state").mkdir(parents=True)
    (top / "prompts").mkdir()
    for key in keys:
        wanted = f"## Description\nWrite {key}.txt\n\n## Acceptance Criteria\n- [ ] it is there\n"
        task = f"# Title: Marker-{key}-\n\n{wanted}"
        (top / f".ai-agents/state/{key}.md").write_text(task)
        (top / f"prompts/{key}").write_text(task)
    (top / "README.md").write_text("# A project\n")
    for line in (
        "git init --quiet --initial-branch=main .",
        "git add --all .",
        "git commit --quiet -m Start",
        "git clone --quiet --bare . ../origin.git",
        "git remote add origin ../origin.git",
    ):
        subprocess.run(line.split(), cwd=top, env=dict(environ), check=True, capture_output=True)
    return top


def compare(count: int, folder: Path) -> tuple[Timed, Timed]:
    """Work `count` tasks twice and return the times of the bare script and of autorun."""
    keys = [f"t{number:03}" for number in range(count)]
    scripts = {f"Marker-{key}-": script(key) for key in keys}
    with ScriptedModel(scripts) as model:  # type: ignore[arg-type]  # a list of answers is a script
        base = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "ANTHROPIC_BASE_URL": model.url,
            "ANTHROPIC_API_KEY": "sk-ant-benchmark",
            "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            **GIT,
        }
        (folder / "home").mkdir(parents=True)
        top = repository(folder / "bare", keys, base)
        bare = timed(["bash", "-c", BARE], top, {**base, "KEYS": " ".join(keys)})
        top = repository(folder / "ours", keys, base)
        ours = timed([AUTORUN, "start", f"--max-tasks={count}"], top, base)
        branches = subprocess.run(["git", "branch", "--list", "autorun/*"], cwd=top, capture_output=True, check=True)
        if len(branches.stdout.split()) != count:
            raise SystemExit(f"autorun published {branches.stdout.decode()}")
    return bare, ours


def startup(argv: list[str], folder: Path, runs: int = 9) -> float:
    """Median milliseconds of a process."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return 1000 * statistics.median(timed(argv, folder, environ).seconds for _ in range(runs))


def planning(count: int, folder: Path) -> Timed:
    """`autorun tasks` over that many files."""
    top = repository(folder, [f"t{number:05}" for number in range(count)], {"PATH": os.environ["PATH"], **GIT})
    return timed([AUTORUN, "tasks", "--json"], top, {"PATH": os.environ["PATH"], "HOME": str(folder)})


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, nargs="*", default=[1, 10])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--planned", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="autorun-bench-") as scratch:
        place = Path(scratch)
        print("| tasks | bare, s | autorun, s | ratio | ours per task, s | our peak, MB |\n|--:|--:|--:|--:|--:|--:|")
        for count in options.tasks:
            pairs = [compare(count, place / f"{count}-{number}") for number in range(options.rounds)]
            bare = statistics.median(pair[0].seconds for pair in pairs)
            ours = statistics.median(pair[1].seconds for pair in pairs)
            ratio = statistics.median(pair[1].seconds / pair[0].seconds for pair in pairs)
            peak = max(pair[1].peak_mb for pair in pairs)
            print(f"| {count} | {bare:.2f} | {ours:.2f} | {ratio:.2f} | {(ours - bare) / count:.2f} | {peak:.0f} |")
        idle = startup([sys.executable, "-c", "pass"], place)
        version = startup([AUTORUN, "--version"], place)
        top = repository(place / "status", ["one"], {"PATH": os.environ["PATH"], **GIT})
        status = startup([AUTORUN, "status"], top)
        more = f"`autorun --version` +{version - idle:.0f} ms, `autorun status` +{status - idle:.0f} ms"
        print(f"\nbare python {idle:.0f} ms, {more}")
        for count in (options.planned // 10, options.planned):
            planned = planning(count, place / f"plan-{count}")
            print(f"{count} file tasks planned in {planned.seconds:.2f} s, {planned.peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
