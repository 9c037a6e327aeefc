"""Workspaces: clean at the base, private to a task, and nothing of the user's touched."""

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from autorun.adapters.workspaces import GitWorkspaces
from autorun.core.errors import WorkspaceFailed
from autorun.core.model import Check, Command, Room, StopReason, TaskId, WorkspaceKind
from autorun.effects.git import find_repository
from kit.planted import ATTRIBUTES, plant
from kit.repos import commit_all, git, make_origin, make_repository, write_files

KILLED = """
import os, pathlib, sys
from autorun.adapters.workspaces import GitWorkspaces
from autorun.core.model import TaskId, WorkspaceKind
from autorun.effects.git import find_repository
top = pathlib.Path(sys.argv[1])
opened = GitWorkspaces(repository=find_repository(top), kind=WorkspaceKind.CHECKOUT, home=top.parent / "worktrees",
                       logs=top.parent / "logs", environment={})
with opened.opened(TaskId(provider="file", key="login"), sys.argv[2]):
    (top / "half.txt").write_text("done")
    os.kill(os.getpid(), 9)
"""
LOGIN = TaskId(provider="file", key="login")
FILES = {"README.md": "# Example\n", "src/app.py": "x = 1\n", ".gitignore": "node_modules/\n"}
KINDS = list(WorkspaceKind)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", FILES)


def workspaces(repository: Path, kind: WorkspaceKind = WorkspaceKind.WORKTREE) -> GitWorkspaces:
    return GitWorkspaces(
        repository=find_repository(repository),
        kind=kind,
        home=repository.parent / "worktrees",
        logs=repository.parent / "logs",
        environment={"PATH": os.environ["PATH"]},
    )


def state(repository: Path) -> tuple[str, ...]:
    """Everything of a repository that a user would see changed."""
    return (
        git(repository, "rev-parse", "--symbolic-full-name", "HEAD"),
        git(repository, "for-each-ref"),
        git(repository, "worktree", "list", "--porcelain"),
        git(repository, "stash", "list"),
        (repository / ".git/config").read_text(),
        git(repository, "ls-files", "--stage"),
        *(f"{p.relative_to(repository)}={p.read_bytes()!r}" for p in sorted(repository.rglob("*"))
          if p.is_file() and ".git" not in p.relative_to(repository).parts),
    )  # fmt: skip


def traces(folder: Path) -> list[str]:
    return [path.name for path in (folder / "traces").iterdir()]


# ------------ the base


def test_the_base_is_the_current_branch(repository: Path) -> None:
    """Without a remote and without a word in the configuration, work starts where the user is."""
    opened = workspaces(repository)
    assert (opened.base(), opened.base_branch()) == (git(repository, "rev-parse", "HEAD"), "main")


def test_a_remotes_default_branch_goes_before_the_current_one(repository: Path) -> None:
    """Commits that were never pushed are no part of a pull request."""
    make_origin(repository, repository.parent / "origin.git")
    git(repository, "fetch", "--quiet", "origin")
    git(repository, "remote", "set-head", "origin", "main")
    pushed = git(repository, "rev-parse", "HEAD")
    git(repository, "switch", "--quiet", "--create", "mine")
    local = commit_all(repository, "Not pushed")
    remote = replace(workspaces(repository), remote="origin")
    assert (remote.base(), remote.base_branch()) == (pushed, "main")
    assert replace(remote, base_ref="main").base() == pushed
    assert replace(remote, base_ref="mine").base() == local
    assert workspaces(repository).base() == local


def test_a_detached_head_is_a_base_without_a_branch(repository: Path) -> None:
    """So is a tag that the configuration names."""
    commit = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "-a", "v1", "-m", "One")
    git(repository, "checkout", "--quiet", "--detach")
    assert (workspaces(repository).base(), workspaces(repository).base_branch()) == (commit, "")
    assert replace(workspaces(repository), base_ref="v1").base() == commit


