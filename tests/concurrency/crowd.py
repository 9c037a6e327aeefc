"""A crowd of runners on one backlog over HTTP, each a process with a clone of its own, killed at random.

`python -m concurrency.crowd --runners 8` prints what came of it.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from autorun.adapters.ledger import RefLedger
from autorun.core.model import TaskState
from autorun.effects.git import Remote, find_repository
from autorun.effects.store import Store
from crash.actor import PRICE
from crash.life import Work, start
from crash.scenes import OverHttp
from crash.servers import Trouble

TASKS_EACH = 10
USD_EACH = 6.0
_ANSWER_SECONDS = 0.03
_SETTLED = {TaskState.IN_REVIEW, TaskState.BLOCKED}


def backlog(count: int) -> tuple[str, ...]:
    """Keys of a backlog: most tasks are completed, every tenth is blocked, every tenth repaired."""
    kinds = {3: "ask", 7: "mend"}
    return tuple(f"{kinds.get(number % 10, 'done')}-{number:02}" for number in range(count))


@dataclass(kw_only=True)
class Outcome:
    """What came of a crowd: sentences about what is wrong, and some numbers."""

    wrong: list[str] = field(default_factory=list)
    lives: int = 0
    kills: int = 0
    seconds: float = 0.0


@dataclass(kw_only=True)
class Crowd:
    """`runners` at a time on `scene`, `kills` of them killed, replaced until nothing is left to do."""

    scene: OverHttp
    runners: int
    kills: int
    chance: random.Random
    alive: dict[int, str] = field(default_factory=dict)
    killed: dict[str, float] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    lives: int = 0

    def work(self, seconds: float) -> bool:
        """Work until every task is settled; False if that took more than `seconds`."""
        until = time.monotonic() + seconds
        next_kill = time.monotonic() + self.chance.uniform(0.5, 1.5)
        try:
            while time.monotonic() < until:
                if not self._left() and not self.alive:
                    return True
                while len(self.alive) < self.runners and self._left():
                    self._hire()
                if time.monotonic() > next_kill and len(self.killed) < self.kills:
                    next_kill = time.monotonic() + self.chance.uniform(0.2, 1.2)
                    self._kill()
                self._bury()
                time.sleep(0.05)
            return False
        finally:
            for pid in self.alive:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)

    def _left(self) -> bool:
        """Whether something may be left to do: a runner that ended by itself has seen nothing, or its own limit."""
        if self.alive:
            return not self._idle
        records = [one.record for one in self.scene.history().seen.values()]
        return len(records) < len(self.scene.keys) or any(record.state not in _SETTLED for record in records)

    _idle: bool = False

    def _hire(self) -> None:
        self.lives += 1
        name = f"life-{self.lives}"
        machine = replace(self.scene.machine(self.lives), boot_id="", seconds_ahead=0.0)
        limits: dict[str, object] = {
            "autonomous.max_tasks_per_session": TASKS_EACH,
            "autonomous.cost_limit_per_session": USD_EACH,
        }
        work = Work(overrides=limits)
        pid = start(machine, self.scene.bank, self.scene.folder / name, actor_seconds=_ANSWER_SECONDS, work=work)
        self.alive[pid] = name

    def _kill(self) -> None:
        pid = self.chance.choice(list(self.alive))
        os.kill(pid, signal.SIGKILL)
        self._idle = False

    def _bury(self) -> None:
        for pid, name in list(self.alive.items()):
            found, status = os.waitpid(pid, os.WNOHANG)
            if not found:
                continue
            del self.alive[pid]
            code = os.waitstatus_to_exitcode(status)
            if code == -signal.SIGKILL:
                self.killed[name] = time.time()
            elif code:
                self.broken.append(
                    f"{name} ended with {code}: {(self.scene.folder / name / 'said').read_text()[-400:]}"
                )
            else:
                self._idle = '"limit"' not in (self.scene.folder / name / "said").read_text()


def judge(crowd: Crowd) -> Iterator[str]:
    """Say everything that is not as it must be."""
    scene = crowd.scene
    yield from crowd.broken
    for key, record in scene.picture()["records"].items():
        state = "blocked" if key.startswith("ask") else "in_review"
        if record["state"] != state or record["held"] or record["to propose"]:
            yield f"{key} ended as {record}"
    pictured = scene.picture()
    publishable = {key for key in scene.keys if not key.startswith("ask")}
    if (found := {name.removesuffix(".md") for name in pictured["pull requests"]}) != publishable:
        yield f"pull requests differ: {found ^ publishable}"
    for branch, work in pictured["branches"].items():
        key = branch.removeprefix("autorun/file-")
        if work != {"commits": "1", "files": f"{key}.txt"}:
            yield f"{branch} holds {work}"
    yield from _endings(scene)
    yield from _shifts(scene)
    yield from _budgets(scene)
    for key, (paid, charged, _) in scene.costs().items():
        if charged < paid - 0.005:
            yield f"{key}: {paid:.2f} was paid, only {charged:.2f} is charged"


def _endings(scene: OverHttp) -> Iterator[str]:
    """Every task was settled by exactly one attempt."""
    store = Store.create(scene.folder / "trail", borrowed=find_repository(scene.checkout))
    ledger = RefLedger(store=store, remote=Remote(url=str(scene.server)), pauses=())
    tasks = ledger.history().seen
    if missing := set(scene.keys) - {task.key for task in tasks}:
        yield f"never worked: {sorted(missing)}"
    for task in tasks:
        states = [one.record.state for one in ledger.trail(task)]
        ends = [now for before, now in pairwise(states) if before is TaskState.IN_PROGRESS and now in _SETTLED]
        if len(ends) != 1:
            yield f"{task} was settled {len(ends)} times: {states}"


def _payments(scene: OverHttp) -> Iterator[tuple[str, float, str, float]]:
    for line in scene.bank.read_text().splitlines():
        key, usd, name, at = line.split()
        yield key, float(usd), name, float(at)


def _shifts(scene: OverHttp) -> Iterator[str]:
    """No two runners worked one task at the same time."""
    times: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for key, _, name, at in _payments(scene):
        times[key][name].append(at)
    for key, by_name in times.items():
        shifts = sorted((min(each), max(each), name) for name, each in by_name.items())
        for (_, end, one), (begin, _, other) in pairwise(shifts):
            if begin < end:
                yield f"{key}: {one} and {other} worked at the same time"


def _budgets(scene: OverHttp) -> Iterator[str]:
    """No runner spent more, or began more tasks, than it may."""
    spent: dict[str, float] = defaultdict(float)
    begun: dict[str, set[str]] = defaultdict(set)
    for key, usd, name, _ in _payments(scene):
        spent[name] += usd
        begun[name].add(key)
    for name, usd in spent.items():
        if usd > USD_EACH + PRICE / 2:
            yield f"{name} spent {usd:.2f} of {USD_EACH:.2f}"
        if len(begun[name]) > TASKS_EACH:
            yield f"{name} began {len(begun[name])} tasks of {TASKS_EACH}"


def let_work(runners: int, tasks: int, kills: int, seconds: float, seed: int) -> Outcome:
    """Let a crowd work and judge it."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="crowd-", ignore_cleanup_errors=True) as folder:
        scene = OverHttp(folder=Path(folder), keys=backlog(tasks))
        with scene.open(Trouble()):
            crowd = Crowd(scene=scene, runners=runners, kills=kills, chance=random.Random(seed))  # noqa: S311  a seed
            wrong = [] if crowd.work(seconds) else [f"not done within {seconds:g} s"]
            taken = time.monotonic() - started
            wrong += judge(crowd)
    return Outcome(wrong=wrong, lives=crowd.lives, kills=len(crowd.killed), seconds=taken)


def main() -> int:
    """Let crowds work as asked, print what came of each, and return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runners", type=int, action="append")
    parser.add_argument("--tasks", type=int, default=30)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=120.0)
    asked = parser.parse_args()
    bad = 0
    for runners in asked.runners or (2, 8):
        for seed in range(asked.rounds):
            found = let_work(runners, asked.tasks, asked.kills, asked.seconds, seed)
            bad += bool(found.wrong)
            told = f"{runners} runners, {asked.tasks} tasks, "
            told += f"{found.kills} of {found.lives} killed, {found.seconds:.0f} s"
            verdict = "\n    ".join(["wrong:", *found.wrong]) if found.wrong else "every task ended once"
            sys.stdout.write(f"{told}: {verdict}\n")
            sys.stdout.flush()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
