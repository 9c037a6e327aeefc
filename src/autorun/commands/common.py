"""What commands share: their options from the table, the effective configuration, data on stdout."""

import json
from collections.abc import Callable
from typing import Any

import click

from autorun.core.layers import Effective, config_file, load
from autorun.core.options import Kind, Option
from autorun.core.settings import OPTIONS
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
    return place, load(text, str(path), place.environ, overrides, on_actions=place.on_actions)


def emit_json(value: object) -> None:
    """Print data for programs."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _parameter(option: Option) -> str:
    return option.spec.flag.removeprefix("--").replace("-", "_")


def _flag(option: Option) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    names = [option.spec.flag, *(["-c"] if option.key == _CONFIG else [])]
    extra: dict[str, Any] = {}
    if option.kind is Kind.SWITCH:
        extra = {"is_flag": True, "default": None}
    elif option.kind is Kind.CHOICE:
        extra = {"type": click.Choice(list(option.choices))}
    elif option.kind is Kind.TEXTS:
        extra = {"multiple": True, "metavar": option.leaf.upper().removesuffix("S")}
    else:
        extra = {"type": str, "metavar": (option.spec.unit or str(option.kind)).upper()}
    return click.option(*names, _parameter(option), help=option.spec.about, **extra)


def json_flag(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a command with `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print data for programs.")(function)
