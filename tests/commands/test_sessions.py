"""Sessions as processes with the real CLI: signals, kills, `stop`, side by side, resumed, and their exit codes."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autorun.demo.script import Answer, run, state, write
from autorun.demo.scripted_model import ScriptedModel
from kit.commandline import AUTORUN, Project, eventually, on_terminal, with_agent
from kit.repos import git
from kit.workflow_commands import obeyed

ORDERLY_SECONDS = 7.0  # of the 7.5 that a cancelled job has
QUESTION = [state(needs_input="Which one?", blockers=[{"what": "Which colour?", "needed": "say red or blue"}])]


@pytest.fixture
def gate(project: Project) -> Path:
    """A file that lets waiting agents go on."""
    return project.home / "gate"


def waits(gate: Path, key: str) -> list[Answer]:
    """Wait for the gate, then do the work; a whole conversation."""
    return [
        run(f"while [ ! -e {gate} ]; do sleep 0.1; done"),
        write(f"{key}.txt", "done\n"),
        state(completed=f"{key} is done.", title=f"Do {key}", criteria={"it is there": f"{key}.txt"}),
    ]


def works(key: str) -> list[Answer]:
    """Do the work at once."""
    return waits(Path("/"), key)[1:]


@pytest.fixture
def model(project: Project, gate: Path) -> Iterator[ScriptedModel]:
    """A model that knows tasks `slow*`, `quick*` and `ask*`."""
    scripts = {f"Task slow{n}": waits(gate, f"slow{n}") for n in range(1, 4)}
    scripts |= {f"Task quick{n}": works(f"quick{n}") for n in range(1, 4)}
    planned = [state(completed="I would write planned.txt."), *works("planned")]
    with ScriptedModel(scripts | {"Task ask": QUESTION, "Task planned": planned}) as model:
        with_agent(project, model.url)
        yield model


def at_work(project: Project, model: ScriptedModel, key: str) -> None:
    """Wait until the agent has begun to work on a task."""
    eventually(lambda: model.asked and len(project.left()) > 2, f"the agent works on {key}")
    assert project.record(key)["state"] == "in_progress"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_session_in_order(
    project: Project, model: ScriptedModel, number: signal.Signals, code: int
) -> None:
    """In time for a cancelled job: nothing runs on, the claim is released, state and exit code tell the truth."""
    project.task("slow1")
    project.task("slow2")
    with project.started("start") as process:
        at_work(project, model, "slow1")
        sent = time.monotonic()
        process.send_signal(number)
        assert process.wait(30) == code
        assert time.monotonic() - sent < ORDERLY_SECONDS
        assert project.left() == []
    record = project.record("slow1")
    assert (record["state"], record["holder"]) == ("todo", None)
    assert record["attempts"][-1]["burned"] is False
    assert project.state_of("slow1") in {"", "todo"}
    assert git(project.root, "for-each-ref", "--format=%(refname)", "refs/autorun/tasks/file/slow2") == ""
    status = project.status()
    assert (status["state"], status["reason"], status["died"]) == ("stopped", "signal", False)
    assert git(project.root, "worktree", "list").count("\n") == 0


def test_a_killed_runner_is_taken_over_at_once(project: Project, model: ScriptedModel, gate: Path) -> None:
    """`status` finds it dead, never running; the next `start` releases its claim, works and publishes the task."""
    project.task("slow1")
    with project.started("start") as process:
        at_work(project, model, "slow1")
        assert project.status()["state"] == "running"
        process.kill()
        process.wait(10)
        status = project.status()
        assert (status["state"], status["died"], status["task"]) == ("stopped", True, "file/slow1")
        assert "it died on file/slow1; `autorun start` takes over" in project.run("status").out
        assert "the last one died" in project.run("stop").out
        assert project.record("slow1")["state"] == "in_progress"
        gate.touch()
        done = project.run("start")
    assert done.code == 0
    assert "the run that worked on it died; its claim is released" in done.err
    record = project.record("slow1")
    assert record["state"] == "in_review"
    assert [attempt["reason"] for attempt in record["attempts"]] == ["interrupted", "published"]
    assert git(project.root, "show", "autorun/file-slow1:slow1.txt") == "done"
    assert "slow1" in project.run("logs", "--task", "slow1").out
    assert project.status()["tasks_completed"] == 1


def test_stop_lets_the_task_finish(project: Project, model: ScriptedModel, gate: Path) -> None:
    """Of three tasks at most the first ends; `stop` returns once the runner is gone."""
    for number in (1, 2, 3):
        project.task(f"slow{number}")
    with project.started("start") as process:
        at_work(project, model, "slow1")
        early = project.run("stop", "--timeout", "0")
        assert early.code == 1
        assert "hint: `autorun stop --now`" in early.err
        with project.started("stop") as stopping:
            assert stopping.stderr is not None
            assert stopping.stderr.readline().startswith(b"Asked session ")  # it waits from here on
            gate.touch()
            said, _ = stopping.communicate(timeout=60)
            assert stopping.returncode == 0
            assert said == b"Stopped: Asked to stop by `autorun stop`.\n"
            assert process.wait(5) == 0
    assert project.record("slow1")["state"] == "in_review"
    assert [task["key"] for task in project.run("tasks", "--json").data["ready"]] == ["slow2", "slow3"]
    status = project.status()
    assert (status["state"], status["tasks_ended"], status["reason"]) == ("stopped", 1, "signal")


def test_stop_now_saves_the_task(project: Project, model: ScriptedModel) -> None:
    """The task in hand is given back and nothing runs on."""
    project.task("slow1")
    with project.started("start") as process:
        at_work(project, model, "slow1")
        assert project.run("stop", "--now").code == 0
        assert process.wait(5) == 0
        assert project.left() == []
    assert project.record("slow1")["state"] == "todo"


def test_runners_work_side_by_side(project: Project, model: ScriptedModel, gate: Path) -> None:
    """Two at once never work the same task; `status` and `stop` speak of both, and each has its own journal."""
    for number in (1, 2):
        project.task(f"slow{number}")
    with project.started("start") as first:
        at_work(project, model, "slow1")
        with project.started("start") as second:
            eventually(lambda: project.status()["others"], "both run")
            eventually(
                lambda: len({r.body["messages"][0]["content"].__str__() for r in model.asked}) > 1, "both work"
            )
            status = project.status()
            assert {status["task"], status["others"][0]["task"]} == {"file/slow1", "file/slow2"}
            assert status["session_id"] != status["others"][0]["session_id"]
            assert project.run("status").out.count("running on") == 2
            with project.started("stop") as stopping:
                assert stopping.stderr is not None
                assert all(stopping.stderr.readline().startswith(b"Asked session") for _ in range(2))
                gate.touch()
                assert (first.wait(30), second.wait(30), stopping.wait(30)) == (0, 0, 0)
    for key in ("slow1", "slow2"):
        record = project.record(key)
        assert (record["state"], len(record["attempts"])) == ("in_review", 1)
    assert project.status()["others"] == []


@pytest.mark.usefixtures("model")
def test_resume_goes_on_with_the_last_session(project: Project) -> None:
    """After a limit the same session goes on: its id and counters stay, and new work is done."""
    for number in (1, 2):
        project.task(f"quick{number}")
    first = project.run("start", "--json", "--max-tasks", "1", "--cost-limit", "5")
    assert (first.code, first.data["reason"], first.data["sentence"]) == (0, "limit", "Task limit reached: 1")
    assert first.data["remedy"] == "Raise `autonomous.max_tasks_per_session`."
    again = project.run("start", "-r", "--max-tasks", "1")
    assert again.code == 0
    assert "file/quick2" in again.out
    status = project.status()
    assert (status["session_id"], status["tasks_ended"]) == (first.data["session_id"], 2)
    assert status["session_cost"] == pytest.approx(status["total_cost"]) != 0
    assert project.run("start", "--resume").out == "No more tasks available. No task was begun.\n"
    project.run("start")
    assert project.status()["session_id"] != first.data["session_id"]


@pytest.mark.usefixtures("model")
def test_blocked_work_fails_the_run_when_asked_to(project: Project) -> None:
    """`--fail-on blocked` exits 1 on a question; on Actions it is an annotation, and nothing else is obeyed."""
    project.task("ask", body="::error::in the text ##[group]")
    more = {"GITHUB_ACTIONS": "true", "AUTORUN_STATE_PROVIDER_TYPE": "file", "AUTORUN_WORKSPACE_KIND": "worktree"}
    done = project.run("start", "--fail-on", "blocked", environ=more)
    assert done.code == 1
    commands = obeyed(done.out) + obeyed(done.err)
    assert {line.split("::")[1].split()[0] for line in commands} == {"add-mask", "group", "endgroup", "warning"}
    assert any("Which colour?" in line for line in commands)
    assert project.record("ask")["state"] == "blocked"


@pytest.mark.usefixtures("model")
def test_a_human_at_the_terminal_decides(project: Project) -> None:
    """Supervised: plan and publication are asked for, live progress moves between, and approval publishes."""
    project.task("planned")
    argv = (*AUTORUN, "start", "--mode", "supervised")
    with on_terminal(argv, project.root, project.environ) as screen:
        assert "I would write planned.txt." in screen.wait_for("checkpoint: plan") + screen.wait_for("[a]pprove")
        screen.wait_for("[q]uit the session? ")
        screen.type("maybe\n")
        screen.wait_for("Type a, r, s or q")
        screen.type("a\n")
        screen.wait_for("checkpoint: publication")
        screen.wait_for("[q]uit the session? ")
        screen.type("approve\n")
        screen.wait_for("✓ file/planned")
        screen.end()
    assert screen.code == 0
    assert project.record("planned")["state"] == "in_review"
