"""What commands share: their options from the table, the effective configuration, what they print."""

import json
from collections.abc import Callable
from typing import Any

import click

from autorun.core.config.derived import own_secrets
from autorun.core.config.layers import Effective, config_file, load
from autorun.core.config.options import Kind, Option
from autorun.core.config.settings import OPTIONS
from autorun.core.text.loglines import inert
from autorun.effects.actions import mask
from autorun.effects.place import Place, here

_CONFIG = "run.config"


def options(*keys: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a command with the flags of options, named by key; the values arrive as one `overrides` mapping."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def collecting(**values: Any) -> Any:
            overrides = {key: values.pop(_parameter(OPTIONS[key])) for key in (_CONFIG, *keys)}
            return function(overrides=overrides, **values)

        collecting.__doc__ = function.__doc__
        collecting.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]  # click's way
        wrapped: Callable[..., Any] = collecting
        for key in (*reversed(keys), _CONFIG):
            wrapped = _flag(OPTIONS[key])(wrapped)
        return wrapped

    return decorate


def effective(overrides: dict[str, Any], place: Place | None = None) -> tuple[Place, Effective]:
    """Return where we are and the configuration that holds here. Raises ConfigurationError."""
    place = place or here()
    path, named = config_file(place.environ, overrides.get(_CONFIG))
    text = place.read(path, required=named)
    found = load(text, str(path), place.environ, overrides, on_actions=place.on_actions)
    if place.on_actions:
        for secret in own_secrets(found.config, place.environ):
            mask(secret)
    return place, found


def located(overrides: dict[str, Any]) -> Place:
    """Return where we are, for a command that must work whatever the configuration says.

    Raises ConfigurationError, also if a configuration file was named and cannot be used.
    """
    return effective(overrides)[0] if overrides.get(_CONFIG) else here()


def keeps_transcripts(place: Place, found: Effective) -> bool:
    """Tell whether transcripts may lie where everyone who can read the repository can read them."""
    from autorun.adapters.visibility import private  # noqa: PLC0415  what it needs takes its time to load

    wanted = found.config.progress.keep_transcripts
    return private(place.environ, place.environ.get("GITHUB_TOKEN", "")) if wanted is None else wanted


def json_flag(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a command with `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print data for programs.")(function)


def out(text: str) -> None:
    """Print data for people; nothing in it is obeyed by a terminal or a runner."""
    click.echo(inert(text))


def note(text: str) -> None:
    """Print what stands beside the data, on stderr."""
    click.echo(inert(text), err=True)


def emit_json(value: object, *, compact: bool = False) -> None:
    """Print data for programs, in ASCII; `compact` puts it on one line."""
    text = json.dumps(value, indent=None if compact else 2)
    click.echo(text.replace("##[", "#\\u0023["))  # the same JSON, but no command to a runner


def bare(key: str) -> str:
    """Return a task's key as the provider knows it, from `hello`, `file/hello` or `#7`."""
    key = key.strip().rpartition("/")[2]
    return key[1:] if key.startswith("#") and key[1:].isdecimal() else key


def _parameter(option: Option) -> str:
    return option.spec.flag.removeprefix("--").replace("-", "_")


def _flag(option: Option) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    names = [*_SHORT.get(option.key, ()), option.spec.flag]
    extra: dict[str, Any] = {}
    if option.kind is Kind.SWITCH:
        extra = {"is_flag": True, "default": None}
    elif option.kind is Kind.CHOICE:
        extra = {"metavar": f"[{'|'.join(option.choices)}]"}  # checked with everything else, in the same words
    elif option.kind is Kind.TEXTS:
        extra = {"multiple": True, "metavar": "KEY"}
    else:
        extra = {"metavar": _METAVARS.get(option.kind, option.leaf.upper())}
    return click.option(*names, _parameter(option), type=str, help=option.spec.about, **extra)


_SHORT = {_CONFIG: ("-c",), "run.resume": ("-r",)}
_METAVARS = {Kind.INTEGER: "N", Kind.NUMBER: "NUMBER", Kind.PATH: "FILE"}
