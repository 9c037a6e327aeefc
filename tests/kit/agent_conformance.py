"""What every agent must do, whichever backend it is: a suite to subclass with a fixture `hire`.

The agents run for real; the model is scripted. `hire(model_url)` returns an agent whose requests go there.
"""

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from autorun.core.model import (
    Activity,
    ActivityKind,
    AgentResult,
    AgentSession,
    Assignment,
    Claimed,
    Ending,
    Limits,
    StopReason,
    TaskId,
    Workspace,
)
from autorun.demo.script import (
    Script,
    drop,
    edit,
    hang,
    overloaded,
    read,
    refuse,
    run,
    say,
    state,
    write,
)
from autorun.demo.scripted_model import ScriptedModel
from autorun.ports import Agent

Hire = Callable[[str], Agent]
DONE = state(completed="It is done.", criteria={"a file": "it is there"}, title="Add a file")
# A command that does not end by itself; the CLI refuses to run a bare `sleep`.
FOREVER = "python3 -c 'import time; time.sleep(60)'"


def assignment(folder: Path, prompt: str = "Write the file.", **limits: float | None) -> Assignment:
    """Return an assignment in an empty workspace next to its session folder, everything below `folder`."""
    workspace, session = folder / "workspace", folder / "session"
    for path in (workspace, session):
        path.mkdir(parents=True, exist_ok=True)
    return Assignment(
        task=TaskId(provider="file", key="t1"),
        prompt=prompt,
        system="You work alone.",
        workspace=Workspace(path=workspace, base="0" * 40, git_dir=workspace / ".git"),
        folder=session,
        limits=replace(Limits(turns=20, seconds=60.0, silent_seconds=30.0), **limits),  # type: ignore[arg-type]
    )


def work(agent: Agent, given: Assignment, *, watch: Callable[[Activity], None] = lambda _: None) -> AgentResult:
    """Let the agent work undisturbed."""
    return agent.work(given, stop=lambda: None, watch=watch)


def lines_of(given: Assignment) -> list[str]:
    """Return the lines of the transcript."""
    return (given.folder / "transcript.jsonl").read_text().splitlines()


