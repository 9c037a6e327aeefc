"""Git can be read in the sandbox and never written, in a checkout, a worktree and with submodules."""

from dataclasses import replace
from pathlib import Path

import pytest

from autorun.core.errors import WorkspaceFailed
from autorun.core.model import Workspace
from kit.den import Den, git, give, repository

WRITES = (
    "git add README.md",
    "git commit --allow-empty --message x",
    "git branch other",
    "git checkout -b other",
    "git tag t",
    "git stash",
    "git config user.name evil",
    "git config --unset core.bare",
    "git worktree add /tmp/w",
    "git update-index --refresh --force-remove README.md",
    "git gc",
    "git hash-object -w README.md",
    "GIT_DIR={git} git update-ref refs/heads/evil HEAD",
    "mkdir {git}/hooks",
    "echo evil > {git}/hooks/post-commit",
    "echo evil > {git}/config",
    "echo evil > {git}/info/attributes",
    "echo /x > {git}/objects/info/alternates",
    "rm -rf {git}/config",
    "rm -rf {git}/HEAD",
    "mv {git} {git}.old",
    "mv {marker} old",
    "rm {marker}",
    "rm -rf {marker}",
    "ln -sfn /tmp {marker}",
    "mv {marker}/HEAD {marker}/HEAD2",
    "chmod -R 777 {git}/objects",
    "mv {root} {root}.old",
)


def _snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _in_worktree(den: Den) -> Den:
    path = den.base / "tasks" / "one"
    git(den.workspace.path, "worktree", "add", "--quiet", "--detach", str(path))
    give(den)
    return replace(den, workspace=Workspace(path=path, base="HEAD", git_dir=den.workspace.git_dir))


def _assert_readable(den: Den) -> None:
    (den.workspace.path / "README.md").write_text("changed\n")
    (den.workspace.path / "new.txt").write_text("new\n")
    assert den.shell("git status --short") == " M README.md\n?? new.txt\n"
    assert "+changed" in den.shell("git diff")
    assert den.shell("git log --format=%s") == "Begin\n"
    assert "hello" in den.shell("git show HEAD:README.md; git blame README.md")


def _assert_unwritable(den: Den) -> None:
    common, marker = den.workspace.git_dir, den.workspace.path / ".git"
    (den.workspace.path / "README.md").write_text("changed\n")
    before = _snapshot(common)
    for write in WRITES:
        script = write.format(git=common, marker=marker, root=den.workspace.path)
        assert "worked" not in den.shell(f"({script}) && echo worked"), script
    assert _snapshot(common) == before
    assert marker.exists()


def test_a_checkout_can_be_read(den: Den) -> None:
    """Status, diff, log, show and blame work in a checkout (A6)."""
    _assert_readable(den)


def test_a_checkout_cannot_be_written(den: Den) -> None:
    """Every write to git's files fails in a checkout and changes none of them (A6)."""
    _assert_unwritable(den)


def test_a_worktree_can_be_read(den: Den) -> None:
    """Status, diff, log, show and blame work where `.git` is a file (A6)."""
    _assert_readable(_in_worktree(den))


def test_a_worktree_cannot_be_written(den: Den) -> None:
    """Every write to git's files fails where `.git` is a file; the file itself stays (A6)."""
    worktree = _in_worktree(den)
    marker = (worktree.workspace.path / ".git").read_text()
    _assert_unwritable(worktree)
    assert (worktree.workspace.path / ".git").read_text() == marker


def test_a_worktree_sees_neither_the_checkout_nor_its_sisters(den: Den) -> None:
    """Of the repository a worktree belongs to, only git's own files for reading are there."""
    worktree = _in_worktree(den)
    git(den.workspace.path, "worktree", "add", "--quiet", "--detach", str(den.base / "tasks" / "two"))
    give(den)
    shown = worktree.shell(
        f"ls -A {den.workspace.path}; ls -A {den.base}/tasks; ls -A {den.workspace.git_dir}/worktrees"
    )
    assert shown.split() == [".git", "one", "one"]


def test_submodules_and_borrowed_objects_can_be_read(own_den: Den) -> None:
    """A repository with a submodule and objects borrowed from another one still answers."""
    library = repository(own_den.base / "library")
    origin = own_den.workspace.path
    git(origin, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "lib")
    git(origin, "commit", "--quiet", "--message", "Add lib")
    git(origin / ".git" / "modules" / "lib", "config", "http.x.extraheader", "canary")
    assert own_den.shell("git status --short; cd lib; git log --format=%s; grep -r canary ../.git") == "Begin\n"
    shared = own_den.base / "shared"
    git(own_den.base, "clone", "--quiet", "--shared", str(origin), str(shared))
    borrower = replace(own_den, workspace=Workspace(path=shared, base="HEAD", git_dir=shared / ".git"))
    assert borrower.shell("git log --format=%s") == "Add lib\nBegin\n"


@pytest.mark.parametrize("marker", ["gitdir: /nonexistent", "", "gitdir: /etc"])
def test_a_workspace_with_a_strange_marker_starts_nothing(own_den: Den, marker: str) -> None:
    """A `.git` file that leads nowhere is refused (A15)."""
    worktree = _in_worktree(own_den)
    (worktree.workspace.path / ".git").write_text(marker)
    with pytest.raises(WorkspaceFailed):
        worktree.confined("true")


def test_a_broken_configuration_starts_nothing(own_den: Den) -> None:
    """A configuration that cannot be cleaned is never shown as it is (A15)."""
    (own_den.workspace.git_dir / "config").write_text("[core\n secret")
    with pytest.raises(WorkspaceFailed, match="cannot read"):
        own_den.confined("true")
