"""Verification commands: run in order, logged whole, their ends reported as they were."""

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from autorun.adapters.verifier import CommandVerifier
from autorun.core.errors import WorkspaceFailed
from autorun.core.model import Check, Command, Room, StopReason, Workspace

ENVIRONMENT = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


def unconfined(command: Command, _: Room) -> Command:
    return command


def verifier(environ: Mapping[str, str] = ENVIRONMENT, keep_bytes: int = 1000) -> CommandVerifier:
    return CommandVerifier(confine=unconfined, environ=environ, keep_bytes=keep_bytes)


def never() -> None:
    return None


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "work").mkdir()
    return Workspace(path=tmp_path / "work", base="b", git_dir=tmp_path / "work/.git")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "session/verify.log"


def test_checks_run_in_order_in_the_workspace(workspace: Workspace, log: Path) -> None:
    """Green and red ones alike, each with status, time and output."""
    checks = (Check(run="echo one > made; pwd"), Check(run="cat made; echo bad >&2; exit 3"), Check(run="true"))
    first, second, third = verifier().run(checks, workspace, log=log, stop=never)
    assert (first.passed, first.output) == (True, f"{workspace.path}\n")
    assert (second.exit_code, set(second.output.split())) == (3, {"one", "bad"})
    assert third == replace(third, run="true", exit_code=0, output="")
    text = log.read_text()
    assert text.index("$ echo one") < text.index("$ cat made") < text.index("status 3") < text.index("$ true")


def test_a_second_run_is_appended_to_the_log(workspace: Workspace, log: Path) -> None:
    """The baseline's output is still there after the repair's."""
    for word in ("before", "after"):
        verifier().run((Check(run=f"echo {word}"),), workspace, log=log, stop=never)
    assert log.read_text().index("before") < log.read_text().index("after")


def test_nothing_of_the_runner_is_inherited(workspace: Workspace, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither variables, nor start-up files that they would name, nor standard input."""
    (workspace.path / "evil.sh").write_text("echo evil")
    monkeypatch.setenv("GITHUB_TOKEN", "canary")
    monkeypatch.setenv("BASH_ENV", str(workspace.path / "evil.sh"))
    (result,) = verifier().run((Check(run="env; cat"),), workspace, log=log, stop=never)
    assert result.passed
    assert "canary" not in log.read_text()
    assert "evil" not in result.output


@pytest.mark.parametrize(
    "run", ["false | cat", "false\ntrue", "test -n '' && true; exit 1", "no-such-program", "exit 77"]
)
def test_a_failure_anywhere_is_a_failure(workspace: Workspace, log: Path, run: str) -> None:
    """In a pipeline or on an earlier line, as in a workflow."""
    (result,) = verifier().run((Check(run=run),), workspace, log=log, stop=never)
    assert not result.passed
    assert result.exit_code is not None


def test_a_command_that_does_not_end_is_ended(workspace: Workspace, log: Path) -> None:
    """It has no exit code, its output so far is kept, and the next check runs."""
    checks = (Check(run="echo begun; sleep 60", timeout=0.3), Check(run="true"))
    started = time.monotonic()
    hung, after = verifier().run(checks, workspace, log=log, stop=never)
    assert time.monotonic() - started < 10
    assert hung.exit_code is None
    assert hung.output == "begun\n[autorun: ended by force: no end after 0.3 s]\n"
    assert after.passed


@pytest.mark.parametrize("run", ["sleep 60 & echo done", "setsid sleep 3 & sleep 0.1; echo done"])
def test_left_over_processes_are_reported(workspace: Workspace, log: Path, run: str) -> None:
    """A check that leaves something running still ends, and says so."""
    (result,) = verifier().run((Check(run=run),), workspace, log=log, stop=never)
    assert result.passed
    assert result.output == "done\n[autorun: it left processes behind]\n"


def test_a_stop_ends_the_work_and_decides_nothing(workspace: Workspace, log: Path) -> None:
    """The check that was running and those after it have no result."""
    asked: list[StopReason] = []

    def stop() -> StopReason | None:
        return StopReason.SIGTERM if (workspace.path / "go").exists() else None

    checks = (Check(run="true"), Check(run="touch go; sleep 60"), Check(run="touch never"))
    results = verifier().run(checks, workspace, log=log, stop=stop)
    assert asked == []
    assert [result.run for result in results] == ["true"]
    assert not (workspace.path / "never").exists()
    assert "ended by force: stopped" in log.read_text()


def test_the_tail_is_bounded_and_the_log_is_whole(workspace: Workspace, log: Path) -> None:
    """However much a check says, the end is kept, whole characters of it."""
    (result,) = verifier(keep_bytes=999).run(
        (Check(run="yes ä | head -c 300000; exit 1"),), workspace, log=log, stop=never
    )
    assert log.stat().st_size > 300_000
    assert 990 <= len(result.output.encode()) <= 999
    assert "\ufffd" not in result.output


def test_what_is_no_text_is_still_output(workspace: Workspace, log: Path) -> None:
    """Bytes that are no UTF-8 become replacement characters."""
    (result,) = verifier().run((Check(run=r"printf 'a\377b'"),), workspace, log=log, stop=never)
    assert result.output == "a\ufffdb"


def test_checks_are_confined_to_the_workspace_alone(workspace: Workspace, log: Path) -> None:
    """No socket, so no way to the model; a launcher that is missing is an error with a remedy."""
    rooms: list[Room] = []

    def confine(command: Command, room: Room) -> Command:
        rooms.append(room)
        return replace(command, argv=("/nonexistent/launcher", *command.argv))

    confined = CommandVerifier(confine=confine, environ=ENVIRONMENT)
    with pytest.raises(WorkspaceFailed, match="cannot be started") as failed:
        confined.run((Check(run="true"),), workspace, log=log, stop=never)
    assert rooms == [Room(workspace=workspace)]
    assert "autorun doctor" in failed.value.hint


def test_no_checks_are_no_results(workspace: Workspace, log: Path) -> None:
    """Nothing configured runs nothing and writes nothing."""
    assert verifier().run((), workspace, log=log, stop=never) == ()
    assert not log.exists()
