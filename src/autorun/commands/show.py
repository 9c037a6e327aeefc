"""`autorun show`: one task's record and its history."""

import json

import click

from autorun.commands.common import effective, emit_json, json_flag, options
from autorun.core import codec
from autorun.core.errors import ConfigurationError
from autorun.core.ledger import Seen
from autorun.core.loglines import inert, one_line
from autorun.core.model import TaskId
from autorun.core.progress import spent
from autorun.wiring import shop


@click.command("show")
@click.argument("key")
@json_flag
@options("state_provider.type")
def command(overrides: dict[str, object], *, key: str, as_json: bool) -> None:
    """Print one task's record and its history, oldest first."""
    place, found = effective(overrides)
    provider, _, bare = key.rpartition("/")
    task = TaskId(provider=provider or found.config.state_provider.type, key=bare)
    with shop(place, found) as open_shop:
        trail = open_shop.ledger.trail(task)
    if not trail:
        raise ConfigurationError(f"there is no record of {task}", hint="`autorun tasks` lists the backlog")
    if as_json:
        emit_json([{"commit": seen.commit, **json.loads(codec.dump_record(seen.record))} for seen in trail])
        return
    click.echo(_record(trail[-1]))
    click.echo("\nHistory")
    for seen in trail:
        click.echo(_line(seen))


def _record(seen: Seen) -> str:
    record = seen.record
    lines = [f"{record.task}: {record.state}"]
    if record.outcome:
        lines += [inert(record.outcome.sentence), inert(record.outcome.remedy)]
        lines += [f"  {one_line(b.what)}: {one_line(b.why)} {one_line(b.needed)}" for b in record.outcome.blockers]
    if record.holder:
        lines.append(f"held by process {record.holder.pid}, until {record.expires_at:%Y-%m-%d %H:%M} UTC")
    if record.branch:
        lines.append(f"branch {record.branch} at {record.head[:12]}")
    if record.pull_request:
        lines.append(f"pull request {record.pull_request.url}")
    for attempt in record.attempts:
        reserved = f", ${attempt.reserved_usd:.2f} reserved" if attempt.reserved_usd else ""
        lines.append(
            f"attempt {attempt.number}: {attempt.started_at:%Y-%m-%d %H:%M} {attempt.reason or 'running'}, "
            f"{spent(attempt.usage)}{reserved}"
        )
    return "\n".join(line for line in lines if line)


def _line(seen: Seen) -> str:
    record = seen.record
    why = f" {record.outcome.reason}" if record.outcome else ""
    return f"  {seen.commit[:10]}  fence {record.fence}  {record.state}{why}  ${record.charged_usd:.2f}"
