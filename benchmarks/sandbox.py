"""Overhead of the sandbox: `true` alone, confined, and confined with the way out to listed domains."""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from autorun.adapters.domains import DomainProxy
from autorun.adapters.sandbox import Bubblewrap, probe
from autorun.core.model import Command, Room, Workspace
from autorun.core.sandbox.confinement import caps_for
from autorun.core.sandbox.remedies import Unusable
from autorun.effects import process
from autorun.effects.git import Git
from autorun.effects.machine import survey, total_memory


def main() -> None:
    """Print the median of each way of starting a command, in milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30)
    runs = parser.parse_args().runs
    found = probe(os.environ)
    if isinstance(found, Unusable):
        raise SystemExit(f"{found.sentence} {found.remedy}")
    with ExitStack() as stack:
        base = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        root = base / "project"
        root.mkdir()
        Git(git_dir=root / ".git", work_tree=root)("init", "--quiet", str(root))
        box = partial(
            Bubblewrap,
            found.program,
            machine=survey(os.environ, home=base / "home"),
            environ={"PATH": "/usr/bin:/bin"},
            caps=caps_for(total_memory()),
        )
        proxy = stack.enter_context(DomainProxy(["example.test"]).opened())
        plain = Command(argv=("/bin/true",), cwd=root, env={})
        room = Room(workspace=Workspace(path=root, base="HEAD", git_dir=root / ".git"))
        confine, with_domains = box(folder=base / "a"), box(folder=base / "b", proxy=proxy)
        ways: dict[str, Callable[[], Command]] = {
            "plain": lambda: plain,
            "confined": lambda: confine(plain, room),
            "confined, with allow_domains": lambda: with_domains(plain, room),
        }
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(runs):  # in turns, so that a busy moment strikes all alike
            for name, way in ways.items():
                started = time.perf_counter()
                assert process.run(way()).ok
                taken[name].append((time.perf_counter() - started) * 1000)
    for name, times in taken.items():
        print(f"{name:<30} {statistics.median(times):6.1f} ms")


if __name__ == "__main__":
    main()
