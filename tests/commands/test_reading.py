"""Commands that only read: what they print for people and for programs, and that they change nothing."""

import json
import time
from pathlib import Path

import pytest

from kit.commandline import AUTORUN, Project, eventually, on_terminal
from kit.repos import git
from kit.workflow_commands import obeyed

READING = (
    ["tasks"], ["tasks", "--json"], ["status"], ["status", "--json"], ["config"], ["config", "--json"],
    ["doctor"], ["doctor", "--json"], ["start", "--dry-run"], ["start", "--dry-run", "--json"], ["stop"],
)  # fmt: skip

ON_ACTIONS = {"GITHUB_ACTIONS": "true", "AUTORUN_STATE_PROVIDER_TYPE": "file"}


def test_reading_changes_nothing(project: Project) -> None:
    """No file, no ref, no mode and no time differs afterwards, and no worktree or session appears."""
    project.task("a")
    project.task("b", status="done")
    project.task("c", depends_on="a")
    (project.root / "dirty.txt").write_text("mine")
    before = project.picture()
    for args in READING:
        done = project.run(*args)
        assert done.code in {0, 4}, done.err  # 4: doctor finds no agent here
        assert project.picture() == before, args


@pytest.mark.parametrize("args", [each for each in READING if "--json" in each], ids=" ".join)
def test_data_is_one_json_document(project: Project, args: list[str]) -> None:
    """Nothing but ASCII JSON on stdout, even on Actions."""
    project.task("a", title="Größe")
    done = project.run(*args, environ=ON_ACTIONS)
    assert json.loads(done.out) is not None
    assert done.out.isascii()


def test_an_empty_repository_is_read(project: Project, tmp_path: Path) -> None:
    """Without a commit, reading works, and `start` has nothing to do or says what is missing."""
    root = tmp_path / "empty"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    for command in ("tasks", "status", "config"):
        assert project.run(command, cwd=root).code == 0
    assert project.run("add", "First", cwd=root).code == 0
    done = project.run("start", cwd=root)
    assert done.code in {2, 4}
    assert done.err.count("error: ") == 1


def test_the_queue_is_told_with_reasons(project: Project) -> None:
    """Order, priorities, and for every task that would not run the sentence why; faults are named."""
    project.task("low", priority="low")
    project.task("high", priority="high")
    project.task("waits", depends_on="high")
    project.task("broken", priority="hgih")
    (project.root / ".ai-agents/state/binary.md").write_bytes(b"\xff\xfe\0")
    data = project.run("tasks", "--json").data
    assert [task["key"] for task in data["ready"]][:2] == ["high", "broken"] or data["ready"][0]["key"] == "high"
    assert data["skipped"][0]["key"] == "waits"
    assert data["skipped"][0]["reason"] == "blocked by: high (todo)"
    assert any("binary.md" in fault["place"] for fault in data["faults"])
    assert "blocked by: high (todo)" in project.run("tasks").out


def test_a_dry_run_shows_every_write(project: Project) -> None:
    """The claim's ref and fence, the status line, session and log; tasks beyond the limit; the skips."""
    project.task("a")
    project.task("b")
    project.task("c", depends_on="a")
    done = project.run("start", "--dry-run", "--max-tasks", "1")
    assert "Skipping c - blocked by: a (todo)" in done.out
    assert "Would start file/a Task a" in done.out
    assert "would write refs/autorun/tasks/file/a: the claim, fence 1" in done.out
    assert "would write .ai-agents/state/a.md: status in_progress" in done.out
    assert "Would leave 1 more: Task limit reached: 1" in done.out
    assert not (project.root / ".ai-agents/session").exists()


def test_an_empty_backlog_ends_well(project: Project) -> None:
    """The seed's words for the two ways to have nothing to do; exit 0, and `status` knows why it ended."""
    done = project.run("start")
    assert (done.code, done.out) == (0, "No more tasks available. No task was begun.\n")
    project.task("egg", depends_on="hen")
    project.task("hen", depends_on="egg")
    done = project.run("start")
    assert done.code == 0
    assert "No tasks ready - all TODO tasks blocked by dependencies" in done.out
    assert "Skipping egg - waits for itself: egg -> hen -> egg" in done.err
    status = project.status()
    assert (status["state"], status["reason"]) == ("stopped", "empty")
    assert "No tasks ready" in project.run("logs", "--tail", "1").out
    assert project.run("logs", "--tail", "0").out == ""
    data = project.run("start", "--json").data
    assert (data["reason"], data["tasks"]) == ("empty", [])


def test_status_without_a_session(project: Project) -> None:
    """Not started is a state of its own; the shape is the same as ever."""
    before = project.status()
    assert before["state"] == "not_started"
    assert (before["tasks_completed"], before["total_cost"], before["session_id"]) == (0, 0, None)
    project.run("start")
    assert set(project.status()) == set(before)
    assert "not started" not in project.run("status").out


def test_settings_and_their_sources(project: Project) -> None:
    """`config` prints typed values, where each comes from, and hides secrets."""
    project.config("autonomous:\n  max_tasks_per_session: 3\nprogress:\n  slack_webhook: https://hooks.test/abc\n")
    data = project.run("config", "--json", environ={"AUTORUN_AUTONOMOUS_MAX_TURNS_PER_TASK": "7"}).data
    values = data["values"]
    assert values["autonomous.max_tasks_per_session"] == {
        "value": 3,
        "source": "file .ai-agents/config.yml:autonomous.max_tasks_per_session",
    }
    assert values["autonomous.max_turns_per_task"]["value"] == 7
    assert values["autonomous.max_turns_per_task"]["source"].startswith("environment ")
    assert values["progress.slack_webhook"]["value"] == "***"
    assert values["run.tasks"] == {"value": [], "source": "default"}
    assert any("secret in the open" in warning for warning in data["warnings"])
    assert "hooks.test" not in project.run("config").out