def test_no_base_is_an_error_with_a_remedy(repository: Path, tmp_path: Path) -> None:
    """An unborn repository, and a branch that does not exist, whatever its name looks like."""
    (tmp_path / "new").mkdir()
    git(tmp_path / "new", "init", "--quiet")
    with pytest.raises(WorkspaceFailed, match="no commit") as unborn:
        workspaces(tmp_path / "new").base()
    assert "git commit" in unborn.value.hint
    for name in ("gone", "--help", "a b", "HEAD~9"):
        with pytest.raises(WorkspaceFailed, match="no branch or revision") as missing:
            replace(workspaces(repository), base_ref=name).base()
        assert "workspace.base_branch" in missing.value.hint


# ------------ both kinds


@pytest.mark.parametrize("kind", KINDS)
def test_a_workspace_is_the_base_and_leaves_no_trace(repository: Path, kind: WorkspaceKind) -> None:
    """Whatever an agent does in it, the user's branch, index, refs, settings and files are as before."""
    base = git(repository, "rev-parse", "HEAD")
    write_files(repository, {"src/app.py": "x = 2\n", "later.txt": "later\n"})
    commit_all(repository, "Go on")
    write_files(repository, {"node_modules/kept.js": "1", ".ai-agents/state/login.md": "---\n---\n"})
    before = state(repository)
    with workspaces(repository, kind).opened(LOGIN, base) as workspace:
        assert (workspace.path / "src/app.py").read_text() == "x = 1\n"
        assert not (workspace.path / "later.txt").exists()
        assert git(workspace.path, "rev-parse", "HEAD") == workspace.base == base
        assert git(workspace.path, "status", "--porcelain", "--", ".", ":(exclude).ai-agents") == ""
        assert workspace.git_dir == repository / ".git"
        write_files(workspace.path, {"src/app.py": "broken", "new/deep/x": "1", ".gitignore": "*\n", "hidden": "2"})
        (workspace.path / "README.md").unlink()
        git(workspace.path / "new", "init", "--quiet", "nested")
        write_files(workspace.path / "new/nested", {"file": "1"})
    assert state(repository) == before
    assert not list((repository.parent / "worktrees").glob("*"))
    assert not list((repository / ".git/worktrees").glob("*"))


@pytest.mark.parametrize("kind", KINDS)
def test_it_leaves_no_trace_after_an_error_either(repository: Path, kind: WorkspaceKind) -> None:
    """The caller's error passes through."""
    before = state(repository)
    with pytest.raises(FileExistsError), workspaces(repository, kind).opened(LOGIN, "HEAD") as workspace:
        write_files(workspace.path, {"x": "1", "x/y": "2"})
    assert state(repository) == before


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_the_repositorys_settings_runs(repository: Path, kind: WorkspaceKind, tmp_path: Path) -> None:
    """No hook, filter, monitor or driver; a filtered file stays as it is stored."""
    write_files(repository, {".gitattributes": ATTRIBUTES, "logo.psd": "pointer\n"})
    base = commit_all(repository, "Filter everything")
    write_files(repository, {"logo.psd": "other pointer\n", "src/app.py": "x = 3\n"})
    commit_all(repository, "Go on")
    plant(repository, tmp_path / "traces")
    with workspaces(repository, kind).opened(LOGIN, base) as workspace:
        assert (workspace.path / "logo.psd").read_text() == "pointer\n"
        write_files(workspace.path, {"logo.psd": "changed\n"})
    assert traces(tmp_path) == []
    # The traps are live: git by itself, in the same repository, springs them.
    subprocess.run(["git", "checkout", "--force", base], cwd=repository, check=False, capture_output=True)
    assert {"fsmonitor", "filter-process"} <= set(traces(tmp_path))


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_base_is_an_error_and_changes_nothing(repository: Path, kind: WorkspaceKind) -> None:
    """The next task may go on."""
    before = state(repository)
    with (
        pytest.raises(WorkspaceFailed, match="cannot be prepared"),
        workspaces(repository, kind).opened(LOGIN, "9" * 40),
    ):
        pass
    assert state(repository) == before


