"""The real CLI in the actor's place: what its model says, and what the runner hears of it."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autorun.core.model import Activity, AgentResult, Assignment, Stop, Watch
from autorun.demo.script import Script, run, say, state, write
from autorun.ports import Agent
from crash.effects import announce

_DYING_SECONDS = 1.0


def script(key: str) -> Script:
    """Return what the model says in the conversation about a task; whoever goes on with one hears its end again.

    The answers are dear: what a claim reserves is not enough for all of them.
    """
    file = f"{key}.txt"
    lines = (
        say("I write it.") + write(file, f"{key}\n"),
        run(f"cat {file}"),
        state(completed="Done.", title=f"Do {key}", body=f"{key} is done.", criteria={file: f"{file} is there"}),
    )
    dear = tuple(line.costing(input=20_000, output=6_000) for line in lines)
    return lambda conversation: dear[min(conversation.turns, len(dear) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An agent each event of which is an effect of the process that hears it."""

    agent: Agent

    def ready(self) -> str:
        return self.agent.ready()

    def work(self, assignment: Assignment, *, stop: Stop, watch: Watch) -> AgentResult:
        def hear(activity: Activity) -> None:
            announce(f"event {activity.kind}")
            watch(activity)

        return self.agent.work(assignment, stop=stop, watch=hear)


def left_running(folder: Path) -> list[str]:
    """Return the commands of processes whose environment names a folder, unless they end at once."""
    until = time.monotonic() + _DYING_SECONDS
    while (found := list(_living(str(folder).encode()))) and time.monotonic() < until:
        time.sleep(0.01)
    return [f"still running: {command}" for command in found]


def _living(mark: bytes) -> Iterator[str]:
    for entry in Path("/proc").iterdir():
        with suppress(OSError):  # it is gone, or not ours
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                yield (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:100]
