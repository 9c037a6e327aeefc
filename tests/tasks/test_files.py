"""Task files on disk: what is no task is reported, and nobody's writing is ever lost."""

import os
import signal
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autorun.adapters.tasks.files import FileTasks
from autorun.core.errors import ConfigurationError, ProviderError, TaskGone, TaskUnreadable
from autorun.core.ledger import History, Seen
from autorun.core.ledger.record import Record
from autorun.core.model import Outcome, Priority, Reason, Task, TaskId, TaskState
from autorun.core.planning import Plan, plan
from autorun.core.taskfile import MAX_BYTES, parse, render
from kit.tasks_conformance import BODY, record_of

GOOD = "# Title: Good\n\n## Acceptance Criteria\n- [ ] The page has a title\n"
KEY = TaskId(provider="file", key="good")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    state = tmp_path / "state"
    state.mkdir()
    return state


def faults(tasks: FileTasks) -> dict[str, str]:
    return {Path(fault.place).name: fault.reason for fault in tasks.backlog().faults}


def planned(tasks: FileTasks, past: History) -> Plan:
    return plan(
        tasks.backlog(),
        past,
        now=datetime(2026, 11, 3, tzinfo=UTC),
        max_attempts=3,
        dead=lambda _: False,
        grace=timedelta(minutes=5),
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def keys(tasks: FileTasks) -> list[str]:
    return [task.id.key for task in tasks.backlog().tasks]


# ------------ reading


def test_bad_files_are_named_and_hide_no_good_one(folder: Path) -> None:
    """Each fault tells its file and its trouble; the good task is listed all the same."""
    outside = folder.parent / "outside.md"
    outside.write_text(GOOD)
    (folder / "good.md").write_text(GOOD)
    (folder / "yaml.md").write_text("---\na: [\n---\n# x")
    (folder / "latin.md").write_bytes(b"# Caf\xe9")
    (folder / "untitled.md").write_text("Just words")
    (folder / "empty.md").touch()
    (folder / "odd.md").write_text("---\nstatus: later\n---\n# x")
    (folder / "folder.md").mkdir()
    (folder / "huge.md").write_bytes(b"# x\n" + b"y" * MAX_BYTES)
    (folder / "out.md").symlink_to(outside)
    (folder / "loop.md").symlink_to(folder / "loop.md")
    (folder / "nowhere.md").symlink_to(folder / "missing.md")
    (folder / "new\nline.md").write_text(GOOD)
    (folder / os.fsdecode(b"caf\xe9.md")).write_text(GOOD)
    os.mkfifo(folder / "pipe.md")
    tasks = FileTasks(folder, writes=True)
    assert keys(tasks) == ["good"]
    assert {name: reason[:38] for name, reason in faults(tasks).items()} == {
        "yaml.md": "The front matter is no valid YAML (lin",
        "latin.md": "The file is not UTF-8 (byte 5): save i",
        "untitled.md": "The file has no title: its first headi",
        "empty.md": "The file is empty: a task needs at lea",
        "odd.md": 'The status "later" is unknown: use one',
        "folder.md": "It is a folder, not a file.",
        "huge.md": "The file is larger than 1024 KiB: a ta",
        "out.md": "The symbolic link leads out of the fol",
        "loop.md": "Too many levels of symbolic links.",
        "nowhere.md": "The symbolic link leads nowhere.",
        "new\\nline.md": "The file's name has characters that ca",
        "caf\\udce9.md": "The file's name has characters that ca",
        "pipe.md": f"{folder}/pipe.md is no regular file."[:38],
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file_is_a_fault(folder: Path) -> None:
    """No permission is said in so many words."""
    (folder / "closed.md").write_text(GOOD)
    (folder / "closed.md").chmod(0)
    assert faults(FileTasks(folder, writes=True)) == {"closed.md": "Permission denied."}


def test_what_is_hidden_or_no_markdown_is_no_task(folder: Path) -> None:
    """Editors' and our own leftovers, notes for readers and other files are passed over in silence."""
    for name in ("README.md", ".hidden.md", ".autorun-x.md.tmp", "good.md~", "notes.txt", ".md"):
        (folder / name).write_text(GOOD)
    backlog = FileTasks(folder, writes=True).backlog()
    assert (backlog.tasks, backlog.faults) == ((), ())


def test_a_link_inside_the_folder_is_a_task(folder: Path) -> None:
    """A task may lie in a subfolder; writing goes to the file itself, and the link stays."""
    (folder / "sub").mkdir()
    (folder / "sub" / "text.md").write_text(GOOD)
    (folder / "good.md").symlink_to(folder / "sub" / "text.md")
    tasks = FileTasks(folder, writes=True)
    (task,) = tasks.backlog().tasks
    tasks.show(task, record_of(task.id, TaskState.DONE))
    assert (folder / "good.md").is_symlink()
    assert "status: done" in (folder / "sub" / "text.md").read_text()


def test_an_id_belongs_to_one_task(folder: Path) -> None:
    """Two files with one id are both faults that name each other; a file name counts as an id."""
    (folder / "a.md").write_text("---\nid: T-1\n---\n# A")
    (folder / "b.md").write_text("---\nid: T-1\n---\n# B")
    (folder / "c.md").write_text("---\nid: d\n---\n# C")
    (folder / "d.md").write_text("# D")
    (folder / "e.md").write_text("---\nid: T-2\n---\n# E")
    tasks = FileTasks(folder, writes=True)
    assert keys(tasks) == ["e"]
    said = faults(tasks)
    assert sorted(said) == ["a.md", "b.md", "c.md", "d.md"]
    assert said["a.md"] == 'The id "T-1" stands in a.md, b.md: give every task an id of its own.'


def test_a_missing_folder_is_empty_and_says_so(tmp_path: Path) -> None:
    """No folder is no failure, but a reader learns how to make one; reading does not make it."""
    tasks = FileTasks(tmp_path / "none", writes=True)
    assert faults(tasks) == {"none": "There is no such folder yet: `autorun add TITLE` creates it."}
    assert not (tmp_path / "none").exists()


def test_a_folder_that_is_none_names_the_setting(tmp_path: Path) -> None:
    """A file in the place of the folder is a provider that cannot start."""
    (tmp_path / "state").touch()
    with pytest.raises(ProviderError, match="Could not initialize state provider file: ") as failure:
        FileTasks(tmp_path / "state", writes=True).backlog()
    assert "state_provider.state_dir" in failure.value.hint


def test_a_key_never_leads_out_of_the_folder(folder: Path) -> None:
    """A key from elsewhere with a path in it is no task."""
    (folder.parent / "secret.md").write_text(GOOD)
    tasks = FileTasks(folder, writes=True)
    stranger = Task(id=TaskId(provider="file", key="../secret"), title="x")
    with pytest.raises(TaskGone):
        tasks.refresh(stranger)
    with pytest.raises(TaskGone):
        tasks.show(stranger, record_of(stranger.id, TaskState.DONE))
    assert (folder.parent / "secret.md").read_text() == GOOD


def test_a_file_that_became_malformed_is_gone_as_a_task(folder: Path) -> None:
    """Refresh says what is wrong with it; show touches nothing and says what it would have written."""
    (folder / "good.md").write_text(GOOD)
    tasks = FileTasks(folder, writes=True)
    (task,) = tasks.backlog().tasks
    (folder / "good.md").write_text("---\nstatus: [\n---\n# x")
    with pytest.raises(TaskUnreadable, match=r"no task any more\. The front matter is no valid YAML"):
        tasks.refresh(task)
    with pytest.raises(ProviderError, match="could not be written") as failure:
        tasks.show(task, record_of(task.id, TaskState.DONE))
    assert failure.value.hint == "it should be `status: done`"
    assert (folder / "good.md").read_text() == "---\nstatus: [\n---\n# x"


# ------------ writing


def test_showing_keeps_bytes_and_mode(folder: Path) -> None:
    """Only the status changes, not line ends or permissions; an equal status writes nothing."""
    path = folder / "good.md"
    path.write_bytes(b"---\r\nstatus: todo # mine\r\n---\r\n# x\r\nno end")
    path.chmod(0o664)
    tasks = FileTasks(folder, writes=True)
    (task,) = tasks.backlog().tasks
    tasks.show(task, record_of(task.id, TaskState.IN_REVIEW))
    assert path.read_bytes() == b"---\r\nstatus: in_review # mine\r\n---\r\n# x\r\nno end"
    assert stat.S_IMODE(path.stat().st_mode) == 0o664
    before = path.stat().st_mtime_ns
    tasks.show(task, record_of(task.id, TaskState.IN_REVIEW))
    assert path.stat().st_mtime_ns == before


def test_on_actions_no_file_is_written(folder: Path) -> None:
    """Without writes, show is silent, add refuses, and a stale status is nobody's answer."""
    (folder / "good.md").write_text(GOOD)
    tasks = FileTasks(folder, writes=False)
    backlog = tasks.backlog()
    tasks.show(backlog.tasks[0], record_of(KEY, TaskState.DONE))
    with pytest.raises(ConfigurationError, match="only read"):
        tasks.add("More")
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("good.md", GOOD)]
    assert (backlog.edits_answer, backlog.resets_answer) == (True, False)


def test_a_person_s_word_in_a_file_lets_a_task_go_on(folder: Path) -> None:
    """Shown as blocked it stays; its text edited, or its status set back to todo, it runs."""
    path = folder / "good.md"
    path.write_text(GOOD)
    tasks = FileTasks(folder, writes=True)
    (task,) = tasks.backlog().tasks
    outcome = Outcome(state=TaskState.BLOCKED, reason=Reason.AGENT_BLOCKED, sentence="Which title?")
    blocked = Record(task=task.id, state=TaskState.BLOCKED, revision=task.revision, outcome=outcome)

    def runs() -> bool:
        past = History(seen={task.id: Seen(commit="c0", record=blocked)}, faults={})
        return bool(planned(tasks, past).ready)

    tasks.show(task, blocked)
    assert not runs()
    shown = path.read_text()
    path.write_text(shown.replace("has a title", 'has the title "Hello"'))
    assert runs()
    path.write_text(shown.replace("status: blocked", "status: todo"))
    assert runs()


def test_add_writes_a_task_that_reads_back(tmp_path: Path) -> None:
    """Title, text and front matter arrive; equal titles get keys of their own; the folder is made."""
    tasks = FileTasks(tmp_path / "a" / "state", writes=True)
    created = datetime(2026, 11, 2, 22, tzinfo=UTC)
    first = tasks.add("Log in", BODY, priority=Priority.HIGH, labels=("web",), created_at=created)
    second = tasks.add("Log  in!", depends_on=(first.id.key,))
    third = tasks.add("Readme")
    assert [first.id.key, second.id.key, third.id.key] == ["log-in", "log-in-2", "readme-2"]
    assert tasks.backlog().tasks == (second, first, third)  # "log-in-2.md" sorts before "log-in.md"
    assert (first.priority, first.labels, first.created_at) == (Priority.HIGH, ("web",), created)
    assert stat.S_IMODE((tmp_path / "a" / "state" / "log-in.md").stat().st_mode) == 0o644


@pytest.mark.parametrize("title", ["", " \n ", "\udce9"])
def test_add_refuses_what_is_no_title(tmp_path: Path, title: str) -> None:
    """Nothing is written for it."""
    with pytest.raises(ConfigurationError, match="cannot become a task"):
        FileTasks(tmp_path / "state", writes=True).add(title)
    assert not (tmp_path / "state").exists()


# ------------ several writers, and kills

ADD = """
import sys
from pathlib import Path
from autorun.adapters.tasks.files import FileTasks
tasks = FileTasks(Path(sys.argv[1]), writes=True)
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[2])):
    tasks.add("Same title")
"""
SHOW = """
import sys
from itertools import count
from pathlib import Path
from autorun.adapters.tasks.files import FileTasks
from autorun.core.model import TaskState
from autorun.core.ledger.record import Record
tasks = FileTasks(Path(sys.argv[1]), writes=True)
task = next(task for task in tasks.backlog().tasks if task.id.key == sys.argv[2])
rounds = range(int(sys.argv[3])) if len(sys.argv) > 3 else count()
print("ready", flush=True)
for number in rounds:
    state = (TaskState.BLOCKED, TaskState.PAUSED)[number % 2]
    tasks.show(task, Record(task=task.id, state=state))
"""


def started(script: str, *arguments: object) -> "subprocess.Popen[bytes]":
    argv = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_two_processes_that_add_at_once_lose_nothing(folder: Path) -> None:
    """Every task gets a file and a key of its own."""
    children = [started(ADD, folder, 40) for _ in range(2)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write(b"go\n")
        child.stdin.flush()
    for child in children:
        child.communicate(timeout=60)
    assert [child.returncode for child in children] == [0, 0]
    tasks = FileTasks(folder, writes=True)
    assert len(keys(tasks)) == 80
    assert faults(tasks) == {}


def test_two_processes_that_show_at_once_tear_nothing(folder: Path) -> None:
    """The file ends as one of the two wrote it, all other bytes in place."""
    (folder / "good.md").write_text(GOOD)
    children = [started(SHOW, folder, "good", 41) for _ in range(2)]
    assert [child.wait(60) for child in children] == [0, 0]
    for child in children:
        child.communicate()
    assert (folder / "good.md").read_text() in {
        f"---\nstatus: {state}\n---\n{GOOD}" for state in (TaskState.BLOCKED, TaskState.PAUSED)
    }
    assert names(folder) == ["good.md"]


def test_a_kill_in_mid_write_leaves_a_whole_file(folder: Path) -> None:
    """Whenever the writer dies, the file is whole, no leftover is a task, and the next writer clears up."""
    text = GOOD + "x" * 500_000
    (folder / "good.md").write_text(text)
    leftovers = 0
    for round_ in range(120):
        if round_ >= 12 and leftovers:
            break
        child = started(SHOW, folder, "good")
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(0.003 * (round_ % 12))
        child.send_signal(signal.SIGKILL)
        child.communicate()
        leftovers += len(names(folder)) - 1
        found = parse((folder / "good.md").read_bytes(), "good").task
        assert found.body == text
        assert keys(FileTasks(folder, writes=True)) == ["good"]
    assert leftovers > 0  # else no kill ever hit a write, and this test showed nothing
    tasks = FileTasks(folder, writes=True)
    (task,) = tasks.backlog().tasks
    tasks.show(task, record_of(task.id, TaskState.DONE))
    assert names(folder) == ["good.md"]


# ------------ size


def test_a_long_backlog_is_read_and_planned_quickly(folder: Path) -> None:
    """Two thousand files take a fifth of the three seconds that ten thousand may."""
    for number in range(2000):
        depends_on = [f"t{number - 1}"] if number % 7 else []
        text = render(f"[P{number % 9}-1.{number}] Task", BODY, labels=["a"], depends_on=depends_on)
        (folder / f"t{number}.md").write_text(text)
    began = time.process_time()
    outcome = planned(FileTasks(folder, writes=True), History(seen={}, faults={}))
    assert time.process_time() - began < 1.2  # twice the share: the machine may be busy
    assert len(outcome.ready) + len(outcome.skipped) == 2000
