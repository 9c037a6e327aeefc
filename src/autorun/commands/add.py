"""`autorun add`: a task for the file provider."""

from pathlib import Path

import click

from autorun.adapters.tasks.files import FileTasks
from autorun.commands.common import effective, emit_json, json_flag, note, options, out
from autorun.core.config.choices import Provider
from autorun.core.errors import ConfigurationError
from autorun.effects import host


@click.command("add")
@click.argument("title")
@click.option(
    "--body-file", type=click.Path(path_type=Path, allow_dash=True), help="Markdown below the title; - is stdin."
)
@json_flag
@options()
def command(overrides: dict[str, object], *, title: str, body_file: Path | None, as_json: bool) -> None:
    """Add a task to the file provider and print its key."""
    place, found = effective(overrides)
    provider = found.config.state_provider
    if provider.type is not Provider.FILE:
        raise ConfigurationError(
            f"tasks come from {provider.type} here, not from files",
            hint="open an issue there, or set `state_provider.type: file`",
        )
    body = _read(place.root, body_file) if body_file else ""
    folder = place.root / provider.state_dir
    task = FileTasks(folder, writes=not place.on_actions).add(title, body, created_at=host.now())
    path = folder / f"{task.id.key}.md"
    shown = str(path.relative_to(place.root) if path.is_relative_to(place.root) else path)
    if as_json:
        emit_json({"key": task.id.key, "path": shown, "warnings": list(task.warnings)})
        return
    out(task.id.key)
    note(shown)
    for warning in task.warnings:
        note(f"note: {warning}")


def _read(root: Path, path: Path) -> str:
    try:
        with click.open_file("-" if path == Path("-") else str(root / path), encoding="utf-8") as stream:
            text: str = stream.read()
            return text
    except FileNotFoundError:
        raise ConfigurationError(
            f"there is no file {path}", hint="name one relative to the top of the repository"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}", hint="name a text file") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is no UTF-8 text", hint="name a UTF-8 text file") from None
