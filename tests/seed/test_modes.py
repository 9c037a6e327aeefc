"""Interactive and supervised at a terminal, keystroke by keystroke, with either backend."""

from collections.abc import Iterator

import pytest

from autorun.core.config.choices import Backend
from autorun.demo.script import run, state, write
from autorun.demo.scripted_model import ScriptedModel
from kit.commandline import AUTORUN, Project, on_terminal, with_agent

PROMPT = "[q]uit the session? "
QUESTION = state(
    needs_input="Two ways.", blockers=[{"what": "Which colour?", "why": "", "needed": "say red or blue"}]
)
WORK = [
    write("paint.txt", "red\n"),
    state(completed="It is red.", title="Paint it", criteria={"it is there": "paint.txt"}),
]
SCRIPTS = {
    "Task ask": [run("true"), run("true"), run("true"), QUESTION, *WORK],
    "Task plan": [state(completed="I would paint it red."), *WORK],
}


@pytest.fixture
def model(project: Project) -> Iterator[ScriptedModel]:
    with ScriptedModel(SCRIPTS) as model:
        with_agent(project, model.url)
        yield model


def last_words(model: ScriptedModel) -> str:
    """Everything the model was told at the end."""
    return str(model.asked[-1].body["messages"])


@pytest.mark.parametrize("backend", list(Backend))
def test_interactive_asks_at_turns_and_blockers(project: Project, model: ScriptedModel, backend: Backend) -> None:
    """After `turn_interval` turns and at a question the screen asks; the typed guidance reaches the same agent."""
    project.task("ask")
    project.config("execution:\n  mode: interactive\n  checkpoints:\n    turn_interval: 3\n")
    argv = (*AUTORUN, "start", "--backend", backend)
    with on_terminal(argv, project.root, project.environ) as screen:
        screen.wait_for("checkpoint: turns")
        screen.wait_for(PROMPT)
        screen.type("a\n")
        assert "Which colour?" in screen.wait_for("checkpoint: blocker") + screen.wait_for(PROMPT)
        screen.type("r\n")
        screen.wait_for("Guidance for the agent: ")
        screen.type("Take red, please.\n")
        shown = screen.end()
    assert screen.code == 0, shown
    assert "checkpoint" not in shown
    assert "Take red, please." in last_words(model)
    assert project.record("ask")["state"] == "in_review"
    assert len(project.record("ask")["attempts"]) == 1


@pytest.mark.parametrize("backend", list(Backend))
def test_supervised_asks_before_any_edit_and_before_publication(
    project: Project, model: ScriptedModel, backend: Backend
) -> None:
    """The plan stands on the screen before a file is written; work that is put aside is paused, not published."""
    project.task("plan")
    argv = (*AUTORUN, "start", "--mode", "supervised", "--backend", backend)
    with on_terminal(argv, project.root, project.environ) as screen:
        assert "I would paint it red." in screen.wait_for("checkpoint: plan") + screen.wait_for(PROMPT)
        assert "paint.txt" not in last_words(model)
        screen.type("a\n")
        screen.wait_for("checkpoint: publication")
        screen.wait_for(PROMPT)
        screen.type("s\n")
        screen.end()
    assert screen.code == 0
    assert project.record("plan")["state"] == "paused"
    assert not (project.root / ".ai-agents/pull-requests").exists()


@pytest.mark.parametrize("backend", list(Backend))
@pytest.mark.usefixtures("model")
def test_without_a_terminal_nobody_is_waited_for(project: Project, backend: Backend) -> None:
    """The same checkpoint saves the work and ends the attempt in words; the status says what waits."""
    project.task("ask")
    project.config("execution:\n  mode: interactive\n  checkpoints:\n    turn_interval: 3\n")
    done = project.run("start", "--backend", backend)
    assert done.code == 0
    assert project.record("ask")["state"] == "paused"
    assert project.status()["state"] == "paused"
