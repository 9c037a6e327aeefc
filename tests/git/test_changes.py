"""A change is what git would record, taken without running anything that the repository names."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from autorun.adapters.changes import TreeChanges
from autorun.core.model import Change, FileStatus, Workspace
from autorun.effects.git import Git, Identity, find_repository
from autorun.effects.store import Store
from kit.repos import commit_all, git, make_repository, write_files

FILES: dict[str, str | bytes] = {
    "README.md": "# Example\n",
    "src/a.py": "a = 1\n",
    "src/b.py": "b = 1\n",
    ".gitignore": "*.log\n/build/\n",
}


class Bench:
    """A repository, a workspace in it, and the changes port over a store of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        repository = find_repository(path)
        identity = Identity(name="Robot", email="robot@example.org")
        self.store = Store.create(path.parent / "store", borrowed=repository, identity=identity)
        self.changes = TreeChanges(store=self.store)
        self.base = git(self.path, "rev-parse", "HEAD")
        self.workspace = Workspace(path=self.path, base=self.base, git_dir=repository.common_dir)

    def snapshot(self) -> str:
        """The workspace's present tree."""
        return self.changes.snapshot(self.workspace)

    def change(self) -> Change:
        """The difference between base and now."""
        return self.changes.change(self.base, self.snapshot())

    def statuses(self) -> dict[str, str]:
        """What happened to each path."""
        return {file.path: file.status.value for file in self.change().files}

    def content(self, tree: str, path: str) -> bytes:
        """A file of a tree."""
        return self.store.git.bytes("cat-file", "blob", f"{tree}:{path}")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(make_repository(tmp_path / "repo", FILES))


def test_untouched_workspace_is_its_base(bench: Bench) -> None:
    """Nothing changed: the tree is the base's own, and the change is empty."""
    assert bench.snapshot() == git(bench.path, "rev-parse", "HEAD^{tree}")
    assert bench.change().empty


def test_every_kind_of_change(bench: Bench) -> None:
    """New, changed and deleted files, modes, links and kinds are seen with their sizes and line counts."""
    write_files(bench.path, {"new.txt": "1\n2\n", "src/a.py": "a = 2\nc = 3\n", "image.png": b"\x89PNG\0\1"})
    (bench.path / "src/b.py").unlink()
    (bench.path / "link").symlink_to("README.md")
    (bench.path / "README.md").chmod(0o755)
    files = {file.path: file for file in bench.change().files}
    seen = {path: (f.status.value, f.old_mode, f.new_mode, f.size_bytes, f.lines_added, f.lines_removed)
            for path, f in files.items()}  # fmt: skip
    assert seen == {
        "new.txt": ("A", "000000", "100644", 4, 2, 0),
        "src/a.py": ("M", "100644", "100644", 12, 2, 1),
        "src/b.py": ("D", "100644", "000000", 0, 0, 1),
        "image.png": ("A", "000000", "100644", 6, None, None),
        "link": ("A", "000000", "120000", 9, 1, 0),
        "README.md": ("M", "100644", "100755", 10, 0, 0),
    }


def test_ignore_list_as_a_link(bench: Bench) -> None:
    """A `.gitignore` that git will not follow hides nothing, and stops nothing."""
    (bench.path / ".gitignore").unlink()
    (bench.path / ".gitignore").symlink_to("src/a.py")
    write_files(bench.path, {"x.log": "x"})
    assert bench.statuses() == {".gitignore": "T", "x.log": "A"}


def test_rename_is_deletion_and_addition(bench: Bench) -> None:
    """A moved file is two paths, so that a policy sees both."""
    (bench.path / "src/a.py").rename(bench.path / "moved.py")
    assert bench.statuses() == {"src/a.py": "D", "moved.py": "A"}


def test_file_becomes_folder_and_back(bench: Bench) -> None:
    """A path that turns from a file into a folder, or the other way, is seen as such."""
    (bench.path / "README.md").unlink()
    write_files(bench.path, {"README.md/inner": "x"})
    (bench.path / "src/a.py").unlink()
    (bench.path / "src/b.py").unlink()
    (bench.path / "src").rmdir()
    write_files(bench.path, {"src": "x"})
    assert bench.statuses() == {
        "README.md": "D",
        "README.md/inner": "A",
        "src/a.py": "D",
        "src/b.py": "D",
        "src": "A",
    }


def test_ignored_files_do_not_count_unless_tracked(tmp_path: Path) -> None:
    """Ignored files are no change; a tracked file is one even where a pattern ignores it."""
    path = make_repository(tmp_path / "repo", {".gitignore": "*.log\n/build/\n"})
    write_files(path, {"build/kept.txt": "1\n"})
    git(path, "add", "--force", "build/kept.txt")
    commit_all(path, "Track an ignored file")
    (path / ".git/info/exclude").write_text("/private")
    bench = Bench(path)
    write_files(path, {"build/kept.txt": "2\n", "build/other.txt": "x", "a.log": "x", "private": "x"})
    assert bench.statuses() == {"build/kept.txt": "M"}


