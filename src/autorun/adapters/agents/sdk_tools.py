"""The agent's hands: every command and every edit is a process of its own in the sandbox, and nothing else.

The editor reads and writes by two small shell scripts run like any command. So it can do no more than the bash
beside it: wherever a planted link may lead, it leads within what the sandbox shows, and our own process never opens
a path that the agent chose.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from autorun.core.model import Command, Confine, Guard, Room, Stop, Workspace
from autorun.core.sdk.editor import (
    Create,
    EditRefused,
    Insert,
    Replace,
    View,
    clipped,
    inserted,
    numbered,
    replaced,
    wanted,
)
from autorun.core.sdk.request import BASH, EDITOR, OUTPUT_CHARACTERS, TOOL_SECONDS
from autorun.effects import process
from autorun.effects.child import MARK, kill_marked
from autorun.effects.process import Finished

_SHELL = ("/bin/bash", "--noprofile", "--norc", "-c")
_HEAD_BYTES = 4 * OUTPUT_CHARACTERS
_KEPT_BYTES = 8 * OUTPUT_CHARACTERS
_MOST_STATE = 64 * 1024
_MOST_FILE_BYTES = 8 * 1024 * 1024
_EDIT_SECONDS = 30.0

# Output and errors of the command go to one stream, in order; the other one tells the state it leaves. The command
# comes by standard input, since an argument has room for 128 KiB only. All on one line: bash counts from there.
_RUN = """\
exec 198>&2 2>&1
trap '{ export -n PWD OLDPWD; pwd -P; export -p; } 2>/dev/null >&198' EXIT
eval "$1"
cd -- "${2:-.}" 2>/dev/null || echo "[$2 is gone; this is $PWD]"
eval "$(cat)" </dev/null""".replace("\n", "; ")

_PLACE = """\
root=$(pwd -P) && real=$(realpath -m -- "$1") || exit
case $real/ in "$root"/*) ;; *) exit 22;; esac
case ${real#"$root"}/ in */.git/*) exit 23;; esac
"""
_READ = (
    _PLACE
    + """\
if [ -d "$real" ]; then
  cd -- "$real" && find . -maxdepth 2 -name '.?*' -prune -o -name node_modules -prune -o -print | LC_ALL=C sort
  exit 20
fi
[ -e "$real" ] || exit 24
[ -f "$real" ] || exit 25
head -c "$2" -- "$real"
"""
)
_WRITE = (
    _PLACE
    + """\
[ ! -e "$real" ] || [ -f "$real" ] || exit 25
mkdir -p -- "$(dirname -- "$real")" && cat >"$real"
"""
)
_FOLDER = 20
_REFUSALS = {
    22: "The path lies outside the working folder {root}, where all edits belong.",
    23: "What belongs to git is out of bounds.",
    24: "There is no such file.",
    25: "That is no regular file.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What the model is told of a call."""

    text: str
    failed: bool = False


class Hands:
    """The tools of one stretch of work in one workspace.

    `left` tells how many seconds there still are, `stop` and `guard` end a running command. Every method raises
    OSError or AutorunError if no command can be started at all.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        confine: Confine,
        environ: Mapping[str, str],
        left: Callable[[], float],
        stop: Stop,
        guard: Guard | None = None,
    ) -> None:
        self._workspace = workspace
        self._confine = confine
        self._mark = secrets.token_hex(16)
        self._environ = {**environ, MARK: self._mark}
        self._left = left
        self._stop = stop
        self._guard = guard
        self._folder = ""
        self._exports = ""
        self.alarm = ""

    def use(self, tool: str, given: Mapping[str, object]) -> Tried:
        """Make one call."""
        if tool == EDITOR:
            return self._edit(given)
        if tool != BASH:
            return Tried(text=f"There is no tool {tool}.", failed=True)
        match given:
            case {"restart": True}:
                self._folder = self._exports = ""
                return Tried(text="A fresh shell is ready.")
            case {"command": str(command)}:
                return self._run(command)
            case _:
                return Tried(text="command is missing.", failed=True)

    def close(self) -> None:
        """Kill what the agent left running; a sandbox has ended it already."""
        kill_marked(f"{MARK}={self._mark}")

    # ------------ bash

    def _run(self, command: str) -> Tried:
        heard = _Heard()
        done = self._start(
            (_RUN, "bash", self._exports, self._folder),
            stdin=f"{command}\n".replace("\0", "").encode(),
            timeout=TOOL_SECONDS,
            limit=_KEPT_BYTES,
            sink=heard.add,
        )
        self._remember(done.stderr)
        return Tried(text=_with_status(heard.told(done), done), failed=bool(done.killed))

    def _remember(self, state: bytes) -> None:
        folder, _, exports = state.decode(errors="replace").partition("\n")
        if folder.startswith("/") and len(state) <= _MOST_STATE:
            self._folder, self._exports = folder, exports.replace("\0", "")

    # ------------ editor

    def _edit(self, given: Mapping[str, object]) -> Tried:
        try:
            match wanted(given):
                case View() as view:
                    return Tried(text=self._view(view))
                case Create(path=path, text=text):
                    self._write(path, text)
                case Replace(path=path) as edit:
                    self._write(path, replaced(self._text(path), edit))
                case Insert(path=path) as edit:
                    self._write(path, inserted(self._text(path), edit))
        except EditRefused as refused:
            return Tried(text=str(refused), failed=True)
        return Tried(text="Done.")

    def _view(self, view: View) -> str:
        read = self._script(_READ, view.path, str(_MOST_FILE_BYTES))
        text = read.stdout.decode(errors="replace")
        return clipped(text if read.returncode == _FOLDER else numbered(text, view), OUTPUT_CHARACTERS)

    def _text(self, path: str) -> str:
        read = self._script(_READ, path, str(_MOST_FILE_BYTES + 1))
        if read.returncode == _FOLDER or len(read.stdout) > _MOST_FILE_BYTES:
            raise EditRefused("That is a folder, or a file too large for the editor: use bash.")
        try:
            return read.stdout.decode()
        except UnicodeDecodeError:
            raise EditRefused("The file is no UTF-8 text, so an edit would damage it: use bash.") from None

    def _write(self, path: str, text: str) -> None:
        self._script(_WRITE, path, stdin=text.encode())

    def _script(self, script: str, path: str, *more: str, stdin: bytes = b"") -> Finished:
        if not path or "\0" in path:
            raise EditRefused("path is missing.")
        done = self._start(
            (script, "edit", path, *more), stdin=stdin, timeout=_EDIT_SECONDS, limit=_MOST_FILE_BYTES * 2
        )
        if done.killed:
            raise EditRefused(f"It was ended by force: {done.killed}.")
        if done.returncode in _REFUSALS:
            raise EditRefused(_REFUSALS[done.returncode].format(root=self._workspace.path))
        if done.returncode not in (0, _FOLDER):
            raise EditRefused(
                clipped(done.stderr.decode(errors="replace").strip(), 500) or f"It failed with {done.returncode}."
            )
        return done

    # ------------ processes

    def _start(
        self,
        argv: tuple[str, ...],
        *,
        stdin: bytes,
        timeout: float,
        limit: int,
        sink: Callable[[bytes], object] | None = None,
    ) -> Finished:
        command = Command(argv=(*_SHELL, *argv), cwd=self._workspace.path, env=self._environ)
        return process.run(
            self._confine(command, Room(workspace=self._workspace)),
            stdin=stdin,
            timeout=max(0.0, min(timeout, self._left())),
            limit=limit,
            stop=self._stop,
            sink=sink,
            guard=self._watched if self._guard else None,
        )

    def _watched(self, pid: int) -> str:
        assert self._guard is not None
        self.alarm = self.alarm or self._guard(pid)
        return self.alarm


class _Heard:
    """The beginning of what a command says; its end is kept by whoever runs it."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._total = 0

    def add(self, chunk: bytes) -> None:
        self._total += len(chunk)
        self._head += chunk[: max(0, _HEAD_BYTES - len(self._head))]

    def told(self, done: Finished) -> str:
        said = self._total - len(done.stderr)
        if said <= len(done.stdout):
            return clipped(done.stdout.decode(errors="replace"), OUTPUT_CHARACTERS)
        # The state comes last, so the head of much output holds nothing of it.
        joined = bytes(self._head) + done.stdout[-_HEAD_BYTES:]
        return clipped(joined.decode(errors="replace"), OUTPUT_CHARACTERS, unseen=max(0, said - len(joined)))


def _with_status(said: str, done: Finished) -> str:
    if done.killed:
        note = f"[ended by force: {done.killed}]"
    elif done.returncode:
        note = f"[exit status {done.returncode}]"
    else:
        note = ""
    return "\n".join(part for part in (said.rstrip("\n"), note) if part)