def alive(pid: int) -> bool:
    """Tell whether a process runs (its remains do not count)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class AgentConformance:
    """Subclass it, and give the fixture `hire`."""

    def test_the_work_is_done_and_stated(self, hire: Hire, tmp_path: Path) -> None:
        """Files are written, read and edited, commands run, and the statement, usage and session come back."""
        given = assignment(tmp_path)
        target = given.workspace.path / "a.txt"
        seen: list[Activity] = []
        script: Script = [
            say("First the file.") + write(str(target), "hi\n").costing(input=2000, output=50),
            run("cat a.txt > b.txt").costing(cache_read=700),
            read(str(target)),
            edit(str(target), "hi", "ho"),
            DONE.costing(input=3000, output=10),
        ]
        with ScriptedModel(script) as model:
            result = work(hire(model.url), given, watch=seen.append)
        assert (result.ending, result.sentence, result.remedy) == (Ending.STATED, "", "")
        assert result.statement is not None
        assert result.statement.claimed is Claimed.COMPLETED
        assert result.statement.criteria[0].evidence == "it is there"
        assert (target.read_text(), (given.workspace.path / "b.txt").read_text()) == ("ho\n", "hi\n")
        usage = result.usage
        assert (usage.turns, usage.input_tokens, usage.output_tokens) == (5, 7000, 410)
        assert (usage.cache_read_tokens, usage.context_tokens) == (700, 3010)
        assert usage.cost_usd == pytest.approx((7000 * 4 + 410 * 20 + 700 * 0.2) / 1e6)
        assert result.session is not None
        assert "First the file." in [a.text for a in seen if a.kind is ActivityKind.SAID]
        assert any("cat a.txt" in a.text for a in seen if a.kind is ActivityKind.TOOL)
        assert [a.usage.turns for a in seen] == sorted(a.usage.turns for a in seen)

    def test_the_transcript_tells_the_prompt_and_the_answers(self, hire: Hire, tmp_path: Path) -> None:
        """Every line of the transcript is a JSON object; prompt, words and tool calls stand in it."""
        given = assignment(tmp_path, "Do the remarkable thing.")
        with ScriptedModel([say("Remarkable."), DONE, DONE]) as model:
            work(hire(model.url), given)
        text = "\n".join(lines_of(given))
        assert all(isinstance(json.loads(line), dict) for line in lines_of(given))
        assert "Do the remarkable thing." in text
        assert "Remarkable." in text

    def test_a_repair_continues_the_conversation(self, hire: Hire, tmp_path: Path) -> None:
        """A second assignment with the session of the first sends the whole conversation, and costs only itself."""
        first = assignment(tmp_path, "Task one.")
        with ScriptedModel([DONE.costing(input=5000), DONE.costing(input=100)]) as model:
            agent = hire(model.url)
            before = work(agent, first)
            limits = replace(first.limits, turns=1)  # a stretch of its own, with limits of its own
            again = replace(first, prompt="The tests fail: repair.", session=before.session, limits=limits)
            after = work(agent, again)
            sent = json.dumps(model.asked[-1].body["messages"])
        assert after.ending is Ending.STATED
        assert (after.usage.turns, after.usage.input_tokens) == (1, 100)
        assert after.usage.cost_usd == pytest.approx((100 * 4 + 100 * 20) / 1e6)
        assert "Task one." in sent
        assert "The tests fail: repair." in sent
        assert after.session == before.session

    def test_a_moved_session_folder_is_enough_to_continue(self, hire: Hire, tmp_path: Path) -> None:
        """The folder `agent`, moved to another place with another workspace, carries the conversation."""
        first = assignment(tmp_path / "here", "Task one.")
        with ScriptedModel([DONE, DONE]) as model:
            agent = hire(model.url)
            before = work(agent, first)
            there = assignment(tmp_path / "there", "Go on.")
            (first.folder / "agent").rename(there.folder / "agent")
            after = work(agent, replace(there, session=before.session))
            sent = json.dumps(model.asked[-1].body["messages"])
        assert after.ending is Ending.STATED
        assert "Task one." in sent

    def test_a_lost_session_is_told(self, hire: Hire, tmp_path: Path) -> None:
        """A conversation nobody has is SESSION_LOST, with no session to go on with, and costs nothing."""
        session = AgentSession(backend="x", id="6a0c9bd6-6ba4-4f0e-8b1c-0a52b3d3a8c1", model="opus")
        given = replace(assignment(tmp_path), session=session)
        with ScriptedModel([DONE]) as model:
            result = work(hire(model.url), given)
            assert model.asked == []
        assert (result.ending, result.session, result.usage.cost_usd) == (Ending.SESSION_LOST, None, 0.0)

    def test_an_end_without_statement_is_no_success(self, hire: Hire, tmp_path: Path) -> None:
        """A model that only talks ends as NO_STATEMENT, and its conversation can be continued."""
        with ScriptedModel([say("All done!")] * 4) as model:
            result = work(hire(model.url), assignment(tmp_path))
        assert (result.ending, result.statement) == (Ending.NO_STATEMENT, None)
        assert result.session is not None
        assert result.usage.turns >= 1

    @pytest.mark.parametrize(
        ("fault", "ending"),
        [
            (refuse(500, "api_error", "Internal server error"), Ending.API_DOWN),
            (overloaded(), Ending.API_DOWN),
            (drop(), Ending.API_DOWN),
            (refuse(429, "rate_limit_error", "slow down", headers={"retry-after": "1"}), Ending.RATE_LIMITED),
            (refuse(401, "authentication_error", "invalid x-api-key"), Ending.UNAUTHORISED),
            (refuse(403, "permission_error", "not for you"), Ending.UNAUTHORISED),
            (refuse(404, "not_found_error", "model: nope"), Ending.BAD_REQUEST),
            (refuse(400, "invalid_request_error", "messages: wrong"), Ending.BAD_REQUEST),
        ],
        ids=["500", "529", "dropped", "429", "401", "403", "404", "400"],
    )
    def test_failures_of_the_service_are_told_apart(
        self, hire: Hire, tmp_path: Path, fault: object, ending: Ending
    ) -> None:
        """Each failure has its own ending with sentence and remedy, quickly, and what was done before counts."""
        script = [run("true").costing(input=9000), fault]
        began = time.monotonic()
        with ScriptedModel(script) as model:  # type: ignore[arg-type]
            result = work(hire(model.url), assignment(tmp_path))
        assert result.ending is ending
        assert result.sentence.endswith(".")
        assert result.remedy.endswith(".")
        assert (result.usage.turns, result.usage.input_tokens) == (1, 9000)
        assert result.usage.cost_usd > 0
        assert result.session is not None
        assert time.monotonic() - began < 15

    def test_an_unreachable_service_is_api_down(self, hire: Hire, tmp_path: Path) -> None:
        """Nobody listens at the address: API_DOWN."""
        with ScriptedModel([DONE]) as model:
            url = model.url
        result = work(hire(url), assignment(tmp_path))
        assert result.ending is Ending.API_DOWN
        assert result.usage.turns == 0

    def test_a_hiccup_of_the_service_is_survived(self, hire: Hire, tmp_path: Path) -> None:
        """One overloaded answer and one dropped connection do not end the work."""
        with ScriptedModel([overloaded(times=1), run("true"), drop(times=1), DONE]) as model:
            result = work(hire(model.url), assignment(tmp_path))
        assert result.ending is Ending.STATED
        assert result.usage.turns == 2

    def test_a_refusing_model_is_told(self, hire: Hire, tmp_path: Path) -> None:
        """A model that declines ends as MODEL_REFUSED."""
        with ScriptedModel([say("No.").stopping("refusal")] * 4) as model:
            result = work(hire(model.url), assignment(tmp_path))
        assert result.ending is Ending.MODEL_REFUSED
        assert result.remedy

    def test_turns_are_limited(self, hire: Hire, tmp_path: Path) -> None:
        """Work ends after the turns it may take."""
        with ScriptedModel([run("true")] * 9) as model:
            result = work(hire(model.url), assignment(tmp_path, turns=3))
            assert len(model.asked) == 3
        assert (result.ending, result.usage.turns) == (Ending.TURN_LIMIT, 3)

    def test_cost_is_limited(self, hire: Hire, tmp_path: Path) -> None:
        """Work ends with the answer that spends the budget."""
        with ScriptedModel([run("true").costing(output=10_000)] * 9) as model:
            result = work(hire(model.url), assignment(tmp_path, cost_usd=0.5))
        assert result.ending is Ending.COST_LIMIT
        assert 0.5 <= result.usage.cost_usd < 0.9

    def test_a_high_context_ends_the_stretch(self, hire: Hire, tmp_path: Path) -> None:
        """Work ends when the conversation reaches its size, unless it is just being stated, however slowly."""
        with ScriptedModel([run("true"), run("true").costing(input=90_000), hang()]) as model:
            result = work(hire(model.url), assignment(tmp_path / "1", context_tokens=80_000))
        assert result.ending is Ending.CONTEXT_HIGH
        assert result.usage.context_tokens == 90_100
        with ScriptedModel([run("true"), DONE.costing(input=90_000).slowly(1.0)]) as model:
            result = work(hire(model.url), assignment(tmp_path / "2", context_tokens=80_000))
        assert result.ending is Ending.STATED

    def test_a_hanging_model_is_noticed(self, hire: Hire, tmp_path: Path) -> None:
        """A model that says nothing ends the work as SILENT, though there is time left."""
        with ScriptedModel([run("true"), hang()]) as model:
            result = work(hire(model.url), assignment(tmp_path, silent_seconds=1.5))
        assert result.ending is Ending.SILENT

    def test_a_busy_tool_is_not_silence(self, hire: Hire, tmp_path: Path) -> None:
        """A command that takes longer than the silence allowed, and prints nothing, is let run."""
        with ScriptedModel([run("python3 -c 'import time; time.sleep(3)'"), DONE]) as model:
            result = work(hire(model.url), assignment(tmp_path, silent_seconds=2.5))
        assert result.ending is Ending.STATED

    def test_time_is_limited(self, hire: Hire, tmp_path: Path) -> None:
        """Work ends when its time is up, whatever runs."""
        began = time.monotonic()
        with ScriptedModel([run(FOREVER), DONE]) as model:
            result = work(hire(model.url), assignment(tmp_path, seconds=1.5))
        assert result.ending is Ending.TIME_LIMIT
        assert time.monotonic() - began < 15

    @pytest.mark.parametrize("busy", [[run(FOREVER)], [run("true"), hang()]], ids=["tool", "model"])
    def test_a_stop_ends_the_work_at_once(self, hire: Hire, tmp_path: Path, busy: list[object]) -> None:
        """A signal ends a running tool or request within three seconds, and what was spent is known."""
        asked: list[float] = []

        def stop() -> StopReason | None:
            if len(model.asked) < len(busy):
                return None
            asked.append(time.monotonic())
            return StopReason.SIGTERM if asked[-1] - asked[0] > 0.7 else None

        with ScriptedModel([*busy, DONE]) as model:  # type: ignore[list-item]
            result = hire(model.url).work(assignment(tmp_path), stop=stop, watch=lambda _: None)
        assert result.ending is Ending.STOPPED
        assert time.monotonic() - asked[0] - 0.7 < 3.0
        assert (result.usage.turns, result.usage.input_tokens) == (1, 1000)
        assert result.usage.cost_usd > 0
        assert result.session is not None
        assert len(asked) >= 5 * (asked[-1] - asked[0])

    def test_a_stop_before_the_first_answer_is_a_stop(self, hire: Hire, tmp_path: Path) -> None:
        """Work that is stopped while it begins ends as quickly."""
        began = time.monotonic()
        with ScriptedModel([hang()]) as model:
            agent = hire(model.url)
            result = agent.work(assignment(tmp_path), stop=lambda: StopReason.ASKED, watch=lambda _: None)
        assert (result.ending, result.usage.turns) == (Ending.STOPPED, 0)
        assert time.monotonic() - began < 3.5

    def test_nothing_the_agent_started_outlives_the_work(self, hire: Hire, tmp_path: Path) -> None:
        """Background processes are gone, in whatever session they hid."""
        hidden = "import os, time; open(f'pid-{os.getpid()}', 'w'); time.sleep(60)"
        script = [
            run(f'nohup python3 -c "{hidden}" > /dev/null 2>&1 & until ls pid-*; do :; done'),
            run(f'setsid -f python3 -c "{hidden}" > /dev/null 2>&1; until [ $(ls pid-* | wc -l) = 2 ]; do :; done'),
            DONE,
        ]
        given = assignment(tmp_path)
        with ScriptedModel(script) as model:
            result = work(hire(model.url), given)
        assert result.ending is Ending.STATED
        pids = [int(path.name.removeprefix("pid-")) for path in given.workspace.path.glob("pid-*")]
        assert len(pids) == 2
        assert not [pid for pid in pids if alive(pid)]

    def test_the_runner_s_secrets_stay_with_the_runner(
        self, hire: Hire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What the runner's environment holds is not in the environment of the agent's commands."""
        monkeypatch.setenv("GITHUB_TOKEN", "ghs_of_the_runner")
        monkeypatch.setitem(os.environ, "LINEAR_API_KEY", "lin_of_the_runner")
        given = assignment(tmp_path)
        with ScriptedModel([run("env > dump; tr '\\0' '\\n' < /proc/$PPID/environ >> dump"), DONE]) as model:
            work(hire(model.url), given)
        dump = (given.workspace.path / "dump").read_text()
        assert "PATH=" in dump
        assert "_of_the_runner" not in dump

    @pytest.mark.parametrize("prompt", ["@/etc/hostname and @/etc/passwd", "/cost", "x" * 1_000_000])
    def test_a_prompt_is_plain_text(self, hire: Hire, tmp_path: Path, prompt: str) -> None:
        """Mentions, commands and great length reach the model as they are, and nothing else does."""
        with ScriptedModel([DONE]) as model:
            result = work(hire(model.url), assignment(tmp_path, prompt))
            [request] = model.asked
        assert result.ending is Ending.STATED
        texts = [block["text"] for block in request.body["messages"][0]["content"] if block["type"] == "text"]
        assert prompt in texts
        assert "root:x:" not in json.dumps(request.body)

    def test_several_agents_work_side_by_side(self, hire: Hire, tmp_path: Path) -> None:
        """Two conversations at one service each get their own script."""
        scripts: dict[str, Script] = {
            "task one": [state(completed="one").after(1.0)],
            "task two": [state(completed="two").after(1.0)],
        }
        with ScriptedModel(scripts) as model:
            agent = hire(model.url)
            given = [assignment(tmp_path / name, f"Do {name}.") for name in scripts]
            with ThreadPoolExecutor() as threads:
                results = list(threads.map(lambda one: work(agent, one), given))
            assert model.peak == 2
        assert [result.statement.summary for result in results if result.statement] == ["one", "two"]