def test_what_autorun_keeps_is_no_change(tmp_path: Path) -> None:
    """Of our own folder only tasks and configuration count, even if someone committed the rest."""
    repository = make_repository(
        tmp_path / "repo", {".ai-agents/logs/autonomous.log": "old", ".ai-agents/config.yml": "a: 1\n"}
    )
    bench = Bench(repository)
    write_files(
        bench.path,
        {
            ".ai-agents/logs/autonomous.log": "new",
            ".ai-agents/session/session.json": "{}",
            ".ai-agents/pull-requests/1.md": "x",
            ".ai-agents/anything": "x",
            ".ai-agents/config.yml": "a: 2\n",
            ".ai-agents/state/1.md": "# One\n",
        },
    )
    assert bench.statuses() == {".ai-agents/config.yml": "M", ".ai-agents/state/1.md": "A"}


NAMES = st.binary(min_size=1, max_size=20).filter(
    lambda name: b"\0" not in name and b"/" not in name and name not in {b".", b".."} and not is_dot_git(name)
)


def is_dot_git(name: bytes) -> bool:
    """Near enough to what git and other systems take for `.git`: generated names stay clear of it."""
    return b"git" in name.lower() or b"~" in name or not name.isascii()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.sets(NAMES, min_size=1, max_size=8))
def test_any_name_survives(bench: Bench, names: set[bytes]) -> None:
    """Whatever bytes a name has, the change names it, and the tree holds it under exactly those bytes."""
    folder = bench.path / "any"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name in names:
        (folder / os.fsdecode(name)).write_bytes(b"x\n")
    change = bench.change()
    assert {os.fsencode(file.path) for file in change.files} == {b"any/" + name for name in names}
    assert all(file.lines_added == 1 for file in change.files)
    overlaid = bench.changes.overlay(bench.base, git(bench.path, "rev-parse", "HEAD^{tree}"), change.tree)
    assert overlaid == change.tree


@pytest.mark.parametrize(
    "name", [b"tab\there", b"new\nline", b'quote"s', b"\xff\xfe", "ümlaut".encode(), b":(top)x", b"-x"]
)
def test_odd_names(bench: Bench, name: bytes) -> None:
    """Names with line ends, quotes, no UTF-8, pathspec magic."""
    (bench.path / os.fsdecode(name)).write_bytes(b"x\n")
    (file,) = bench.change().files
    assert (os.fsencode(file.path), file.status, file.lines_added) == (name, FileStatus.ADDED, 1)
    commit = bench.changes.commit(bench.change(), parent=bench.base, message="odd")
    assert name in bench.store.git.bytes("ls-tree", "-z", "--name-only", commit).split(b"\0")


