"""What changed in a workspace, as git trees in the runner's own repository.

Git reads the workspace's files but nothing of its configuration, and starts no program that either names: no
filter, no hook, no `git` inside a nested repository.
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from autorun.core.errors import ContentRefused, ResumeRefused
from autorun.core.model import Change, FileChange, FileStatus, Surroundings, Workspace
from autorun.effects.git import Git
from autorun.effects.store import Store

_OURS = ".ai-agents/"
_SHARED = (".ai-agents/state/", ".ai-agents/config.yml")
_DIFF = ("-r", "-z", "--no-renames", "--no-ext-diff", "--no-textconv")
_RECENT_SECONDS = 2.0
_PATIENCE = 900.0  # seconds for reading a whole work tree
_LISTED = 5  # paths named in one sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeChanges:
    """Trees taken with a private index for each workspace, so that only touched files are read again."""

    store: Store
    _seeded: dict[Path, str] = field(default_factory=dict, init=False, repr=False)

    def snapshot(self, workspace: Workspace) -> str:
        """Write the workspace's present content as a tree and return its id.

        New files count, ignored ones do not; content is raw where a filter is asked for. A nested repository is
        one entry of mode 160000. Raises ContentRefused if something is there that git cannot record.
        """
        name = hashlib.sha256(os.fsencode(workspace.path)).hexdigest()[:16]
        index = self.store.git.git_dir / f"index-{name}"
        git = self.store.git.with_(work_tree=workspace.path, index=index)
        if self._seeded.get(workspace.path) != workspace.base:
            # Tracked paths count even where they are ignored; `-m` keeps what is known of files that stay.
            git("read-tree", "-i", "-m", workspace.base)
            self._seeded[workspace.path] = workspace.base
        gone, there = _touched(git, workspace.path)
        if gone:
            lines = "".join(f"0 {'0' * len(workspace.base)}\t{path}\0" for path in gone)
            git("update-index", "-z", "--index-info", stdin=lines.encode("utf-8", "surrogateescape"))
        if there:
            paths = "\0".join(there).encode("utf-8", "surrogateescape")
            arguments = ("update-index", "-z", "--add", "--remove", "--replace", "--stdin")
            finished = git.finished(*arguments, stdin=paths, timeout=_PATIENCE)
            # Git skips a path it may not record with a remark and status 0.
            if finished.stderr.strip() or not finished.ok:
                raise _refused(workspace.path, finished.stderr)
        tree = git("write-tree", "--missing-ok")  # a sparse checkout of a partial clone lacks what it does not show
        _distrust_old_dates(index, (workspace.path / path for path in there))
        return tree

    def overlay(self, onto: str, before: str, after: str) -> str:
        """Return the tree `onto` with every path that differs between `before` and `after` as it is in `after`."""
        git = self.store.git
        differences, _ = _parsed(git.bytes("diff-tree", *_DIFF, before, after))
        tree = git("rev-parse", "--verify", f"{onto}^{{tree}}")
        if not differences or tree == after:
            return tree
        if tree == before:
            return after
        lines = [f"{d.new_mode} {d.new_id}\t{d.path}\0" for d in differences]
        with tempfile.TemporaryDirectory(prefix="overlay-", dir=git.git_dir) as folder:
            own = git.with_(index=Path(folder) / "index")
            own("read-tree", tree)
            own("update-index", "-z", "--index-info", stdin="".join(lines).encode("utf-8", "surrogateescape"))
            return own("write-tree", "--missing-ok")

    def change(self, base: str, tree: str) -> Change:
        """Describe the difference between a commit and a tree."""
        differences, counts = _parsed(self.store.git.bytes("diff-tree", *_DIFF, "--raw", "--numstat", base, tree))
        sizes = self._sizes(d.new_id for d in differences)
        files = (
            FileChange(
                path=d.path,
                status=FileStatus(d.status),
                old_mode=d.old_mode,
                new_mode=d.new_mode,
                size_bytes=sizes.get(d.new_id, 0),
                lines_added=counts[d.path][0],
                lines_removed=counts[d.path][1],
            )
            for d in differences
        )
        return Change(base=base, tree=tree, files=tuple(files))

    def patch(self, change: Change, *, max_bytes: int, whole: bool = False) -> bytes:
        """Return the change as a unified diff, cut at `max_bytes`; `whole` holds binary files too, for `restore`."""
        head = bytearray()

        def keep(chunk: bytes) -> None:
            head.extend(chunk[: max_bytes - len(head)])

        full = ("--binary", "--full-index") if whole else ()
        arguments = ("diff-tree", "-p", *full, *(flag for flag in _DIFF if flag != "-z"), change.base, change.tree)
        finished = self.store.git.finished(*arguments, sink=keep)
        if not finished.ok:
            raise self.store.git.failure(arguments, finished)
        return bytes(head)

    def surroundings(self, change: Change) -> Surroundings:
        """Return what the base revision says of a change: its paths, and which changed ones a filter would rewrite.

        The base's own attributes count, not those the change may have edited.
        """
        git = self.store.git.with_(index=self.store.git.git_dir / "index-base")
        listed = git.bytes("ls-tree", "-r", "-z", "--name-only", change.base)
        paths = frozenset(listed.decode("utf-8", "surrogateescape").split("\0")) - {""}
        filtered: frozenset[str] = frozenset()
        if any(path == ".gitattributes" or path.endswith("/.gitattributes") for path in paths):
            git("read-tree", change.base)
            asked = "\0".join(file.path for file in change.files).encode("utf-8", "surrogateescape")
            answer = git.bytes("check-attr", "-z", "--cached", "--stdin", "filter", stdin=asked)
            fields = answer.decode("utf-8", "surrogateescape").split("\0")
            named = zip(fields[::3], fields[2::3], strict=False)
            filtered = frozenset(path for path, value in named if value not in {"unspecified", "unset"})
        return Surroundings(paths=paths, filtered=filtered)

    def restore(self, workspace: Workspace, patch: bytes) -> None:
        """Apply a patch taken from the same base to a clean workspace. Raises ResumeRefused if it does not fit."""
        if not patch:
            return
        git = self.store.git.with_(work_tree=workspace.path)
        applied = git.finished("apply", "--binary", "--whitespace=nowarn", "-", stdin=patch)
        if not applied.ok:
            said = applied.stderr.decode("utf-8", "replace").strip()
            raise ResumeRefused(f"The saved work does not fit its base: {said}")

    def commit(self, change: Change, *, parent: str, message: str) -> str:
        """Commit the change's tree with the runner's identity and return the commit id."""
        return self.store.commit(change.tree, (parent,), message)

    def _sizes(self, ids: Iterable[str]) -> dict[str, int]:
        wanted = sorted({name for name in ids if name.strip("0")})
        if not wanted:
            return {}
        answer = self.store.git(
            "cat-file", "--batch-check=%(objectname) %(objectsize)", stdin="\n".join(wanted).encode()
        )
        lines = (line.split(" ") for line in answer.splitlines())
        return {name: int(size) for name, size in lines if size.isdecimal()}  # else it lies in another repository


@dataclass(frozen=True, slots=True, kw_only=True)
class _Difference:
    path: str
    status: str
    old_mode: str
    new_mode: str
    new_id: str


def _parsed(output: bytes) -> tuple[list[_Difference], dict[str, tuple[int | None, int | None]]]:
    """Read a difference: its raw part, and the lines added and removed of each path that its numstat part names."""
    differences: list[_Difference] = []
    counts: dict[str, tuple[int | None, int | None]] = {}
    fields = iter(output.decode("utf-8", "surrogateescape").split("\0"))
    for head in fields:
        if head.startswith(":"):
            old_mode, new_mode, _, new_id, status = head[1:].split(" ")
            differences.append(
                _Difference(path=next(fields), status=status, old_mode=old_mode, new_mode=new_mode, new_id=new_id)
            )
        elif head:
            added, removed, path = head.split("\t", 2)
            counts[path] = (None, None) if added == "-" else (int(added), int(removed))
    return differences, counts


def _touched(git: Git, top: Path) -> tuple[list[str], list[str]]:
    """Return the tracked paths that are gone, and those that are new or may differ from the index.

    What autorun keeps for itself is left out.
    """
    arguments = ("ls-files", "-z", "-t", "--cached", "--others", "--modified", "--deleted", "--exclude-standard")
    finished = git.finished(*arguments, timeout=_PATIENCE)
    if not finished.ok:
        raise git.failure(arguments, finished)
    if b"could not open directory" in finished.stderr:  # to git no more than a remark
        raise _refused(top, finished.stderr)
    entries = [entry for entry in finished.stdout.decode("utf-8", "surrogateescape").split("\0") if entry]
    folders = _folders(entry[2:] for entry in entries)
    links = {folder for folder in folders if os.path.islink(top / folder)}  # noqa: PTH114 (thousands of them)
    _refuse_hidden(top, folders - links)
    gone, there = set(), set()
    for entry in entries:
        # A nested repository is listed with a slash at its end; without it, git records its commit.
        tag, path = entry[0], entry[2:].rstrip("/")
        if path.startswith(_OURS) and not path.startswith(_SHARED):
            continue
        if tag == "R" or (links and not links.isdisjoint(_folders([path]))):
            gone.add(path)
        elif tag != "H":
            there.add(path)
    return sorted(gone), sorted(there - gone)


def _folders(paths: Iterable[str]) -> set[str]:
    """Return every folder that lies on the way to one of the paths."""
    folders: set[str] = set()
    for path in paths:
        folder = path.rstrip("/").rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders


def _distrust_old_dates(index: Path, paths: Iterable[Path]) -> None:
    """Have the next snapshot read every file again if one that was just written bears an older date.

    Git compares whole seconds, so another edit within this second, dated back as well, would look like none.
    """
    for path in paths:
        with suppress(FileNotFoundError, NotADirectoryError):
            status = path.lstat()
            if int(status.st_mtime) != int(status.st_ctime) and status.st_ctime > time.time() - _RECENT_SECONDS:
                os.utime(index, (1, 1))
                return


def _refuse_hidden(top: Path, folders: set[str]) -> None:
    """Refuse `.git` folders that are no repository: git passes over them in silence."""
    hidden = sorted(folder for folder in folders if os.path.lexists(top / folder / ".git"))
    if hidden:
        names = ", ".join(f"{folder}/.git" for folder in hidden[:_LISTED])
        raise _refused(top, names.encode("utf-8", "replace"))


def _refused(top: Path, said: bytes) -> ContentRefused:
    lines = said.decode("utf-8", "replace").strip().splitlines()[:_LISTED]
    return ContentRefused(
        f"git cannot record everything in {top}: {'; '.join(lines)}",
        hint="remove it, make it readable, or list it in .gitignore",
    )