@pytest.mark.parametrize("kind", KINDS)
def test_setup_runs_in_the_workspace_with_its_own_environment(repository: Path, kind: WorkspaceKind) -> None:
    """In order, with the given variables alone, logged."""
    setup = (
        Check(run="mkdir -p node_modules && echo made > node_modules/x"),
        Check(run="env | sort; cat node_modules/x"),
    )
    opened = replace(workspaces(repository, kind), setup=setup, environment={"PATH": os.environ["PATH"], "ONE": "1"})
    os.environ["AUTORUN_TEST_LEAK"] = "leak"
    try:
        with opened.opened(LOGIN, "HEAD") as workspace:
            assert (workspace.path / "node_modules/x").read_text() == "made\n"
    finally:
        del os.environ["AUTORUN_TEST_LEAK"]
    log = (opened.logs / "setup-file-login.log").read_text()
    assert "ONE=1\n" in log
    assert "made\n" in log
    assert "leak" not in log


@pytest.mark.parametrize("kind", KINDS)
def test_a_failing_setup_says_what_it_said(repository: Path, kind: WorkspaceKind) -> None:
    """Command, status and the end of its output, with a remedy; later commands do not run."""
    before = state(repository)
    setup = (Check(run="seq 100; echo boom >&2; exit 3"), Check(run="touch ../../ran"))
    opened = replace(workspaces(repository, kind), setup=setup)
    with pytest.raises(WorkspaceFailed, match="failed with status 3") as failed, opened.opened(LOGIN, "HEAD"):
        pass
    assert "boom" in str(failed.value)
    assert "\n50\n" not in str(failed.value)
    assert "setup-file-login.log" in failed.value.hint
    assert state(repository) == before
    assert not (repository.parent / "ran").exists()


def test_setup_is_confined_if_wanted_and_ends_when_asked(repository: Path) -> None:
    """The sandbox gets to see the command and the room; a stop ends a setup that would go on."""
    seen: list[Room] = []

    def confine(command: Command, room: Room) -> Command:
        seen.append(room)
        return replace(command, env={**command.env, "CONFINED": "yes"})

    opened = replace(workspaces(repository), setup=(Check(run='test "$CONFINED" = yes'),), confine=confine)
    with opened.opened(LOGIN, "HEAD") as workspace:
        assert [room.workspace for room in seen] == [workspace]
    hanging = replace(opened, setup=(Check(run="sleep 60"),), stop=lambda: StopReason.SIGTERM)
    with pytest.raises(WorkspaceFailed, match="had to be ended"), hanging.opened(LOGIN, "HEAD"):
        pass


# ------------ worktrees


def test_a_dirty_checkout_is_not_touched(repository: Path) -> None:
    """Staged, changed and new files of the user stay as they are, byte for byte."""
    write_files(repository, {"src/app.py": "x = 9\n", "staged.txt": "s", "new.txt": "n"})
    git(repository, "add", "staged.txt")
    before = state(repository)
    index = (repository / ".git/index").read_bytes()
    with workspaces(repository).opened(LOGIN, "HEAD") as workspace:
        assert (workspace.path / "src/app.py").read_text() == "x = 1\n"
        assert not (workspace.path / "staged.txt").exists()
    assert (repository / ".git/index").read_bytes() == index
    assert state(repository) == before


@pytest.mark.parametrize("left", ["worktree", "folder", "note", "file", "link", "locked folder"])
def test_what_a_killed_run_left_is_reclaimed(repository: Path, left: str) -> None:
    """A whole worktree, one of its halves, or whatever stands at its place."""
    place = repository.parent / "worktrees/file-login"
    outside = repository.parent / "outside"
    write_files(outside, {"kept": "1"})
    if left in {"worktree", "note", "locked folder"}:
        git(repository, "worktree", "add", "--quiet", "--detach", str(place))
        write_files(place, {"half/done": "1"})
    if left == "note":
        place.rename(repository.parent / "moved")
    elif left == "folder":
        write_files(place, {"half/done": "1"})
    elif left == "file":
        write_files(place.parent, {"file-login": "1"})
    elif left == "link":
        place.parent.mkdir()
        place.symlink_to(outside)
    elif left == "locked folder":
        (place / "half").chmod(0)
    with workspaces(repository).opened(LOGIN, "HEAD") as workspace:
        assert git(workspace.path, "status", "--porcelain") == ""
        assert not (workspace.path / "half").exists()
    assert not place.exists()
    assert not list((repository / ".git/worktrees").glob("*"))
    assert (outside / "kept").exists()


