"""What follows from an answer: a table of stop reasons, and a watch over an agent that gets no further."""

from dataclasses import dataclass
from enum import Enum

from autorun.core.agent.endings import End
from autorun.core.model import Ending

NUDGE = (
    "You ended without a report. If there is work left, go on with it. If not, call report_outcome: "
    "nothing you say in text counts as a report."
)
GO_ON = "Your answer was cut off at its greatest length. Go on where it stopped, in smaller steps."
CUT_OFF = "Not run: your answer was cut off in the middle of this call. Make it again, in smaller parts."
CIRCLES = (
    "You have made the same call with the same result several times in a row. Try something else, or report that "
    "you are blocked and by what."
)
_NOTICED, _HOPELESS = 3, 6
_MOST_ERRORS = 8


class Action(Enum):
    """What an answer calls for."""

    USE_TOOLS = "use tools"
    NUDGE = "nudge"
    CONTINUE = "continue"
    SEND_AGAIN = "send again"
    REFUSED = "refused"
    FULL = "full"


_ACTIONS = {
    "tool_use": Action.USE_TOOLS,
    "end_turn": Action.NUDGE,
    "stop_sequence": Action.NUDGE,
    "max_tokens": Action.CONTINUE,
    "pause_turn": Action.SEND_AGAIN,
    "refusal": Action.REFUSED,
    "model_context_window_exceeded": Action.FULL,
}


def action(stop_reason: str, *, calls: bool) -> Action:
    """Return what to do after an answer; a stop reason we do not know counts as an ordinary end."""
    found = _ACTIONS.get(stop_reason, Action.NUDGE)
    if found in {Action.USE_TOOLS, Action.NUDGE}:
        return Action.USE_TOOLS if calls else Action.NUDGE
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How often the same call had the same result in a row, and how many calls failed in a row."""

    last: tuple[str, str] = ("", "")
    same: int = 0
    errors: int = 0

    def after(self, call: str, result: str, *, failed: bool) -> "Progress":
        """Return the progress after one more call; `call` is its name and input as text."""
        again = (call, result) == self.last
        return Progress(last=(call, result), same=self.same + 1 if again else 1, errors=(self.errors + 1) * failed)

    @property
    def note(self) -> str:
        """What to tell the agent; empty if it gets on."""
        return CIRCLES if self.same == _NOTICED else ""

    @property
    def end(self) -> End | None:
        """Why the work must end, if it must."""
        if self.same >= _HOPELESS:
            return unstated(f"The agent made the same call {self.same} times in a row and got no further.")
        if self.errors >= _MOST_ERRORS:
            return unstated(f"{self.errors} tool calls of the agent failed in a row.")
        return None


def unstated(sentence: str = "The agent ended without stating an outcome.") -> End:
    """Describe an end without a statement."""
    remedy = "Read the end of the transcript; a task with clear acceptance criteria helps."
    return End(ending=Ending.NO_STATEMENT, sentence=sentence, remedy=remedy)


def cut_off() -> End:
    """Describe an agent whose answers do not end."""
    return unstated("The model's answers were cut off at their greatest length, again and again.")


def tool_broken(reason: str) -> End:
    """Describe an end because no command of the agent can be run."""
    return End(
        ending=Ending.CRASHED,
        sentence=f"The agent's commands cannot be run ({reason.rstrip('.')}).",
        remedy="`autorun doctor` tells what is missing on this machine.",
    )
