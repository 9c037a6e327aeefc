"""Files written so that a kill, a second process or a curious neighbour does no harm."""

import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMPORARY_PREFIX = ".autorun-"
_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700
_POLL_SECONDS = 0.02


def temporary_suffix(path: Path) -> str:
    """Return how the name of a half-written copy of `path` ends, should a kill leave one behind."""
    return f"{path.suffix}.tmp"


def replace(path: Path, data: bytes | str, *, mode: int = _PRIVATE_FILE) -> None:
    """Put `data` in the place of `path`, or create it: readers see the old content or the new, never a part.

    A symbolic link is replaced by a file. The folder must exist. Raises OSError.
    """
    content = data.encode() if isinstance(data, str) else data
    # In the same folder: a rename is atomic only within one file system.
    descriptor, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, suffix=temporary_suffix(path), dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(descriptor, mode)
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def sweep(folder: Path) -> None:
    """Clear away the half-written copies that killed writers left; only for who holds the folder. Raises OSError."""
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*.tmp"):
        leftover.unlink(missing_ok=True)


def append(path: Path, data: bytes | str) -> None:
    """Add `data` at the end of a private file, creating it if need be; several processes may append at once.

    The folder must exist; a symbolic link is refused, since it could lead anywhere. Raises OSError.
    """
    content = memoryview(data.encode() if isinstance(data, str) else data)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, _PRIVATE_FILE)
    try:
        while content:
            content = content[os.write(descriptor, content) :]
    finally:
        os.close(descriptor)


def read(path: Path, *, limit: int) -> bytes:
    """Return a regular file's content, at most `limit` + 1 bytes of it, so that the caller sees an excess.

    Never waits on a pipe or a device. Raises OSError; IsADirectoryError or ValueError for what is no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(f"{path} is a folder")
        if not stat.S_ISREG(kind):
            raise ValueError(f"{path} is no regular file")
        chunks = []
        wanted = limit + 1
        while wanted > 0 and (chunk := os.read(descriptor, min(wanted, 1 << 20))):
            chunks.append(chunk)
            wanted -= len(chunk)
        return b"".join(chunks)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path, *, timeout: float = 30.0) -> Iterator[None]:
    """Hold `path` exclusively against every other holder, threads and processes alike; a kill frees it.

    A folder is locked itself; for a file the lock lies on `<path>.lock`, which stays. Not re-entrant.
    `timeout` is in seconds, 0 tries once. Raises TimeoutError if someone else keeps it, else OSError.
    """
    if path.is_dir():
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    else:
        sidecar = path.with_name(f"{path.name}.lock")
        descriptor = os.open(sidecar, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, _PRIVATE_FILE)
    try:
        _acquire(descriptor, path, timeout)
        yield
    finally:
        os.close(descriptor)


def private_folder(path: Path) -> Path:
    """Create a folder and the parents it lacks, for this user alone; an existing folder is closed to others.

    Returns `path`. Raises OSError.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
    if stat.S_IMODE(path.stat().st_mode) != _PRIVATE_FOLDER:
        path.chmod(_PRIVATE_FOLDER)
    return path


def _acquire(descriptor: int, path: Path, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError(f"another process has kept {path} locked for {timeout:g} s") from None
            time.sleep(_POLL_SECONDS)
        else:
            return


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
