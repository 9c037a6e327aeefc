"""`autorun demo`: five endings as promised, said to be scripted, without credentials or a network."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit import tools
from kit.commandline import AUTORUN, Project, make_project
from kit.repos import git

ENDINGS = {
    "goodbye": "in_review",
    "shout": "in_review",
    "language": "blocked",
    "polite": "blocked",
    "ci": "blocked",
}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple["subprocess.CompletedProcess[bytes]", Project]:
    """The demo, played once, and the repository that it leaves."""
    folder = tmp_path_factory.mktemp("demo")
    project = make_project(folder)
    environ = {"PATH": f"{tools.claude().parent}:{os.environ['PATH']}", "HOME": str(project.home)}
    done = subprocess.run(
        (*AUTORUN, "demo", "--folder", str(folder / "here")),
        cwd=folder,  # outside any repository
        env=environ,
        capture_output=True,
        timeout=120,
        check=False,
    )
    project.root = folder / "here/greeter"
    return done, project


def test_it_is_labelled_and_ends_well(played: tuple["subprocess.CompletedProcess[bytes]", Project]) -> None:
    """Exit 0; the first words say that the model is scripted, the last where to look."""
    done, project = played
    assert done.returncode == 0, done.stderr.decode()
    assert "The model is SCRIPTED" in done.stderr.decode().splitlines()[0]
    said = done.stdout.decode()
    assert "2 in review, 3 need you, 0 not done" in said
    assert "The model was scripted." in said
    assert f"cd {project.root}" in said


def test_every_task_ends_as_promised(played: tuple["subprocess.CompletedProcess[bytes]", Project]) -> None:
    """One completes, one is repaired, one asks, one changes nothing and is not done, one is refused."""
    _, project = played
    records = {key: project.record(key) for key in ENDINGS}
    assert {key: record["state"] for key, record in records.items()} == ENDINGS
    assert {key: record["reason"] for key, record in records.items()} == {
        "goodbye": "published",
        "shout": "published",
        "language": "needs_input",
        "polite": "no_change",
        "ci": "policy",
    }
    branches = git(project.root, "branch", "--list", "--format=%(refname:short)", "autorun/*").split()
    assert branches == ["autorun/file-goodbye", "autorun/file-shout"]
    assert "bye" in git(project.root, "show", "autorun/file-goodbye:greet.sh")
    assert sorted(path.name for path in (project.root / ".ai-agents/pull-requests").iterdir()) == [
        "goodbye.md",
        "shout.md",
    ]


def test_what_it_tells_to_try_works(played: tuple["subprocess.CompletedProcess[bytes]", Project]) -> None:
    """Every command it names prints something, without the model or a credential."""
    _, project = played
    assert "language" in project.run("tasks").out
    assert "Where does the language come from?" in project.run("show", "language").out
    assert (
        "FAILED: tests/name.sh"
        in project.run("logs", "--task", "shout", "--tail", "1000").out + project.run("logs").out
    )
    assert project.status()["tasks_completed"] == 2


# Runs the command where the SDK is not installed either.
_WITHOUT_SDK = "import sys; sys.modules['anthropic'] = None; from autorun.__main__ import main; main()"


def test_without_the_cli_the_sdk_does_the_work(tmp_path: Path) -> None:
    """The same story with the same endings, and it says who works."""
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        (*AUTORUN, "demo"), cwd=tmp_path, env=environ, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"anthropic-sdk" in done.stderr
    assert b"2 in review, 3 need you" in done.stdout


def test_without_any_agent_it_says_how_to_get_one(tmp_path: Path) -> None:
    """Exit 4, the remedy, and nothing left behind; a folder that is in use is not touched."""
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    argv = (sys.executable, "-c", _WITHOUT_SDK, "demo")
    done = subprocess.run(argv, cwd=tmp_path, env=environ, capture_output=True, timeout=60, check=False)
    said = done.stderr.decode()
    assert done.returncode == 4
    assert "error: Claude Code CLI not found" in said
    assert "npm install --global @anthropic-ai/claude-code" in said
    assert not list(tmp_path.glob("autorun-*"))
    (tmp_path / "greeter").mkdir()
    again = subprocess.run(
        (*argv, "--folder", "."), cwd=tmp_path, env=environ, capture_output=True, timeout=60, check=False
    )
    assert again.returncode == 2
    assert b"is there already" in again.stderr
