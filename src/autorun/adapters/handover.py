"""The hand-over folder on disk, and the bundles in it; whoever reads takes every byte for an attacker's."""

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from autorun.core.errors import GitFailed, HandoverRefused
from autorun.core.ledger.handover import (
    BUNDLE_BYTES,
    PLAN_BYTES,
    RESULT_BYTES,
    Itinerary,
    Leg,
    Result,
    digest,
    encoded,
    read_plan,
    read_result,
)
from autorun.effects import files
from autorun.effects.store import Store

PLAN = "plan.json"
_RESULT = "result.json"
_BUNDLE = "work.bundle"
_REF = "refs/autorun/work"
_HEADER_BYTES = 64 << 10
_OBJECTS = 20_000
_OBJECT_BYTES = 16 << 20
_UNPACK_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverFolder:
    """`plan.json`, and beside it one folder per task with `result.json` and, if there is work, `work.bundle`.

    What a task leaves for the next run lies in a folder of its own, which publication never opens.
    """

    path: Path

    def write_plan(self, plan: Itinerary) -> str:
        """Write the plan and return its digest. Raises OSError."""
        data = encoded(plan)
        self.path.mkdir(parents=True, exist_ok=True)
        files.replace(self.path / PLAN, data, mode=0o644)
        return digest(data)

    def plan(self, expected: str = "") -> Itinerary:
        """Read the plan; `expected` is the digest that was printed with it. Raises HandoverRefused."""
        try:
            data = _content(self.path / PLAN, PLAN_BYTES)
        except HandoverRefused as error:
            raise HandoverRefused(
                f"there is no plan to go by in {self.path}: {error}", hint="run `autorun plan` with this folder first"
            ) from None
        return read_plan(data, expected)

    def kept(self, leg: Leg) -> Path:
        """Return the folder for what a next run can go on from."""
        return self.path / leg.kept_name

    def put(self, leg: Leg, result: Result, bundle: bytes = b"") -> None:
        """Write a result in the place of an earlier one. Raises OSError."""
        place = self.path / leg.name
        place.mkdir(parents=True, exist_ok=True)
        (place / _RESULT).unlink(missing_ok=True)
        (place / _BUNDLE).unlink(missing_ok=True)
        if bundle:
            files.replace(place / _BUNDLE, bundle, mode=0o644)
        files.replace(place / _RESULT, encoded(result), mode=0o644)

    def take(self, leg: Leg) -> tuple[Result, bytes] | None:
        """Return a task's result and its bundle; None if there is none. Raises HandoverRefused."""
        place = self.path / leg.name
        if not os.path.lexists(place):
            return None
        if place.is_symlink() or not place.is_dir():
            raise HandoverRefused(f"{leg.name} is no folder")
        names = set(os.listdir(place))  # noqa: PTH208  names, which may be any bytes
        if strange := sorted(names - {_RESULT, _BUNDLE}):
            raise HandoverRefused(f"there is a file that does not belong: {ascii(strange[0])[:100]}")
        result = read_result(_content(place / _RESULT, RESULT_BYTES), leg)
        if bool(result.head) != (_BUNDLE in names):
            raise HandoverRefused("the bundle and the result do not belong together")
        return result, _content(place / _BUNDLE, BUNDLE_BYTES) if result.head else b""


# ------------ work as a bundle


def pack(store: Store, *, head: str, base: str) -> bytes:
    """Return a commit that lies on `base` as a bundle. Raises GitFailed."""
    store.git("update-ref", _REF, head)
    return store.git.bytes("bundle", "create", "-", _REF, f"^{base}")


def unpack(store: Store, bundle: bytes, *, head: str, base: str) -> str:
    """Put a bundle's objects into the runner's own repository and return the tree of its one commit on `base`.

    The pack goes straight to git's strict indexer: no hook, no configuration and no ref of the bundle has a say.
    Raises HandoverRefused for everything but one sound commit, whose only parent is the base.
    """
    pack_start = _behind_header(bundle, head=head, base=base)
    git = store.git
    options = ("--stdin", "--strict", "--fix-thin", f"--max-input-size={BUNDLE_BYTES}")
    indexed = git.finished(
        *("-c", "core.bigFileThreshold=1m", "-c", "pack.threads=1", "index-pack", *options),
        stdin=bundle[pack_start:],
        timeout=_UNPACK_SECONDS,
    )
    if not indexed.ok:
        said = indexed.stderr.decode("utf-8", "replace").strip().splitlines()
        raise HandoverRefused(f"its bundle is unsound: {indexed.killed or (said[-1][:200] if said else 'no reason')}")
    try:
        header = git("cat-file", "commit", head).partition("\n\n")[0].splitlines()
        named = [line.split(" ", 1) for line in header]
        tree = next(value for key, value in named if key == "tree")
        if [value for key, value in named if key == "parent"] != [base]:
            raise HandoverRefused("its commit does not lie on the planned base alone")
        _refuse_giants(store, head, base)
        return _rewritten(store, tree)
    except (GitFailed, StopIteration, ValueError) as error:
        raise HandoverRefused(f"its bundle is unsound: {str(error)[:200]}") from None


def _behind_header(bundle: bytes, *, head: str, base: str) -> int:
    """Return where the pack begins, behind a header that promises `head` on `base` and nothing else."""
    end = bundle.find(b"\n\n", 0, _HEADER_BYTES)
    lines = bundle[: max(end, 0)].split(b"\n")
    rest = [line for line in lines[1:] if not line.startswith(b"@object-format=")]
    wanted = [f"-{base}".encode(), f"{head} {_REF}".encode()]
    if (
        lines[0] not in {b"# v2 git bundle", b"# v3 git bundle"}
        or len(rest) != len(wanted)
        or rest[0].split(b" ", 1)[0] != wanted[0]
        or rest[1] != wanted[1]
    ):
        raise HandoverRefused("its bundle holds something else than one commit on the planned base")
    return end + 2


def _refuse_giants(store: Store, head: str, base: str) -> None:
    """Refuse objects that nobody should read, before anything does."""
    listed = store.git("rev-list", "--objects", "--no-object-names", head, f"^{base}").split()
    if len(listed) > _OBJECTS:
        raise HandoverRefused(f"its bundle holds more than {_OBJECTS} objects")
    asked = "\n".join(listed).encode()
    sizes = store.git("cat-file", "--batch-check=%(objectsize)", stdin=asked).split()
    if max(map(int, sizes), default=0) > _OBJECT_BYTES:
        raise HandoverRefused(f"its bundle holds a file of more than {_OBJECT_BYTES >> 20} MiB")


def _rewritten(store: Store, tree: str) -> str:
    """Write a tree anew by way of an index, which takes no odd modes and no names that lead elsewhere."""
    with tempfile.TemporaryDirectory(prefix="handover-", dir=store.git.git_dir) as folder:
        own = store.git.with_(index=Path(folder) / "index")
        own("read-tree", tree)
        return own("write-tree", "--missing-ok")


def _content(path: Path, most: int) -> bytes:
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise HandoverRefused(f"{path.name} is no plain file")
        content = files.read(path, limit=most)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise HandoverRefused(f"{path.name} cannot be read: {reason}") from None
    if len(content) > most:
        raise HandoverRefused(f"{path.name} is larger than {most >> 20} MiB")
    return content
