"""A repository, a workspace or a user's settings may name any program: git as autorun runs it starts none."""

import base64
import os
from pathlib import Path

import pytest

from autorun.adapters.changes import TreeChanges
from autorun.adapters.ledger import RefLedger
from autorun.core.errors import ConfigurationError, ContentRefused, GitFailed
from autorun.core.ledger import BranchMove
from autorun.core.model import Workspace
from autorun.effects.git import Git, Remote, check_version, find_repository
from autorun.effects.store import Store
from kit.ledger_conformance import TASK, claim, in_review
from kit.places import Place
from kit.repos import commit_all, git, make_repository, write_files

HOOKS = (
    "applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-checkout", "post-commit", "post-index-change",
    "post-receive", "post-update", "pre-auto-gc", "pre-commit", "pre-push", "pre-receive", "prepare-commit-msg",
    "proc-receive", "push-to-checkout", "reference-transaction", "sendemail-validate", "update",
)  # fmt: skip


class Trap:
    """A program that leaves a mark when it is started, and settings that name it wherever git can name one."""

    def __init__(self, root: Path) -> None:
        self.marks = root / "marks"
        self.marks.mkdir()
        self.program = root / "program"
        self.program.write_text(f'#!/bin/sh\ntouch {self.marks}/"$(basename "$0")-$1"\ncat\n')
        self.program.chmod(0o755)
        self.hooks = root / "hooks"
        self.hooks.mkdir()
        for name in HOOKS:
            (self.hooks / name).symlink_to(self.program)

    @property
    def sprung(self) -> list[str]:
        """What was started."""
        return sorted(path.name for path in self.marks.iterdir())

    def settings(self) -> str:
        """A git configuration full of programs."""
        program = self.program
        return f"""
[core]
    hooksPath = {self.hooks}
    fsmonitor = {program} fsmonitor
    sshCommand = {program} ssh
    pager = {program} pager
    editor = {program} editor
    alternateRefsCommand = {program} alternates
    gitProxy = {program} proxy
    askPass = {program}
[filter "evil"]
    clean = {program} clean
    smudge = {program} smudge
    required = true
[filter "process"]
    process = {program} process
[diff]
    external = {program}
[diff "evil"]
    textconv = {program} textconv
    command = {program} diff
[gpg]
    program = {program}
[commit]
    gpgSign = true
[push]
    gpgSign = true
[credential]
    helper = {program}
[uploadpack]
    packObjectsHook = {program} pack
[receive]
    denyCurrentBranch = updateInstead
    autogc = true
[gc]
    auto = 1
[protocol]
    allow = always
[url "ext::{program} %S"]
    insteadOf = http://127.0.0.1:1/
"""


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    (tmp_path / "trap").mkdir()
    return Trap(tmp_path / "trap")


