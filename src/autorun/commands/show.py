"""`autorun show`: one task's record and its history."""

from datetime import datetime

import click

from autorun.commands.common import bare, effective, emit_json, json_flag, options, out
from autorun.core.errors import ConfigurationError
from autorun.core.ledger import Seen
from autorun.core.ledger.record import Attempt, Holder
from autorun.core.model import TaskId
from autorun.core.report.progress import spent
from autorun.core.report.rendering import money
from autorun.core.text.loglines import one_line
from autorun.shop import shop


@click.command("show")
@click.argument("key")
@json_flag
@options("state_provider.type")
def command(overrides: dict[str, object], *, key: str, as_json: bool) -> None:
    """Print one task's record and its history, oldest first."""
    place, found = effective(overrides)
    provider = key.strip().rpartition("/")[0] or found.config.state_provider.type
    task = TaskId(provider=provider, key=bare(key))
    with shop(place, found) as open_shop:
        trail = open_shop.ledger.trail(task)
    if not trail:
        raise ConfigurationError(f"there is no record of {task}", hint="`autorun tasks` lists the backlog")
    if as_json:
        emit_json([as_data(seen) for seen in trail])
        return
    out(_record(trail[-1]))
    out("\nHistory, oldest first")
    for seen in trail:
        out(_line(seen))


def as_data(seen: Seen) -> dict[str, object]:
    """Return one version of a record for programs; the shape is documented in docs/commands.md."""
    record, outcome = seen.record, seen.record.outcome
    return {
        "commit": seen.commit,
        "id": str(record.task),
        "state": record.state,
        "fence": record.fence,
        "reason": outcome.reason if outcome else None,
        "sentence": outcome.sentence if outcome else "",
        "remedy": outcome.remedy if outcome else "",
        "blockers": [
            {"what": each.what, "why": each.why, "needed": each.needed}
            for each in (outcome.blockers if outcome else ())
        ],
        "holder": _name(record.holder) if record.holder else None,
        "expires_at": _moment(record.expires_at),
        "next_eligible_at": _moment(record.next_eligible_at),
        "branch": record.branch,
        "base": record.base,
        "head": record.head,
        "pull_request": record.pull_request.url if record.pull_request else None,
        "cost_usd": round(record.charged_usd, 6),
        "attempts": [_attempt(each) for each in record.attempts],
    }


def _attempt(attempt: Attempt) -> dict[str, object]:
    return {
        "number": attempt.number,
        "session_id": attempt.session_id,
        "started_at": _moment(attempt.started_at),
        "ended_at": _moment(attempt.ended_at),
        "reason": attempt.reason,
        "burned": attempt.burned,
        "turns": attempt.usage.turns,
        "cost_usd": round(attempt.usage.cost_usd, 6),
        "reserved_usd": round(attempt.reserved_usd, 6),
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _record(seen: Seen) -> str:
    record = seen.record
    lines = [f"{record.task}: {record.state}"]
    if record.outcome:
        lines += [one_line(record.outcome.sentence, 600), one_line(record.outcome.remedy, 600)]
        lines += [f"  {one_line(b.what)}: {one_line(b.why)} {one_line(b.needed)}" for b in record.outcome.blockers]
    if record.holder:
        lines.append(f"held by {_name(record.holder)}, until {record.expires_at:%Y-%m-%d %H:%M} UTC")
    if record.branch:
        lines.append(f"branch {record.branch} at {record.head[:12]}")
    if record.pull_request:
        lines.append(f"pull request {one_line(record.pull_request.url)}")
    for attempt in record.attempts:
        reserved = f", ${attempt.reserved_usd:.2f} reserved" if attempt.reserved_usd else ""
        lines.append(
            f"attempt {attempt.number}: {attempt.started_at:%Y-%m-%d %H:%M} {attempt.reason or 'running'}, "
            f"{spent(attempt.usage)}{reserved}"
        )
    return "\n".join(line for line in lines if line)


def _name(holder: Holder) -> str:
    return f"Actions run {holder.run_id}, attempt {holder.run_attempt}" if holder.run_id else f"process {holder.pid}"


def _line(seen: Seen) -> str:
    record = seen.record
    why = f" {record.outcome.reason}" if record.outcome else ""
    charged = money(record.charged_usd, estimated=record.estimated)
    return f"  {seen.commit[:10]}  fence {record.fence}  {record.state}{why}  {charged}"
