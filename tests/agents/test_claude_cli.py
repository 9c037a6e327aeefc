"""What is the CLI's own: its flags, its failures, its folder; each provoked with the real one where that can be."""

import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from autorun.adapters.agents.claude_code import PINNED
from autorun.core.errors import AgentUnavailable
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
from autorun.demo.script import Line, cut, garble, refuse, run, say, state, use, write
from autorun.demo.scripted_model import ScriptedModel
from kit import tools
from kit.agent_conformance import DONE, FOREVER, alive, assignment, lines_of, work
from kit.claude import ENVIRON, hired


def _played(script: list[Line], given: Assignment, **options: Any) -> tuple[AgentResult, ScriptedModel]:
    with ScriptedModel(script) as model:
        return work(hired(model.url, **options), given), model


def _fake_cli(tmp_path: Path, body: str) -> Path:
    path = tmp_path / "claude"
    path.write_text(f"#!/bin/bash\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


# ------------ before the work


def test_ready_names_version_model_and_credential() -> None:
    """One line says what would run and what pays for it."""
    assert hired("http://127.0.0.1:9").ready() == "claude 2.1.330, model opus, ANTHROPIC_API_KEY"


def test_the_pinned_version_is_the_one_that_is_installed() -> None:
    """The version we name, and tell people to install, is the one these tests run."""
    package = json.loads((tools.CLAUDE.parents[2] / "package.json").read_text())
    assert package["dependencies"] == {"@anthropic-ai/claude-code": PINNED}


@pytest.mark.parametrize(
    ("body", "complaint"),
    [("echo '2.1.197 (Claude Code)'", "2.1.248 is the oldest"), ("echo hello", "does not tell its version")],
)
def test_a_cli_that_cannot_be_driven_is_refused(tmp_path: Path, body: str, complaint: str) -> None:
    """Too old, or no claude CLI at all: nothing starts, and the remedy is the command that installs it."""
    with pytest.raises(AgentUnavailable, match=complaint) as caught:
        hired("", cli=_fake_cli(tmp_path, body)).ready()
    assert "npm install --global @anthropic-ai/claude-code@2.1.330" in caught.value.hint


def test_a_missing_cli_is_told_before_and_at_work(tmp_path: Path) -> None:
    """No file there: an AgentUnavailable with the command that installs it."""
    agent = hired("", cli=tmp_path / "nothing")
    for attempt in (agent.ready, lambda: work(agent, assignment(tmp_path))):
        with pytest.raises(AgentUnavailable) as caught:
            attempt()
        assert "npm install" in caught.value.hint


def test_another_version_than_the_tested_one_is_named(tmp_path: Path) -> None:
    """A newer CLI runs, and the line says which one was tested."""
    line = hired("", cli=_fake_cli(tmp_path, "echo '2.2.0 (Claude Code)'")).ready()
    assert "claude 2.2.0 (tested with 2.1.330)" in line


def test_ready_wants_a_credential() -> None:
    """Without a key, a token or a login nothing starts."""
    with pytest.raises(AgentUnavailable, match="no credential"):
        hired("", credential={"LANG": "C"}).ready()


# ------------ what the CLI is told


def test_settings_reach_the_service(tmp_path: Path) -> None:
    """Model, effort, longest answer, tools and system prompt are in the request."""
    options = {"model": "haiku", "effort": "high", "max_tokens": 8192, "allowed_tools": ("Read", "Bash(git status)")}
    result, model = _played([DONE], assignment(tmp_path), **options)
    body = model.asked[0].body
    assert result.ending is Ending.STATED
    assert (body["model"], body["max_tokens"]) == ("claude-haiku-5-5", 8192)
    assert "high" in json.dumps([body.get("output_config"), body["messages"]])
    offered = {tool["name"] for tool in body["tools"]}
    assert offered - {"DeferredToolPlaceholder"} == {"Read", "Bash", "StructuredOutput"}
    assert "You work alone." in json.dumps(body["system"])
    assert "memory" not in json.dumps(body["system"]).lower()


def test_a_fallback_model_takes_over(tmp_path: Path) -> None:
    """A service that is overloaded for one model is asked for the other."""

    def script(_: object) -> Line:
        return refuse(529, "overloaded_error", "busy") if "opus" in model.asked[-1].body["model"] else DONE

    with ScriptedModel(script) as model:
        result = work(hired(model.url, fallback_model="sonnet", retries=3), assignment(tmp_path))
    assert result.ending is Ending.STATED
    assert model.asked[-1].body["model"] == "claude-sonnet-5-5"


def test_the_room_holds_what_the_cli_needs_and_no_more(tmp_path: Path) -> None:
    """The confinement is told the workspace, the agent's folder, the system prompt's file and the sockets."""
    rooms: list[tuple[Command, Room]] = []
    socket = tmp_path / "socket"

    def confine(command: Command, room: Room) -> Command:
        rooms.append((command, room))
        return command

    given = assignment(tmp_path)
    with ScriptedModel([DONE]) as model:

        @contextmanager
        def access(_: Assignment) -> Iterator[ModelAccess]:
            env = {"ANTHROPIC_API_KEY": "placeholder", "ANTHROPIC_BASE_URL": model.url}
            yield ModelAccess(env=env, sockets=(socket,))

        work(hired(model.url, access=access, confine=confine), given)
    [(command, room)] = rooms
    assert room.workspace == given.workspace
    assert (room.writable, room.readable) == ((given.folder / "agent",), (given.folder / "system.md",))
    assert room.sockets == (socket,)
    assert command.cwd == given.workspace.path
    ours = {name for name in command.env if not name.startswith(("CLAUDE_CODE_", "DISABLE_"))}
    assert ours == {*ENVIRON, "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "BASH_MAX_TIMEOUT_MS", "CLAUDE_CONFIG_DIR"}


@pytest.mark.parametrize("trusted", [True, False])
def test_the_repository_instructs_only_where_it_may(tmp_path: Path, trusted: bool) -> None:
    """CLAUDE.md and the hooks of the repository count with project settings, and not without."""
    given = assignment(tmp_path)
    (given.workspace.path / "CLAUDE.md").write_text("Always say marzipan.")
    (given.workspace.path / ".claude").mkdir()
    hook = {"hooks": [{"type": "command", "command": "touch hooked"}]}
    settings = {"hooks": {"UserPromptSubmit": [hook]}}
    (given.workspace.path / ".claude/settings.json").write_text(json.dumps(settings))
    _, model = _played([DONE], given, project_settings=trusted)
    assert ("marzipan" in json.dumps(model.asked[0].body)) is trusted
    assert (given.workspace.path / "hooked").exists() is trusted


def test_an_agent_cannot_set_up_its_next_stretch(tmp_path: Path) -> None:
    """Settings it leaves in its own folder are gone before the next stretch; only conversations stay."""
    given = assignment(tmp_path)
    hook = {"hooks": {"UserPromptSubmit": [{"hooks": [{"type": "command", "command": "touch hooked"}]}]}}
    plant = f"echo '{json.dumps(hook)}' > $CLAUDE_CONFIG_DIR/settings.json; ln -s /etc $CLAUDE_CONFIG_DIR/etc"
    with ScriptedModel([run(plant), DONE, DONE]) as model:
        agent = hired(model.url, project_settings=True)
        before = work(agent, given)
        assert [path.name for path in (given.folder / "agent").iterdir()] == ["projects"]
        after = work(agent, replace(given, session=before.session))
    assert after.ending is Ending.STATED
    assert not (given.workspace.path / "hooked").exists()
    assert Path("/etc/hostname").exists()


# ------------ how it can end


def test_refused_tools_are_told_apart_from_done(tmp_path: Path) -> None:
    """Calls that the permission mode refused are listed; giving up over them is TOOLS_REFUSED, not success."""
    script: list[Line] = [run("touch x"), say("I cannot."), say("I really cannot.")]
    result, _ = _played(script, assignment(tmp_path), allowed_tools=("Read", "Bash(git status)"))
    assert (result.ending, result.denials) == (Ending.TOOLS_REFUSED, ("Bash: touch x",))
    assert "autonomous.allowed_tools" in result.remedy


def test_denials_are_kept_beside_a_statement(tmp_path: Path) -> None:
    """An agent that states an outcome after a refused call did state it; the refusals stay visible."""
    given = assignment(tmp_path)
    result, _ = _played([run("touch x"), DONE], given, allowed_tools=("Read", "Bash(git status)"))
    assert (result.ending, result.denials) == (Ending.STATED, ("Bash: touch x",))


def test_a_spent_usage_window_says_when_it_opens(tmp_path: Path) -> None:
    """A subscription at its limit ends at once, with the time of the reset."""
    resets_at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
    headers = {
        "anthropic-ratelimit-unified-status": "rejected",
        "anthropic-ratelimit-unified-reset": str(int(resets_at.timestamp())),
        "anthropic-ratelimit-unified-representative-claim": "five_hour",
    }
    spent = refuse(429, "rate_limit_error", "This request would exceed your account's rate limit.", headers=headers)
    token = {"CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-fake"}
    result, model = _played([spent], assignment(tmp_path), credential=token)
    assert (result.ending, result.retry_at) == (Ending.USAGE_WINDOW, resets_at)
    assert model.asked[0].headers["authorization"] == "Bearer sk-ant-oat01-fake"


def test_a_bad_key_is_not_tried_for_minutes(tmp_path: Path) -> None:
    """The first 401 ends the work, however often the CLI would ask again."""
    began = time.monotonic()
    refused = refuse(401, "authentication_error", "invalid x-api-key")
    result, model = _played([refused], assignment(tmp_path), retries=10)
    assert (result.ending, len(model.asked)) == (Ending.UNAUTHORISED, 1)
    assert time.monotonic() - began < 6


@pytest.mark.parametrize(
    ("script", "ending", "word"),
    [
        ([refuse(400, "invalid_request_error", "Your credit balance is too low to access")], "unauthorised", "pay"),
        ([use("StructuredOutput", claimed="maybe")] * 9, "no_statement", "form"),
        ([say("and").stopping("max_tokens")] * 9, "no_statement", "cut off"),
        ([say("and").stopping("model_context_window_exceeded")] * 9, "context_high", "fresh"),
        (
            [refuse(400, "invalid_request_error", "prompt is too long: 12 tokens > 10 maximum")],
            "context_high",
            "fresh",
        ),
        ([run("kill -KILL $PPID")], "crashed", "signal 9"),
        ([run("kill -TERM $PPID")], "crashed", "signal 15"),
    ],
    ids=["billing", "schema", "max tokens", "context", "prompt too long", "SIGKILL", "SIGTERM"],
)
def test_endings_of_the_cli_are_told_apart(tmp_path: Path, script: list[Line], ending: str, word: str) -> None:
    """Each of the CLI's own ways to end has its kind and its words."""
    result, _ = _played(script, assignment(tmp_path))
    assert result.ending == ending
    assert word in result.sentence
    assert result.remedy.endswith(".")


def test_no_credential_at_all_is_unauthorised(tmp_path: Path) -> None:
    """A CLI that is not logged in ends as UNAUTHORISED and asks nobody."""

    @contextmanager
    def access(_: Assignment) -> Iterator[ModelAccess]:
        yield ModelAccess(env={"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"})

    result = work(hired("", access=access), assignment(tmp_path))
    assert result.ending is Ending.UNAUTHORISED
    assert "claude setup-token" in result.remedy


def test_a_killed_cli_loses_neither_cost_nor_conversation(tmp_path: Path) -> None:
    """After a crash the usage so far is known, and the next stretch goes on where it was."""
    given = assignment(tmp_path, "Task one.")
    once = "test -e killed || { touch killed; kill -KILL $PPID; }"  # a call without a result is forgotten at a resume
    with ScriptedModel([run("true"), run(once), DONE]) as model:
        agent = hired(model.url)
        crashed = work(agent, given)
        after = work(agent, replace(given, prompt="Go on.", session=crashed.session))
        sent = json.dumps(model.asked[-1].body["messages"])
    assert (crashed.usage.turns, crashed.usage.input_tokens, crashed.usage.output_tokens) == (2, 2000, 200)
    assert crashed.usage.cost_usd == pytest.approx((2000 * 4 + 200 * 20) / 1e6)
    assert after.ending is Ending.STATED
    assert "Task one." in sent


@pytest.mark.parametrize("fault", [cut(times=1), garble(times=1)], ids=["cut", "garbled"])
def test_a_broken_stream_is_survived(tmp_path: Path, fault: Line) -> None:
    """An answer that breaks off, or is no answer, is asked for again and counts as one turn."""
    result, _ = _played([fault, DONE], assignment(tmp_path))
    assert (result.ending, result.usage.turns) == (Ending.STATED, 1)


def test_a_cli_that_ends_without_a_word_is_a_crash(tmp_path: Path) -> None:
    """Exit status 0 without a result is no success."""
    result = work(hired("", cli=_fake_cli(tmp_path, "read -r line; echo no idea >&2")), assignment(tmp_path))
    assert (result.ending, result.session) == (Ending.CRASHED, None)
    assert "status 0 and without a result: no idea" in result.sentence


def test_a_cli_that_ignores_everything_is_killed(tmp_path: Path) -> None:
    """Neither an interrupt nor SIGTERM impresses it: it is gone within three seconds."""
    body = "trap '' TERM INT; echo $$ > pid; while :; do read -t 1 -r line; done"
    given = assignment(tmp_path)
    pid_file = given.workspace.path / "pid"
    asked: list[float] = []

    def stop() -> StopReason | None:
        if pid_file.exists():
            asked.append(time.monotonic())
        return StopReason.SIGINT if asked else None

    result = hired("", cli=_fake_cli(tmp_path, body)).work(given, stop=stop, watch=lambda _: None)
    assert result.ending is Ending.STOPPED
    assert time.monotonic() - asked[0] < 3.5
    assert not alive(int(pid_file.read_text()))


# ------------ meters and noise


def test_a_meter_has_the_last_word(tmp_path: Path) -> None:
    """Where a gateway meters, its figures are the usage and its refusal is the ending."""
    spent = Usage(turns=7, input_tokens=70, cost_usd=0.7)

    def meter() -> Metered:
        if len(model.asked) < 2:
            return Metered(usage=Usage())
        return Metered(usage=spent, ending=Ending.COST_LIMIT, sentence="Spent.", remedy="Pay.")

    with ScriptedModel([run("true"), run("python3 -c 'import time; time.sleep(20)'"), DONE]) as model:

        @contextmanager
        def access(_: Assignment) -> Iterator[ModelAccess]:
            yield ModelAccess(env={"ANTHROPIC_API_KEY": "x", "ANTHROPIC_BASE_URL": model.url}, meter=meter)

        result = work(hired(model.url, access=access), assignment(tmp_path))
    assert (result.ending, result.usage) == (Ending.COST_LIMIT, spent)
    assert (result.sentence, result.remedy) == ("Spent.", "Pay.")


def test_a_guard_that_raises_an_alarm_kills(tmp_path: Path) -> None:
    """What takes too much of the machine is gone at once, children included, and the sentence says why."""
    given = assignment(tmp_path)
    pids = given.workspace.path / "pids"

    def guard(workspace: Workspace) -> Guard:
        return lambda pid: f"It ate {workspace.path.name} as {pid}." if pids.exists() and pids.read_text() else ""

    hog = f"setsid -f {FOREVER}; echo $PPID > pids; {FOREVER}"
    result, _ = _played([run(hog)], given, guard=guard)
    pid = int(pids.read_text())
    assert (result.ending, result.usage.turns) == (Ending.CRASHED, 1)
    assert result.sentence == f"The agent's processes were killed. It ate workspace as {pid}."
    assert not alive(pid)


def test_unknown_lines_are_kept_and_skipped(tmp_path: Path) -> None:
    """Noise between the events disturbs nothing, and stands in the transcript."""
    stated = json.dumps(dict(state(completed="Done.").blocks[0].given))  # type: ignore[union-attr]
    result_line = f'{{"type":"result","is_error":false,"num_turns":1,"structured_output":{stated}}}'
    noise = ['{"type":"news","of":[1]}', "no JSON at all", '{"type":"assistant","message":7}', '{"half', "[]"]
    body = "\n".join(["cat > /dev/null &", *(f"echo '{line}'" for line in [*noise, result_line])])
    given = assignment(tmp_path)
    result = work(hired("", cli=_fake_cli(tmp_path, body)), given)
    assert result.ending is Ending.STATED
    assert lines_of(given)[1:] == [*noise, result_line]


def test_a_watcher_that_fails_does_no_harm(tmp_path: Path) -> None:
    """Work that is paid for does not end because whoever watches it raises."""

    def watch(_: object) -> None:
        raise RuntimeError("display gone")

    with ScriptedModel([DONE]) as model:
        assert work(hired(model.url), assignment(tmp_path), watch=watch).ending is Ending.STATED


def test_a_huge_answer_is_cut_in_the_transcript_only(tmp_path: Path) -> None:
    """Five megabytes written by the model arrive in the file; the transcript keeps the line, shortened."""
    given = assignment(tmp_path)
    text = "lorem ipsum\n" * 450_000
    result, _ = _played([write("big.txt", text), DONE], given)
    assert result.ending is Ending.STATED
    assert os.stat(given.workspace.path / "big.txt").st_size == len(text)  # noqa: PTH116  a size is wanted
    assert max(map(len, lines_of(given))) <= 1024 * 1024
    assert any("big.txt" in json.dumps(json.loads(line)) for line in lines_of(given))
