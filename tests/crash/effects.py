"""Outward effects of a process, counted as they happen, so that it can be made to die at any one of them."""

import os
import re
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC
# What changes more than the runner's own repository, which dies with it.
_OUTWARD_GIT = frozenset({"push", "fetch", "worktree", "reset", "restore", "clean", "update-ref", "symbolic-ref"})
_DURING_SECONDS = 0.004
# Names that are other ones in every life: of temporary files, and whatever the agent calls its own.
_FLEETING = re.compile(r"(?<=/\.autorun-)\w+|(?<=/agent/).+|(?<=-)[0-9a-f]{12}(?=/|$)")


class Manner(StrEnum):
    """How a life is cut."""

    BEFORE = "dies before an effect"
    DURING = "dies during an effect"
    SLEEP = "sleeps before an effect until others have finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """The effect at which a life is cut, counted from 1 among all, or among those called `named`; 0 is never."""

    at: int = 0
    manner: Manner = Manner.BEFORE
    named: str = ""

    def reached(self, effects: Sequence[str]) -> bool:
        """Whether it came to that in a life that had these effects."""
        return self.at <= sum(self.counts(effect) for effect in effects)

    def counts(self, effect: str) -> bool:
        """Whether an effect is one of those that are counted."""
        return self.named in {"", effect}


def watch(death: Death, log: Path, *, ignored: Sequence[Path]) -> None:
    """Count this process's outward effects from now on, note each in `log`, and die at the appointed one.

    What stands in the log is counted already, for a life in several processes. An effect counts before it happens:
    to die after it is to die before the next one. What is started and lives on by itself, a process of git's, can
    also be left alone in the middle. Files under `ignored` are nobody else's. Names lack the scene's folder, and what
    is called otherwise in every life.
    """
    descriptor = os.open(log, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    spared = tuple(str(path) for path in ignored)
    pid = os.getpid()
    scene = str(log.parents[1])
    count = sum(map(death.counts, log.read_text().splitlines()))
    counting = threading.RLock()  # the gateway's threads have effects, too, and so has a signal's handler

    def hook(event: str, args: tuple[object, ...]) -> None:
        nonlocal count
        effect = _named(event, args, spared)
        if not effect or os.getpid() != pid:
            return
        with counting:
            effect = _FLEETING.sub("*", effect.replace(scene, ""))
            os.write(descriptor, f"{effect}\n".encode())
            count += death.counts(effect)
            if count != death.at or not death.counts(effect):
                return
        match death.manner:
            case Manner.DURING:
                signal.setitimer(signal.ITIMER_REAL, _DURING_SECONDS)  # unhandled, it ends the process like a kill
            case Manner.BEFORE:
                os.kill(pid, signal.SIGKILL)
            case Manner.SLEEP:
                os.kill(pid, signal.SIGSTOP)

    sys.addaudithook(hook)


def announce(effect: str) -> None:
    """Let something count as an effect of this process that would not be one by itself."""
    sys.audit("crash.announced", effect)


def _named(event: str, args: tuple[object, ...], spared: tuple[str, ...]) -> str:
    """Describe an audit event that reaches out of the process; empty for every other."""
    match event, args:
        case "subprocess.Popen", (_, argv, *_):
            effect = _process(tuple(map(str, argv)) if isinstance(argv, tuple | list) else (str(argv),))
        case "open", (str() | bytes() as path, mode, int() as flags) if flags & _WRITES or "w" in str(mode or ""):
            effect = _file("write", Path(os.fsdecode(path)), spared)
        case "crash.announced", (str() as effect,):
            pass
        case "os.rename", (_, target, *_):
            effect = _file("rename to", Path(str(target)), spared)
        case "os.mkdir", (path, *_):
            effect = _file("mkdir", Path(str(path)), spared)
        case (("os.remove" | "os.rmdir"), (path, int() as folder)):
            top = Path(f"/proc/self/fd/{folder}").readlink() if folder >= 0 else Path()
            effect = _file(event.removeprefix("os."), top / str(path), spared)
        case "http.client.send", (_, bytes() as data) if data.split(b" ", 1)[0].isupper():
            effect = "call " + data.split(b"\r\n", 1)[0].decode("latin-1")
        case _:
            effect = ""
    return effect


def _process(argv: tuple[str, ...]) -> str:
    program = Path(argv[0]).name
    if program != "git":
        return f"run {program}"
    command = next((word for word in argv[1:] if word in _OUTWARD_GIT), "")
    return command and f"git {command}"


def _file(what: str, path: Path, spared: tuple[str, ...]) -> str:
    text = str(path)
    return "" if text.startswith(("/dev/", "/proc/", *spared)) or "__pycache__" in text else f"{what} {text}"
