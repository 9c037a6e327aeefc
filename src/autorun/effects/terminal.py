"""A human at a terminal: lines out, a line back, given up when the run is asked to end."""

import select
import sys

from autorun.core.model import Stop

_POLL_SECONDS = 0.2


def present(*, on_actions: bool) -> bool:
    """Tell whether somebody can be asked: a terminal on both ends, and not a runner's imitation of one."""
    return not on_actions and sys.stdin.isatty() and sys.stderr.isatty()


def say(text: str) -> None:
    """Show text that is safe to show."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def ask(prompt: str, stop: Stop) -> str | None:
    """Return the line that was typed; None at the end of input, or when `stop` has a reason."""
    sys.stderr.write(prompt)
    sys.stderr.flush()
    while stop() is None:
        ready, _, _ = select.select([sys.stdin], [], [], _POLL_SECONDS)
        if ready:
            line = sys.stdin.readline()
            return line.strip() if line else None
    return None
