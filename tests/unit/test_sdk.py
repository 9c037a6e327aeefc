"""The pure parts of our own loop: answers folded, conversations legal, stop reasons handled, edits made."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from autorun.core.errors import ResumeRefused
from autorun.core.model import Ending
from autorun.core.sdk.answer import Answer, after, clean
from autorun.core.sdk.conversation import (
    Conversation,
    Message,
    ToolResult,
    head_line,
    line,
    restored,
    said,
)
from autorun.core.sdk.editor import (
    Create,
    EditRefused,
    Insert,
    Replace,
    View,
    clipped,
    inserted,
    numbered,
    replaced,
    wanted,
)
from autorun.core.sdk.request import SYSTEM, TOOLS, located, request, system_text
from autorun.core.sdk.turn import CIRCLES, Action, Progress, action, cut_off, tool_broken, unstated
from autorun.demo import sse
from autorun.demo.script import Answer as Scripted, run, say, think, use

FRESH = Conversation(model="claude-opus-5-5", system="You work.")


def streamed(scripted: Scripted) -> Answer:
    """The answer folded from the stream of a scripted one."""
    answer = Answer()
    for event in sse.stream(sse.message(scripted, model="m", tools=frozenset({"bash"}))):
        answer = after(answer, json.loads(event.partition(b"data: ")[2]))
    return answer


# ------------ answers


def test_an_answer_is_folded_from_its_stream() -> None:
    """Words, thoughts, calls, usage and stop reason are those that were sent."""
    answer = streamed(think("hm") + say("First.") + say("Then.") + run("ls") + use("bash", restart=True))
    assert (answer.text, answer.stop_reason) == ("First.\nThen.", "tool_use")
    assert [(call.name, call.given) for call in answer.calls] == [
        ("bash", {"command": "ls"}),
        ("bash", {"restart": True}),
    ]
    assert answer.kept == answer.blocks
    assert answer.blocks[0]["signature"] == "c2NyaXB0ZWQ="
    assert answer.blocks[3]["input"] == {"command": "ls"}
    assert answer.usage is not None
    assert answer.usage["output_tokens"] == 100


@pytest.mark.parametrize(
    "event",
    [
        {"type": "ping"},
        {"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta", "text": "x"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "news"}},
        {"type": "message_delta", "delta": {"stop_reason": None}},
    ],
)
def test_events_that_tell_nothing_change_nothing(event: dict[str, Any]) -> None:
    """What is unknown, misplaced or empty is skipped."""
    answer = after(
        Answer(), {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    )
    assert after(answer, event) == answer


@pytest.mark.parametrize("text", ['{"command": "ls', "[1]", "7", "[" * 100_000])
def test_a_garbled_input_is_no_input(text: str) -> None:
    """A call whose input is cut off or no object has none, and goes back with an empty one."""
    block = {"type": "tool_use", "id": "t", "name": "bash", "input": {}}
    answer = Answer(content=(block,), partial={0: text})
    assert [call.given for call in answer.calls] == [None]
    assert answer.kept == (block,)


def test_half_a_surrogate_pair_is_replaced() -> None:
    """What cannot be encoded would break the next request."""
    block = {"type": "tool_use", "id": "t", "name": "bash", "input": {}}
    [call] = Answer(content=(block,), partial={0: '{"\\ud83d": ["\\ude00", 1]}'}).calls
    assert call.given == {"?": ["?", 1]}


@given(
    st.recursive(
        st.text(st.characters()) | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_clean_values_can_be_sent(value: object) -> None:
    """Whatever the model wrote, it can be encoded afterwards, and clean values stay as they are."""
    json.dumps(clean(value), ensure_ascii=False).encode()
    assert clean(clean(value)) == clean(value)


def test_what_the_service_would_refuse_is_not_sent_back() -> None:
    """Blank text and thoughts that led to nothing stay out; thoughts before words stay in."""
    assert streamed(think("hm")).kept == ()
    assert streamed(say(" ") + think("hm")).kept == ()
    assert [block["type"] for block in streamed(think("hm") + say("x") + think("y")).kept] == ["thinking", "text"]


# ------------ conversations

ANSWERS = st.lists(
    st.sampled_from([say("words"), say(" "), think("hm"), run("ls"), run("pwd")]), min_size=1, max_size=4
).map(lambda parts: sum(parts[1:], parts[0]))
STEPS = st.lists(
    st.one_of(ANSWERS.map(lambda answer: ("answer", answer)), st.tuples(st.just("tell"), st.sampled_from("abc")),
              st.tuples(st.just("results"), st.integers(0, 3))),
    max_size=12,
)  # fmt: skip


def legal(conversation: Conversation) -> None:
    """Assert what the service asks of the messages it is sent."""
    messages = conversation.document
    assert messages[0]["role"] == "user"
    for one, next_one in pairwise(messages):
        assert one["role"] != next_one["role"]
        if next_one["role"] == "user":
            calls = [block["id"] for block in one["content"] if block["type"] == "tool_use"]
            results = [b["tool_use_id"] for b in next_one["content"] if b["type"] == "tool_result"]
            assert results == calls
            assert [b["type"] for b in next_one["content"][: len(results)]] == ["tool_result"] * len(results)
    assert messages[-1]["role"] == "user"
    assert all(message["content"] for message in messages)


@given(STEPS, st.integers(min_value=0))
@example([("tell", "a"), ("answer", say("words") + run("ls")), ("results", 1), ("answer", think("hm"))], 0)
def test_a_conversation_is_legal_wherever_it_broke_off(steps: list[tuple[str, Any]], cut: int) -> None:
    """Whatever happened and wherever its file ends, the next prompt makes it one that can be sent."""
    conversation = FRESH
    rows = [head_line(FRESH)]
    for kind, what in [("tell", "begin"), *steps]:
        match kind:
            case "answer":
                conversation += (first := conversation.told())
                message = said(streamed(what))
                rows.append(line(first))
            case "tell":
                message = conversation.told(what)
            case _:
                results = [ToolResult(call=call, text="") for call in conversation.dangling[:what]]
                message = conversation.returned(results, "note")
        conversation += message
        rows.append(line(message))
    text = "".join(rows)
    assert restored(text) == conversation
    legal(conversation + conversation.told("go on"))
    text = text[: max(len(rows[0]), cut % (len(text) + 1))]
    broken_off = restored(text)
    legal(broken_off + broken_off.told("go on"))


def test_a_waiting_text_is_not_repeated() -> None:
    """A prompt whose work was broken off stands there once, also when it is given again; after a report it is new."""
    conversation = FRESH + FRESH.told("Do it.")
    assert conversation.told("Do it.").content == ()
    assert len((conversation + conversation.told("And this.")).messages[0].content) == 2
    conversation += said(streamed(run("ls")))
    conversation += conversation.told()
    assert conversation.told("Do it.").content == ()
    reported = conversation + said(streamed(use("report_outcome")))
    reported += reported.told()
    assert [block["text"] for block in reported.told("Do it.").content] == ["Do it."]


def test_results_stand_in_the_order_of_the_calls() -> None:
    """All of them in one message; what has none is named as interrupted, an empty one says so."""
    answer = streamed(run("a") + run("b") + run("c"))
    first, second, third = (call.id for call in answer.calls)
    conversation = FRESH + FRESH.told("x") + said(answer)
    message = conversation.returned([ToolResult(call=third, text=""), ToolResult(call=first, text="1\0")])
    assert [(b["tool_use_id"], b["content"], b.get("is_error")) for b in message.content] == [
        (first, "1\ufffd", None),
        (second, message.content[1]["content"], True),
        (third, "(no output)", None),
    ]
    assert "interrupted" in message.content[1]["content"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON\n",
        '{"v": 2, "model": "m", "system": ""}\n',
        head_line(FRESH) + "[]\n",
        head_line(FRESH) + '{"role": "system", "content": []}\n',
        head_line(FRESH) + '{"role": "user", "content": [{"type": "document", "source": {"type": "url"}}]}\n',
        head_line(FRESH) + '{"role": "user", "content": [7]}\n',
        head_line(FRESH) + "[" * 100_000 + "\n",
    ],
)
def test_a_damaged_conversation_is_refused(text: str) -> None:
    """What is no conversation of ours is not sent anywhere."""
    with pytest.raises(ResumeRefused):
        restored(text)


def test_redacted_thoughts_survive() -> None:
    """They are sent back as they came."""
    block = {"type": "redacted_thinking", "data": "eA=="}
    message = Message(role="assistant", content=(block, {"type": "text", "text": "x"}))
    assert restored(head_line(FRESH) + line(message)).messages == (message,)


# ------------ requests


def test_the_beginning_of_a_request_never_changes() -> None:
    """Tools and system text are the same for every task; only the messages grow."""
    one = FRESH + FRESH.told(located("/a"), "Task one.")
    more = one + said(streamed(run("ls")))
    first, second = (request(each, max_tokens=None, effort=None) for each in (one, more))
    assert {name: value for name, value in first.items() if name != "messages"} == {
        name: value for name, value in second.items() if name != "messages"
    }
    assert json.dumps(second["messages"]).startswith(json.dumps(first["messages"])[:-1])
    assert first["cache_control"] == first["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert not {"temperature", "tool_choice"} & set(first)
    assert system_text("") == SYSTEM
    assert system_text("Orders.").endswith("Orders.")


def test_settings_stand_in_the_request() -> None:
    """Longest answer, effort and thinking; a model that knows neither of the last two is not asked for them."""
    asked = request(FRESH, max_tokens=9, effort="high")
    assert (asked["max_tokens"], asked["output_config"]) == (9, {"effort": "high"})
    assert asked["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert [tool.get("type", "custom") for tool in TOOLS] == ["bash_20250124", "text_editor_20250728", "custom"]
    old = request(Conversation(model="claude-haiku-4-5-20251001", system=""), max_tokens=9, effort="high")
    assert not {"thinking", "output_config"} & set(old)


# ------------ what follows


@pytest.mark.parametrize(
    ("reason", "calls", "what"),
    [
        ("tool_use", True, Action.USE_TOOLS),
        ("tool_use", False, Action.NUDGE),
        ("end_turn", False, Action.NUDGE),
        ("end_turn", True, Action.USE_TOOLS),
        ("stop_sequence", False, Action.NUDGE),
        ("max_tokens", True, Action.CONTINUE),
        ("pause_turn", False, Action.SEND_AGAIN),
        ("refusal", False, Action.REFUSED),
        ("model_context_window_exceeded", True, Action.FULL),
        ("something_new", True, Action.USE_TOOLS),
        ("something_new", False, Action.NUDGE),
    ],
)
def test_every_stop_reason_has_its_action(reason: str, calls: bool, what: Action) -> None:
    """Known ones by the table, unknown ones as an ordinary end."""
    assert action(reason, calls=calls) is what


def test_going_in_circles_is_noticed() -> None:
    """The third time the agent is told, the sixth time it ends; another result in between is progress."""
    progress = Progress()
    notes = []
    for _ in range(5):
        progress = progress.after("bash ls", "a", failed=False)
        notes.append(progress.note)
        assert progress.end is None
    assert notes == ["", "", CIRCLES, "", ""]
    assert progress.after("bash ls", "b", failed=False).same == 1
    end = progress.after("bash ls", "a", failed=False).end
    assert end is not None
    assert (end.ending, "6 times" in end.sentence) == (Ending.NO_STATEMENT, True)


def test_errors_in_a_row_are_bounded() -> None:
    """Eight failed calls without a good one between end the work."""
    progress = Progress()
    for number in range(8):
        assert progress.end is None
        progress = progress.after(f"edit {number}", "no", failed=True)
    assert progress.end is not None
    assert progress.after("bash", "", failed=False).errors == 0


def test_endings_have_their_words() -> None:
    """Each says what happened and what can be done."""
    for end in (unstated(), cut_off(), tool_broken("no bash.")):
        assert end.sentence.endswith(".")
        assert end.remedy.endswith(".")


# ------------ edits


@pytest.mark.parametrize(
    ("given", "edit"),
    [
        ({"command": "view", "path": "a"}, View(path="a")),
        ({"command": "view", "path": "a", "view_range": None}, View(path="a")),
        ({"command": "view", "path": "a", "view_range": [2, 3]}, View(path="a", first=2, last=3)),
        ({"command": "view", "path": "a", "view_range": [2, -1]}, View(path="a", first=2)),
        ({"command": "create", "path": "a", "file_text": "x"}, Create(path="a", text="x")),
        ({"command": "str_replace", "path": "a", "old_str": "x"}, Replace(path="a", old="x", new="")),
        (
            {"command": "str_replace", "path": "a", "old_str": "x", "new_str": "y"},
            Replace(path="a", old="x", new="y"),
        ),
        (
            {"command": "insert", "path": "a", "insert_line": 0, "insert_text": "x"},
            Insert(path="a", line=0, text="x"),
        ),
    ],
)
def test_calls_of_the_editor_are_read(given: dict[str, object], edit: object) -> None:
    """Every command with its parameters."""
    assert wanted(given) == edit


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"command": "undo_edit", "path": "a"},
        {"command": "create", "path": "a"},
        {"command": "view", "path": 7},
        {"command": "view", "path": "a", "view_range": [1]},
        {"command": "view", "path": "a", "view_range": [0, 3]},
        {"command": "view", "path": "a", "view_range": [3, 2]},
    ],
)
def test_calls_that_fit_nothing_are_refused(given: dict[str, object]) -> None:
    """With a sentence for the model."""
    with pytest.raises(EditRefused, match=r"\.$"):
        wanted(given)


def test_lines_are_numbered() -> None:
    """A view counts from one, a part from where it begins, and beyond the end there is nothing."""
    assert numbered("a\nb\n", View(path="")) == "     1\ta\n     2\tb"
    assert numbered("a\nb\nc", View(path="", first=2, last=2)) == "     2\tb"
    assert numbered("", View(path="")) == ""
    with pytest.raises(EditRefused, match="2 lines"):
        numbered("a\nb\n", View(path="", first=3))


def test_only_a_single_match_is_replaced() -> None:
    """None and several are told apart."""
    assert replaced("a b", Replace(path="", old="b", new="c")) == "a c"
    for old, words in (("x", "does not stand"), ("a", "2 times"), ("", "empty")):
        with pytest.raises(EditRefused, match=words):
            replaced("a a", Replace(path="", old=old, new=""))


@pytest.mark.parametrize(
    ("text", "place", "whole"),
    [
        ("", 0, "x"),
        ("a", 0, "x\na"),
        ("a", 1, "a\nx"),
        ("a\nb\n", 1, "a\nx\nb\n"),
        ("a\nb\n", 2, "a\nb\nx"),
        ("a\r\nb", 1, "a\r\nx\nb"),
    ],
)
def test_a_line_is_inserted_behind_the_one_that_is_named(text: str, place: int, whole: str) -> None:
    """Line ends are added only where another line follows or went before."""
    assert inserted(text, Insert(path="", line=place, text="x")) == whole


@pytest.mark.parametrize("place", [-1, 3])
def test_a_line_that_is_not_there_has_nothing_behind_it(place: int) -> None:
    """The refusal says how many there are."""
    with pytest.raises(EditRefused, match=f"no line {place}: the file has 2"):
        inserted("a\nb\n", Insert(path="", line=place, text="x"))


@given(
    st.lists(st.text("ab \r"), min_size=1, max_size=5), st.integers(0, 5), st.text("xy\r", min_size=1), st.booleans()
)
def test_an_insertion_adds_one_line_and_changes_none(lines: list[str], place: int, text: str, ended: bool) -> None:
    """What was there stays, in order, line ends included; the new line stands where it was asked for."""
    before = "\n".join(lines) + ("\n" if ended else "")
    known = before.split("\n")[:-1] + ([before.split("\n")[-1]] if not before.endswith("\n") and before else [])
    if place > len(known):
        with pytest.raises(EditRefused):
            inserted(before, Insert(path="", line=place, text=text))
        return
    after_it = inserted(before, Insert(path="", line=place, text=text)).split("\n")
    assert after_it[: place + 1] == [*known[:place], text]
    assert [row for row in after_it[place + 1 :] if row] == [row for row in known[place:] if row]


@given(st.text("abc", max_size=60), st.integers(2, 30), st.integers(0, 5))
@example("abc", 3, 0)
@example("abc", 2, 0)
@example("abc", 3, 5)
def test_long_output_keeps_both_ends(text: str, limit: int, unseen: int) -> None:
    """Short text stays whole; of long text the halves stay, with the number of characters between them."""
    shown = clipped(text, limit, unseen=unseen)
    if len(text) <= limit and not unseen:
        assert shown == text
        return
    half = limit // 2
    assert shown.startswith(text[:half])
    assert shown.endswith(text[-half:])
    assert f"[{max(len(text) - 2 * half, 0) + unseen} characters" in shown
