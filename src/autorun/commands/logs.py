"""`autorun logs`: the log, or one task's transcript in readable form."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

from autorun.commands.common import bare, located, options, out
from autorun.core.agent import claude_events
from autorun.core.agent.transcript import activity
from autorun.core.errors import ConfigurationError
from autorun.core.naming import component
from autorun.core.text.loglines import inert
from autorun.effects.place import Place

_LOOK_SECONDS = 0.2


@click.command("logs")
@click.option(
    "-n", "--tail", metavar="N", type=click.IntRange(min=0), default=50, show_default=True, help="Lines from the end."
)
@click.option("-f", "--follow", is_flag=True, help="Keep printing what is added, until interrupted.")
@click.option("--task", "key", metavar="KEY", help="Print this task's transcript instead.")
@options()
def command(overrides: dict[str, object], *, tail: int, follow: bool, key: str | None) -> None:
    """Print the last lines of the log, or one task's transcript in readable form."""
    place = located(overrides)
    path = _transcript(place, key) if key else place.log
    if not path.exists():
        what = f"no transcript of {bare(key)}" if key else "no log"
        raise ConfigurationError(f"there is {what} yet: no file {path}", hint="`autorun start` writes it")
    growing = _Growing(path, _said if key else _as_it_is)
    for line in deque(growing.added(), maxlen=tail):
        out(line)
    while follow:
        time.sleep(_LOOK_SECONDS)
        for line in growing.added():
            out(line)


class _Growing:
    """A file of lines that others append to, and replace by a new one when it is long."""

    def __init__(self, path: Path, readable: Callable[[str], Iterable[str]]) -> None:
        self._path = path
        self._readable = readable
        self._stream = path.open("rb")
        self._rest = b""

    def added(self) -> Iterator[str]:
        """Give what was added since the last time, in whole lines."""
        yield from self._here()
        if self._replaced():
            self._stream.close()
            self._stream = self._path.open("rb")
            yield from self._here()

    def _here(self) -> Iterator[str]:
        for part in self._stream:
            self._rest += part
            if self._rest.endswith(b"\n"):
                line, self._rest = self._rest, b""
                yield from self._readable(line.decode(errors="replace").rstrip("\n"))

    def _replaced(self) -> bool:
        try:
            return not os.path.samestat(os.fstat(self._stream.fileno()), self._path.stat())
        except FileNotFoundError:
            return False


def _transcript(place: Place, key: str) -> Path:
    return place.session_folder / "tasks" / component(bare(key)) / "transcript.jsonl"


def _as_it_is(line: str) -> Iterable[str]:
    return (line,)


def _said(line: str) -> Iterator[str]:
    for event in claude_events.read(line.encode()):
        if (seen := activity(event)) is not None and seen[1]:
            yield from inert(f"{seen[0]}: {seen[1]}").splitlines()
