"""`autorun doctor`: everything a run needs, line by line, each with its remedy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import click

from autorun.commands.common import effective, emit_json, json_flag, options, out
from autorun.core.config.layers import Effective
from autorun.core.errors import AutorunError
from autorun.core.naming import ref
from autorun.core.text.loglines import one_line
from autorun.crew import confined, ready
from autorun.effects.git import check_version
from autorun.effects.place import Place, here
from autorun.shop import shop
from autorun.wiring import own_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that was looked at. `exit_code` is what a run would end with if it is not `ok`."""

    name: str
    ok: bool
    says: str
    remedy: str = ""
    exit_code: int = 0


@click.command("doctor")
@json_flag
@options("state_provider.type", "autonomous.backend", "sandbox.mode")
def command(overrides: dict[str, object], *, as_json: bool) -> int:
    """Check git, CLI, credentials, sandbox, provider and workspace; each line with its remedy."""
    lines = list(examine(overrides))
    if as_json:
        emit_json([{"name": x.name, "ok": x.ok, "says": x.says, "remedy": x.remedy} for x in lines])
    else:
        for line in lines:
            out(f"{'ok ' if line.ok else 'NO '} {line.name:<13} {one_line(line.says, 600)}")
            if line.remedy:
                out(f"    {'':<13} -> {one_line(line.remedy, 600)}")
    return next((line.exit_code for line in lines if not line.ok), 0)


def examine(overrides: dict[str, object]) -> Iterator[Line]:
    """Look at one thing after the other; what needs an earlier one is left out when that is missing."""
    yield _asked("git", _git)
    try:
        place = here()
    except AutorunError as error:
        yield _failed("repository", error)
        return
    yield Line(name="repository", ok=True, says=str(place.root))
    try:
        place, found = effective(overrides, place)
    except AutorunError as error:
        yield _failed("configuration", error)
        return
    warnings = "; ".join(filter(None, (*found.warnings, own_words(place, found.config)[1])))
    yield Line(name="configuration", ok=True, says="valid", remedy=warnings)
    yield _asked("agent", lambda: ready(place, found.config))
    yield _asked("sandbox", lambda: confined(place, found.config))
    yield from _backlog(place, found)
    checks = len(found.config.workspace.verify)
    advice = (
        "" if checks else "set `workspace.verify`, e.g. `make test`: without it only review stands before a merge"
    )
    yield Line(name="verification", ok=True, says=f"{checks} commands", remedy=advice)


def _backlog(place: Place, found: Effective) -> Iterator[Line]:
    try:
        with shop(place, found) as open_shop:
            today, history = open_shop.look()
    except AutorunError as error:
        yield _failed("provider", error)
        return
    says = f"{found.config.state_provider.type}: {len(today.ready)} ready, {len(today.skipped)} skipped"
    remedy = "`autorun tasks` names the faults" if today.faults else ""
    yield Line(name="provider", ok=True, says=says, remedy=remedy)
    yield Line(name="ledger", ok=True, says=f"{len(history.seen)} records")
    for task, fault in history.faults.items():
        drop = f"to forget what it says, `git update-ref -d {ref(task)}` where the record lies"
        yield Line(name="record", ok=False, says=f"{task}: {fault.reason}", remedy=drop, exit_code=2)


def _git() -> str:
    check_version()
    return "new enough"


def _asked(name: str, ask: Callable[[], str]) -> Line:
    try:
        return Line(name=name, ok=True, says=ask())
    except AutorunError as error:
        return _failed(name, error)


def _failed(name: str, error: AutorunError) -> Line:
    return Line(name=name, ok=False, says=str(error), remedy=error.hint, exit_code=error.exit_code)