def test_other_worktrees_are_left_alone(repository: Path) -> None:
    """Also one whose disk is not there at the moment."""
    git(repository, "worktree", "add", "--quiet", str(repository.parent / "users"))
    (repository.parent / "users").rename(repository.parent / "unplugged")
    before = state(repository)
    with workspaces(repository).opened(LOGIN, "HEAD"):
        pass
    assert state(repository) == before


def test_several_runners_work_side_by_side(repository: Path) -> None:
    """Worktrees come and go at the same time without disturbing one another."""
    base = workspaces(repository).base()
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(3):
                with workspaces(repository).opened(TaskId(provider="file", key=f"{number}"), base) as workspace:
                    write_files(workspace.path, {"mine": f"{number}.{turn}"})
                    assert git(workspace.path, "status", "--porcelain") == "?? mine"
        except BaseException as error:  # noqa: BLE001 (brought to the test's own thread)
            problems.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert not list((repository / ".git/worktrees").glob("*"))


def test_worktrees_inside_the_checkout_are_refused(repository: Path) -> None:
    """They would be the user's untracked files."""
    inside = replace(workspaces(repository), home=repository / ".ai-agents/worktrees")
    with pytest.raises(WorkspaceFailed, match="inside the checkout"), inside.opened(LOGIN, "HEAD"):
        pass


def test_a_home_that_cannot_be_made_is_an_error_with_a_remedy(repository: Path) -> None:
    """A file in its place, here."""
    write_files(repository.parent, {"worktrees": "a file"})
    with (
        pytest.raises(WorkspaceFailed, match="cannot be prepared") as failed,
        workspaces(repository).opened(LOGIN, "HEAD"),
    ):
        pass
    assert "writable" in failed.value.hint


def test_it_works_from_a_worktree_of_the_user(repository: Path) -> None:
    """The user may be in a linked worktree; notes go to the common git directory."""
    linked = repository.parent / "linked"
    git(repository, "worktree", "add", "--quiet", "-b", "feature", str(linked))
    opened = workspaces(linked)
    assert opened.base_branch() == "feature"
    with opened.opened(LOGIN, opened.base()) as workspace:
        assert workspace.git_dir == repository / ".git"
    assert [note.name for note in (repository / ".git/worktrees").glob("*")] == ["linked"]


# ------------ the checkout itself


@pytest.mark.parametrize("change", ["changed", "staged", "new", "deleted"])
def test_a_dirty_checkout_is_refused_as_a_workspace(repository: Path, change: str) -> None:
    """Nothing of it is touched, and the user learns of the way out."""
    if change == "deleted":
        (repository / "README.md").unlink()
    else:
        write_files(repository, {"new.txt" if change == "new" else "src/app.py": "mine"})
    if change == "staged":
        git(repository, "add", "--all")
    before = state(repository)
    opened = workspaces(repository, WorkspaceKind.CHECKOUT)
    with pytest.raises(WorkspaceFailed, match="not committed") as refused, opened.opened(LOGIN, "HEAD"):
        pass
    assert "workspace.kind: worktree" in refused.value.hint
    assert state(repository) == before


def test_a_throw_away_checkout_is_cleaned(repository: Path) -> None:
    """On a runner leftovers of earlier steps go, ignored files and our own logs stay."""
    write_files(repository, {"src/app.py": "left", "left.txt": "left", ".ai-agents/state/evil.md": "left",
                             "node_modules/x": "kept", ".ai-agents/session/s.json": "kept"})  # fmt: skip
    git(repository, "add", "left.txt")
    opened = replace(workspaces(repository, WorkspaceKind.CHECKOUT), discard=True)
    with opened.opened(LOGIN, opened.base()) as workspace:
        left = git(workspace.path, "status", "--porcelain", "--untracked-files=all")
        assert left == "?? .ai-agents/session/s.json"
        assert (workspace.path / "src/app.py").read_text() == "x = 1\n"
        assert not (workspace.path / "left.txt").exists()
        assert not (workspace.path / ".ai-agents/state").exists()
        assert (workspace.path / "node_modules/x").read_text() == "kept"
        assert (workspace.path / ".ai-agents/session/s.json").read_text() == "kept"
    assert git(repository, "symbolic-ref", "HEAD") == "refs/heads/main"


