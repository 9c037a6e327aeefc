"""What a user can get wrong: one kind of error, the remedy, and the contract's exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit.commandline import AUTORUN, Project
from kit.repos import git

VERSION = "#!/bin/sh\necho '2.1.330 (Claude Code)'\n"


def fake_cli(project: Project) -> None:
    """Put something on the path that says it is the CLI; nothing may start it for work."""
    tool = project.home / "bin/claude"
    tool.parent.mkdir()
    tool.write_text(VERSION)
    tool.chmod(0o755)
    project.environ |= {"PATH": f"{tool.parent}:{os.environ['PATH']}", "ANTHROPIC_API_KEY": "sk-ant-fake"}


@pytest.mark.parametrize(
    ("args", "error", "hint"),
    [
        (["strat"], "error: there is no command `strat`", "hint: did you mean `start`?"),
        (["tasks", "--jsn"], "error: there is no option `--jsn`", "hint: did you mean `--json`?"),
        (["start", "--mode", "supervized"], "error: `--mode` must be one of", "hint: did you mean `supervised`?"),
        (["start", "--max-tasks", "none"], "error: `--max-tasks` must be a whole number", "hint: "),
        (["start", "--model", "opsu"], "error: command line --model: ", "hint: did you mean `opus`?"),
        (["start", "--task", "helo"], "error: there is no task helo", "hint: did you mean `hello`?"),
        (["start", "--dry-run", "--task", "helo"], "error: there is no task helo", "hint: did you mean `hello`?"),
        (["show"], "error: Missing argument 'KEY'", "hint: `autorun show --help` tells how to use it"),
        (["show", "hello"], "error: there is no record of file/hello", "hint: `autorun tasks` lists the backlog"),
        (["logs", "--tail", "-1"], "error: Invalid value", "hint: `autorun logs --help` tells how to use it"),
        (["logs"], "error: there is no log yet", "hint: `autorun start` writes it"),
        (["logs", "--task", "x"], "error: there is no transcript of x yet", "hint: `autorun start` writes it"),
        (["config", "--config"], "error: Option '--config' requires an argument", "hint: "),
        (["config", "--config", "nope.yml"], "error: there is no file nope.yml", "hint: create it"),
        (["stop", "-c", "nope.yml"], "error: there is no file nope.yml", "hint: create it"),
        (["add", "T", "--body-file", "nope.md"], "error: there is no file nope.md", "hint: name one"),
        (["add", ""], "error: This cannot become a task.", ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_misuse_is_an_error_with_a_hint(project: Project, args: list[str], error: str, hint: str) -> None:
    """Exit 2, the fact and the remedy on stderr, nothing on stdout, and no traceback."""
    project.task("hello")
    done = project.run(*args)
    assert (done.code, done.out) == (2, "")
    lines = [line for line in done.err.splitlines() if line.startswith(("error:", "hint:"))]
    assert lines[0].startswith(error)
    assert any(line.startswith(hint) for line in lines[1:]) or not hint
    assert "Traceback" not in done.err


def test_no_command_shows_the_commands(project: Project) -> None:
    """Without a command: the help, and exit 2."""
    done = project.run()
    assert done.code == 2
    assert "Work the backlog" in done.err


@pytest.mark.parametrize("args", [["start"], ["doctor"], ["stop"]], ids=str)
def test_outside_a_repository_everything_says_so(project: Project, tmp_path: Path, args: list[str]) -> None:
    """Exit 2 and where to go; `doctor` says it as one of its lines."""
    done = project.run(*args, cwd=tmp_path)
    assert done.code == 2
    assert "is not inside a git repository" in done.err + done.out


def test_a_folder_that_is_gone_is_understood(project: Project, tmp_path: Path) -> None:
    """A shell may stand in a folder that was deleted."""
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"cd {gone} && rmdir {gone} && exec {' '.join(AUTORUN)} tasks"
    done = subprocess.run(["sh", "-c", script], env=project.environ, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"is not there any more" in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("autonomous: [", "config.yml, line 1"),
        ("autonomous:\n  modle: opus\n", "line 2: unknown key `autonomous.modle`"),
        ("state_provider:\n  type: githb\n", "did you mean `github`?"),
        ("- a\n", "config.yml"),
    ],
)
def test_a_malformed_configuration_is_named_with_its_line(project: Project, text: str, said: str) -> None:
    """Everything that reads it says what is wrong and where; what does not need it works all the same."""
    project.config(text)
    for command in ("config", "start"):
        done = project.run(command)
        assert (done.code, done.out) == (2, "")
        assert said in done.err


def test_stop_and_logs_need_no_configuration(project: Project) -> None:
    """A broken file keeps nobody from ending a run or from reading what it said."""
    project.run("start")
    project.config("autonomous: [")
    assert project.run("stop").code == 0
    assert project.run("logs").code == 0


def test_an_unreadable_backlog_is_the_providers_failure(project: Project) -> None:
    """Exit 3 when tasks cannot be listed at all."""
    project.config("state_provider:\n  state_dir: README.md\n")
    done = project.run("start")
    assert done.code == 3
    assert "error: Could not initialize state provider file" in done.err


def test_a_missing_cli_names_its_remedy(project: Project) -> None:
    """Exit 4, the seed's words and where to get it; `doctor` agrees, and the session is not called dead."""
    project.task("hello")
    project.environ |= {"PATH": "/usr/bin:/bin", "ANTHROPIC_API_KEY": "sk-ant-fake"}
    done = project.run("start")
    assert done.code == 4
    assert "error: Claude Code CLI not found" in done.err
    assert "npm install --global @anthropic-ai/claude-code" in done.err
    assert project.run("doctor").code == 4
    status = project.status()
    assert (status["state"], status["died"], status["reason"]) == ("stopped", False, "error")
    assert project.state_of("hello") == ""