def test_a_missing_prompt_file_is_a_warning(project: Project) -> None:
    """The built-in words hold, and everybody is told."""
    project.config("autonomous:\n  system_prompt_path: prompts/none.md\n")
    for command in ("config", "start"):
        done = project.run(command)
        assert done.code == 0
        assert "there is no prompts/none.md" in done.err


def test_paths_start_at_the_top_of_the_repository(project: Project) -> None:
    """A command gives the same answer in every folder of the repository; `-c` is `--config`."""
    project.task("a")
    (project.root / "other.yml").write_text("autonomous:\n  max_turns_per_task: 9\n")
    below = project.root / "deep/er"
    below.mkdir(parents=True)
    assert project.run("tasks", "--json", cwd=below).data["ready"][0]["key"] == "a"
    shown = project.run("config", "-c", "other.yml", cwd=below).out
    assert "other.yml:autonomous.max_turns_per_task" in shown


def test_add_makes_a_task_of_age(project: Project) -> None:
    """The key on stdout, the file beside it; body from a file or stdin; its age is known; nothing else moves."""
    (project.root / "body.md").write_text("## Acceptance Criteria\n- [ ] it works\n")
    done = project.run("add", "Say hello", "--body-file", "body.md")
    assert (done.code, done.out) == (0, "say-hello\n")
    assert "created:" in (project.root / ".ai-agents/state/say-hello.md").read_text()
    again = project.run("add", "Say hello", "--body-file", "-", "--json", stdin=b"## Description\nLoudly.\n")
    assert again.data["key"] == "say-hello-2"
    assert again.data["path"] == ".ai-agents/state/say-hello-2.md"
    assert "no acceptance criteria" in again.data["warnings"][0]
    order = [task["key"] for task in project.run("tasks", "--json").data["ready"]]
    assert order == ["say-hello", "say-hello-2"]
    project.config("state_provider:\n  type: file\n  state_dir: /nowhere/at/all\n")
    assert (
        project.run("add", "x", environ={"AUTORUN_STATE_PROVIDER_STATE_DIR": str(project.home / "tasks")}).code == 0
    )
    project.config("state_provider:\n  type: github\n")
    refused = project.run("add", "x")
    assert refused.code == 2
    assert "tasks come from github here" in refused.err


def test_following_the_log_shows_what_is_added(project: Project) -> None:
    """Whole lines as they come, also after the file was replaced; Ctrl-C ends it with 130."""
    log = project.root / ".ai-agents/logs/autonomous.log"
    log.parent.mkdir(parents=True)
    log.write_text("old\nlast\n")
    argv = (*AUTORUN, "logs", "--tail", "1", "--follow")
    with on_terminal(argv, project.root, project.environ) as screen:
        assert "old" not in screen.wait_for("last\n")
        with log.open("a") as stream:
            stream.write("ne")
            stream.flush()
            time.sleep(0.4)
            stream.write("w\n")
        assert screen.wait_for("new\n") == "new\n"
        log.rename(log.with_suffix(".log.1"))
        log.write_text("fresh\n")
        screen.wait_for("fresh\n")
        screen.type("\x03")
        screen.end()
    assert screen.code == 130


def test_watching_shows_what_changes(project: Project) -> None:
    """`status --watch` draws again; with `--json` it gives one line each time."""
    with on_terminal((*AUTORUN, "status", "--watch"), project.root, project.environ) as screen:
        screen.wait_for("not started")
        project.run("start")
        screen.wait_for("stopped: No more tasks available")
        screen.type("\x03")
        screen.end()
    assert screen.code == 130
    with project.started("status", "--watch", "--json") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        assert [json.loads(line)["state"] for line in lines] == ["stopped", "stopped"]


HOSTILE = "::error::no ##[group]no ::set-env name=PATH::x"


@pytest.mark.parametrize("on_actions", [True, False])
def test_nothing_foreign_is_obeyed(project: Project, on_actions: bool) -> None:
    """Titles, keys, reasons and broken files: no output of any command holds a workflow command of theirs."""
    project.task("a", title=HOSTILE, priority=f'"{HOSTILE}"')
    project.task("b", title=HOSTILE, status="blocked", depends_on='["::warning::x", "##[x]"]')
    (project.root / ".ai-agents/state/##[error]c.md").write_text(f"---\nid: '{HOSTILE}'\n---\n# {HOSTILE}\n")
    (project.root / ".ai-agents/state/::error::d.md").write_bytes(b"\xff")
    more = ON_ACTIONS if on_actions else {}
    named = (["show", HOSTILE], ["logs", "--task", HOSTILE], [HOSTILE], ["start", "--model", HOSTILE])
    for args in (*(READING if on_actions else ()), *named):
        done = project.run(*args, environ=more)
        assert obeyed(done.out) == [], args
        found = obeyed(done.err)
        assert all(line.startswith(("::error title=Autorun::", "::warning ::")) for line in found), args
        failed = any(line.startswith("error: ") for line in done.err.splitlines())
        assert any(line.startswith("::error") for line in found) == (on_actions and failed), args


def test_a_torn_session_file_is_no_session(project: Project) -> None:
    """Damaged state files cost their content, never a traceback."""
    project.run("start")
    for name, text in (("session.json", "{"), ("events.jsonl", "{\n[]\n\0")):
        (project.root / ".ai-agents/session" / name).write_text(text)
    assert project.status()["state"] == "not_started"
    assert project.run("start").code == 0
    eventually(lambda: project.status()["reason"] == "empty", "the next session is whole")