def test_one_checkout_takes_one_runner(repository: Path) -> None:
    """A second one is sent away, and may come when the first is done."""
    opened = workspaces(repository, WorkspaceKind.CHECKOUT)
    second = pytest.raises(WorkspaceFailed, match="another runner")
    with opened.opened(LOGIN, "HEAD"), second, opened.opened(LOGIN, "HEAD"):
        pass
    with opened.opened(LOGIN, "HEAD"):
        pass


@pytest.mark.parametrize("head", ["branch", "detached"])
def test_after_a_kill_the_user_comes_home(repository: Path, head: str) -> None:
    """The next run knows where the user was; changes that were left are refused until they are dropped."""
    if head == "detached":
        git(repository, "checkout", "--quiet", "--detach")
    base = git(repository, "rev-parse", "HEAD")
    write_files(repository, {"later.txt": "1"})
    commit_all(repository, "Go on")
    before = state(repository)
    killed = subprocess.run([sys.executable, "-c", KILLED, repository, base], check=False)
    assert killed.returncode == -9
    opened = workspaces(repository, WorkspaceKind.CHECKOUT)
    with pytest.raises(WorkspaceFailed, match="was killed in this checkout") as refused, opened.opened(LOGIN, base):
        pass
    assert "git switch -f" in refused.value.hint
    subprocess.run(["sh", "-c", refused.value.hint.split("`")[1]], cwd=repository, check=True, capture_output=True)
    assert state(repository) == before
    with opened.opened(LOGIN, base):
        pass
    assert state(repository) == before


def test_after_a_kill_a_branch_chosen_since_is_kept(repository: Path) -> None:
    """Nobody is taken back to where they were days ago."""
    base = git(repository, "rev-parse", "HEAD")
    subprocess.run([sys.executable, "-c", KILLED, repository, base], check=False)
    (repository / "half.txt").unlink()
    git(repository, "switch", "--quiet", "--create", "other")
    with workspaces(repository, WorkspaceKind.CHECKOUT).opened(LOGIN, base):
        pass
    assert git(repository, "symbolic-ref", "HEAD") == "refs/heads/other"


def test_after_a_kill_without_changes_the_next_run_brings_the_user_home(repository: Path) -> None:
    """No hint is needed where nothing was left."""
    before = state(repository)
    base = git(repository, "rev-parse", "HEAD")
    subprocess.run([sys.executable, "-c", KILLED, repository, base], check=False)
    (repository / "half.txt").unlink()
    assert git(repository, "rev-parse", "--symbolic-full-name", "HEAD") == "HEAD"
    with workspaces(repository, WorkspaceKind.CHECKOUT).opened(LOGIN, base):
        pass
    assert state(repository) == before


def test_a_repository_without_files_is_a_workspace_too(tmp_path: Path) -> None:
    """An empty tree has nothing to restore."""
    repository = make_repository(tmp_path / "repo")
    git(repository, "rm", "--quiet", "README.md")
    base = commit_all(repository, "Empty it")
    with workspaces(repository, WorkspaceKind.CHECKOUT).opened(LOGIN, base) as workspace:
        write_files(workspace.path, {"new": "1"})
    assert [path.name for path in repository.iterdir()] == [".git"]


def test_tasks_that_change_while_work_goes_on_are_kept(repository: Path) -> None:
    """Locally the file provider writes states into `.ai-agents/state`; a reset must not undo them."""
    write_files(repository, {".ai-agents/state/login.md": "state: todo"})
    commit_all(repository, "Add a task")
    with workspaces(repository, WorkspaceKind.CHECKOUT).opened(LOGIN, "HEAD~1") as workspace:
        write_files(workspace.path, {".ai-agents/state/login.md": "state: in_review"})
    assert git(repository, "status", "--porcelain") == " M .ai-agents/state/login.md"
    assert (repository / ".ai-agents/state/login.md").read_text() == "state: in_review"
