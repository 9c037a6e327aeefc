"""`autorun logs`: the log, or one task's transcript in readable form."""

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import click

from autorun.commands.common import options
from autorun.core import claude_events
from autorun.core.errors import ConfigurationError
from autorun.core.loglines import inert
from autorun.core.naming import component
from autorun.core.transcript import activity
from autorun.effects.place import Place, here
from autorun.wiring import LOG

_LOOK_SECONDS = 0.5


@click.command("logs")
@click.option("-n", "--tail", type=click.IntRange(min=0), default=50, show_default=True, help="Lines from the end.")
@click.option("-f", "--follow", is_flag=True, help="Keep printing what is added.")
@click.option("--task", "key", metavar="KEY", help="Print this task's transcript instead.")
@options()
def command(overrides: dict[str, object], *, tail: int, follow: bool, key: str | None) -> None:
    """Print the last lines of the log, or one task's transcript in readable form."""
    del overrides
    path = _transcript(here(), key) if key else here().root / LOG
    if not path.exists():
        what = f"a transcript of {key}" if key else "a log"
        raise ConfigurationError(f"there is no {what}: {path} does not exist", hint="`autorun start` writes it")
    lines = _lines(path, follow=False)
    for line in deque(_shown(lines, transcript=key is not None), maxlen=tail):
        click.echo(line)
    if follow:
        for line in _shown(_lines(path, follow=True), transcript=key is not None):
            click.echo(line)


def _transcript(place: Place, key: str) -> Path:
    name = component(key.rpartition("/")[2])
    return place.session_folder / "tasks" / name / "transcript.jsonl"


def _lines(path: Path, *, follow: bool) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace") as stream:
        if follow:
            stream.seek(0, 2)
        while True:
            line = stream.readline()
            if line:
                yield line.rstrip("\n")
            elif follow:
                time.sleep(_LOOK_SECONDS)
            else:
                return


def _shown(lines: Iterator[str], *, transcript: bool) -> Iterator[str]:
    for line in lines:
        if not transcript:
            yield inert(line)
            continue
        for event in claude_events.read(line.encode()):
            if (seen := activity(event)) is not None and seen[1]:
                yield from inert(f"{seen[0]}: {seen[1]}").splitlines()
