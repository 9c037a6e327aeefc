"""An agent that plays its part without a model, but asks and pays for each answer like one.

What was really paid stands in the bank, a file that no crash takes back.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autorun.core.errors import AutorunError
from autorun.core.model import (
    Activity,
    ActivityKind,
    AgentResult,
    AgentSession,
    Assignment,
    Blocker,
    Claimed,
    Ending,
    Statement,
    Stop,
    TaskId,
    Usage,
    Watch,
)
from autorun.effects import files

PRICE = 0.3
PLAUSIBLE = 0.6
ANSWERS = 2
REPAIR = "verification fails"


@dataclass
class Actor:
    """Plays a task's role, by default its key: `done…` is completed, `ask…` asks, `mend…` is right after a repair.

    Each payment is a line: the task's key, USD, who paid, when; a stretch of work begins with a payment of nothing.
    Before each answer `covers` is asked for its plausible price, like the gateway asks; `seconds` is what one takes.
    """

    covers: dict[TaskId, Callable[[float], None]]
    bank: Path
    roles: Mapping[str, str] = field(default_factory=dict)
    name: str = "actor"
    seconds: float = 0.0

    def ready(self) -> str:
        return "an actor"

    def work(self, assignment: Assignment, *, stop: Stop, watch: Watch) -> AgentResult:
        key = assignment.task.key
        usage = Usage()
        session = assignment.session or AgentSession(backend="claude-code", id=f"talk-{key}", model="opus")
        self._pay(key, 0.0)
        for number in range(ANSWERS):
            if assignment.limits.cost_usd is not None and usage.cost_usd + PRICE > assignment.limits.cost_usd:
                return AgentResult(ending=Ending.COST_LIMIT, usage=usage, sentence="Too dear.", session=session)
            if why := self._awaited(assignment.task, usage, stop):
                return AgentResult(ending=Ending.STOPPED, usage=usage, sentence=f"Stopped: {why}", session=session)
            self._pay(key, PRICE)
            usage += Usage(turns=1, input_tokens=10, output_tokens=10, cost_usd=PRICE, context_tokens=20)
            watch(Activity(kind=ActivityKind.SAID, text=f"answer {number + 1}", usage=usage))
        statement = _played(self.roles.get(key, key), assignment)
        return AgentResult(ending=Ending.STATED, usage=usage, statement=statement, session=session)

    def _pay(self, key: str, usd: float) -> None:
        files.append(self.bank, f"{key} {usd} {self.name} {time.time()}\n")

    def _awaited(self, task: TaskId, usage: Usage, stop: Stop) -> str:
        """Wait for an answer that is covered; return why there will be none."""
        until = time.monotonic() + self.seconds
        while (why := stop()) is None and time.monotonic() < until:
            time.sleep(0.01)
        try:
            if why is None:
                self.covers[task](usage.cost_usd + PLAUSIBLE)
        except AutorunError as error:
            return str(error)
        return why or ""


def _played(role: str, assignment: Assignment) -> Statement:
    folder = assignment.workspace.path
    if role.startswith("ask"):
        blocker = Blocker(what="Which one?", why="Both would do.", needed="Say one.")
        return Statement(claimed=Claimed.NEEDS_INPUT, summary="A question.", blockers=(blocker,))
    if role.startswith("mend"):
        repaired = REPAIR in assignment.prompt
        (folder / "bad.txt").unlink(missing_ok=True) if repaired else (folder / "bad.txt").write_text("bad\n")
    (folder / f"{role}.txt").write_text(f"{role}\n")
    return Statement(claimed=Claimed.COMPLETED, summary="Done.", title=f"Do {role}", body=f"{role} is done.")
