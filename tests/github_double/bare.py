"""A bare git repository on disk, worked with plumbing commands only."""

import base64
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ZERO = "0" * 40
# Who pushes over HTTP stands in the environment; a push straight to the folder passes unhindered.
UPDATE_HOOK = r"""#!/bin/sh
ref=$1 old=$2 new=$3
test -n "${DOUBLE_PUSHER:-}" || exit 0
refuse() { echo "error: $1" >&2; exit 1; }
while IFS="$(printf '\t')" read -r pattern message; do
  case $ref in $pattern) refuse "$message $ref." ;; esac
done <"$GIT_DIR/double-rules"
test -n "${DOUBLE_NO_WORKFLOWS:-}" || exit 0
test "$new" != 0000000000000000000000000000000000000000 || exit 0
touched=$(git log --format= --name-only "$new" --not --branches -- .github/workflows | head -n 1)
test -z "$touched" ||
  refuse "refusing to allow a GitHub App to create or update workflow \`$touched\` without \`workflows\` permission"
"""


class GitFailed(Exception):
    """A git command ended badly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit as `git log` tells it."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    name: str
    email: str
    at: datetime
    message: str


def environment() -> dict[str, str]:
    """Return what git may know of this machine: no configuration, no credentials, no prompts."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
    }


class BareRepository:
    """Reads and writes of one bare repository; paths are relative, refs are full names."""

    def __init__(self, path: Path, *, default_branch: str) -> None:
        self.path = path
        self._git("init", "--quiet", "--bare", "--template=", f"--initial-branch={default_branch}", str(path))
        with (path / "config").open("a", encoding="utf-8") as config:
            config.write("[http]\n\treceivepack = true\n[receive]\n\thideRefs = refs/pull\n[gc]\n\tauto = 0\n")
        (path / "double-rules").touch()
        hook = path / "hooks" / "update"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(UPDATE_HOOK, "utf-8")
        hook.chmod(0o755)

    def _git(self, *argv: str, stdin: bytes | None = None, check: bool = True) -> str:
        return self._git_bytes(*argv, stdin=stdin, check=check).decode("utf-8", "replace")

    def _git_bytes(self, *argv: str, stdin: bytes | None = None, check: bool = True) -> bytes:
        where = () if argv[0] == "init" else ("--git-dir", str(self.path))
        done = subprocess.run(
            ["git", *where, *argv], input=stdin, capture_output=True, env=environment(), check=False
        )
        if check and done.returncode:
            raise GitFailed(done.stderr.decode("utf-8", "replace").strip())
        return done.stdout

    def protect(self, patterns: Mapping[str, str]) -> None:
        """Refuse pushes to refs that match a shell pattern, each with its message."""
        lines = "".join(f"{pattern}\t{message}\n" for pattern, message in patterns.items())
        (self.path / "double-rules").write_text(lines, "utf-8")

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        """Return ref name -> object id for every ref below the prefix."""
        found = self._git("for-each-ref", "--format=%(objectname) %(refname)", prefix)
        return {name: sha for sha, name in (line.split(" ", 1) for line in found.splitlines())}

    def resolve(self, name: str) -> str | None:
        """Return the commit a branch, tag, ref or id names, or None."""
        candidates = (name,) if name.startswith("refs/") else (f"refs/heads/{name}", f"refs/tags/{name}", name)
        argv = ("rev-parse", "--verify", "--quiet", "--end-of-options")
        for each in candidates:
            sha = self._git(*argv, f"{each}^{{commit}}", check=False).strip()
            if sha:
                return sha
        return None

    def update(self, ref: str, new: str, old: str | None = None) -> None:
        """Point a ref at an object; `old` must be what it was (ZERO: nothing). Raises GitFailed."""
        self._git("update-ref", ref, new, *([] if old is None else [old]))

    def delete(self, ref: str) -> None:
        """Remove a ref. Raises GitFailed."""
        self._git("update-ref", "-d", ref)

    def kind(self, sha: str) -> str:
        """Return commit, tree, blob or tag, or an empty text for no such object."""
        return self._git("cat-file", "-t", sha, check=False).strip()

    def write(
        self,
        files: Mapping[str, str | bytes | None],
        *,
        branch: str,
        onto: str,
        message: str,
        name: str,
        at: datetime,
    ) -> str:
        """Commit files (None deletes) to a branch, grown from `onto` when it is new, and return the commit's id."""
        ref = f"refs/heads/{branch}"
        parent = self.resolve(ref) or self.resolve(onto)
        person = f"{name} <{name}@users.noreply.example> {int(at.timestamp())} +0000"
        stream = [f"commit {ref}\ncommitter {person}\n".encode(), _data(message.encode())]
        if parent:
            stream.append(f"from {parent}\n".encode())
        for path, content in files.items():
            if content is None:
                stream.append(f"D {path}\n".encode())
            else:
                raw = content.encode() if isinstance(content, str) else content
                mode = "100755" if raw.startswith(b"#!") else "100644"
                stream.append(f"M {mode} inline {path}\n".encode() + _data(raw))
        self._git("fast-import", "--quiet", "--force", "--date-format=raw", stdin=b"".join(stream))
        return self.resolve(ref) or ""

    def log(self, *revisions: str, limit: int = 250) -> list[Commit]:
        """Return commits, newest first."""
        shape = "%H%x1f%T%x1f%P%x1f%an%x1f%ae%x1f%at%x1f%B%x1e"
        found = self._git("log", f"--max-count={limit}", f"--format={shape}", *revisions, "--")
        return [_commit(each) for each in found.split("\x1e") if each.strip()]

    def count(self, revisions: str) -> int:
        """Count the commits of a range."""
        return int(self._git("rev-list", "--count", revisions, "--"))

    def merge_base(self, one: str, other: str) -> str | None:
        """Return the best common ancestor, or None."""
        return self._git("merge-base", one, other, check=False).strip() or None

    def changes(self, base: str, head: str) -> list[tuple[str, str, int, int]]:
        """Return (status letter, path, additions, deletions) of every file that differs."""
        status = self._git("diff-tree", "-r", "-z", "--no-renames", "--name-status", base, head).split("\0")
        numbers = self._git("diff-tree", "-r", "-z", "--no-renames", "--numstat", base, head).split("\0")
        counts = {path: (plus, minus) for plus, minus, path in (each.split("\t") for each in numbers if each)}
        pairs = zip(status[::2], status[1::2], strict=False)
        return [
            (letter, path, *(int(each) if each.isdigit() else 0 for each in counts[path]))  # type: ignore[misc]  # two
            for letter, path in pairs
        ]

    def read(self, revision: str, path: str) -> bytes | None:
        """Return a file's content at a revision, or None."""
        if not self._git("rev-parse", "--verify", "--quiet", f"{revision}:{path}", check=False).strip():
            return None
        return self._git_bytes("cat-file", "blob", f"{revision}:{path}", check=False)

    def listing(self, revision: str, path: str = "") -> list[tuple[str, str, str, int]]:
        """Return (type, id, path, size) of what lies in a folder at a revision."""
        where = f"{path.rstrip('/')}/" if path else "."
        found = self._git("ls-tree", "--long", "--full-tree", "-z", revision, "--", where, check=False)
        rows = (line.split("\t", 1) for line in found.split("\0") if line)
        split = ((facts.split(), name) for facts, name in rows)
        return [(kind, sha, name, int(size) if size.isdigit() else 0) for (_, kind, sha, size), name in split]

    def merge(self, base: str, head: str, *, message: str, name: str, at: datetime) -> str | None:
        """Merge a commit into a branch and return the merge commit, or None on a conflict."""
        onto = self.resolve(f"refs/heads/{base}") or ""
        tree = subprocess.run(
            ["git", "--git-dir", str(self.path), "merge-tree", "--write-tree", onto, head],
            capture_output=True,
            env=environment(),
            check=False,
        )
        if tree.returncode:
            return None
        tree_id = tree.stdout.split()[0].decode()
        person = f"{name} <{name}@users.noreply.example> {int(at.timestamp())} +0000"
        raw = f"tree {tree_id}\nparent {onto}\nparent {head}\nauthor {person}\ncommitter {person}\n\n{message}\n"
        made = self._git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw.encode()).strip()
        self.update(f"refs/heads/{base}", made, onto)
        return made


def _data(raw: bytes) -> bytes:
    return f"data {len(raw)}\n".encode() + raw + b"\n"


def _commit(text: str) -> Commit:
    sha, tree, parents, name, email, at, message = text.lstrip("\n").split("\x1f")
    moment = datetime.fromtimestamp(int(at), UTC)
    return Commit(
        sha=sha,
        tree=tree,
        parents=tuple(parents.split()),
        name=name,
        email=email,
        at=moment,
        message=message.rstrip("\n"),
    )


def basic(user: str, password: str) -> str:
    """Return the value of a basic authorisation header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
