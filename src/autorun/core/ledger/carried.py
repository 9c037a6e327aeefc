"""What one run leaves for the next: which files may travel, and how it is told that they arrived as they left."""

import re
from dataclasses import dataclass, replace

from autorun.core.report.status import SessionState

VERSION = 1
MOST_FILE_BYTES = 64 << 20
MOST_BYTES = 256 << 20
_TASK = r"tasks/[A-Za-z0-9_.-]{1,120}"
_NAME = r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,200}"
# The agent can write below `agent/`: only conversations, under the names that its backend gives them.
_LAWFUL = re.compile(
    rf"{_TASK}/(?:unfinished\.json|diff\.patch|transcript\.jsonl|result\.json|verify\.log|brief\.md"
    rf"|agent/(?:projects/{_NAME}/)?[0-9a-f-]{{36}}\.jsonl)"
)
# These two make sense only as they were written, and only together.
UNFINISHED = "unfinished.json"
EXACT = (UNFINISHED, "diff.patch")
_TRANSCRIPT = "/transcript.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One file that travels: its path below the session folder, its size in bytes, its SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Every file of one artifact."""

    v: int = VERSION
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What lies in the cache beside the counters: the run whose artifact belongs to them, and its manifest's SHA-256.

    `artifact` is empty when the run kept none.
    """

    v: int = VERSION
    run_id: str
    artifact: str = ""
    manifest: str = ""


def lawful(path: str) -> bool:
    """Tell whether a file of this path below the session folder may travel."""
    return _LAWFUL.fullmatch(path) is not None and ".." not in path


def objection(manifest: Manifest) -> str:
    """Say why what a manifest lists must not be unpacked, as a sentence; empty if it may."""
    if manifest.v != VERSION:
        return f"it is of version {manifest.v}, this Autorun reads version {VERSION}"
    if strange := [item.path for item in manifest.items if not lawful(item.path)]:
        return f"it lists a file that Autorun never keeps ({strange[0][:80]!r})"
    if any(item.size > MOST_FILE_BYTES for item in manifest.items) or total(manifest) > MOST_BYTES:
        return "it is larger than any we write"
    return ""


def resumable(manifest: Manifest) -> tuple[Item, ...]:
    """Return what a next attempt can go on from: the unfinished work and its conversations, no transcripts."""
    folders = {item.path.removesuffix(UNFINISHED) for item in manifest.items if item.path.endswith(UNFINISHED)}
    kept = (*EXACT, ".jsonl")
    return tuple(
        item
        for item in manifest.items
        if item.path.endswith(kept)
        and not item.path.endswith(_TRANSCRIPT)
        and any(item.path.startswith(folder) for folder in folders)
    )


def total(manifest: Manifest) -> int:
    """Return the size of all files in bytes."""
    return sum(item.size for item in manifest.items)


def counters(state: SessionState) -> SessionState:
    """Return a session's state without anything that a task, an agent or a tracker said: caches have many readers."""
    return replace(state, planned="", title="", activity="", sentence="")
