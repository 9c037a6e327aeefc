"""What a user reads: settings at the start, figures in the status, the log, and a name for what is missing."""

import re

import pytest

from autorun import AutonomousRunner
from autorun.demo.script import run, state, write
from autorun.demo.scripted_model import ScriptedModel
from kit.commandline import Project

DEAR = {"input": 100_000, "output": 20_000}
WORK = [
    write("done.txt", "done\n").costing(**DEAR),
    state(completed="Done.", title="Do it", criteria={"it is there": "done.txt"}),
]


def with_sdk(project: Project, url: str) -> None:
    """Let the project's commands work with the anthropic-sdk backend, and the model at `url`."""
    project.environ |= {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "sk-ant-fake",
        "AUTORUN_AUTONOMOUS_BACKEND": "anthropic-sdk",
    }


@pytest.mark.parametrize("backend", ["claude-code", "anthropic-sdk"])
def test_the_start_says_what_it_works_by(project: Project, backend: str) -> None:
    """Provider, backend, model, mode and task limit; and at the end why it ended."""
    done = project.run("start", "--backend", backend, "--max-tasks", "7")
    assert f"autorun: file tasks, {backend}, claude-opus-5-5, autonomous mode, at most 7 tasks" in done.err
    assert done.out.startswith("No more tasks available")


def test_the_status_counts(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Total, completed, in progress, blocked; the rate leaves out what was cancelled; for people and for programs."""
    states = ("todo", "in_progress", "blocked", "in_review", "done", "done", "cancelled", "cancelled")
    for number, each in enumerate(states):
        project.task(f"t{number}", status=each)
    status = project.status()
    assert status["tasks"]["blocked"] == 1
    assert status["tasks"]["done"] == 2
    assert status["tasks_total"] == len(states) == sum(status["tasks"].values())
    assert status["completion_rate"] == 0.5
    assert "3 of 6 in review or done, 50 %" in project.run("status").out
    for name, value in project.environ.items():
        monkeypatch.setenv(name, value)
    found = AutonomousRunner(folder=project.root).get_status()
    assert (found["tasks"], found["completion_rate"]) == (status["tasks"], 0.5)


def test_the_pace_is_told(project: Project) -> None:
    """Tasks per hour of the session, once it has ended a task."""
    project.task("one")
    with ScriptedModel(WORK) as model:
        with_sdk(project, model.url)
        project.run("start")
    status = project.status()
    assert status["tasks_per_hour"] > 0
    assert re.search(r"[\d.]+ tasks an hour\ntasks    1 of 1 in review or done, 100 %", project.run("status").out)


def test_the_log_is_shown_from_its_end(project: Project) -> None:
    """Fifty lines unless told otherwise; none is none."""
    log = project.root / ".ai-agents/logs/autonomous.log"
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"line {number}\n" for number in range(1, 101)))
    assert project.run("logs").out.splitlines() == [f"line {number}" for number in range(51, 101)]
    assert project.run("logs", "-n", "2").out == "line 99\nline 100\n"
    assert project.run("logs", "--tail", "0").out == ""


def test_the_cost_limit_is_named(project: Project) -> None:
    """With its amount, and the key to raise; the task that was begun is kept for the next session."""
    project.task("one")
    project.task("two")
    with ScriptedModel(WORK) as model:
        with_sdk(project, model.url)
        done = project.run("start", "--cost-limit", "0.5")
    assert "Cost limit reached: $0.50" in done.out
    assert "hint: Raise `autonomous.cost_limit_per_session`." in done.err
    assert done.code == 0


def test_the_turn_limit_is_named(project: Project) -> None:
    """A task that does not complete says which limit it met, and how to raise it."""
    project.task("one")
    with ScriptedModel([run("true")] * 9) as model:
        with_sdk(project, model.url)
        done = project.run("start", "--json", "--max-turns", "2")
    (task,) = done.data["tasks"]
    assert task["state"] == "todo"
    assert "autonomous.max_turns_per_task" in task["remedy"]
    assert task["turns"] == 2


def test_no_key_is_named(project: Project) -> None:
    """The SDK backend alone says so; exit 4, and nothing is claimed."""
    project.task("one")
    done = project.run("start", "--backend", "anthropic-sdk")
    assert done.code == 4
    assert "error: API key not found: ANTHROPIC_API_KEY is not set" in done.err
    assert "API key not found" not in project.run("start", "--backend", "claude-code").err
    assert project.run("show", "one").code == 2


@pytest.mark.parametrize(("provider", "variable"), [("github", "GITHUB_TOKEN"), ("linear", "LINEAR_API_KEY")])
def test_a_provider_without_its_key_is_named(project: Project, provider: str, variable: str) -> None:
    """Provider, variable and remedy, by every command that reads tasks."""
    project.config(f"state_provider:\n  type: {provider}\n")
    for command in ("start", "tasks"):
        done = project.run(command)
        assert done.code == 2
        assert f"error: Could not initialize state provider {provider}: {variable} is not set" in done.err
        assert f"hint: set {variable}" in done.err


def test_missing_criteria_are_told(project: Project) -> None:
    """A task that nobody can tell to be done is warned of in the queue."""
    project.run("add", "Make it good")
    assert "The task has no acceptance criteria" in project.run("tasks").out
