"""Setup and verification commands: one shell each, all they say in a log, their end as a result."""

import codecs
from collections.abc import Mapping
from pathlib import Path

from autorun.core.errors import WorkspaceFailed
from autorun.core.model import Check, CheckResult, Command, Confine, Guard, Room, Stop, Workspace
from autorun.effects import files, process

_BASH, _SH = Path("/bin/bash"), Path("/bin/sh")


class _Log:
    """A log file that keeps the end of what passed through it; without a folder for it there is no work."""

    def __init__(self, path: Path, keep_bytes: int) -> None:
        self._path = path
        self._keep = keep_bytes
        self._tail = bytearray()
        files.private_folder(path.parent)

    def add(self, chunk: bytes) -> None:
        files.append(self._path, chunk)
        self._tail += chunk
        if len(self._tail) > 2 * self._keep:
            del self._tail[: -self._keep]

    def note(self, text: str) -> None:
        """Write a line of ours, on a line of its own."""
        begin = b"" if not self._tail or self._tail.endswith(b"\n") else b"\n"
        self.add(begin + f"[autorun: {text}]\n".encode())

    def tail(self) -> str:
        cut = bytes(self._tail[-self._keep :])
        # A cut may fall inside a character.
        return codecs.decode(cut.lstrip(bytes(range(0x80, 0xC0))), "utf-8", "replace")


def run_check(
    check: Check,
    workspace: Workspace,
    *,
    env: Mapping[str, str],
    log: Path,
    keep_bytes: int,
    confine: Confine | None = None,
    stop: Stop | None = None,
    guard: Guard | None = None,
) -> CheckResult:
    """Run one command in the workspace, its whole environment `env`, and append all it says to `log`.

    It fails where any part of a line or pipeline fails, as in a workflow. `output` is the last `keep_bytes`.
    Raises WorkspaceFailed if not even a shell starts.
    """
    tail = _Log(log, keep_bytes)
    files.append(log, f"$ {check.run}\n")
    command = Command(argv=_shell(check.run), cwd=workspace.path, env=dict(env))
    if confine is not None:
        command = confine(command, Room(workspace=workspace))
    try:
        finished = process.run(command, timeout=check.timeout, limit=1, stop=stop, sink=tail.add, guard=guard)
    except OSError as error:
        raise WorkspaceFailed(
            f"`{check.run}` cannot be started: {command.argv[0]}: {error.strerror}",
            hint="`autorun doctor` tells what is missing on this machine",
        ) from error
    if finished.killed:
        tail.note(f"ended by force: {finished.killed}")
    elif finished.left_behind:
        tail.note("it left processes behind")
    exit_code = None if finished.killed else finished.returncode
    files.append(log, f"[autorun: status {exit_code} after {finished.seconds:.1f} s]\n")
    return CheckResult(run=check.run, exit_code=exit_code, seconds=finished.seconds, output=tail.tail())


def _shell(line: str) -> tuple[str, ...]:
    if _BASH.exists():
        return (str(_BASH), "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", line)
    return (str(_SH), "-e", "-c", line)
