"""`autorun add`: a task for the file provider."""

from pathlib import Path

import click

from autorun.adapters.tasks.files import FileTasks
from autorun.commands.common import effective, options
from autorun.core.errors import ConfigurationError


@click.command("add")
@click.argument("title")
@click.option(
    "--body-file", type=click.Path(path_type=Path, allow_dash=True), help="Markdown below the title; - is stdin."
)
@options()
def command(overrides: dict[str, object], *, title: str, body_file: Path | None) -> None:
    """Add a task to the file provider and print its key."""
    place, found = effective(overrides)
    body = _read(body_file) if body_file else ""
    folder = place.root / found.config.state_provider.state_dir
    task = FileTasks(folder, writes=True).add(title, body)
    click.echo(task.id.key)
    click.echo(f"{folder.relative_to(place.root)}/{task.id.key}.md", err=True)
    for warning in task.warnings:
        click.echo(f"note: {warning}", err=True)


def _read(path: Path) -> str:
    try:
        with click.open_file(str(path), encoding="utf-8") as stream:
            text: str = stream.read()
            return text
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}", hint="name a UTF-8 text file") from None
