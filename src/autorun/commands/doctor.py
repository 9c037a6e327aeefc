"""`autorun doctor`: everything a run needs, line by line, each with its remedy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import click

from autorun.commands.common import effective, emit_json, json_flag, options
from autorun.core.errors import AutorunError
from autorun.core.layers import Effective
from autorun.effects.git import check_version
from autorun.effects.place import Place
from autorun.wiring import agent, sandbox_report, shop


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that was looked at."""

    name: str
    ok: bool
    says: str
    remedy: str = ""


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
            click.echo(f"{'ok ' if line.ok else 'NO '} {line.name:<13} {line.says}")
            if line.remedy:
                click.echo(f"    {'':<13} -> {line.remedy}")
    return 0 if all(line.ok for line in lines) else 2


def examine(overrides: dict[str, object]) -> Iterator[Line]:
    """Look at one thing after the other; what needs an earlier one is left out when that is missing."""
    yield _asked("git", _git)
    try:
        place, found = effective(overrides)
    except AutorunError as error:
        yield Line(name="configuration", ok=False, says=str(error), remedy=error.hint)
        return
    warnings = "; ".join(found.warnings)
    yield Line(name="configuration", ok=True, says=f"valid, in {place.root}", remedy=warnings)
    yield _asked("agent", lambda: agent(place, found.config).ready())
    yield _asked("sandbox", lambda: sandbox_report(place, found.config))
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
        yield Line(name="provider", ok=False, says=str(error), remedy=error.hint)
        return
    says = f"{found.config.state_provider.type}: {len(today.ready)} ready, {len(today.skipped)} skipped"
    remedy = "`autorun tasks` names the faults" if today.faults else ""
    yield Line(name="provider", ok=True, says=says, remedy=remedy)
    yield Line(name="ledger", ok=True, says=f"{len(history.seen)} records")
    for task, fault in history.faults.items():
        yield Line(name="record", ok=False, says=f"{task}: {fault.reason}", remedy=fault.place)


def _git() -> str:
    check_version()
    return "new enough"


def _asked(name: str, ask: Callable[[], str]) -> Line:
    try:
        return Line(name=name, ok=True, says=ask())
    except AutorunError as error:
        return Line(name=name, ok=False, says=str(error), remedy=error.hint)