def test_no_credential_is_found_before_any_claim(project: Project) -> None:
    """Exit 4 with the variables to set, and no record."""
    project.task("hello")
    fake_cli(project)
    del project.environ["ANTHROPIC_API_KEY"]
    done = project.run("start")
    assert done.code == 4
    assert "ANTHROPIC_API_KEY" in done.err
    assert git(project.root, "for-each-ref", "refs/autorun") == ""


def test_a_repository_that_takes_no_record_is_refused(project: Project) -> None:
    """Exit 5 when nothing could be published; no agent starts."""
    project.task("hello")
    fake_cli(project)
    git(project.root, "config", "transfer.hideRefs", "refs/autorun")
    done = project.run("start")
    assert done.code == 5, done.err
    assert "error: " in done.err


def test_a_bug_ends_with_a_report(project: Project) -> None:
    """Exit 70 and what to paste, without the environment or the arguments."""
    script = (
        "import click, sys; from autorun.__main__ import main\n"
        "@click.command()\n@click.argument('secret')\n"
        "def boom(secret): raise RuntimeError('::error::##[group]broken')\n"
        "main(boom)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "pass-word"],
        env=project.environ | {"TOKEN": "hush-hush", "GITHUB_ACTIONS": "true"},
        capture_output=True,
        check=False,
    )
    said = done.stderr.decode()
    assert done.returncode == 70
    assert "error: Autorun has a bug" in said
    assert "RuntimeError" in said
    assert "Python 3" in said
    assert "pass-word" not in said
    assert "hush-hush" not in said
    assert done.stdout == b""


def test_on_actions_an_error_is_an_annotation(project: Project) -> None:
    """One annotation on stderr, none elsewhere, and stdout stays for data."""
    done = project.run("strat", environ={"GITHUB_ACTIONS": "true"})
    assert done.code == 2
    assert "::error title=Autorun::there is no command `strat` (did you mean `start`?)" in done.err.splitlines()
    assert done.out == ""
    assert "::" not in project.run("strat").err


def test_closed_streams_are_no_bug(project: Project) -> None:
    """With stdin, stdout and stderr closed everything works; a reader that leaves early is no error."""
    project.task("done", status="done")
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        for command in ("start", "tasks"):
            script = f"{' '.join(AUTORUN)} {command} {closed}"
            done = subprocess.run(
                ["sh", "-c", script], cwd=project.root, env=project.environ, capture_output=True, check=False
            )
            assert (done.returncode, b"Traceback" in done.stderr) == (0, False), (command, closed, done.stderr)
    script = f"{' '.join(AUTORUN)} config | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=project.root, env=project.environ, capture_output=True, check=False
    )
    assert done.stdout.strip() == b"0"
    assert b"Broken" not in done.stderr


def test_strange_letters_meet_a_plain_terminal(project: Project) -> None:
    """Titles of any script are printed, escaped where the locale has no letter for them."""
    project.task("snow", title="Größe ☃ 雪")
    assert "Größe ☃ 雪" in project.run("tasks").out
    plain = project.environ | {"PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(
        [sys.executable, "-m", "autorun", "tasks"], cwd=project.root, env=plain, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert rb"\u2603" in done.stdout
