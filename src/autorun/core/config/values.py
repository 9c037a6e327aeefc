"""One value of one option: read from text or plain data, checked against its schema, shown to people."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from autorun.core.config.options import Kind, Option
from autorun.core.config.schema import SWITCH_WORDS, value_schema
from autorun.core.errors import ConfigurationError
from autorun.core.model import Check
from autorun.core.policy import ProtectedPath, Tier
from autorun.core.text.suggest import nearest, quoted

_SECRET = "***"  # noqa: S105 what is shown in a secret's place
_EXPECTED = {
    Kind.TEXT: "text",
    Kind.PATH: "a path",
    Kind.INTEGER: "a whole number",
    Kind.NUMBER: "a number",
    Kind.SWITCH: "true or false",
    Kind.COMMANDS: "commands, each a text or {run, timeout}",
    Kind.PATH_RULES: "a list of paths, or a mapping of paths to block, warn or allow",
}
_TEXT_KINDS = (Kind.TEXT, Kind.PATH, Kind.CHOICE)


def expected(option: Option) -> str:
    """Say what values the option takes."""
    spec = option.spec
    bounds = [f"at least {spec.minimum:g}"] if spec.minimum is not None else []
    bounds += [f"at most {spec.maximum:g}"] if spec.maximum is not None else []
    unit = f" ({spec.unit})" if spec.unit else ""
    return f"{_expected_kind(option)}{', ' if bounds else ''}{' and '.join(bounds)}{unit}"


def _expected_kind(option: Option) -> str:
    choices = ", ".join(option.choices)
    match option.kind:
        case Kind.CHOICE:
            return f"one of {choices}"
        case Kind.TEXTS:
            return f"a list of {option.spec.named or choices or 'texts'}"
        case _:
            return option.spec.named or _EXPECTED[option.kind]


def from_text(option: Option, text: str) -> object:
    """Return the plain data that a text stands for: numbers, `true`, one list item or command a line."""
    lines = _filled_lines(text)
    match option.kind:
        case Kind.INTEGER | Kind.NUMBER:
            return _number(text)
        case Kind.SWITCH:
            word = text.strip().lower()
            return {"true": True, "1": True, "false": False, "0": False}.get(word, word)
        case Kind.TEXTS | Kind.COMMANDS:
            return lines
        case Kind.PATH_RULES:
            return dict(_rule(line) for line in lines)
        case _:
            return text.strip("\r\n")


def read(option: Option, raw: object, place: str) -> object:
    """Return the typed value of plain data, or of a value of ours.

    `place` begins the sentence of the ConfigurationError that is raised for anything the option does not take.
    """
    plain = unstructured(raw)
    if not _validator(option).is_valid(plain) or (isinstance(plain, float) and not math.isfinite(plain)):
        raise ConfigurationError(f"{place} must be {expected(option)}{_found(option, raw)}", hint=_hint(option, raw))
    return _typed(option, plain)


def unstructured(value: object) -> Any:
    """Return a value of ours as the plain data that `read` takes."""
    match value:
        case Path():
            return str(value)
        case Check(run=run, timeout=timeout):
            return {"run": run, "timeout": timeout}
        case tuple() if value and all(isinstance(rule, ProtectedPath) for rule in value):
            return {rule.pattern: str(rule.tier) for rule in value}
        case list() | tuple():
            return [unstructured(item) for item in value]
        case _:
            return value


def shown(option: Option, value: object) -> str:
    """Return the value as one short text; a secret as stars."""
    match value:
        case None | () | "":
            return "none"
        case _ if option.spec.secret:
            return _SECRET
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.12g}"
        case tuple():
            return ", ".join(_shown_item(item) for item in value)
        case _:
            return str(value)


def shown_default(option: Option) -> str:
    """Return the default in words: it may depend on the place, on another option or on the backend."""
    if option.spec.shown:
        return option.spec.shown
    here = f"`{shown(option, option.default)}`"
    if option.spec.on_actions is not None:
        return f"`{option.spec.on_actions}` on GitHub Actions, else {here}"
    return "none" if option.default in (None, (), "") else here


def _shown_item(item: object) -> str:
    match item:
        case Check(run=run, timeout=timeout):
            standard = timeout == Check(run=run).timeout
            return run if standard else f"{run} ({timeout:g} s)"
        case ProtectedPath(pattern=pattern, tier=tier):
            return f"{pattern}: {tier}"
        case _:
            return str(item)


def _filled_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _number(text: str) -> object:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _rule(line: str) -> tuple[str, str]:
    pattern, _, tier = line.rpartition(":")
    return (pattern.strip(), tier.strip()) if pattern else (line, Tier.BLOCK.value)


@cache
def _validator(option: Option) -> Draft202012Validator:
    return Draft202012Validator(value_schema(option))


def _typed(option: Option, plain: Any) -> object:
    if option.spec.zero_is_none and plain == 0:
        return None
    if option.enum:
        return option.enum("off" if plain is False else plain)
    return _TYPES[option.kind](plain)


def _switch(plain: bool | str) -> bool:
    return SWITCH_WORDS[plain] if isinstance(plain, str) else plain


def _texts(plain: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(plain))


def _commands(plain: Any) -> tuple[Check, ...]:
    items = _filled_lines(plain) if isinstance(plain, str) else plain if isinstance(plain, list) else [plain]
    return tuple(Check(run=item) if isinstance(item, str) else _check(item) for item in items)


def _check(item: Mapping[str, Any]) -> Check:
    return Check(run=item["run"], timeout=float(item["timeout"])) if "timeout" in item else Check(run=item["run"])


def _path_rules(plain: Sequence[str] | Mapping[str, str]) -> tuple[ProtectedPath, ...]:
    tiers = plain if isinstance(plain, Mapping) else dict.fromkeys(plain, Tier.BLOCK)
    return tuple(ProtectedPath(pattern=pattern, tier=Tier(tier)) for pattern, tier in tiers.items())


_TYPES: Mapping[Kind, Callable[[Any], object]] = {
    Kind.TEXT: str,
    Kind.PATH: Path,
    Kind.INTEGER: int,
    Kind.NUMBER: float,
    Kind.SWITCH: _switch,
    Kind.TEXTS: _texts,
    Kind.COMMANDS: _commands,
    Kind.PATH_RULES: _path_rules,
}


def _found(option: Option, raw: object) -> str:
    return f"; it is {quoted(unstructured(raw))}" if option.spec.quoted else ""


def _hint(option: Option, raw: object) -> str:
    words = raw if isinstance(raw, list | tuple) else (raw,)
    matches = (nearest(str(word), option.choices) for word in words if str(word) not in option.choices)
    if match := next((match for match in matches if match), ""):
        return f"did you mean `{match}`?"
    if option.kind in _TEXT_KINDS and isinstance(raw, int | float):
        return "put it in quotes"
    if option.kind in {Kind.INTEGER, Kind.NUMBER} and isinstance(raw, str) and not isinstance(_number(raw), str):
        return "write it without quotes"
    return f"`{option.key}`: {option.spec.about}"
