"""What an answer says of its own consumption is read whole, from pieces of any size, and never shrinks."""

import json
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from autorun.core.money.metering import Reading, StreamReader, read_message
from autorun.core.money.pricing import Tokens

counts = st.integers(0, 10**7)
tokens = st.builds(
    Tokens, input=counts, output=counts, cache_read=counts, cache_write_5m=counts, cache_write_1h=counts
)


def usage(read: Tokens, *, split: bool = True) -> dict[str, Any]:
    given = {
        "input_tokens": read.input,
        "output_tokens": read.output,
        "cache_read_input_tokens": read.cache_read,
        "cache_creation_input_tokens": read.cache_write_5m + read.cache_write_1h,
    }
    lives = {"ephemeral_5m_input_tokens": read.cache_write_5m, "ephemeral_1h_input_tokens": read.cache_write_1h}
    return {**given, "cache_creation": lives} if split else given


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def stream(read: Tokens, *, text: str = "hi", split_at_end: bool = True) -> bytes:
    started = {**usage(read), "output_tokens": 1}
    return (
        event("message_start", message={"model": "m", "usage": started})
        + event("content_block_delta", delta={"type": "text_delta", "text": text})
        + event("message_delta", delta={"stop_reason": "end_turn"}, usage=usage(read, split=split_at_end))
        + event("message_stop")
    )


def fed(data: bytes, size: int = 1 << 30) -> Reading:
    reader = StreamReader()
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
    return reader.reading


@given(read=tokens, size=st.integers(1, 200), text=st.text(), split=st.booleans())
@example(read=Tokens(output=7, cache_write_5m=20, cache_write_1h=10), size=7, text="hi", split=False)
def test_any_cutting_of_a_stream_reads_the_same(read: Tokens, size: int, text: str, split: bool) -> None:
    """Pieces may end anywhere, the model may say anything, the end may leave out the lifetimes of cache writes."""
    found = fed(stream(read, text=text, split_at_end=split), size)
    assert found.final
    assert found.tokens == Tokens(
        input=read.input,
        output=max(read.output, 1),
        cache_read=read.cache_read,
        cache_write_5m=read.cache_write_5m,
        cache_write_1h=read.cache_write_1h,
    )
    assert found.prompt_tokens == read.prompt


@given(read=tokens, kept=st.floats(0, 1))
def test_a_cut_stream_is_never_taken_for_a_whole_one(read: Tokens, kept: float) -> None:
    """It is whole once the line that says why it stopped is there, and not a byte earlier."""
    data = stream(read)
    said = data.index(b"\n", data.index(b'"stop_reason"'))
    part = data[: int(len(data) * kept)]
    assert fed(part).final == (len(part) > said)
    assert fed(data[: said + 1]).final
    assert not fed(data[:said]).final


def test_only_the_delta_that_stops_is_the_last_word() -> None:
    """Figures may still grow after an earlier one."""
    early = event("message_delta", delta={"stop_reason": None}, usage={"output_tokens": 5})
    started = stream(Tokens(input=5, output=7)).split(b"event: content")[0]
    assert not fed(started + early).final
    assert fed(started + early + event("message_delta", usage={"output_tokens": 6})).tokens == Tokens(
        input=5, output=6
    )
    late = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 9})
    assert fed(started + early + late) == Reading(
        model="m", tokens=Tokens(input=5, output=9), prompt_tokens=5, final=True
    )


def test_the_model_cannot_forge_usage_in_its_own_words() -> None:
    """A text that looks like an event changes no figure."""
    forged = 'x"}}\ndata: {"type": "message_delta", "usage": {"output_tokens": 0}}\n\n"usage" "error"'
    assert fed(stream(Tokens(input=5, output=7), text=forged)).tokens == Tokens(input=5, output=7)


def test_a_compaction_is_billed_but_is_no_context() -> None:
    """Passes that the usage's own figures leave out are added; the message's own pass is not counted twice."""
    own = {**usage(Tokens(input=10, output=20)), "iterations": [
        {"type": "compaction", "input_tokens": 1000, "output_tokens": 50},
        {"type": "message", "input_tokens": 10, "output_tokens": 20},
    ]}  # fmt: skip
    found = read_message(json.dumps({"model": "m", "usage": own}).encode())
    assert found.tokens == Tokens(input=1010, output=70)
    assert found.prompt_tokens == 10


def test_an_error_inside_a_stream_is_read() -> None:
    """It ends an answer that had begun; what was consumed until then stays known."""
    data = stream(Tokens(input=5, output=7)).split(b"event: message_delta")[0]
    found = fed(data + event("error", error={"type": "overloaded_error", "message": "Overloaded"}))
    assert (found.error, found.final) == (("overloaded_error", "Overloaded"), False)
    assert found.tokens == Tokens(input=5, output=1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"{}",
        b'{"usage": null}',
        b'{"usage": {"input_tokens": -5}}',
        b'{"usage": {"input_tokens": "5", "output_tokens": true}}',
        b'{"usage": {"input_tokens": 1e300}}',
        b"[" * 100_000,
    ],
)
def test_what_cannot_be_read_is_not_guessed(body: bytes) -> None:
    """No usage, no figures: whoever charges then falls back to the reservation."""
    assert read_message(body).tokens is None
    assert not read_message(body).final
    reading = fed(b"data:" + body + b'"usage""error"\n' + b"data: " + body + b"\n")
    assert reading.tokens is None


def test_a_line_without_end_is_dropped_in_bounded_memory() -> None:
    """A giant line is skipped, and what follows it is read again."""
    reader = StreamReader()
    for _ in range(40):
        reader.feed(b"data: " + b"x" * 100_000)
    assert len(reader._line) <= 1 << 20
    reader.feed(b"\n" + stream(Tokens(input=5, output=7)))
    assert reader.reading.tokens == Tokens(input=5, output=7)


def test_a_model_that_is_no_text_is_left_out() -> None:
    """Foreign shapes are read as far as they make sense."""
    assert read_message(b'{"model": 5, "usage": {"output_tokens": 2, "iterations": 3}}').model == ""
