"""What an agent's events add up to: turns, usage, open tool calls, the statement, how it ended.

The events are the same for every backend; each has its own reader that makes them of what it hears.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime

from autorun.core.model import ActivityKind, Statement, Usage
from autorun.core.money.pricing import Tokens, price


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The conversation has a name, and a model answers it."""

    session: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The agent said something to the reader."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """The agent called a tool; `states` marks the call that carries its statement."""

    call: str
    text: str
    states: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """A tool call came back."""

    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """What one model answer has consumed so far; told again when the figures grow.

    `answered`: it is an answer, and part of it is there. `whole`: all of it is, and its figures are the last ones.
    """

    message: str
    tokens: Tokens
    answered: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying:
    """The model's service failed and will be asked again. `status` is None when it was not reached."""

    seconds: float
    status: int | None
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSpent:
    """The subscription's usage window is spent until `resets_at`."""

    resets_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A request failed for good. `kind` is the service's or the backend's name for it."""

    kind: str
    text: str
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The backend's own account of the end.

    `why` is its reason, `turns` its count (0: the model was never asked), `usage` its figures for the stretch
    (None: it gave none), `misstated` what is wrong with a statement that cannot be read.
    """

    failed: bool
    why: str = ""
    kind: str = ""
    status: int | None = None
    stop_reason: str = ""
    text: str = ""
    turns: int = 0
    statement: Statement | None = None
    misstated: str = ""
    denials: tuple[str, ...] = ()
    usage: Usage | None = None


Event = Started | Said | Called | Returned | Consumed | Retrying | WindowSpent | Failed | Ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """One stretch of agent work so far."""

    session: str = ""
    model: str = ""
    turns: int = 0
    settled: Usage = field(default_factory=Usage)
    message: str = ""
    tokens: Tokens = field(default_factory=Tokens)
    answered: bool = False
    whole: bool = False
    open_calls: frozenset[str] = frozenset()
    stating: bool = False
    said: str = ""
    retrying: Retrying | None = None
    window: WindowSpent | None = None
    failure: Failed | None = None
    end: Ended | None = None

    @property
    def usage(self) -> Usage:
        """What the stretch consumed: the backend's own figures if it gave them, else the sum of what was seen."""
        seen = replace(self.settled + _usage(self.model, self.tokens), turns=self.turns)
        if self.end is None or self.end.usage is None:
            return seen
        return replace(self.end.usage, turns=self.turns, context_tokens=seen.context_tokens)


def fold(transcript: Transcript, events: Iterable[Event]) -> Transcript:
    """Return the transcript after more events."""
    for event in events:
        transcript = _after(transcript, event)
    return transcript


def _after(so_far: Transcript, event: Event) -> Transcript:  # noqa: PLR0911  one case per kind of event
    match event:
        case Started():
            return replace(so_far, session=event.session, model=event.model or so_far.model)
        case Said():
            return replace(so_far, said=event.text, retrying=None)
        case Called():
            calls = so_far.open_calls | {event.call}
            return replace(so_far, open_calls=calls, stating=event.states, retrying=None)
        case Returned():
            return replace(so_far, open_calls=so_far.open_calls - {event.call}, stating=False)
        case Consumed():
            return _consumed(so_far, event)
        case Retrying():
            return replace(so_far, retrying=event)
        case WindowSpent():
            return replace(so_far, window=event)
        case Failed():
            return replace(so_far, failure=event)
        case _:
            return _ended(so_far, event)


def _consumed(so_far: Transcript, event: Consumed) -> Transcript:
    if event.message != so_far.message:
        settled = so_far.settled + _usage(so_far.model, so_far.tokens)
        so_far = replace(so_far, settled=settled, message=event.message, tokens=Tokens(), answered=False, whole=False)
    grown = Tokens(**{name: max(getattr(so_far.tokens, name), getattr(event.tokens, name)) for name in _FIGURES})
    new = event.answered and not so_far.answered
    return replace(
        so_far,
        tokens=grown,
        turns=so_far.turns + new,
        answered=so_far.answered or new,
        whole=so_far.whole or event.whole,
        failure=None if new else so_far.failure,
        window=None if new else so_far.window,
        retrying=None,
    )


_FIGURES = tuple(Tokens.__dataclass_fields__)


def _ended(so_far: Transcript, event: Ended) -> Transcript:
    earlier = so_far.end
    if earlier is not None and earlier.usage is not None:
        event = replace(event, usage=earlier.usage + (event.usage or Usage()))
    return replace(so_far, end=event, open_calls=frozenset(), stating=False)


def _usage(model: str, tokens: Tokens) -> Usage:
    if not any(astuple(tokens)):
        return Usage()
    return Usage(
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write_5m + tokens.cache_write_1h,
        cost_usd=price(model, tokens).usd,
        context_tokens=tokens.prompt + tokens.output,
    )


def activity(event: Event) -> tuple[ActivityKind, str] | None:
    """Return what a watcher would want to hear of an event, None if nothing."""
    match event:
        case Said():
            return ActivityKind.SAID, event.text
        case Called():
            return ActivityKind.TOOL, event.text
        case Retrying():
            reason = f"the service answered {event.status}" if event.status else "the service was not reached"
            return ActivityKind.WAITING, f"{reason}; trying again in {event.seconds:.0f} s"
        case Consumed(answered=True) | Ended():
            return ActivityKind.USAGE, ""
        case _:
            return None
