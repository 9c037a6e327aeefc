"""Planning a large backlog: seconds, memory and calls of `autorun tasks` over labelled issues of a GitHub of our own.

A job's token has a thousand points an hour for reading; the double reckons them as GitHub describes it.
`--issues 200` is a short run.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from github_double import GitHubDouble
from kit import bench
from kit.action_stage import cloned

AUTORUN = str(Path(sys.executable).with_name("autorun"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A backlog planned: seconds, core seconds and peak MB of the process, calls of an API, points of the hour."""

    seconds: float
    cpu: float
    peak_mb: float
    calls: int
    points: int


def plan(count: int, folder: Path) -> Planned:
    """Plan so many issues; it must succeed."""
    folder.mkdir()
    with GitHubDouble() as hub, (folder / "out").open("w+b") as out:
        repo = bench.queue(hub, bench.keys(count))
        clone = cloned(hub, repo, folder / "clone")
        token = hub.token(repository=repo)
        environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "GITHUB_TOKEN": token, **hub.env(repo)}
        hub.calls.clear()
        argv = [AUTORUN, "tasks", "--json", "--provider=github"]
        started = time.monotonic()
        child = subprocess.Popen(argv, cwd=clone, env=environ, stdout=out, stderr=out)
        peak, used = _watched(child)
        seconds = time.monotonic() - started
        if child.returncode or hub.violations:
            out.seek(0)
            raise SystemExit(f"{hub.violations}\n{out.read().decode()[-2000:]}")
        return Planned(
            seconds=seconds,
            cpu=used.ru_utime + used.ru_stime,
            peak_mb=peak,
            calls=len(hub.calls.api),
            points=hub.estate.tokens[token].used,
        )


def _watched(child: "subprocess.Popen[bytes]") -> tuple[float, resource.struct_rusage]:
    """Wait for a process; return its peak MB, and what it used.

    The peak that comes with the latter may be our own: the process began as a copy of us.
    """
    peak, ended = 0.0, 0
    while not ended:
        lines = Path(f"/proc/{child.pid}/status").read_text().splitlines()
        peak = max([peak, *(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))])
        time.sleep(0.01)
        ended, status, used = os.wait4(child.pid, os.WNOHANG)
    child.returncode = os.waitstatus_to_exitcode(status)
    return peak, used


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issues", type=int, nargs="+", default=[100, 1_000, 10_000])
    options = parser.parse_args()
    print("| issues | s | of it our own core s | peak, MB | API calls | points |\n|--:|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory(prefix="autorun-bench-") as scratch:
        for count in options.issues:
            found = plan(count, Path(scratch, str(count)))
            told = f"{found.seconds:.1f} | {found.cpu:.1f} | {found.peak_mb:.0f} | {found.calls} | {found.points}"
            print(f"| {count} | {told} |", flush=True)


if __name__ == "__main__":
    main()
