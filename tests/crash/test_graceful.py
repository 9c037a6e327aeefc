"""A busy agent is asked to end: how long that takes, what is left behind, and who goes on with it."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from autorun.demo.script import Conversation, Line, run, state, write
from autorun.demo.scripted_model import ScriptedModel
from kit.commandline import Project, eventually, make_project, with_agent
from kit.repos import git

ORDERLY_SECONDS = 7.0
# A cancelled job gets SIGINT, after this long SIGTERM, and at last SIGKILL.
TERM_SECONDS, KILL_SECONDS = 7.5, 10.0


@dataclass
class Busy:
    """A script whose second answer keeps the sandbox busy for ten minutes, while `busy`; `other` replaces it."""

    busy: bool = True
    other: Callable[[Conversation], Line] | None = None
    asked: list[Conversation] = field(default_factory=list)

    def __call__(self, conversation: Conversation) -> Line:
        self.asked.append(conversation)
        if self.other:
            return self.other(conversation)
        lines: list[Line] = [
            write("half.txt", "half\n"),
            run("sleep 600" if self.busy else "true"),
            write("rest.txt", "rest\n"),
            state(completed="All is there.", title="Do all of it", criteria={"it is there": "half.txt, rest.txt"}),
        ]
        return lines[min(conversation.turns, 3)]


@pytest.fixture
def script() -> Busy:
    return Busy()


@pytest.fixture
def project(tmp_path: Path, script: Busy) -> Iterator[Project]:
    """A project with one task, an agent in the sandbox, and a model that plays `script`."""
    project = make_project(tmp_path)
    with ScriptedModel({"Task long": script}) as model:
        with_agent(project, model.url)
        project.environ["AUTORUN_SANDBOX_MODE"] = "required"
        project.task("long")
        yield project
    project.sweep()


def cancelled(process: "subprocess.Popen[bytes]") -> float:
    """Treat a process as a cancelled job's; return the seconds it took to end."""
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    for seconds, number in ((TERM_SECONDS, signal.SIGTERM), (KILL_SECONDS, signal.SIGKILL)):
        try:
            process.wait(seconds - (time.monotonic() - sent))
            break
        except subprocess.TimeoutExpired:
            process.send_signal(number)
    process.wait()
    return time.monotonic() - sent


def interrupted(project: Project, script: Busy) -> float:
    """Begin to work, cancel the run while the agent's tool call lasts, and return the seconds that took."""
    with project.started("start") as process:
        eventually(lambda: len(script.asked) == 2, "the tool call is under way")
        time.sleep(0.5)
        seconds = cancelled(process)
        assert process.returncode == 130, (process.stderr.read() if process.stderr else b"").decode()
        assert project.left() == []
    return seconds


def test_a_cancelled_job_ends_in_time_and_in_order(project: Project, script: Busy) -> None:
    """Within 7 s: claim given back, cost known, work and conversation kept, status true; then it is resumed."""
    seconds = interrupted(project, script)
    assert seconds < ORDERLY_SECONDS
    record = project.record("long")
    assert (record["state"], record["holder"], record["reason"]) == ("todo", None, "interrupted")
    (attempt,) = record["attempts"]
    assert (attempt["turns"], attempt["burned"]) == (2, False)
    assert attempt["reserved_usd"] == 0
    assert attempt["cost_usd"] > 0
    assert project.state_of("long") == "todo"
    assert "half" in (project.root / ".ai-agents/session/tasks/long/diff.patch").read_text()

    # The next run goes on in the same conversation with the same files, and publishes one change.
    done = project.run("start", "--resume")
    assert done.code == 0, done.err
    goes_on = script.asked[2]
    assert goes_on.turns == 2
    assert "stopped before you could finish" in goes_on.last
    assert published(project) == ["half.txt", "rest.txt"]
    record = project.record("long")
    assert record["state"] == "in_review"
    assert [one["reason"] for one in record["attempts"]] == ["interrupted", "published"]


def test_another_machine_goes_on_from_the_session_folder(project: Project, script: Busy, tmp_path: Path) -> None:
    """A copy of repository and session folder elsewhere, under another home: the same conversation."""
    interrupted(project, script)
    other = moved(project, tmp_path / "elsewhere")
    done = other.run("start")
    assert done.code == 0, done.err
    assert script.asked[2].turns == 2
    assert published(other) == ["half.txt", "rest.txt"]


def test_without_the_session_folder_the_task_starts_afresh(project: Project, script: Busy, tmp_path: Path) -> None:
    """Losing the folder loses the resume, nothing else: a new conversation that is told how the last one ended."""
    interrupted(project, script)
    other = moved(project, tmp_path / "elsewhere")
    shutil.rmtree(other.root / ".ai-agents/session")
    script.busy = False
    done = other.run("start")
    assert done.code == 0, done.err
    afresh = script.asked[2]
    assert afresh.turns == 0
    assert "The run ended before the task did" in afresh.first
    assert published(other) == ["half.txt", "rest.txt"]
    assert [one["reason"] for one in other.record("long")["attempts"]] == ["interrupted", "published"]


def test_who_is_killed_over_the_checks_loses_no_work(project: Project, script: Busy) -> None:
    """The agent's work is saved before they run: the next run has its files and goes on in the same conversation."""
    script.busy = False
    project.config('workspace: {verify: ["test ! -e rest.txt || sleep 600"]}\n')
    with project.started("start") as process:
        eventually(
            (project.root / ".ai-agents/session/tasks/long/unfinished.json").exists, "the checks are under way"
        )
        process.kill()
    asked = len(script.asked)
    project.config('workspace: {verify: ["test ! -e bad.txt"]}\n')
    done = project.run("start")
    assert done.code == 0, done.err
    (again,) = script.asked[asked:]
    assert again.turns == asked
    assert "stopped before you could finish" in again.last
    assert published(project) == ["half.txt", "rest.txt"]
    assert [one["reason"] for one in project.record("long")["attempts"]] == ["interrupted", "published"]


def test_who_is_killed_over_a_repair_keeps_the_files_from_before_it(project: Project, script: Busy) -> None:
    """The conversation went on without them, so another one is opened, and told so."""
    done = state(completed="All is there.", title="Do all of it", criteria={"it is there": "half.txt"})

    def spoils(conversation: Conversation) -> Line:
        return [write("bad.txt", "bad\n"), done, run("sleep 600")][conversation.turns]

    def repairs(conversation: Conversation) -> Line:
        return [run("mv bad.txt half.txt"), done][conversation.turns]

    script.other = spoils
    project.config('workspace: {verify: ["test ! -e bad.txt"]}\n')
    with project.started("start") as process:
        eventually(lambda: len(script.asked) == 3, "the repair is under way")
        process.kill()
    script.other = repairs
    ended = project.run("start")
    assert ended.code == 0, ended.err
    assert "The files are as they were then." in script.asked[3].first
    assert published(project) == ["half.txt"]


def moved(project: Project, folder: Path) -> Project:
    """The project on another machine."""
    shutil.copytree(project.root, folder / "project", symlinks=True)
    (folder / "home").mkdir()
    home = {"HOME": str(folder / "home")}
    return replace(project, root=folder / "project", home=folder / "home", environ=project.environ | home)


def published(project: Project) -> list[str]:
    """The files of the work branch's one commit."""
    assert git(project.root, "rev-list", "--count", "main..autorun/file-long") == "1"
    return git(project.root, "diff", "--name-only", "main", "autorun/file-long").split()