@pytest.fixture
def trapped(tmp_path: Path, trap: Trap, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, its nested repositories and the user's home, all set with traps."""
    path = make_repository(tmp_path / "repo", {"a.txt": "1\n", "b.bin": "1\n", "c.txt": "1\n"})
    for nested in ("nested", "vendor/sub"):
        make_repository(path / nested, {"x.txt": "x\n", ".gitattributes": "* filter=evil\n"})
        with (path / nested / ".git/config").open("a") as stream:
            stream.write(trap.settings())
    attributes = "*.txt filter=evil diff=evil\n*.bin filter=process diff=evil\n"
    modules = '[submodule "nested"]\n\tpath = nested\n\turl = ./x\n\tupdate = !' + f"{trap.program} submodule\n"
    write_files(path, {".gitattributes": attributes, ".gitmodules": modules})
    commit_all(path, "With attributes")
    with (path / ".git/config").open("a") as stream:
        stream.write(trap.settings())
    (path / ".git/info/attributes").write_text("* filter=evil diff=evil\n")
    home = tmp_path / "home"
    write_files(home, {".gitconfig": trap.settings(), ".config/git/attributes": "* filter=evil diff=evil\n"})
    monkeypatch.setenv("HOME", str(home))
    for name in ("GIT_EXTERNAL_DIFF", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_PAGER", "GIT_ASKPASS", "GIT_EDITOR"):
        monkeypatch.setenv(name, str(trap.program))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", f"'core.fsmonitor={trap.program}'")
    return path


def test_the_trap_works(trapped: Path, trap: Trap) -> None:
    """Plain git, as a control, does start what the repository names."""
    (trapped / "a.txt").write_text("2\n")
    git(trapped, "add", "--all")
    git(trapped, "diff", "--cached")
    assert {mark.rpartition("-")[2] for mark in trap.sprung} >= {"clean", "fsmonitor"}


def test_nothing_is_started(trapped: Path, trap: Trap, tmp_path: Path) -> None:
    """The whole way from a snapshot to a published branch, into the trapped repository itself, starts nothing."""
    repository = find_repository(trapped)
    base = (trapped / ".git/refs/heads/main").read_text().strip()
    store = Store.create(tmp_path / "store", borrowed=repository)
    changes = TreeChanges(store=store)
    workspace = Workspace(path=trapped, base=base, git_dir=repository.common_dir)
    before = changes.snapshot(workspace)
    write_files(trapped, {"a.txt": "2\n", "b.bin": "2\n", "new.txt": "raw\n", "nested/x.txt": "y\n", "nested/z": "z"})
    write_files(trapped, {".gitattributes": f"* filter=evil diff=evil\n# {trap.program}\n"})
    make_repository(trapped / "grown", {"x": "x"})
    with (trapped / "grown/.git/config").open("a") as stream:
        stream.write(trap.settings())
    changes.snapshot(workspace)
    after = changes.snapshot(workspace)
    change = changes.change(base, changes.overlay(base, before, after))
    patch = changes.patch(change, max_bytes=10_000)
    commit = changes.commit(change, parent=base, message="Work")
    ledger = RefLedger(store=store, remote=Remote(url=str(trapped)), pauses=())
    seen = ledger.write(claim(), over=None)
    ledger.publish(in_review(seen.record), over=seen, branch=BranchMove(branch="autorun/x", commit=commit))
    assert set(ledger.history().seen) == {TASK}
    assert len(ledger.trail(TASK)) == 2

    assert trap.sprung == []
    modes = {file.path: file.new_mode for file in change.files}
    assert modes == {
        "a.txt": "100644",
        "b.bin": "100644",
        "new.txt": "100644",
        ".gitattributes": "100644",
        "grown": "160000",
    }
    assert store.git.bytes("cat-file", "blob", f"{commit}:new.txt") == b"raw\n"
    assert b"+raw" in patch


def test_users_branch_in_use_is_left_alone(plain_place: Place) -> None:
    """A push never changes what someone has checked out, whatever the repository allows."""
    git(plain_place.clone, "config", "receive.denyCurrentBranch", "updateInstead")
    ledger = plain_place.runner()
    seen = ledger.write(claim(), over=None)
    main = git(plain_place.clone, "rev-parse", "main")
    with pytest.raises(Exception, match="main") as caught:
        ledger.publish(
            in_review(seen.record),
            over=seen,
            branch=BranchMove(branch="main", commit=plain_place.work("x"), expected=main),
        )
    assert type(caught.value).__name__ == "BranchRefused"
    assert git(plain_place.clone, "rev-parse", "main") == main


@pytest.fixture
def workspace(tmp_path: Path) -> tuple[TreeChanges, Workspace]:
    path = make_repository(tmp_path / "repo", {"src/a": "1\n"})
    store = Store.create(tmp_path / "store", borrowed=find_repository(path))
    base = git(path, "rev-parse", "HEAD")
    return TreeChanges(store=store), Workspace(path=path, base=base, git_dir=path / ".git")


@pytest.mark.parametrize(
    "name", ["x/.GIT/config", "x/.git/hooks/pre-commit", "src/.git/config", "git~1/x", "src/.git"]
)
def test_git_folders_are_refused_by_name(workspace: tuple[TreeChanges, Workspace], name: str) -> None:
    """Whatever git, or a file system elsewhere, would take for a git folder is an error that names it."""
    changes, where = workspace
    write_files(where.path, {name: "x", "x/beside": "x"})
    with pytest.raises(ContentRefused, match=name.split("/")[1] if "~" not in name else "git~1") as caught:
        changes.snapshot(where)
    assert caught.value.hint


def test_unborn_nested_repository_is_refused(workspace: tuple[TreeChanges, Workspace]) -> None:
    """A nested repository without a commit is an error that names it, and ignoring it is a way out."""
    changes, where = workspace
    (where.path / "nested").mkdir()
    git(where.path / "nested", "init", "--quiet")
    write_files(where.path, {"nested/file": "x"})
    with pytest.raises(ContentRefused, match="nested"):
        changes.snapshot(where)
    write_files(where.path, {".gitignore": "/nested/\n"})
    tree = changes.snapshot(where)
    assert [file.path for file in changes.change(where.base, tree).files] == [".gitignore"]


def test_empty_folder_of_a_submodule(tmp_path: Path) -> None:
    """A submodule that was not checked out is no change."""
    path = make_repository(tmp_path / "repo", {"a": "1"})
    tip = git(path, "rev-parse", "HEAD")
    git(path, "update-index", "--add", "--cacheinfo", f"160000,{tip},lib/sub")
    (path / "lib/sub").mkdir(parents=True)
    git(path, "commit", "--quiet", "--message", "With a submodule")
    base = git(path, "rev-parse", "HEAD")
    changes = TreeChanges(store=Store.create(tmp_path / "store", borrowed=find_repository(path)))
    where = Workspace(path=path, base=base, git_dir=path / ".git")
    assert changes.change(base, changes.snapshot(where)).empty
    (path / "lib/sub").rmdir()
    (file,) = changes.change(base, changes.snapshot(where)).files
    assert (file.path, file.old_mode, file.new_mode, file.size_bytes) == ("lib/sub", "160000", "000000", 0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
@pytest.mark.parametrize("name", ["secret", "folder"])
def test_unreadable_is_refused(workspace: tuple[TreeChanges, Workspace], name: str) -> None:
    """What cannot be read is an error that names it, a file as well as a folder."""
    changes, where = workspace
    write_files(where.path, {"secret": "x", "folder/x": "x"})
    (where.path / name).chmod(0)
    with pytest.raises(ContentRefused, match=name):
        changes.snapshot(where)


def test_sockets_and_pipes_do_not_count(workspace: tuple[TreeChanges, Workspace]) -> None:
    """What has no content is no change, and nobody waits for it."""
    changes, where = workspace
    os.mkfifo(where.path / "pipe")
    assert changes.change(where.base, changes.snapshot(where)).empty


def test_link_out_of_the_workspace_is_a_link(workspace: tuple[TreeChanges, Workspace], tmp_path: Path) -> None:
    """A symbolic link is recorded as its text, a folder behind one is not entered."""
    changes, where = workspace
    write_files(tmp_path / "outside", {"secret.txt": "secret", "a": "1\n"})
    (where.path / "out").symlink_to(tmp_path / "outside")
    (where.path / "src/a").unlink()
    (where.path / "src").rmdir()
    (where.path / "src").symlink_to(tmp_path / "outside")
    files = changes.change(where.base, changes.snapshot(where)).files
    assert {(file.path, file.new_mode) for file in files} == {
        ("out", "120000"),
        ("src", "120000"),
        ("src/a", "000000"),
    }


def test_failure_is_a_sentence(workspace: tuple[TreeChanges, Workspace], tmp_path: Path) -> None:
    """A git command that fails says which, why, and where known what to do."""
    _, where = workspace
    with pytest.raises(GitFailed, match=r"`git rev-parse --verify nothing` failed \(status 128\): fatal: "):
        Git(git_dir=where.git_dir)("rev-parse", "--verify", "nothing")
    with pytest.raises(GitFailed, match="cannot be started"):
        Git(git_dir=tmp_path / "nowhere")("rev-parse")
    with pytest.raises(ConfigurationError, match="not inside a git repository"):
        find_repository(Path("/"))


def test_password_in_a_url_becomes_a_header() -> None:
    """Whoever signs in by the URL keeps access, and the URL shows nothing."""
    remote = Remote.parse("https://user:p%40ss@example.org:8443/o/r.git?x=1")
    assert remote.url == "https://example.org:8443/o/r.git?x=1"
    assert remote.header == "Authorization: Basic " + base64.b64encode(b"user:p@ss").decode()
    for plain in ("https://example.org/r.git", "/srv/a@b/r.git", "file:///srv/r.git"):
        assert Remote.parse(plain) == Remote(url=plain)


def test_store_that_cannot_be_made(tmp_path: Path) -> None:
    """A place where no repository can be made is an error that names it."""
    repository = find_repository(make_repository(tmp_path / "repo"))
    (tmp_path / "file").write_text("x")
    with pytest.raises(GitFailed, match="file"):
        Store.create(tmp_path / "file", borrowed=repository)


@pytest.mark.parametrize("name", ['"quoted"', "#hash", "line\nend", "ümlaut \\ back"])
def test_store_borrows_from_any_folder(tmp_path: Path, name: str) -> None:
    """Whatever the checkout's folder is called, its objects are found."""
    path = make_repository(tmp_path / name)
    store = Store.create(tmp_path / "store", borrowed=find_repository(path))
    assert store.git("cat-file", "-t", git(path, "rev-parse", "HEAD")) == "commit"


@pytest.mark.parametrize(("said", "matching"), [("git version 2.25.1", "2.25 is too old"), ("hello", "hello")])
def test_old_git_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, matching: str) -> None:
    """A git that is too old, or none at all, is said so with the remedy."""
    fake = tmp_path / "git"
    fake.write_text(f"#!/bin/sh\necho {said}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match=matching) as caught:
        check_version()
    assert "install git" in caught.value.hint
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(ConfigurationError, match="cannot be started"):
        check_version()
