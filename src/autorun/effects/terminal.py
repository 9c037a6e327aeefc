"""A human at a terminal: lines out, a line back, given up when the run is asked to end."""

import os
import select
import sys
import termios
from contextlib import suppress

from autorun.core.model import Stop

_POLL_SECONDS = 0.2


def present(*, on_actions: bool) -> bool:
    """Tell whether somebody can be asked: a terminal on both ends that is ours now, and not on Actions."""
    if on_actions or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()  # reading from the background would stop us
    except OSError:
        return False


def say(text: str) -> None:
    """Show text that is safe to show."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def forget_typed() -> None:
    """Forget what was typed so far: it was no answer to what is about to be asked."""
    with suppress(termios.error, OSError):
        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def ask(prompt: str, stop: Stop) -> str | None:
    """Return the line that is typed; None at the end of input, or when `stop` has a reason."""
    sys.stderr.write(prompt)
    sys.stderr.flush()
    while stop() is None:
        ready, _, _ = select.select([sys.stdin], [], [], _POLL_SECONDS)
        if ready:
            line = sys.stdin.readline()
            return line.strip() if line else None
    return None
