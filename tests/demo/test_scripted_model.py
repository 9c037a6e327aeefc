"""The scripted model speaks the Messages API: right answer, right form, right fault, to several at once."""

import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from autorun.demo.script import (
    Conversation,
    Line,
    drop,
    edit,
    hang,
    overloaded,
    read,
    refuse,
    run,
    say,
    state,
    think,
    use,
    write,
)
from autorun.demo.scripted_model import ScriptedModel

API_TOOLS = [{"name": name} for name in ("bash", "str_replace_based_edit_tool", "report_outcome")]
CLI_TOOLS = [{"name": name} for name in ("Bash", "Read", "Write", "Edit", "StructuredOutput")]


Reply = tuple[int, bytes, dict[str, str]]


def _post(model: ScriptedModel, body: dict[str, Any], path: str = "/v1/messages") -> Reply:
    connection = http.client.HTTPConnection(urlsplit(model.url).netloc, timeout=10)
    try:
        connection.request("POST", path, json.dumps(body), {"x-api-key": "k", "content-type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read(), {name.lower(): value for name, value in response.getheaders()}
    finally:
        connection.close()


def _asking(text: str, turns: int = 0, **fields: Any) -> dict[str, Any]:
    later = [{"role": "assistant", "content": "…"}, {"role": "user", "content": "and?"}] * turns
    return {
        "model": "m",
        "messages": [{"role": "user", "content": [{"type": "text", "text": text}]}, *later],
        **fields,
    }


def _said(answer: Reply) -> str:
    return str(json.loads(answer[1])["content"][0]["text"])


def test_the_line_follows_from_the_request_alone() -> None:
    """The same request gets the same answer again; the number of turns chooses the line."""
    with ScriptedModel([say("one"), say("two")]) as model:
        assert [_said(_post(model, _asking("x", turns))) for turns in (0, 1, 1, 0)] == ["one", "two", "two", "one"]
        status, body, _ = _post(model, _asking("x", 2))
    assert (status, b"no answer for turn 3" in body) == (400, True)


def test_the_marker_that_stands_first_chooses_the_script() -> None:
    """Several conversations are told apart by their first user message; an unknown one is refused."""
    with ScriptedModel({"Task A": [say("a")], "Task B": [say("b")]}) as model:
        assert _said(_post(model, _asking("Do Task B, which depends on Task A"))) == "b"
        assert _said(_post(model, _asking("Do Task A"))) == "a"
        assert _post(model, _asking("Do something"))[0] == 400


def test_a_script_can_be_a_function() -> None:
    """It is told how far the conversation is and what was said first and last."""
    seen: list[Conversation] = []

    def script(conversation: Conversation) -> Line:
        seen.append(conversation)
        return say(conversation.last)

    with ScriptedModel(script) as model:
        assert _said(_post(model, _asking("first", 1))) == "and?"
    assert seen == [Conversation(turns=1, first="first", last="and?")]


def _events(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in body.splitlines() if line.startswith(b"data: ")]


def test_a_stream_adds_up_to_the_message() -> None:
    """Text, thinking and tool input arrive in pieces; start and end carry the usage."""
    answer = (think("Hm.") + say("x" * 100_000) + use("Bash", command="ls")).costing(input=7, output=9, cache_read=3)
    with ScriptedModel([answer]) as model:
        _, body, headers = _post(model, _asking("x", stream=True), "/v1/messages?beta=true")
    events = _events(body)
    assert headers["content-type"] == "text/event-stream"
    assert [event["type"] for event in events[:2]] == ["message_start", "content_block_start"]
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert "".join(delta.get("text", "") for delta in deltas) == "x" * 100_000
    assert json.loads("".join(delta.get("partial_json", "") for delta in deltas)) == {"command": "ls"}
    assert "".join(delta.get("thinking", "") for delta in deltas) == "Hm."
    assert events[0]["message"]["usage"]["input_tokens"] == 7
    assert events[-2]["usage"]["output_tokens"] == 9
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


@pytest.mark.parametrize(
    ("tools", "names"),
    [
        (CLI_TOOLS, ["Bash", "Read", "Write", "Edit", "StructuredOutput"]),
        (API_TOOLS, ["bash", *["str_replace_based_edit_tool"] * 3, "report_outcome"]),
    ],
    ids=["cli", "api"],
)
def test_deeds_become_calls_of_the_tools_on_offer(tools: list[dict[str, str]], names: list[str]) -> None:
    """One script serves both backends."""
    deeds = run("ls") + read("a") + write("a", "x") + edit("a", "x", "y") + state(completed="done")
    with ScriptedModel([deeds]) as model:
        _, body, _ = _post(model, _asking("x", tools=tools))
    content = json.loads(body)["content"]
    assert [block["name"] for block in content] == names
    assert content[0]["input"]["command"] == "ls"
    assert content[4]["input"]["claimed"] == "completed"


def test_faults_come_as_often_as_they_are_told_to() -> None:
    """Two of one kind, one of the next, then the answer, and again the answer."""
    slow = refuse(429, "rate_limit_error", "slow down", times=1, headers={"retry-after": "7"})
    with ScriptedModel([overloaded(times=2), slow, say("at last")]) as model:
        answers = [_post(model, _asking("x")) for _ in range(5)]
    assert [status for status, _, _ in answers] == [529, 529, 429, 200, 200]
    assert json.loads(answers[0][1])["error"] == {"type": "overloaded_error", "message": "Overloaded"}
    assert answers[2][2]["retry-after"] == "7"


def test_an_error_leaves_the_connection_as_it_is() -> None:
    """A server that closes without saying so would fail whoever asks again on the same connection."""
    with ScriptedModel([overloaded(times=2), say("x")]) as model:
        connection = http.client.HTTPConnection(urlsplit(model.url).netloc, timeout=10)
        sockets, statuses = set(), []
        for _ in range(3):
            connection.request("POST", "/v1/messages", json.dumps(_asking("x")))
            sockets.add(connection.sock)
            answer = connection.getresponse()
            statuses.append(answer.status)
            answer.read()
        connection.close()
    assert (statuses, len(sockets)) == ([529, 529, 200], 1)


def test_connections_break_as_told() -> None:
    """A drop closes without a word, and so does a hang when its time is up."""
    with ScriptedModel([drop(times=1), hang(0.1, times=1), say("x")]) as model:
        for _ in range(2):
            with pytest.raises(http.client.RemoteDisconnected):
                _post(model, _asking("x"))
        assert _said(_post(model, _asking("x"))) == "x"


def test_leaving_does_not_wait_for_those_that_hang() -> None:
    """A server that is left ends at once, whoever still waits for an answer."""
    errors: list[BaseException] = []

    def wait() -> None:
        try:
            _post(model, _asking("x"))
        except (OSError, http.client.HTTPException) as error:
            errors.append(error)

    with ScriptedModel([hang()]) as model:
        waiting = threading.Thread(target=wait)
        waiting.start()
        while not model.asked:
            time.sleep(0.01)
        began = time.monotonic()
    assert time.monotonic() - began < 5
    waiting.join(5)
    assert len(errors) == 1


def test_requests_are_kept_and_the_peak_is_known() -> None:
    """Headers, path and body of every request stand for assertions, and how many were served at once."""
    with ScriptedModel([say("x").after(0.3)]) as model, ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: _post(model, _asking("x")), range(4)))
        assert _post(model, {}, "/v1/messages/count_tokens")[1] == b'{"input_tokens": 10}'
        assert _post(model, {}, "/v1/other")[0] == 404
    assert (len(model.asked), len(model.requests), model.peak) == (4, 6, 4)
    assert model.asked[0].headers["x-api-key"] == "k"
    assert model.asked[0].body["model"] == "m"


def test_latency_is_added_to_every_answer() -> None:
    """A slower service can be had."""
    with ScriptedModel([say("x")], latency=0.2) as model:
        began = time.monotonic()
        _post(model, _asking("x"))
    assert time.monotonic() - began >= 0.2
