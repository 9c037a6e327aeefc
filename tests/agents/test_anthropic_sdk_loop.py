"""What is the loop's own: its requests, its endings, its memory, its ways to the model."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from autorun.adapters.agents.anthropic_sdk import AnthropicSdk
from autorun.adapters.gateway import Gateway
from autorun.core.credential import Credential, CredentialKind
from autorun.core.errors import AgentUnavailable, WorkspaceFailed
from autorun.core.model import (
    AgentResult,
    Assignment,
    Command,
    Ending,
    Guard,
    Metered,
    ModelAccess,
    Room,
    StopReason,
    Usage,
    Workspace,
)
from autorun.demo.script import Line, cut, drop, garble, hang, overloaded, refuse, run, say, think, use, write
from autorun.demo.scripted_model import ScriptedModel
from kit.agent_conformance import DONE, FOREVER, assignment, lines_of, work
from kit.anthropic_sdk import hired
from kit.gateway import raw_service

REPORT = "report_outcome"


def _played(script: list[Line], given: Assignment, **options: Any) -> tuple[AgentResult, ScriptedModel]:
    with ScriptedModel(script) as model:
        return work(hired(model.url, **options), given), model


def _results(model: ScriptedModel, request: int = -1) -> list[dict[str, Any]]:
    """The tool results in the last message of a request."""
    content = model.asked[request].body["messages"][-1]["content"]
    return [block for block in content if block["type"] == "tool_result"]


# ------------ before the work


def test_ready_names_version_model_and_credential() -> None:
    """One line says what would run and what pays for it; without a credential nothing starts."""
    assert hired("").ready().endswith(", model claude-opus-5-5, ANTHROPIC_API_KEY")
    assert hired("").ready().startswith("anthropic 2.")
    with pytest.raises(AgentUnavailable, match="no credential"):
        hired("", credential={"LANG": "C"}).ready()


# ------------ what is sent


def test_the_request_is_whole_and_its_beginning_stable(tmp_path: Path) -> None:
    """Model, effort, thinking, tools and cache marks are sent; each request repeats the one before byte for byte."""
    options = {"model": "haiku", "effort": "high", "max_tokens": 8192}
    script: list[Line] = [think("hm") + say("So.") + run("echo one"), run("echo two"), DONE]
    _, model = _played(script, assignment(tmp_path), **options)
    body = model.asked[0].body
    assert (body["model"], body["max_tokens"], body["stream"]) == ("claude-haiku-5-5", 8192, True)
    assert (body["output_config"], body["thinking"]["type"]) == ({"effort": "high"}, "adaptive")
    assert [tool["name"] for tool in body["tools"]] == ["bash", "str_replace_based_edit_tool", REPORT]
    assert body["system"][0]["text"].endswith("You work alone.")
    sent = [json.dumps([r.body["tools"], r.body["system"], r.body["messages"]])[:-2] for r in model.asked]
    assert sent[1].startswith(sent[0])
    assert sent[2].startswith(sent[1])


@pytest.mark.parametrize(
    ("credential", "header"),
    [
        ({"ANTHROPIC_API_KEY": "sk-ant-fake"}, "Bearer sk-ant-fake"),
        ({"CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-fake"}, "Bearer sk-ant-oat01-fake"),
    ],
)
def test_a_key_and_a_token_reach_the_service(tmp_path: Path, credential: dict[str, str], header: str) -> None:
    """Without a gateway the credential goes out itself; a token with the header that belongs to it."""
    result, model = _played([DONE], assignment(tmp_path), credential=credential)
    assert result.ending is Ending.STATED
    headers = model.asked[0].headers
    assert header in {headers.get("authorization"), f"Bearer {headers.get('x-api-key')}"}
    assert ("oauth-2025-04-20" in headers.get("anthropic-beta", "")) is ("CLAUDE_CODE_OAUTH_TOKEN" in credential)


def test_a_proxy_of_the_environment_does_not_stand_before_the_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What listens on this machine is asked directly."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert _played([DONE], assignment(tmp_path))[0].ending is Ending.STATED


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    """The credential goes to the address that was configured, and to no other."""
    with ScriptedModel([DONE]) as elsewhere:
        away = refuse(307, "api_error", "over there", headers={"location": f"{elsewhere.url}/v1/messages"})
        result, _ = _played([away], assignment(tmp_path))
        assert elsewhere.requests == []
    assert result.ending is Ending.API_DOWN


def test_all_results_of_a_turn_come_in_one_message(tmp_path: Path) -> None:
    """In the order of the calls, the failed ones marked."""
    script: list[Line] = [run("echo 1") + use("nonsense") + run("echo 3; exit 3"), DONE]
    _, model = _played(script, assignment(tmp_path))
    assert [(r["content"], r.get("is_error", False)) for r in _results(model)] == [
        ("1", False),
        ("There is no tool nonsense.", True),
        ("3\n[exit status 3]", False),
    ]


# ------------ how it ends


@pytest.mark.parametrize(
    ("script", "ending", "word"),
    [
        ([refuse(400, "invalid_request_error", "Your credit balance is too low")], "unauthorised", "account"),
        ([refuse(402, "billing_error", "pay")], "unauthorised", "account"),
        ([refuse(400, "invalid_request_error", "prompt is too long: 9 > 8")], "context_high", "fresh"),
        ([refuse(413, "request_too_large", "no")], "context_high", "fresh"),
        ([say("and").stopping("model_context_window_exceeded")], "context_high", "fresh"),
        ([say("and").stopping("max_tokens")] * 2, "no_statement", "cut off"),
        ([say("done"), say("really")], "no_statement", "without stating"),
        ([use(REPORT, claimed="maybe")] * 8, "no_statement", "6 times"),
        ([use("bash", nothing=str(number)) for number in range(8)], "no_statement", "failed in a row"),
        ([run("true")] * 6, "no_statement", "got no further"),
        ([cut()], "api_down", "broke off"),
        ([garble()], "api_down", "understood"),
    ],
    ids=["credit", "billing", "long prompt", "large", "window", "max tokens", "talk", "form", "errors", "circles",
         "cut", "garbled"],
)  # fmt: skip
def test_endings_are_told_apart(tmp_path: Path, script: list[Line], ending: str, word: str) -> None:
    """Each way to end has its kind and its words."""
    result, _ = _played(script, assignment(tmp_path))
    assert result.ending == ending
    assert word in result.sentence
    assert result.remedy.endswith(".")


def test_a_spent_usage_window_says_when_it_opens(tmp_path: Path) -> None:
    """A subscription at its limit ends at once, with the time of the reset."""
    resets_at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
    headers = {
        "anthropic-ratelimit-unified-status": "rejected",
        "anthropic-ratelimit-unified-reset": str(int(resets_at.timestamp())),
    }
    result, model = _played([refuse(429, "rate_limit_error", "no", headers=headers)], assignment(tmp_path), retries=5)
    assert (result.ending, result.retry_at, len(model.asked)) == (Ending.USAGE_WINDOW, resets_at, 1)


def test_a_service_that_wants_to_be_left_alone_longer_than_there_is_time_has_failed(tmp_path: Path) -> None:
    """Its `retry-after` is not waited for in vain; a short one is."""
    slow = refuse(429, "rate_limit_error", "no", headers={"retry-after": "90"})
    began = time.monotonic()
    result, model = _played([slow], assignment(tmp_path / "1", seconds=60.0))
    assert (result.ending, len(model.asked)) == (Ending.RATE_LIMITED, 1)
    assert result.retry_at is not None
    assert time.monotonic() - began < 5
    quick = refuse(429, "rate_limit_error", "no", headers={"retry-after": "1"}, times=1)
    result, model = _played([quick, DONE], assignment(tmp_path / "2"))
    assert result.ending is Ending.STATED
    assert model.asked[1].at - model.asked[0].at > 0.8


def test_a_wait_for_the_service_ends_with_a_stop(tmp_path: Path) -> None:
    """Whoever watches sees the wait, and a stop does not have to wait for its end."""
    seen: list[str] = []
    with ScriptedModel([refuse(529, "overloaded_error", "x", headers={"retry-after": "30"}), DONE]) as model:
        began = time.monotonic()
        result = hired(model.url).work(
            assignment(tmp_path),
            stop=lambda: StopReason.SIGINT if seen else None,
            watch=lambda activity: seen.append(activity.text),
        )
    assert result.ending is Ending.STOPPED
    assert "the service answered 529" in seen[0]
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("fault", [cut(times=1), garble(times=1), drop(times=1)], ids=["cut", "garbled", "dropped"])
def test_a_broken_answer_is_asked_for_again(tmp_path: Path, fault: Line) -> None:
    """It counts as no turn, and nothing of it stays in the conversation."""
    result, model = _played([fault, run("true"), DONE], assignment(tmp_path))
    assert (result.ending, result.usage.turns) == (Ending.STATED, 2)
    assert model.asked[0].body == model.asked[1].body


def test_one_nudge_and_one_continuation_are_granted(tmp_path: Path) -> None:
    """A text-only end is answered, a cut-off answer continued, a pause sent again; then the report counts."""
    answers = [
        say("Half of").stopping("max_tokens"),
        say("Paused.").stopping("pause_turn"),
        say("All done."),
        DONE,
    ]

    def script(_: object) -> Line:  # what is sent again counts as no new turn
        return answers[len(model.asked) - 1]

    with ScriptedModel(script) as model:
        result = work(hired(model.url), assignment(tmp_path))
    assert (result.ending, result.usage.turns) == (Ending.STATED, 4)
    roles = [[message["role"] for message in request.body["messages"]] for request in model.asked]
    assert roles == [["user"], ["user", "assistant", "user"], ["user", "assistant", "user", "assistant"], roles[3]]
    assert "report_outcome" in model.asked[3].body["messages"][-1]["content"][0]["text"]


def test_work_between_two_talks_earns_another_nudge(tmp_path: Path) -> None:
    """Only talking twice in a row is the end."""
    result, _ = _played([say("Soon."), run("true"), say("Done."), DONE], assignment(tmp_path))
    assert result.ending is Ending.STATED


@pytest.mark.parametrize(
    ("kind", "ending"), [("overloaded_error", Ending.API_DOWN), ("rate_limit_error", Ending.RATE_LIMITED)]
)
def test_an_error_in_the_middle_of_an_answer_is_told_apart(tmp_path: Path, kind: str, ending: Ending) -> None:
    """The status was 200 by then: only the event says what went wrong."""

    def play(connection: socket.socket) -> None:
        error = json.dumps({"type": "error", "error": {"type": kind, "message": "not now"}})
        head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
        connection.sendall(f"{head}event: error\ndata: {error}\n\n".encode())

    with raw_service(play) as url:
        result = work(hired(url), assignment(tmp_path))
    assert result.ending is ending
    assert f"{kind}: not now" in result.sentence


def test_a_service_that_forbids_another_try_is_not_asked_again(tmp_path: Path) -> None:
    """Its own word counts more than the status."""
    fault = refuse(500, "api_error", "broken", headers={"x-should-retry": "false"})
    result, model = _played([fault], assignment(tmp_path), retries=5)
    assert (result.ending, len(model.asked)) == (Ending.API_DOWN, 1)


def test_a_call_that_was_cut_off_is_not_run(tmp_path: Path) -> None:
    """Its input may look whole and be half: the model is told to make it again."""
    given = assignment(tmp_path)
    script: list[Line] = [write("half.txt", "half").stopping("max_tokens"), write("whole.txt", "whole"), DONE]
    result, model = _played(script, given)
    assert result.ending is Ending.STATED
    assert [path.name for path in given.workspace.path.iterdir()] == ["whole.txt"]
    assert "cut off" in _results(model, 1)[0]["content"]


def test_a_wrong_report_is_given_back(tmp_path: Path) -> None:
    """The model learns what does not fit, and may report again."""
    result, model = _played([use(REPORT, claimed="maybe"), DONE], assignment(tmp_path))
    assert result.ending is Ending.STATED
    assert "does not fit" in _results(model, 1)[0]["content"]


def test_what_is_called_beside_the_report_is_run(tmp_path: Path) -> None:
    """The report ends the work after the whole turn."""
    given = assignment(tmp_path)
    result, _ = _played([DONE + run("touch after")], given)
    assert result.ending is Ending.STATED
    assert (given.workspace.path / "after").exists()


def test_a_refusal_stays_out_of_the_conversation(tmp_path: Path) -> None:
    """The next stretch can go on without what the model refused with."""
    given = assignment(tmp_path)
    with ScriptedModel([say("No.").stopping("refusal")]) as model:
        refused = work(hired(model.url), given)
    with ScriptedModel([DONE]) as model:
        after = work(hired(model.url), replace(given, prompt="Another way.", session=refused.session))
        [request] = model.asked
    assert (refused.ending, after.ending) == (Ending.MODEL_REFUSED, Ending.STATED)
    assert [message["role"] for message in request.body["messages"]] == ["user"]


def test_commands_that_cannot_be_run_at_all_end_the_work(tmp_path: Path) -> None:
    """A sandbox that fails after money was spent is a result, not an exception."""

    def confine(command: Command, room: Room) -> Command:
        raise WorkspaceFailed(f"no room for {command.argv[0]} in {room.workspace.path.name}")

    result, _ = _played([run("true"), DONE], assignment(tmp_path), confine=confine)
    assert (result.ending, result.usage.turns) == (Ending.CRASHED, 1)
    assert "no room for /bin/bash" in result.sentence


def test_a_guard_that_raises_an_alarm_ends_the_work(tmp_path: Path) -> None:
    """What takes too much of the machine is killed, and the sentence says why."""

    def guard(workspace: Workspace) -> Guard:
        return lambda pid: f"It ate {workspace.path.name}." if pid and (workspace.path / "go").exists() else ""

    began = time.monotonic()
    result, _ = _played([run("true"), run(f"touch go; {FOREVER}"), DONE], assignment(tmp_path), guard=guard)
    assert (result.ending, result.usage.turns) == (Ending.CRASHED, 2)
    assert result.sentence == "The agent's processes were killed. It ate workspace."
    assert time.monotonic() - began < 10


def test_a_meter_has_the_last_word(tmp_path: Path) -> None:
    """Where a gateway meters, its figures are the usage and its refusal is the ending."""
    spent = Usage(turns=7, input_tokens=70, cost_usd=0.7)

    def meter() -> Metered:
        if len(model.asked) < 1:
            return Metered(usage=Usage())
        return Metered(usage=spent, ending=Ending.COST_LIMIT, sentence="Spent.", remedy="Pay.")

    with ScriptedModel([run("true"), DONE]) as model:

        @contextmanager
        def access(_: Assignment) -> Iterator[ModelAccess]:
            yield ModelAccess(env={"ANTHROPIC_API_KEY": "x", "ANTHROPIC_BASE_URL": model.url}, meter=meter)

        result = work(hired(model.url, access=access), assignment(tmp_path))
    assert (result.ending, result.usage, result.sentence) == (Ending.COST_LIMIT, spent, "Spent.")


def test_a_watcher_that_fails_does_no_harm(tmp_path: Path) -> None:
    """Work that is paid for does not end because whoever watches it raises."""

    def watch(_: object) -> None:
        raise RuntimeError("display gone")

    with ScriptedModel([DONE]) as model:
        assert work(hired(model.url), assignment(tmp_path), watch=watch).ending is Ending.STATED


# ------------ memory


def test_an_interrupted_call_is_repaired(tmp_path: Path) -> None:
    """After a stop in the middle of a tool the conversation goes on: the call has a result that says so."""
    given = assignment(tmp_path, "Task one.")
    with ScriptedModel([run("echo 1") + run(f"touch there; {FOREVER}") + run("echo 3"), DONE]) as model:
        agent = hired(model.url)
        there = given.workspace.path / "there"
        stopped = agent.work(given, stop=lambda: StopReason.SIGTERM if there.exists() else None, watch=lambda _: None)
        after = work(agent, replace(given, prompt="Go on.", session=stopped.session))
        results = _results(model)
        last = model.asked[-1].body["messages"][-1]["content"][-1]
    assert (stopped.ending, after.ending) == (Ending.STOPPED, Ending.STATED)
    assert [result["content"].splitlines()[0].partition(" before")[0] for result in results] == [
        "1",
        "[ended by force: stopped: sigterm]",
        "The work was interrupted",
    ]
    assert last["text"] == "Go on."


def test_a_killed_runner_loses_the_answer_under_way_at_most(tmp_path: Path) -> None:
    """A file that ends in the middle of a line is repaired, and what is before it continued verbatim."""
    given = assignment(tmp_path, "Task one.")
    with ScriptedModel([think("hm") + run("echo 1"), run("echo 2"), DONE, DONE]) as model:
        agent = hired(model.url)
        before = work(agent, given)
        assert before.session is not None
        file = given.folder / "agent" / f"{before.session.id}.jsonl"
        rows = file.read_text().splitlines(keepends=True)
        file.write_text("".join(rows[:4]) + rows[4][:20])
        after = work(agent, replace(given, prompt="Go on.", session=before.session))
        sent = model.asked[-2].body["messages"]
    assert after.ending is Ending.STATED
    whole = model.asked[1].body["messages"]
    assert sent[:2] == whole[:2]
    assert sent[2]["content"] == [*whole[2]["content"], {"type": "text", "text": "Go on."}]
    assert all(json.loads(row) for row in file.read_text().splitlines())


@pytest.mark.parametrize("harm", ["damaged", "gone", "another model", "a path"])
def test_a_conversation_that_cannot_go_on_is_lost(tmp_path: Path, harm: str) -> None:
    """Damaged, absent, of another model or named like a path: SESSION_LOST, and nobody is asked."""
    given = assignment(tmp_path)
    with ScriptedModel([DONE, DONE]) as model:
        before = work(hired(model.url), given)
        session = before.session
        assert session is not None
        file = given.folder / "agent" / f"{session.id}.jsonl"
        if harm == "damaged":
            file.write_text("{}\n")
        elif harm == "gone":
            file.unlink()
        elif harm == "a path":
            session = replace(session, id="../agent/" + session.id)
        agent = hired(model.url, model="sonnet" if harm == "another model" else "opus")
        after = work(agent, replace(given, session=session))
        assert len(model.asked) == 1
    assert (after.ending, after.session) == (Ending.SESSION_LOST, None)


def test_an_outage_does_not_repeat_the_prompt(tmp_path: Path) -> None:
    """The same prompt given again after an outage stands once in the conversation."""
    given = assignment(tmp_path, "Task one.")
    with ScriptedModel([run("true"), overloaded(times=2), DONE]) as model:
        agent = hired(model.url)
        down = work(agent, given)
        after = work(agent, replace(given, session=down.session))
        sent = json.dumps(model.asked[-1].body["messages"])
    assert (down.ending, after.ending) == (Ending.API_DOWN, Ending.STATED)
    assert sent.count("Task one.") == 1


def test_the_agent_cannot_reach_its_own_conversation(tmp_path: Path) -> None:
    """The room it is shown holds the workspace, no socket and no folder of ours."""
    rooms: list[Room] = []

    def confine(command: Command, room: Room) -> Command:
        rooms.append(room)
        assert not {name for name in command.env if name.startswith("ANTHROPIC")}
        return command

    given = assignment(tmp_path)
    _played([run("true"), write("a", "b"), DONE], given, confine=confine)
    assert rooms == [Room(workspace=given.workspace)] * 2


def test_the_transcript_speaks_the_language_of_the_other_backend(tmp_path: Path) -> None:
    """Every line is an event of a kind that `autorun logs` reads: prompt, words, calls, results, waits."""
    given = assignment(tmp_path, "Remarkable.")
    _played([overloaded(times=1), think("hm") + say("So.") + run("echo hi"), DONE], given)
    events = [json.loads(row) for row in lines_of(given)]
    assert [event["type"] for event in events] == [
        "system", "user", "system", "assistant", "user", "assistant", "user",
    ]  # fmt: skip
    assert events[2]["subtype"] == "api_retry"
    assert events[4]["message"]["content"][0]["content"] == "hi"


# ------------ through the gateway


def _login(folder: Path) -> Credential:
    file = folder / "fake-login.json"
    state = {"accessToken": "login-canary", "expiresAt": int((time.time() + 600) * 1000)}
    file.write_text(json.dumps({"claudeAiOauth": state}))
    return Credential(kind=CredentialKind.LOGIN, file=file)


@contextmanager
def _behind(url: str, credential: Credential, **terms: Any) -> Iterator[AnthropicSdk]:
    gateway = Gateway(credential, ("opus",), upstream=url, warn=pytest.fail, **terms)
    try:
        yield hired("", access=gateway.opened, credential=None)
    finally:
        gateway.close()


@pytest.mark.parametrize("on_socket", [False, True], ids=["port", "socket"])
@pytest.mark.parametrize("kind", list(CredentialKind))
def test_it_works_through_the_gateway(tmp_path: Path, kind: CredentialKind, on_socket: bool) -> None:
    """With a placeholder it works a task, over a port and over a unix socket; only the service sees the secret."""
    known = {
        CredentialKind.API_KEY: Credential(kind=CredentialKind.API_KEY, secret="key-canary"),
        CredentialKind.OAUTH_TOKEN: Credential(kind=CredentialKind.OAUTH_TOKEN, secret="token-canary"),
    }
    credential = known.get(kind) or _login(tmp_path)
    given = assignment(tmp_path)
    script: list[Line] = [write("hello.txt", "hello"), run("env; cat hello.txt"), DONE]
    with ScriptedModel(script) as service, _behind(service.url, credential, on_socket=on_socket) as agent:
        result = work(agent, given)
    assert (result.ending, result.usage.turns, result.usage.input_tokens) == (Ending.STATED, 3, 3000)
    assert (given.workspace.path / "hello.txt").read_text() == "hello"
    assert "canary" not in "".join(file.read_text() for file in given.folder.rglob("*") if file.is_file())
    secrets = [r.headers.get("x-api-key") or r.headers["authorization"] for r in service.asked]
    assert all("canary" in secret for secret in secrets)
    assert ("oauth-2025-04-20" in service.asked[0].headers.get("anthropic-beta", "")) == credential.subscription


def test_the_gateway_s_cap_ends_the_work_at_once(tmp_path: Path) -> None:
    """The call that does not fit any more is refused by the gateway and not tried again; its words are the result."""
    key = Credential(kind=CredentialKind.API_KEY, secret="key-canary")
    script: list[Line] = [run("true").costing(output=8000), run("true"), DONE]
    with ScriptedModel(script) as service, _behind(service.url, key) as agent:
        result = work(agent, assignment(tmp_path, cost_usd=0.25))
    assert (result.ending, len(service.asked)) == (Ending.COST_LIMIT, 1)
    assert "Cost limit reached" in result.sentence


def test_an_outage_ends_after_as_many_tries_as_the_gateway_makes(tmp_path: Path) -> None:
    """Gateway and loop agree on when a call has finally failed."""
    key = Credential(kind=CredentialKind.API_KEY, secret="key-canary")
    with ScriptedModel([overloaded(), DONE]) as service, _behind(service.url, key) as agent:
        agent.retries = 9
        result = work(agent, assignment(tmp_path))
    assert (result.ending, len(service.asked)) == (Ending.API_DOWN, 3)


def test_a_hanging_service_behind_the_gateway_is_noticed(tmp_path: Path) -> None:
    """Silence is silence, whoever stands between."""
    key = Credential(kind=CredentialKind.API_KEY, secret="key-canary")
    with ScriptedModel([hang()]) as service, _behind(service.url, key) as agent:
        result = work(agent, assignment(tmp_path, silent_seconds=1.0))
    assert result.ending is Ending.SILENT
