"""YAML text to plain values, with the line of every key, and without YAML 1.1's surprises.

Only `true` and `false` are switches (`off`, `yes` stay text), `012` and `1:30` are no numbers, dates stay text,
and a key that stands twice is an error instead of a silent loss.
"""

import json
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from autorun.core.errors import ConfigurationError

_DEEPEST = 8
_HINT = "write `key: value` lines, indented with spaces"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The top-level mapping of a file, and the line (from 1) of each key by its dotted path."""

    values: Mapping[Any, Any]
    lines: Mapping[str, int]


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 PyYAML's own shape

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"the key `{key}` stands twice in one section",
                    key_node.start_mark,
                    "keep one of them",
                )
            if key is not None:
                seen.add(key)
        return super().construct_mapping(node, deep)


_WORDS = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    "float": (r"[-+]?(?:(?:0|[1-9][0-9]*)?\.[0-9]+|(?:0|[1-9][0-9]*)\.?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "merge": (r"<<", "<"),
}
for _tag, (_pattern, _first) in _WORDS.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), list(_first))


def parse(text: str, name: str) -> Document:
    """Read the text of the file `name`. Raises ConfigurationError, with the line, if it is no mapping in YAML."""
    try:
        document = _document(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{name}, line {line}: {error.problem}", hint=error.note or _HINT) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigurationError(f"{name}, line {line}: a control character stands here", hint=_HINT) from None
    except (RecursionError, TypeError, ValueError) as error:
        raise ConfigurationError(f"{name} is no plain YAML: {error}", hint=_HINT) from None
    if not isinstance(document.values, dict):
        found = "a list" if isinstance(document.values, list) else "a single value"
        raise ConfigurationError(
            f"{name} must hold sections, it holds {found}",
            hint="begin with a section such as `autonomous:` and put its keys below, indented",
        )
    return document


def _document(text: str) -> Document:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        values = loader.construct_document(node) if node else None
    finally:
        loader.dispose()
    json.dumps(values)  # refuses what is no plain data: values that hold themselves, binaries, sets
    return Document(values={} if values is None else values, lines=_lines(node))


def _lines(node: yaml.Node | None, prefix: str = "", depth: int = 0) -> dict[str, int]:
    lines: dict[str, int] = {}
    if isinstance(node, yaml.MappingNode) and depth < _DEEPEST:
        for key, value in node.value:
            path = f"{prefix}{key.value}"
            lines[path] = key.start_mark.line + 1
            lines |= _lines(value, f"{path}.", depth + 1)
    return lines
