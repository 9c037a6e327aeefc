"""Packs what a session leaves into a folder for the cache and one for an artifact, and unpacks it in a later run.

Whatever is lost or refused on the way costs a resume, never a decision.
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from autorun.core.errors import ResumeRefused
from autorun.core.ledger import carried, codec
from autorun.core.ledger.carried import EXACT, MOST_BYTES, MOST_FILE_BYTES, Item, Manifest, Ticket
from autorun.core.report.status import SessionState
from autorun.core.text.secrets import redacted
from autorun.effects import files

_COUNTERS = "session.json"
_TICKET = "ticket.json"
_MANIFEST = "manifest.json"
_SMALL = 1 << 20
_MANIFEST_BYTES = 8 << 20


def pack_counters(session: Path, cache: Path, ticket: Ticket) -> bool:
    """Write the folder for the cache: counters and ticket; False if the session left no state. Raises OSError."""
    try:
        state = codec.loads(_read(session / _COUNTERS, _SMALL).decode(), SessionState)
    except (OSError, ValueError):
        return False
    clear(cache)
    files.replace(cache / _COUNTERS, codec.dumps(carried.counters(state)))
    files.replace(cache / _TICKET, codec.dumps(ticket))
    return True


def pack_work(session: Path, artifact: Path, *, secrets: Iterable[str], only: str = "*") -> str:
    """Write the folder for the artifact, secrets struck out; return its manifest's SHA-256, empty without a file.

    `only` names the folder of the one task to pack. A file too large to travel stays behind, and so does unfinished
    work that holds a secret. Raises OSError.
    """
    own = tuple(secrets)
    items: list[Item] = []
    room = MOST_BYTES
    clear(artifact)
    for folder in sorted(path for path in (session / "tasks").glob(only) if path.is_dir() and not path.is_symlink()):
        found = dict(_lawful(folder, session))
        struck = {path: _struck(content, own) for path, content in found.items()}
        spoilt = any(path.endswith(EXACT) and struck[path] != found[path] for path in found)
        for path, content in struck.items():
            if (spoilt and path.endswith(EXACT)) or len(content) > min(room, MOST_FILE_BYTES):
                continue
            place = artifact / path
            place.parent.mkdir(parents=True, exist_ok=True)
            files.replace(place, content)
            items.append(Item(path=path, size=len(content), sha256=hashlib.sha256(content).hexdigest()))
            room -= len(content)
    if not items:
        return ""
    manifest = codec.dumps(Manifest(items=tuple(items)))
    files.replace(artifact / _MANIFEST, manifest)
    return hashlib.sha256(manifest.encode()).hexdigest()


def ticket(cache: Path) -> Ticket | None:
    """Return the ticket that an earlier run left in the cache; None if there is none that we can read."""
    try:
        found = codec.loads(_read(cache / _TICKET, _SMALL).decode(), Ticket)
    except (OSError, ValueError):
        return None
    usable = found.v == carried.VERSION and found.run_id.isascii() and found.run_id.isdecimal()
    return found if usable else None


def unpack_counters(cache: Path, session: Path) -> None:
    """Put the counters of an earlier run into the session folder. Raises ResumeRefused."""
    try:
        state = codec.loads(_read(cache / _COUNTERS, _SMALL).decode(), SessionState)
    except (OSError, ValueError) as error:
        raise ResumeRefused(f"The saved session cannot be read: {error}.") from None
    files.replace(files.private_folder(session) / _COUNTERS, codec.dumps(carried.counters(state)))


def unpack_work(artifact: Path, session: Path, expected: str, *, only: str = "") -> int:
    """Put the unfinished work of an earlier run into the session folder and return of how many tasks.

    `expected` is the SHA-256 of its manifest, `only` the folder of the one task that it may be of. Nothing is put
    anywhere unless all of it is as it was packed. Raises ResumeRefused.
    """
    if not (artifact / _MANIFEST).exists():
        raise ResumeRefused(
            "The last run's unfinished work cannot be had: it has expired, or the job lacks the permission "
            "`actions: read`."
        )
    try:
        items = carried.resumable(_checked_manifest(artifact, expected))
        for item in items:
            _check(artifact, item, only)
    except (OSError, ValueError) as error:
        raise ResumeRefused(f"The last run's unfinished work is not used: {error}.") from None
    for item in items:
        place = session / item.path
        files.private_folder(place.parent)
        files.replace(place, _read(artifact / item.path, item.size))
    return len({item.path.split("/")[1] for item in items})


def _checked_manifest(artifact: Path, expected: str) -> Manifest:
    text = _read(artifact / _MANIFEST, _MANIFEST_BYTES)
    if hashlib.sha256(text).hexdigest() != expected:
        raise ValueError("its list of files is not the one that was packed")
    manifest = codec.loads(text.decode(), Manifest)
    if reason := carried.objection(manifest):
        raise ValueError(reason)
    return manifest


def _check(artifact: Path, item: Item, only: str) -> None:
    if only and item.path.split("/")[1] != only:
        raise ValueError(f"{item.path} is of another task")
    place = artifact / item.path
    if not place.resolve().is_relative_to(artifact.resolve()):
        raise ValueError(f"{item.path} leads elsewhere")
    if hashlib.sha256(_read(place, item.size)).hexdigest() != item.sha256:
        raise ValueError(f"{item.path} is not as it was packed")


def _lawful(folder: Path, session: Path) -> Iterator[tuple[str, bytes]]:
    """Give every file of a task that may travel, with its content, the unfinished work first."""
    ours = sorted(folder.rglob("*"), key=lambda path: (path.name not in EXACT, path))
    for path in ours:
        name = path.relative_to(session).as_posix()
        if carried.lawful(name) and path.is_file() and path.resolve() == session.resolve() / name:
            content = files.read(path, limit=MOST_FILE_BYTES)
            if len(content) <= MOST_FILE_BYTES:
                yield name, content


def _struck(content: bytes, own: tuple[str, ...]) -> bytes:
    text = content.decode("utf-8", "surrogateescape")
    return redacted(text, own).encode("utf-8", "surrogateescape")


def _read(path: Path, most: int) -> bytes:
    content = files.read(path, limit=most)
    if len(content) > most:
        raise ValueError(f"{path.name} is larger than it may be")
    return content


def drop(folder: Path) -> None:
    """Remove a folder with all that is in it, of a link only the link. Raises OSError."""
    if folder.is_dir() and not folder.is_symlink():
        clear(folder)
        folder.rmdir()
    else:
        folder.unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Make the folder, and leave nothing of an earlier run in it. Raises OSError."""
    files.private_folder(folder)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()
