"""What the CLI's lines add up to: counted once, whatever is repeated, unknown or broken."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from autorun.core.agent.claude_events import STATING_TOOL, is_transport, read, summary
from autorun.core.agent.transcript import (
    Called,
    Consumed,
    Ended,
    Event,
    Failed,
    Retrying,
    Returned,
    Said,
    Started,
    Transcript,
    WindowSpent,
    activity,
    fold,
)
from autorun.core.model import ActivityKind, Claimed, Statement, Usage
from autorun.core.money.pricing import Tokens, price

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
TYPES = ["assistant", "user", "result", "system", "stream_event", "rate_limit_event"]
FIELDS = [
    "message", "event", "subtype", "usage", "content", "id", "type", "model", "error", "rate_limit_info", "status",
    "resetsAt", "permission_denials", "errors", "structured_output", "model_usage_since_last_result", "num_turns",
]  # fmt: skip
known_words = st.sampled_from(["init", "api_retry", "text", "tool_use", "message_delta", "rejected"])
shapes = st.dictionaries(st.sampled_from(FIELDS), json_values | known_words, max_size=6)
nested = st.builds(lambda outer, key, inner: {**outer, key: inner}, shapes, st.sampled_from(FIELDS), shapes)


@settings(max_examples=settings().max_examples // 2)
@given(st.binary(max_size=100) | nested.map(lambda document: json.dumps(document).encode()))
def test_no_line_is_too_strange_to_be_read(line: bytes) -> None:
    """Reading never raises, and whatever it yields can be folded and shown."""
    events = read(line)
    fold(Transcript(), events)
    assert all(seen is None or seen[0] in ActivityKind for seen in map(activity, events))


@settings(max_examples=settings().max_examples // 2)
@given(st.sampled_from(TYPES), nested, nested)
def test_no_known_type_is_too_strange_in_its_fields(kind: str, outer: dict[str, Any], inner: dict[str, Any]) -> None:
    """The same for lines that claim to be of a known type."""
    line = json.dumps({**outer, "message": inner, "event": inner, "rate_limit_info": inner, "type": kind})
    fold(Transcript(), read(line.encode()))


tokens = st.builds(
    Tokens, **{name: st.integers(0, 10_000) for name in ("input", "output", "cache_read", "cache_write_5m")}
)


def _streamed(message: str, final: Tokens) -> list[Event]:
    """The ways one answer's figures are told: at its start, per block, at its end."""
    start = Consumed(message=message, tokens=Tokens(input=final.input, output=min(1, final.output)))
    block = Consumed(message=message, tokens=start.tokens, answered=True)
    return [start, block, block, Consumed(message=message, tokens=final, answered=True, whole=True)]


@pytest.mark.parametrize(
    ("stated", "statement", "misstated"),
    [
        ({}, None, ""),
        ({"structured_output": None}, None, ""),
        (
            {"structured_output": {"claimed": "completed", "summary": "Done.", "criteria": []}},
            Statement(claimed=Claimed.COMPLETED, summary="Done."),
            "",
        ),
        ({"structured_output": {"claimed": "maybe", "summary": "", "criteria": []}}, None, "claimed: 'maybe'"),
    ],
)
def test_a_result_may_state_nothing_something_or_nonsense(
    stated: dict[str, Any], statement: Statement | None, misstated: str
) -> None:
    """What is no statement is told apart from none."""
    (end,) = read(json.dumps({"type": "result", "is_error": False} | stated).encode())
    assert isinstance(end, Ended)
    assert end.statement == statement
    assert misstated in end.misstated
    assert bool(end.misstated) is bool(misstated)


@given(st.lists(tokens, min_size=1, max_size=6))
def test_every_answer_counts_once(answers: list[Tokens]) -> None:
    """However often an answer's figures are told, its turn, tokens and cost count once."""
    events = [event for index, answer in enumerate(answers) for event in _streamed(f"m{index}", answer)]
    usage = fold(Transcript(model="claude-opus-5-5"), events).usage
    assert usage.turns == len(answers)
    assert usage.input_tokens == sum(answer.input for answer in answers)
    assert usage.output_tokens == sum(answer.output for answer in answers)
    assert usage.cost_usd == pytest.approx(sum(price("claude-opus-5-5", answer).usd for answer in answers))
    last = next((a for a in reversed(answers) if a.prompt + a.output), Tokens())
    assert usage.context_tokens == last.prompt + last.output


