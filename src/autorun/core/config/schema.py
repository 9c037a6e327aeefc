"""The JSON Schema of the configuration file, derived from the option table."""

from collections.abc import Mapping
from functools import cache

from autorun.core.config import Config
from autorun.core.config.options import Kind, Option, table
from autorun.core.config.retired import RETIRED
from autorun.core.policy import Tier

Json = dict[str, object]

REFERENCE = r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"
SWITCH_WORDS = {"yes": True, "on": True, "no": False, "off": False}
_TITLE = "Autorun configuration"


@cache
def value_schema(option: Option) -> Json:
    """Return the schema of a key's value: as it stands in a file, any `${NAME}` expanded."""
    return _SHAPES[option.kind](option)


@cache
def document_schema() -> Json:
    """Return the schema of a whole file."""
    rows = {option.key: option for option in table(Config) if option.spec.in_file}
    leaves = {key: _written(option) for key, option in rows.items()}
    for retired in RETIRED:
        shape = leaves[retired.moved_to] if retired.moved_to else {}
        note = {"deprecated": True, "description": f"No longer used: {retired.instead}."}
        leaves[retired.key] = shape | note
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": _TITLE, **_section(leaves)}


def _section(leaves: Mapping[str, Json]) -> Json:
    heads = dict.fromkeys(key.partition(".")[0] for key in leaves)
    properties = {head: leaves[head] if head in leaves else _section(_below(leaves, head)) for head in heads}
    return {"type": ["object", "null"], "additionalProperties": False, "properties": properties}


def _below(leaves: Mapping[str, Json], head: str) -> dict[str, Json]:
    return {key.removeprefix(f"{head}."): leaf for key, leaf in leaves.items() if key.startswith(f"{head}.")}


def _written(option: Option) -> Json:
    alternatives = [value_schema(option), {"enum": [None, ""]}]
    if option.kind is not Kind.COMMANDS:
        alternatives.append({"type": "string", "pattern": REFERENCE})
    return {"description": option.spec.about, "anyOf": alternatives}


def _text(option: Option) -> Json:
    shape: Json = {"type": "string", "minLength": 1}
    return shape | ({"pattern": rf"^(?:{option.spec.pattern})$(?!\n)"} if option.spec.pattern else {})


def _number(option: Option) -> Json:
    bounds = {"minimum": option.spec.minimum, "maximum": option.spec.maximum}
    shape: Json = {"type": "integer" if option.kind is Kind.INTEGER else "number"}
    return shape | {name: bound for name, bound in bounds.items() if bound is not None}


def _choice(option: Option) -> Json:
    # A YAML 1.1 reader makes False of `off`.
    return {"enum": [*map(str, option.choices), *([False] if "off" in option.choices else [])]}


def _switch(_: Option) -> Json:
    return {"enum": [True, False, *SWITCH_WORDS]}


def _texts(option: Option) -> Json:
    item = {"enum": list(option.choices)} if option.choices else _text(option)
    return {"type": "array", "items": item}


def _commands(_: Option) -> Json:
    run: Json = {"type": "string", "pattern": r"\S"}
    timed: Json = {
        "type": "object",
        "properties": {"run": run, "timeout": {"type": "number", "exclusiveMinimum": 0, "description": "seconds"}},
        "required": ["run"],
        "additionalProperties": False,
    }
    return {"anyOf": [run, timed, {"type": "array", "items": {"anyOf": [run, timed]}}]}


def _path_rules(_: Option) -> Json:
    pattern: Json = {"type": "string", "minLength": 1}
    tiers: Json = {"enum": [str(tier) for tier in Tier]}
    return {
        "anyOf": [
            {"type": "array", "items": pattern},
            {"type": "object", "propertyNames": pattern, "additionalProperties": tiers},
        ]
    }


_SHAPES = {
    Kind.TEXT: _text,
    Kind.PATH: _text,
    Kind.INTEGER: _number,
    Kind.NUMBER: _number,
    Kind.SWITCH: _switch,
    Kind.CHOICE: _choice,
    Kind.TEXTS: _texts,
    Kind.COMMANDS: _commands,
    Kind.PATH_RULES: _path_rules,
}
