"""Measure the action's own set-up, cold and warm: seconds, and megabytes on disk and in the cache.

`python benchmarks/setup.py [--json]` sets up into an empty machine, then into one that has everything. It needs npm
and the package registries. The Claude Code command line is counted apart: its size is not ours to choose.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_SETUP = _ROOT / "tools/action/setup.py"
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds on the clock, and of processor time: a busy machine stretches mostly the first."""

    seconds: float
    processor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One step, cold and warm; megabytes it puts on disk and keeps in the cache."""

    step: str
    cold: Took
    warm: Took
    disk: float = 0.0
    kept: float = 0.0


@dataclass(frozen=True, slots=True)
class Machine:
    """A runner with a tool cache, and one job's temporary folder."""

    tool_cache: Path
    temp: Path

    @property
    def environ(self) -> Mapping[str, str]:
        """What a step finds in its environment."""
        self.temp.mkdir(exist_ok=True)
        output = self.temp / "output"
        given = {
            "RUNNER_TOOL_CACHE": str(self.tool_cache),
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_OUTPUT": str(output),
        }
        return {**os.environ, **given}

    def step(self, *arguments: str) -> Took:
        """Run one step of the set-up; return what it took."""
        return _timed([sys.executable, "-I", str(_SETUP), *arguments], self.environ)

    def autorun(self, *arguments: str) -> Took:
        """Run one of the action's steps by Autorun itself; return what it took."""
        python = self.temp / "autorun/venv/bin/python"
        return _timed([str(python), "-I", "-m", "autorun", *arguments], self.environ)


def _timed(argv: list[str], environ: Mapping[str, str]) -> Took:
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        argv, env=dict(environ), cwd=_ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(time.perf_counter() - started, spent)


def _size(folder: Path, pattern: str = "*") -> float:
    return sum(path.stat().st_size for path in folder.rglob(pattern) if path.is_file()) / _MB


def measure(top: Path) -> list[Row]:
    """Set up twice, for each backend; return the table."""
    cold, warm = Machine(top / "tools", top / "cold"), Machine(top / "tools", top / "warm")
    kept = top / "tools/autorun"
    rows = []
    for step, lock in (("packages and Autorun", "runtime"), ("packages of anthropic-sdk", "anthropic")):
        took = cold.step("packages", lock), warm.step("packages", lock)
        wheels = sum(_size(folder) for folder in kept.glob(f"wheels-{lock}-*"))
        rows.append(Row(step=step, cold=took[0], warm=took[1], disk=_size(cold.temp / "autorun"), kept=wheels))
        if lock == "runtime":  # each job reads the configuration for the first time, before a second backend comes
            took = cold.autorun("action", "needs", str(top)), warm.autorun("action", "needs", str(top))
            rows.append(Row(step="read the configuration", cold=took[0], warm=took[1]))
    took = cold.autorun("action", "sandbox"), warm.autorun("action", "sandbox")
    rows.append(Row(step="probe the sandbox", cold=took[0], warm=took[1]))
    took = cold.step("claude", ""), warm.step("claude", "")
    size = sum(_size(folder) for folder in kept.glob("claude-*"))
    rows.append(Row(step="Claude Code (npm)", cold=took[0], warm=took[1], disk=size, kept=size))
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print data for programs")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="autorun-bench-") as folder:
        rows = measure(Path(folder))
    if given.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
        return
    print(f"{'step':<28}{'cold s':>9}{'(cpu)':>8}{'warm s':>9}{'(cpu)':>8}{'MB on disk':>12}{'MB kept':>9}")
    for row in rows:
        cold, warm = row.cold, row.warm
        times = f"{cold.seconds:>9.2f}{cold.processor:>8.2f}{warm.seconds:>9.2f}{warm.processor:>8.2f}"
        print(f"{row.step:<28}{times}{row.disk:>12.1f}{row.kept:>9.1f}")


if __name__ == "__main__":
    main()
