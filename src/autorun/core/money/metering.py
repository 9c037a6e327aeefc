"""What one answer of the Messages API says about its own consumption: from a stream, or from a whole message."""

import json
from dataclasses import dataclass, field, fields, replace
from typing import Any

from autorun.core.money.pricing import Tokens

_LINE_LIMIT = 1 << 20
_SANE_COUNT = 1 << 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read of an answer so far.

    `tokens` is everything billed, None while no usage was seen; `prompt_tokens` is the size of the context the
    answer ended with. `final` tells that the answer stated its end, so the figures will not grow. `error` is
    the kind and the message of an error the stream ended with.
    """

    model: str = ""
    tokens: Tokens | None = None
    prompt_tokens: int = 0
    final: bool = False
    error: tuple[str, str] | None = None


@dataclass(slots=True)
class StreamReader:
    """Folds a stream of server-sent events, in pieces of any size, into a reading; keeps no content."""

    reading: Reading = field(default_factory=Reading)
    _line: bytearray = field(default_factory=bytearray)
    _too_long: bool = False

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the stream."""
        *ended, rest = piece.split(b"\n")
        for part in ended:
            self._extend(part)
            self._end_line()
        self._extend(rest)

    def _extend(self, part: bytes) -> None:
        if len(self._line) + len(part) > _LINE_LIMIT:
            self._too_long = True
            self._line.clear()
        if not self._too_long:
            self._line += part

    def _end_line(self) -> None:
        line, self._line = bytes(self._line), bytearray()
        too_long, self._too_long = self._too_long, False
        # Quotes inside an answer's own text are escaped, so these words only match real keys.
        if not too_long and line.startswith(b"data:") and (b'"usage"' in line or b'"error"' in line):
            self.reading = _after_event(self.reading, _document(line.removeprefix(b"data:")))


def read_message(body: bytes) -> Reading:
    """Read a whole, unstreamed message."""
    document = _document(body)
    read = _with_usage(Reading(model=_text(document.get("model"))), document.get("usage"))
    return replace(read, final=read.tokens is not None)


def _after_event(reading: Reading, event: dict[str, Any]) -> Reading:
    match event:
        case {"type": "message_start", "message": {"usage": usage} as message}:
            return _with_usage(replace(reading, model=_text(message.get("model"))), usage)
        case {"type": "message_delta", "usage": usage, **rest}:
            read = _with_usage(reading, usage)
            return replace(read, final=_output(usage) is not None and _stops(rest.get("delta")))
        case {"type": "error", "error": {"type": str(kind), "message": str(message)}}:
            return replace(reading, error=(kind, message))
        case _:
            return reading


def _with_usage(reading: Reading, usage: Any) -> Reading:
    """Counts in a stream are cumulative, so the larger one is the later one: what was seen is never taken back."""
    if not isinstance(usage, dict) or _count(usage.get("input_tokens")) is _count(usage.get("output_tokens")) is None:
        return reading
    own = _tokens(usage)
    hidden = _hidden(usage.get("iterations"))
    billed = _sum(own, *hidden)
    return replace(
        reading,
        tokens=_larger(reading.tokens or Tokens(), billed),
        prompt_tokens=max(reading.prompt_tokens, own.prompt),
    )


def _hidden(iterations: Any) -> tuple[Tokens, ...]:
    """Passes that are billed but not part of the usage's own figures, such as a compaction."""
    if not isinstance(iterations, list):
        return ()
    return tuple(_tokens(one) for one in iterations if isinstance(one, dict) and one.get("type") != "message")


def _tokens(usage: dict[str, Any]) -> Tokens:
    split = usage.get("cache_creation")
    lives = split if isinstance(split, dict) else {}
    long_lived = _count(lives.get("ephemeral_1h_input_tokens")) or 0
    short_lived = _count(lives.get("ephemeral_5m_input_tokens")) or 0
    written = _count(usage.get("cache_creation_input_tokens")) or 0
    return Tokens(
        input=_count(usage.get("input_tokens")) or 0,
        output=_output(usage) or 0,
        cache_read=_count(usage.get("cache_read_input_tokens")) or 0,
        cache_write_5m=max(short_lived, written - long_lived),
        cache_write_1h=long_lived,
    )


def _larger(one: Tokens, other: Tokens) -> Tokens:
    if one.cache_write_1h and not other.cache_write_1h:
        # The end of a stream may repeat the writes without their lifetimes.
        unsplit = other.cache_write_5m - one.cache_write_1h
        other = replace(other, cache_write_5m=max(0, unsplit), cache_write_1h=one.cache_write_1h)
    return Tokens(**{name: max(getattr(one, name), getattr(other, name)) for name in _COLUMNS})


def _sum(*all_tokens: Tokens) -> Tokens:
    return Tokens(**{name: sum(getattr(tokens, name) for tokens in all_tokens) for name in _COLUMNS})


_COLUMNS = tuple(column.name for column in fields(Tokens))


def _output(usage: Any) -> int | None:
    return _count(usage.get("output_tokens")) if isinstance(usage, dict) else None


def _stops(delta: Any) -> bool:
    """Of several deltas only the last one says why the answer stops."""
    return isinstance(delta, dict) and delta.get("stop_reason") is not None


def _count(value: Any) -> int | None:
    sane = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _SANE_COUNT
    return value if sane else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _document(text: bytes) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