@settings(max_examples=settings().max_examples // 2)
@given(st.lists(tokens, max_size=6), st.integers(0, 24))
def test_usage_never_shrinks(answers: list[Tokens], cut: int) -> None:
    """No event makes a stretch cheaper."""
    events = [event for index, answer in enumerate(answers) for event in _streamed(f"m{index}", answer)]
    before, after = (fold(Transcript(), part).usage for part in (events[:cut], events))
    assert before.cost_usd <= after.cost_usd + 1e-12
    assert before.turns <= after.turns


@given(st.lists(st.sampled_from(_streamed("m", Tokens(input=5, output=5))), max_size=8), st.integers(0, 8))
def test_folding_is_the_same_in_one_go_and_in_pieces(events: list[Event], cut: int) -> None:
    """The transcript does not depend on how lines were cut into reads."""
    assert fold(fold(Transcript(), events[:cut]), events[cut:]) == fold(Transcript(), events)


def test_the_backend_s_own_figures_win() -> None:
    """The result's bill replaces what was seen on the way; turns and context stay ours; results add up."""
    bill = Usage(input_tokens=9, output_tokens=8, cost_usd=0.5)
    events: list[Event] = [*_streamed("m", Tokens(input=5, output=5)), Ended(failed=False, usage=bill)]
    usage = fold(Transcript(), events).usage
    assert usage == Usage(turns=1, input_tokens=9, output_tokens=8, cost_usd=0.5, context_tokens=10)
    assert fold(Transcript(), [*events, Ended(failed=False, usage=bill)]).usage.cost_usd == 1.0


def test_an_answer_is_whole_when_its_last_figures_are_there() -> None:
    """After its blocks, each of which may be the statement; the next answer is none yet."""
    first = _streamed("m", Tokens(input=5, output=5))
    whole = [fold(Transcript(), first[:count]).whole for count in range(5)]
    assert whole == [False, False, False, False, True]
    assert not fold(Transcript(), [*first, *_streamed("n", Tokens(input=9))[:3]]).whole


def test_open_calls_are_known_until_they_return() -> None:
    """A call is open until its result; a statement is being made only by the tool made for it."""
    stating = Called(call="2", text=STATING_TOOL, states=True)
    calling: list[Event] = [Said(text="x"), Called(call="1", text="Bash"), stating]
    transcript = fold(Transcript(), calling)
    assert (transcript.open_calls, transcript.stating) == (frozenset("12"), True)
    transcript = fold(transcript, [Returned(call="2")])
    assert (transcript.open_calls, transcript.stating) == (frozenset("1"), False)


def test_lines_of_the_cli_become_events() -> None:
    """A call with text, one block each, with half a surrogate pair in it."""
    call = {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls\n-l"}}
    blocks = [{"type": "text", "text": "Look \ud83d"}, call]
    message = {"id": "m", "model": "opus", "content": blocks, "usage": {"input_tokens": 3}}
    line = {"type": "assistant", "message": message}
    consumed, said, called = read(json.dumps(line).encode())
    assert consumed == Consumed(message="m", tokens=Tokens(input=3), answered=True)
    assert said == Said(text="Look ?")
    assert called == Called(call="t", text="Bash: ls -l")
    assert activity(called) == (ActivityKind.TOOL, "Bash: ls -l")


def test_cache_writes_are_split_by_their_lifetime() -> None:
    """One-hour writes cost more, so they are told apart from the rest."""
    usage = {"cache_creation_input_tokens": 10, "cache_creation": {"ephemeral_1h_input_tokens": 4}}
    event = {"type": "message_start", "message": {"id": "m", "usage": usage}}
    line = json.dumps({"type": "stream_event", "event": event}, separators=(",", ":")).encode()
    assert read(line) == (Consumed(message="m", tokens=Tokens(cache_write_5m=6, cache_write_1h=4)),)
    assert is_transport(line)
    assert not is_transport(b'{"type":"assistant"}')


def test_a_summary_is_one_short_line() -> None:
    """Whatever a tool is given, its summary fits a line."""
    assert summary("Write", {"file_path": "a\nb", "content": "x"}) == "Write: a b"
    assert summary("Odd", ["x"]) == "Odd"
    assert len(summary("Bash", {"command": "x" * 9999})) == 200


INIT = {"type": "system", "subtype": "init", "session_id": "s", "model": "claude-opus-5-5"}
RETRY = {"type": "system", "subtype": "api_retry", "retry_delay_ms": 600, "error_status": None, "error": "unknown"}
RESULT = {
    "type": "result", "is_error": False, "terminal_reason": "completed", "num_turns": 2, "result": "text",
    "permission_denials": [{"tool_name": "Bash", "tool_input": {"command": "rm x"}}, "odd"],
    "structured_output": {"claimed": "completed", "summary": "done", "criteria": []},
    "model_usage_since_last_result": {
        "a": {"inputTokens": 1, "outputTokens": 2, "cacheReadInputTokens": 3, "costUSD": 0.5},
        "b": {"inputTokens": 10, "cacheCreationInputTokens": 4, "costUSD": 0.25},
        "c": "odd",
    },
}  # fmt: skip
ENDED = Ended(
    failed=False,
    why="completed",
    turns=2,
    text="text",
    statement=Statement(claimed=Claimed.COMPLETED, summary="done"),
    denials=("Bash: rm x",),
    usage=Usage(input_tokens=11, output_tokens=2, cache_read_tokens=3, cache_write_tokens=4, cost_usd=0.75),
)
SYNTHETIC = {"model": "<synthetic>", "content": [{"type": "text", "text": "API Error"}]}
CUT_OFF = {"error": "max_output_tokens", "api_error_params": {"cut": "context_window"}}


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (INIT, Started(session="s", model="claude-opus-5-5")),
        (RETRY, Retrying(seconds=0.6, status=None, kind="unknown")),
        ({"type": "system", "subtype": "status"}, None),
        ({"type": "stream_event", "event": {"type": "ping"}}, None),
        (
            {"type": "stream_event", "api_message_id": "m", "event": {"type": "message_delta", "usage": {}}},
            Consumed(message="m", tokens=Tokens(), answered=True, whole=True),
        ),
        ({"type": "user", "message": {"content": [{"type": "tool_result", "tool_use_id": "t"}]}}, Returned(call="t")),
        ({"type": "user", "message": {"content": "text"}}, None),
        (RESULT, ENDED),
        (
            {"type": "result", "is_error": True, "errors": ["a", "b"], "structured_output": {"claimed": 1}},
            Ended(failed=True, text="a; b", misstated="the statement: 'summary' is a required property"),
        ),
        (
            {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": 1_795_450_970}},
            WindowSpent(resets_at=datetime(2026, 11, 23, 16, 22, 50, tzinfo=UTC)),
        ),
        (
            {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": 1e300}},
            WindowSpent(resets_at=None),
        ),
        ({"type": "rate_limit_event", "rate_limit_info": {"status": "allowed"}}, None),
        (
            {"type": "assistant", "message": SYNTHETIC, "error": "server_error", "api_error_status": 529},
            Failed(kind="server_error", text="API Error", status=529),
        ),
        ({"type": "assistant", "message": SYNTHETIC, **CUT_OFF}, Failed(kind="context_window", text="API Error")),
        ({"type": "assistant", "message": SYNTHETIC}, Failed(kind="unknown", text="API Error")),
        ({"type": "news"}, None),
    ],
)  # fmt: skip
def test_each_kind_of_line_has_its_event(line: dict[str, Any], event: Event | None) -> None:
    """What the CLI says in its own words arrives in ours; the rest is skipped."""
    assert read(json.dumps(line).encode()) == ((event,) if event else ())


def test_a_waiting_agent_says_what_it_waits_for() -> None:
    """The reason and the delay of a retry are told, until an answer comes."""
    waiting, unreached = Retrying(seconds=2.4, status=529), Retrying(seconds=1.0, status=None)
    assert activity(waiting) == (ActivityKind.WAITING, "the service answered 529; trying again in 2 s")
    assert activity(unreached) == (ActivityKind.WAITING, "the service was not reached; trying again in 1 s")
    assert activity(Said(text="Look.")) == (ActivityKind.SAID, "Look.")
    assert activity(Ended(failed=False)) == (ActivityKind.USAGE, "")
    assert activity(Started(session="s", model="m")) is None
    failed: list[Event] = [Started(session="s", model="m"), waiting, Failed(kind="server_error", text="")]
    transcript = fold(Transcript(), failed)
    assert (transcript.session, transcript.retrying, transcript.failure) == ("s", waiting, failed[-1])
    answered = fold(transcript, [Consumed(message="m", tokens=Tokens(), answered=True)])
    assert (answered.retrying, answered.failure) == (None, None)
    spent = WindowSpent(resets_at=None)
    assert fold(transcript, [spent, Returned(call="unknown")]).window == spent
    assert fold(transcript, [spent, Consumed(message="m", tokens=Tokens(), answered=True)]).window is None
