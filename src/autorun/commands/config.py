"""`autorun config`: validate, and show every value with its source; no network, no credential."""

import click

from autorun.commands.common import effective, emit_json, json_flag, note, options, out
from autorun.core.config.layers import Effective, rows, value_of
from autorun.core.config.settings import OPTIONS
from autorun.core.config.values import unstructured
from autorun.wiring import own_words

_SECRET = "***"  # noqa: S105  what is shown in a secret's place


@click.command("config")
@json_flag
@options()
def command(overrides: dict[str, object], *, as_json: bool) -> None:
    """Validate the configuration and print every effective value and where it came from."""
    place, found = effective(overrides)
    warnings = [*found.warnings, own_words(place, found.config)[1]]
    warnings = [warning for warning in warnings if warning]
    shown = rows(found)
    if as_json:
        values = {row.key: {"value": _plain(found, row.key), "source": row.source} for row in shown}
        emit_json({"values": values, "warnings": warnings})
        return
    width = max(len(row.key) for row in shown)
    for row in shown:
        out(f"{row.key:<{width}}  {row.value}  ({row.source})")
    for warning in warnings:
        note(f"warning: {warning}")


def _plain(found: Effective, key: str) -> object:
    value = value_of(found.config, key)
    return _SECRET if OPTIONS[key].spec.secret and value else unstructured(value)
