"""The words of a script for the scripted model: what it answers, and what goes wrong instead.

A script is a list of answers, one per model turn; a fault stands before the answer it delays or prevents.
Answers join with `+`: `say("First the tests.") + run("pytest -q")`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What the answer's usage block reports."""

    input: int = 1000
    output: int = 100
    cache_read: int = 0
    cache_write: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Text for the reader."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """A thinking block."""

    text: str


class Deed(Enum):
    """A tool call whatever the backend's tools are called."""

    RUN = "run"
    READ = "read"
    WRITE = "write"
    EDIT = "edit"
    STATE = "state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A tool call: a deed to be rendered for the tools on offer, or a tool by its own name."""

    tool: Deed | str
    given: Mapping[str, Any]


Block = Said | Thought | Use


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One model turn; an empty `stop_reason` is told by the blocks (`tool_use`, `end_turn`).

    `delay` is the seconds until a response begins, `slow` those between its beginning and the rest.
    """

    blocks: tuple[Block, ...]
    tokens: Tokens = Tokens()
    stop_reason: str = ""
    delay: float = 0.0
    slow: float = 0.0

    def __add__(self, other: "Answer") -> "Answer":
        return replace(self, blocks=(*self.blocks, *other.blocks))

    def costing(self, **tokens: int) -> "Answer":
        """Return the answer with other figures in its usage block."""
        return replace(self, tokens=replace(self.tokens, **tokens))

    def after(self, seconds: float) -> "Answer":
        """Return the answer as one that takes `seconds` to come."""
        return replace(self, delay=seconds)

    def slowly(self, seconds: float) -> "Answer":
        """Return the answer as one of which only the beginning comes for `seconds`."""
        return replace(self, slow=seconds)

    def stopping(self, stop_reason: str) -> "Answer":
        """Return the answer with another stop reason (`max_tokens`, `refusal`, …)."""
        return replace(self, stop_reason=stop_reason)


class Breach(Enum):
    """How a response goes wrong."""

    ERROR = "error"
    DROP = "drop"
    HANG = "hang"
    CUT = "cut"
    GARBLED = "garbled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A response gone wrong, `times` times in a row and then no more; None means for ever.

    `seconds` is how long a hang lasts before the connection drops.
    """

    breach: Breach
    times: int | None = None
    status: int = 500
    kind: str = "api_error"
    message: str = "Internal server error"
    headers: tuple[tuple[str, str], ...] = ()
    seconds: float = 3600.0


def say(text: str) -> Answer:
    """Answer in words."""
    return Answer(blocks=(Said(text=text),))


def think(text: str) -> Answer:
    """Think aloud; to be joined with what follows from it."""
    return Answer(blocks=(Thought(text=text),))


def use(tool: str, **given: Any) -> Answer:
    """Call a tool by its own name."""
    return Answer(blocks=(Use(tool=tool, given=given),))


def run(command: str) -> Answer:
    """Run a shell command."""
    return Answer(blocks=(Use(tool=Deed.RUN, given={"command": command}),))


def read(path: str) -> Answer:
    """Read a file."""
    return Answer(blocks=(Use(tool=Deed.READ, given={"path": path}),))


def write(path: str, text: str) -> Answer:
    """Write a file."""
    return Answer(blocks=(Use(tool=Deed.WRITE, given={"path": path, "text": text}),))


def edit(path: str, old: str, new: str) -> Answer:
    """Replace `old` by `new` in a file that was read before."""
    return Answer(blocks=(Use(tool=Deed.EDIT, given={"path": path, "old": old, "new": new}),))


def state(
    *,
    completed: str = "",
    blocked: str = "",
    needs_input: str = "",
    criteria: Mapping[str, str] | None = None,
    blockers: Sequence[Mapping[str, str]] = (),
    title: str = "",
    body: str = "",
) -> Answer:
    """State an outcome: exactly one of the three carries the summary; `criteria` map each met one to its evidence."""
    claims = {"completed": completed, "blocked": blocked, "needs_input": needs_input}
    [(claimed, summary)] = [(name, text) for name, text in claims.items() if text]
    met = [{"criterion": name, "met": True, "evidence": shown} for name, shown in (criteria or {}).items()]
    hindrances = [{"what": "", "why": "", "needed": "", **blocker} for blocker in blockers]
    given = {"claimed": claimed, "summary": summary, "criteria": met, "blockers": hindrances}
    return Answer(blocks=(Use(tool=Deed.STATE, given={**given, "title": title, "body": body}),))


def refuse(
    status: int, kind: str, message: str, *, times: int | None = None, headers: Mapping[str, str] | None = None
) -> Fault:
    """Answer with an HTTP error of the Messages API."""
    pairs = tuple((headers or {}).items())
    return Fault(breach=Breach.ERROR, status=status, kind=kind, message=message, times=times, headers=pairs)


def overloaded(*, times: int | None = None) -> Fault:
    """Answer 529, as a busy service does."""
    return refuse(529, "overloaded_error", "Overloaded", times=times)


def drop(*, times: int | None = None) -> Fault:
    """Close the connection without a word."""
    return Fault(breach=Breach.DROP, times=times)


def hang(seconds: float = 3600.0, *, times: int | None = None) -> Fault:
    """Say nothing for a while, then close the connection."""
    return Fault(breach=Breach.HANG, seconds=seconds, times=times)


def cut(*, times: int | None = None) -> Fault:
    """Begin the stream of an answer and close the connection in its middle."""
    return Fault(breach=Breach.CUT, times=times)


def garble(*, times: int | None = None) -> Fault:
    """Answer 200 with something that is no message."""
    return Fault(breach=Breach.GARBLED, times=times)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What a request tells: how many turns the model has had, all user text of the first message, and the last."""

    turns: int
    first: str
    last: str


Line = Answer | Fault
Script = Sequence[Line] | Callable[[Conversation], Line]
