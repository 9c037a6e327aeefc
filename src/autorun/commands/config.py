"""`autorun config`: validate, and show every value with its source; no network, no credential."""

import click

from autorun.commands.common import effective, emit_json, json_flag, options
from autorun.core.layers import rows


@click.command("config")
@json_flag
@options()
def command(overrides: dict[str, object], *, as_json: bool) -> None:
    """Validate the configuration and print every effective value and where it came from."""
    _, found = effective(overrides)
    shown = rows(found)
    if as_json:
        values = {row.key: {"value": row.value, "source": row.source} for row in shown}
        emit_json({"values": values, "warnings": list(found.warnings)})
        return
    width = max(len(row.key) for row in shown)
    for row in shown:
        click.echo(f"{row.key:<{width}}  {row.value}  ({row.source})")
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