def test_quick_edits_are_seen(bench: Bench) -> None:
    """An edit of the same size right after a snapshot, even with its time put back, is seen."""
    place = bench.path / "src/a.py"
    last = bench.snapshot()
    for number in range(20):
        stat = place.stat()
        place.write_text(f"a = {number % 10}\n")
        os.utime(place, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        now = bench.snapshot()
        assert bench.content(now, "src/a.py") == place.read_bytes()
        assert (now == last) == (bench.content(last, "src/a.py") == place.read_bytes())
        last = now


def test_new_base_in_the_same_folder(bench: Bench) -> None:
    """The next task starts from another base in the same folder, and a path ignored since then counts no more."""
    write_files(bench.path, {"src/a.py": "a = 5\n", "notes.txt": "x"})
    bench.snapshot()
    git(bench.path, "clean", "-dfq")
    write_files(bench.path, {".gitignore": "notes.txt\n"})
    bench.base = commit_all(bench.path, "Ignore notes")
    bench.workspace = Workspace(path=bench.path, base=bench.base, git_dir=bench.path / ".git")
    write_files(bench.path, {"notes.txt": "x"})
    assert bench.change().empty


def test_overlay_takes_only_what_the_agent_did(bench: Bench) -> None:
    """What was already different before the agent came stays out of the change."""
    write_files(bench.path, {"generated.py": "by setup\n", "src/a.py": "by setup\n", "both.txt": "setup\n"})
    before = bench.snapshot()
    (bench.path / "src/b.py").unlink()
    write_files(bench.path, {"src/b.py/deep": "now a folder\n", "both.txt": "agent\n", "new.txt": "agent\n"})
    after = bench.snapshot()
    change = bench.changes.change(bench.base, bench.changes.overlay(bench.base, before, after))
    assert {file.path: file.status.value for file in change.files} == {
        "src/b.py": "D",
        "src/b.py/deep": "A",
        "both.txt": "A",
        "new.txt": "A",
    }
    assert bench.content(change.tree, "src/a.py") == b"a = 1\n"
    assert bench.changes.overlay(bench.base, before, before) == git(bench.path, "rev-parse", "HEAD^{tree}")


def test_patch_is_cut(bench: Bench) -> None:
    """The diff is a diff, and never longer than asked for."""
    write_files(bench.path, {"src/a.py": "a = 2\n", "big.txt": "line\n" * 1000})
    change = bench.change()
    whole = bench.changes.patch(change, max_bytes=100_000)
    assert b"-a = 1\n+a = 2\n" in whole
    assert bench.changes.patch(change, max_bytes=50) == whole[:50]
    git(bench.path, "stash", "--quiet", "--include-untracked")
    git(bench.path, "apply", "--check", stdin=whole)


def test_commit_is_the_runners(bench: Bench) -> None:
    """A commit has the runner's identity, the given parent and message, and passes git's strict check."""
    write_files(bench.path, {"new.txt": "x"})
    change = bench.change()
    commit = bench.changes.commit(change, parent=bench.base, message="Add it — fully\n\nBody\0 of it.\n\n")
    show = bench.store.git("show", "--no-patch", "--format=%an <%ae>|%cn|%P|%T|%B", commit)
    assert (
        show.rstrip() == f"Robot <robot@example.org>|Robot|{bench.base}|{change.tree}|Add it — fully\n\nBody of it."
    )
    bench.store.git("fsck", "--strict", commit)


def test_worktree_and_shallow_clone(tmp_path: Path) -> None:
    """A store borrows from a linked worktree of a shallow clone, which stays as it was."""
    origin = make_repository(tmp_path / "origin", FILES)
    write_files(origin, {"src/a.py": "a = 9\n"})
    commit_all(origin, "Second")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{origin}", "clone")
    git(tmp_path / "clone", "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"))
    (tmp_path / "clone/.git/info/exclude").write_text("private")
    repository = find_repository(tmp_path / "tree" / "src")
    assert (repository.top, repository.common_dir) == (tmp_path / "tree", tmp_path / "clone/.git")
    store = Store.create(tmp_path / "store", borrowed=repository)
    base = git(tmp_path / "tree", "rev-parse", "HEAD")
    before = git(tmp_path / "clone", "for-each-ref"), (tmp_path / "clone/.git/shallow").read_text()
    write_files(tmp_path / "tree", {"src/a.py": "a = 10\n", "private": "x", ".ai-agents/logs/l": "x"})
    changes = TreeChanges(store=store)
    tree = changes.snapshot(Workspace(path=tmp_path / "tree", base=base, git_dir=repository.common_dir))
    assert [file.path for file in changes.change(base, tree).files] == ["src/a.py"]
    assert store.git("rev-list", "--count", base) == "1"
    assert (git(tmp_path / "clone", "for-each-ref"), (tmp_path / "clone/.git/shallow").read_text()) == before


def test_sparse_checkout_of_a_partial_clone(tmp_path: Path) -> None:
    """What a sparse, partial clone does not have is no deletion, and work on the rest can be committed."""
    origin = make_repository(tmp_path / "origin", FILES | {"big/data.bin": "not fetched"})
    git(origin, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", "--sparse", f"file://{origin}", "clone")
    git(tmp_path / "clone", "sparse-checkout", "set", "src")
    assert not (tmp_path / "clone/big").exists()
    bench = Bench(tmp_path / "clone")
    assert not bench.store.git.finished("cat-file", "-e", f"{bench.base}:big/data.bin").ok
    before = bench.snapshot()
    write_files(bench.path, {"src/a.py": "a = 2\n", "src/new.py": "x"})
    tree = bench.changes.overlay(bench.base, before, bench.snapshot())
    change = bench.changes.change(bench.base, tree)
    assert {file.path: file.status.value for file in change.files} == {"src/a.py": "M", "src/new.py": "A"}
    commit = bench.changes.commit(change, parent=bench.base, message="Work")
    git(bench.store.git.git_dir, "push", "--quiet", str(origin), f"{commit}:refs/heads/work")
    assert git(origin, "show", "work:big/data.bin") == "not fetched"


def test_sha256_repository(tmp_path: Path) -> None:
    """A repository with the longer hashes works the same."""
    path = tmp_path / "repo"
    path.mkdir()
    git(path, "init", "--quiet", "--object-format=sha256")
    write_files(path, {"a": "1\n"})
    base = commit_all(path, "Begin")
    store = Store.create(tmp_path / "store", borrowed=find_repository(path))
    changes = TreeChanges(store=store)
    write_files(path, {"a": "2\n"})
    change = changes.change(base, changes.snapshot(Workspace(path=path, base=base, git_dir=path / ".git")))
    commit = changes.commit(change, parent=base, message="Second")
    assert store.git("rev-parse", f"{commit}^{{tree}}") == change.tree


def test_second_snapshot_reads_only_what_was_touched(bench: Bench) -> None:
    """Once read, a file counts as unchanged by its dates alone."""
    time.sleep(1 - time.time() % 1)  # files dated within the second of the snapshot are read again, for safety
    bench.snapshot()
    index = next(bench.store.git.git_dir.glob("index-*"))
    listed = Git(git_dir=bench.store.git.git_dir, work_tree=bench.path, index=index)
    assert listed("ls-files", "--modified") == ""
    before = index.stat().st_ino
    bench.snapshot()
    assert index.stat().st_ino == before
