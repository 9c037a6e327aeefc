"""What each layer says: the settings found in a file, in environment variables, on a command line."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from autorun.core.config import Config
from autorun.core.config.options import ENVIRONMENT_PREFIX, Kind, Option, table
from autorun.core.config.retired import RETIRED
from autorun.core.config.schema import REFERENCE
from autorun.core.config.values import from_text
from autorun.core.config.yamltext import Document
from autorun.core.text.suggest import did_you_mean, nearest, quoted

OPTIONS: Mapping[str, Option] = {option.key: option for option in table(Config)}
_RETIRED = {retired.key: retired for retired in RETIRED}
_FILE_KEYS = (*(key for key, option in OPTIONS.items() if option.spec.in_file), *_RETIRED)
_SECTIONS = {key[: dot.start()] for key in _FILE_KEYS for dot in re.finditer(r"\.", key)}
_VARIABLES = {name for row in OPTIONS.values() for name in (row.environment, row.input_environment) if name}
_TYPO_CUTOFF = 0.9
_ABSENT = (None, "")


class Origin(StrEnum):
    """Which layer a value comes from, weakest first."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    INPUT = "action input"
    COMMAND_LINE = "command line"
    KEYWORD = "keyword"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a value comes from: the layer, and the path:key, variable, input, flag or keyword in it."""

    origin: Origin
    name: str = ""

    def __str__(self) -> str:
        return f"{self.origin} {self.name}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One option set by one layer, as plain data not yet checked. `place` begins a sentence about it."""

    option: Option
    plain: object
    place: str
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that cannot be used, as a sentence, and the remedy."""

    sentence: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something the user should know, as a sentence."""

    sentence: str


Finding = Setting | Problem | Notice


def from_file(document: Document, name: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Read a configuration file; `${NAME}` stands for a variable, and an unset one for nothing at all."""
    leaves: dict[str, object] = {}
    for key, value, dotted in _walk(document.values):
        if dotted:
            hint = "write each part on a line of its own, indented"
            yield Problem(sentence=f"{_line(document, name, key)}: unknown key {quoted(key)}", hint=hint)
        elif key not in _FILE_KEYS:
            yield _misplaced(key, value, _line(document, name, key))
        elif value not in _ABSENT:
            leaves[key] = value
    for key, written in leaves.items():
        place = f"{_line(document, name, key)}: `{key}`"
        target = key
        if retired := _RETIRED.get(key):
            yield Notice(sentence=f"{place} is no longer used: {retired.instead}")
            target = retired.moved_to
        if target and (target == key or target not in leaves):
            source = Source(origin=Origin.FILE, name=f"{name}:{key}")
            yield from _written(OPTIONS[target], written, environ, place, source)


def from_variables(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Read environment variables and, above them, action inputs; an empty one is unset."""
    for option in OPTIONS.values():
        if text := environ.get(option.environment):
            yield _variable(option, text, Origin.ENVIRONMENT, option.environment)
        if text := environ.get(option.input_environment):
            yield _variable(option, text, Origin.INPUT, option.spec.input)
    for name in sorted(set(environ) - _VARIABLES):
        if name.startswith(ENVIRONMENT_PREFIX) and (match := nearest(name, _VARIABLES, cutoff=_TYPO_CUTOFF)):
            yield Notice(sentence=f"the environment variable {name} sets nothing; did you mean {match}?")


def from_overrides(overrides: Mapping[str, object], origin: Origin) -> Iterator[Finding]:
    """Read values by dotted key; None, an empty text and an empty list mean that nothing was given."""
    for key, value in overrides.items():
        if key not in OPTIONS:
            yield Problem(sentence=f"there is no option `{key}`", hint=did_you_mean(key, OPTIONS))
        elif value not in (None, "", (), []):
            option = OPTIONS[key]
            name = option.spec.flag if origin is Origin.COMMAND_LINE and option.spec.flag else option.key
            plain = from_text(option, value) if isinstance(value, str) else value
            source = Source(origin=origin, name=name)
            yield Setting(option=option, plain=plain, place=f"`{name}`", source=source)


def _variable(option: Option, text: str, origin: Origin, name: str) -> Setting:
    source = Source(origin=origin, name=name)
    return Setting(option=option, plain=from_text(option, text), place=f"{origin} `{name}`", source=source)


def _walk(values: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, object, bool]]:
    """Give every key that is no well-formed section, with its value and whether it was written with dots."""
    for part, value in values.items():
        key, dotted = f"{prefix}{part}", "." in str(part)
        if key in _SECTIONS and isinstance(value, Mapping) and not dotted:
            yield from _walk(value, f"{key}.")
        elif value is not None or key not in _SECTIONS or dotted:
            yield key, value, dotted


def _misplaced(key: str, value: object, line: str) -> Problem:
    if key in _SECTIONS:
        return Problem(
            sentence=f"{line}: `{key}` must be a section with keys of its own; it is {quoted(value)}",
            hint="put its keys on the lines below, indented",
        )
    return Problem(sentence=f"{line}: unknown key {quoted(key)}", hint=_key_hint(key))


def _key_hint(key: str) -> str:
    section, dot, part = key.rpartition(".")
    if any(option.startswith(key) for option in OPTIONS):
        return f"`{key}` belongs to one run: use a flag or an action input"
    names = (*_SECTIONS, *_FILE_KEYS)
    prefix = section + dot
    siblings = sorted({name.removeprefix(prefix).partition(".")[0] for name in names if name.startswith(prefix)})
    if match := nearest(part, siblings):
        return f"did you mean `{prefix}{match}`?"
    elsewhere = (name for name in names if name.endswith(f".{part}"))
    return f"did you mean `{match}`?" if (match := next(elsewhere, "")) else did_you_mean(part, siblings)


def _line(document: Document, name: str, key: str) -> str:
    return f"{name}, line {document.lines[key]}" if key in document.lines else name


def _written(
    option: Option, written: object, environ: Mapping[str, str], place: str, source: Source
) -> Iterator[Finding]:
    # Commands keep their `${...}`: the shell that runs them expands it.
    names = [] if option.kind is Kind.COMMANDS else _references(written)
    if unset := [name for name in names if not environ.get(name)]:
        yield Notice(sentence=f"{place} counts as absent where it names {', '.join(unset)}: that variable is not set")
    plain = _expanded(option, written, environ) if names else written
    if plain in _ABSENT:
        return
    if option.spec.secret and not names:
        yield Notice(sentence=f"{place} holds a secret in the open: name a variable, `${{{option.leaf.upper()}}}`")
    yield Setting(option=option, plain=plain, place=place, source=source)


def _references(written: object) -> list[str]:
    parts = written if isinstance(written, (list, dict)) else [written]
    found = (name for part in parts if isinstance(part, str) for name in re.findall(REFERENCE, part))
    return [name[2:-1] for name in dict.fromkeys(found)]


def _expanded(option: Option, written: object, environ: Mapping[str, str]) -> object:
    """Expand a value that names variables; a text that names an unset one becomes empty, a list item vanishes."""

    def expand(text: object) -> object:
        if not isinstance(text, str):
            return text
        names = re.findall(REFERENCE, text)
        if not all(environ.get(name[2:-1]) for name in names):
            return ""
        return re.sub(REFERENCE, lambda match: environ[match[0][2:-1]], text)

    match written:
        case list():
            return [item for item in map(expand, written) if item != ""]
        case dict():
            return {key: tier for key, tier in ((expand(key), tier) for key, tier in written.items()) if key != ""}
        case _:
            text = str(expand(written))
            return from_text(option, text) if text else text
