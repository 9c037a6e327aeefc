"""The Python interface: settings by name, status as data, stop from elsewhere, also off the main thread."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import autorun
from autorun import AutonomousRunner, RunnerConfig
from autorun.core.errors import ConfigurationError
from autorun.core.model import TaskState
from autorun.demo.script import run, state, write
from autorun.demo.scripted_model import ScriptedModel
from autorun.runner import create_runner
from autorun.session import Report
from kit.commandline import Project, eventually, with_agent


@pytest.fixture
def here(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project that this very process works in, with an agent that writes one file per task."""
    scripts = {
        f"Task {key}": [
            *([run(f"while [ ! -e {project.home}/gate ]; do sleep 0.1; done")] if key == "slow" else []),
            write(f"{key}.txt", "done\n"),
            state(completed="Done.", title=f"Do {key}", criteria={"it is there": "yes"}),
        ]
        for key in ("one", "slow", "two")
    }
    with ScriptedModel(scripts) as model:
        with_agent(project, model.url)
        for name, value in project.environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
        monkeypatch.chdir(project.root)
        yield project


def test_a_runner_works_and_tells(here: Project) -> None:
    """The seed's example: settings by flat name, `start()`, `get_status()`."""
    here.task("one")
    runner = AutonomousRunner(RunnerConfig(model="opus", max_tasks_per_session=5, cost_limit_per_session=5.0))
    assert runner.get_status()["state"] == "not_started"
    assert runner.get_status()["tasks_completed"] == 0
    report = runner.start()
    assert report.count(TaskState.IN_REVIEW) == 1
    status = runner.get_status()
    assert (status["state"], status["tasks_completed"]) == ("stopped", 1)
    assert isinstance(status["total_cost"], float)
    assert status["total_cost"] > 0
    assert {"session_id", "current_turn", "model", "execution_mode"} <= set(status)
    assert runner.start(resume=True).session_id == report.session_id


def test_it_works_off_the_main_thread_and_can_be_stopped(here: Project) -> None:
    """A thread runs the session; another asks it to finish its task; the next one is not begun."""
    here.task("slow", priority="high")
    here.task("two")
    runner = AutonomousRunner()
    reports: list[Report] = []
    thread = threading.Thread(target=lambda: reports.append(runner.start()))
    thread.start()
    eventually(lambda: runner.get_status()["task"] == "file/slow", "it works")
    assert runner.get_status()["state"] == "running"
    runner.stop()
    (here.home / "gate").touch()
    thread.join(30)
    assert [str(one.task.id) for one in reports[0].settled] == ["file/slow"]
    assert runner.get_status()["reason"] == "signal"


def test_settings_are_checked(here: Project, tmp_path: Path) -> None:
    """An unknown name and a missing file are errors with a hint; a file lies below the settings."""
    with pytest.raises(ConfigurationError, match="there is no setting `cost_limit_per_sesion`") as caught:
        AutonomousRunner(RunnerConfig(cost_limit_per_sesion=1)).get_status()
    assert caught.value.hint == "did you mean `cost_limit_per_session`?"
    with pytest.raises(ConfigurationError, match="there is no file"):
        create_runner("nope.yml").start()
    here.config("autonomous:\n  max_tasks_per_session: 0\n")
    with pytest.raises(ConfigurationError, match="max_tasks_per_session"):
        create_runner().start()
    with pytest.raises(ConfigurationError, match="not inside a git repository"):
        AutonomousRunner(folder=tmp_path)


def test_the_package_hands_out_its_interface() -> None:
    """The two names are importable from the package, and nothing else is made up."""
    assert autorun.AutonomousRunner is AutonomousRunner
    with pytest.raises(AttributeError):
        _ = autorun.Runner
