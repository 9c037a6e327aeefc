"""Files survive kills, second writers and curious neighbours."""

import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from autorun.effects import files

APPEND = """
import sys
from pathlib import Path
from autorun.effects.files import append
for number in range(300):
    append(Path(sys.argv[1]), f"{sys.argv[2]} {number} {'x' * 200}\\n")
"""
HOLD = """
import sys
from pathlib import Path
from autorun.effects.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def holding(path: Path) -> "subprocess.Popen[bytes]":
    child = subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    return child


def test_replace_puts_the_whole_content_in_place(tmp_path: Path) -> None:
    """Text or bytes, new or old: the content is there, private unless said otherwise, and nothing else is."""
    path = tmp_path / "state.json"
    files.replace(path, "ü\r\n")
    assert (path.read_bytes(), mode(path)) == ("ü\r\n".encode(), 0o600)
    files.replace(path, b"\x00", mode=0o644)
    assert (path.read_bytes(), mode(path)) == (b"\x00", 0o644)
    assert names(tmp_path) == ["state.json"]


def test_a_replace_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """When the place cannot be taken nothing is changed and nothing left behind."""
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="directory"):
        files.replace(tmp_path / "taken", "x")
    assert names(tmp_path) == ["taken"]
    with pytest.raises(FileNotFoundError):
        files.replace(tmp_path / "none" / "x", "x")


def test_a_reader_never_sees_a_part(tmp_path: Path) -> None:
    """While one thread replaces, every reading is one of the whole contents."""
    path = tmp_path / "x"
    contents = {letter * 300_000 for letter in "ab"}
    files.replace(path, "a" * 300_000)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for content in contents:
                files.replace(path, content)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert all(path.read_text() in contents for _ in range(200))
    finally:
        stop.set()
        writer.join()


def test_processes_append_whole_lines(tmp_path: Path) -> None:
    """Two processes that append at once keep every line of both whole, in a private file."""
    path = tmp_path / "log"
    children = [subprocess.Popen([sys.executable, "-c", APPEND, path, name]) for name in ("a", "b")]
    assert [child.wait(60) for child in children] == [0, 0]
    lines = path.read_text().splitlines()
    assert sorted(lines) == sorted(f"{name} {number} {'x' * 200}" for name in "ab" for number in range(300))
    assert mode(path) == 0o600


def test_append_follows_no_link(tmp_path: Path) -> None:
    """A link planted in the place of a log leads us nowhere."""
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "log").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic links"):
        files.append(tmp_path / "log", b"more")
    assert (tmp_path / "victim").read_text() == "mine"


def test_read_is_bounded_and_waits_for_nobody(tmp_path: Path) -> None:
    """One byte beyond the limit shows the excess; a folder, a pipe or a device is refused at once."""
    (tmp_path / "x").write_bytes(b"12345")
    assert files.read(tmp_path / "x", limit=3) == b"1234"
    assert files.read(tmp_path / "x", limit=5) == b"12345"
    with pytest.raises(IsADirectoryError):
        files.read(tmp_path, limit=1)
    os.mkfifo(tmp_path / "pipe")
    for odd in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ValueError, match="no regular file"):
            files.read(odd, limit=1)


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_lock_excludes_other_processes_until_they_die(tmp_path: Path, kind: str) -> None:
    """Held elsewhere it times out with the path named; a kill frees it at once."""
    path = tmp_path if kind == "folder" else tmp_path / "session.json"
    child = holding(path)
    began = time.monotonic()
    with (
        pytest.raises(TimeoutError, match=r"another process has kept .* locked for 0\.2 s"),
        files.locked(path, timeout=0.2),
    ):
        pytest.fail("two hold the lock")
    assert time.monotonic() - began >= 0.2
    child.kill()
    child.communicate()
    with files.locked(path, timeout=5):
        assert names(tmp_path) == ([] if kind == "folder" else ["session.json.lock"])


def test_a_lock_excludes_threads_too(tmp_path: Path) -> None:
    """Read, wait, write under the lock: no count is lost."""
    path = tmp_path / "count"
    path.write_text("0")

    def count() -> None:
        for _ in range(20):
            with files.locked(path):
                number = int(path.read_text())
                time.sleep(0.0005)
                path.write_text(str(number + 1))

    threads = [threading.Thread(target=count) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() == "60"


def test_a_lock_is_freed_by_a_failure(tmp_path: Path) -> None:
    """An exception inside gives the lock back."""
    with pytest.raises(KeyError), files.locked(tmp_path):
        raise KeyError
    with files.locked(tmp_path, timeout=0):
        pass


def test_a_private_folder_is_closed_to_others(tmp_path: Path) -> None:
    """New or found open, with its parents, it ends as ours alone."""
    path = tmp_path / "a" / "b"
    assert files.private_folder(path) == path
    assert mode(path) == 0o700
    path.chmod(0o755)
    assert mode(files.private_folder(path)) == 0o700
