"""The runner's own bare repository: it borrows the user's objects and leaves the user's repository as it was."""

import hashlib
import os
import tempfile
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from autorun.core.errors import GitFailed
from autorun.effects.git import AUTORUN, Git, Identity, Repository

# What autorun keeps beside the user's files and never commits.
_EXCLUDES = "/.ai-agents/*\n!/.ai-agents/state/\n!/.ai-agents/config.yml\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A bare repository that no agent sees. `git` is bound to it."""

    git: Git
    object_format: str

    @classmethod
    def create(cls, folder: Path, *, borrowed: Repository, identity: Identity = AUTORUN) -> Self:
        """Create the repository in `folder`, which must be empty or absent. Raises GitFailed."""
        object_format = Git(git_dir=borrowed.common_dir)("rev-parse", "--show-object-format")
        git = Git(git_dir=folder, identity=identity)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            git("init", "--quiet", "--bare", "--template=", f"--object-format={object_format}")
            (folder / "info").mkdir(exist_ok=True)
            (folder / "info/exclude").write_bytes(_read(borrowed.common_dir / "info/exclude") + _EXCLUDES.encode())
            (folder / "objects/info").mkdir(exist_ok=True)
            borrowed_objects = os.fsencode(borrowed.common_dir / "objects")
            (folder / "objects/info/alternates").write_bytes(_quoted(borrowed_objects) + b"\n")
            if shallow := _read(borrowed.common_dir / "shallow"):
                (folder / "shallow").write_bytes(shallow)
        except OSError as error:
            raise GitFailed(f"the runner's own repository cannot be created in {folder}: {error.strerror}") from error
        return cls(git=git, object_format=object_format)

    def blob(self, content: bytes) -> str:
        """Write a blob and return its id."""
        return self._put(b"blob", content)

    def folder(self, name: str, blob: str) -> str:
        """Write a tree that holds one plain file and return its id."""
        return self._put(b"tree", b"100644 " + name.encode() + b"\0" + bytes.fromhex(blob))

    def commit(self, tree: str, parents: tuple[str, ...], message: str) -> str:
        """Write a commit by the runner's identity, dated now, and return its id."""
        identity = self.git.identity
        stamp = f"{_plain(identity.name)} <{_plain(identity.email)}> {int(time.time())} +0000"
        header = [
            f"tree {tree}",
            *(f"parent {parent}" for parent in parents),
            f"author {stamp}",
            f"committer {stamp}",
        ]
        text = "\n".join(header) + "\n\n" + message.replace("\0", "").rstrip("\n") + "\n"
        return self._put(b"commit", text.encode("utf-8", "replace"))

    def _put(self, kind: bytes, body: bytes) -> str:
        """Write a loose object, as `git hash-object -w` would, but without a process for each."""
        data = kind + b" %d\0" % len(body) + body
        name = hashlib.new(self.object_format, data, usedforsecurity=False).hexdigest()
        place = self.git.git_dir / "objects" / name[:2] / name[2:]
        if place.exists():
            return name
        try:
            place.parent.mkdir(exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(prefix="tmp_obj_", dir=place.parent)
            with os.fdopen(descriptor, "wb") as stream:
                os.fchmod(descriptor, 0o444)
                stream.write(zlib.compress(data, 1))
            Path(temporary).replace(place)
        except OSError as error:
            raise GitFailed(f"git object {name} cannot be written: {error.strerror}") from error
        return name


def _read(path: Path) -> bytes:
    """Return the lines of a file, none if it is not there."""
    if not path.is_file():
        return b""
    content = path.read_bytes()
    return content if content.endswith(b"\n") or not content else content + b"\n"


def _quoted(path: bytes) -> bytes:
    """Return a path as git's list of borrowed object folders wants it: quoted where it needs to be."""
    if not path.startswith((b'"', b"#")) and b"\n" not in path:
        return path
    return b'"' + path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'


def _plain(text: str) -> str:
    return "".join(character for character in text if character not in "<>\n\0").strip()
