"""How an option is declared, once, and the table of options read off the declarations.

A section of the configuration is a frozen dataclass. Its fields are options, made with `option()`, or further
sections, made with `section()`. `table()` turns the tree into rows; schema, flags, inputs, environment names,
documentation and the effective values are all derived from these rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_type_hints

from autorun.core.model import Check
from autorun.core.policy import ProtectedPath

_T = TypeVar("_T")
_SPEC = "option"
ENVIRONMENT_PREFIX = "AUTORUN_"
INPUT_PREFIX = "AUTORUN_INPUT_"


class Kind(StrEnum):
    """What a value is."""

    TEXT = "text"
    PATH = "path"
    INTEGER = "integer"
    NUMBER = "number"
    SWITCH = "true or false"
    CHOICE = "choice"
    TEXTS = "list of texts"
    COMMANDS = "list of commands"
    PATH_RULES = "paths with tiers"


_KINDS: dict[object, Kind] = {
    str: Kind.TEXT,
    Path: Kind.PATH,
    int: Kind.INTEGER,
    float: Kind.NUMBER,
    bool: Kind.SWITCH,
    tuple[str, ...]: Kind.TEXTS,
    tuple[Check, ...]: Kind.COMMANDS,
    tuple[ProtectedPath, ...]: Kind.PATH_RULES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What a declaration says beyond name, type and default.

    `minimum` and `maximum` are inclusive; with `zero_is_none` 0 switches a limit off. `named` says what a text
    that fits `pattern` is. A wrong value is not `quoted` where it may be a secret. `on_actions` is the
    default on GitHub Actions where it differs. `by` names a sibling option, `brings` the default that each of
    its values brings. `shown` says a default in words. `flag` and `input` name the command-line flag and the
    action input. `in_file` is False for what belongs to one run only.
    """

    about: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    zero_is_none: bool = False
    choices: tuple[str, ...] = ()
    pattern: str = ""
    named: str = ""
    secret: bool = False
    quoted: bool = True
    flag: str = ""
    input: str = ""
    on_actions: object = None
    by: str = ""
    brings: tuple[tuple[str, object], ...] = ()
    shown: str = ""
    in_file: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One row of the table. `key` is the dotted path in the tree, `enum` the type of a choice."""

    key: str
    kind: Kind
    optional: bool
    default: object
    spec: Spec
    enum: type[StrEnum] | None = None

    @property
    def leaf(self) -> str:
        """The last part of the key."""
        return self.key.rpartition(".")[2]

    @property
    def choices(self) -> tuple[str, ...]:
        """Every legal text, empty if any is."""
        return tuple(self.enum) if self.enum else self.spec.choices

    @property
    def environment(self) -> str:
        """The environment variable that sets it."""
        return ENVIRONMENT_PREFIX + self.key.upper().replace(".", "_")

    @property
    def input_environment(self) -> str:
        """The variable by which action.yml hands the input over, empty if there is no such input."""
        return INPUT_PREFIX + self.spec.input.upper().replace("-", "_") if self.spec.input else ""


def option(default: _T, about: str, **spec: Any) -> _T:
    """Declare a field as an option; `spec` are the fields of `Spec`."""
    declared = Spec(about=about, **spec)
    declaration: _T = field(default=default, repr=not declared.secret, metadata={_SPEC: declared})
    return declaration


def section(kind: type[_T]) -> _T:
    """Declare a field as a section of further options."""
    return field(default_factory=kind)


@cache
def table(tree: type, prefix: str = "") -> tuple[Option, ...]:
    """Return every option of a tree of sections, in the order of declaration."""
    hints = get_type_hints(tree)
    rows: list[Option] = []
    for declared in fields(tree):
        key, hint = prefix + declared.name, hints[declared.name]
        if _is_section(hint):
            rows += table(hint, f"{key}.")
        else:
            rows.append(_row(key, hint, declared.default, declared.metadata[_SPEC]))
    return tuple(rows)


def sections(tree: type, prefix: str = "") -> dict[str, str]:
    """Return the sentence that describes each section, by its dotted key."""
    described: dict[str, str] = {}
    for name, hint in get_type_hints(tree).items():
        if _is_section(hint):
            described[prefix + name] = hint.__doc__
            described |= sections(hint, f"{prefix}{name}.")
    return described


def _is_section(hint: Any) -> bool:
    return is_dataclass(hint)


def _row(key: str, hint: Any, default: object, spec: Spec) -> Option:
    members = get_args(hint)
    optional = NoneType in members
    plain = next(member for member in members if member is not NoneType) if optional else hint
    enum = plain if isinstance(plain, type) and issubclass(plain, StrEnum) else None
    kind = Kind.CHOICE if enum else _KINDS[plain]
    return Option(key=key, kind=kind, optional=optional, default=default, spec=spec, enum=enum)


def build(tree: type[_T], values: Mapping[str, object], prefix: str = "") -> _T:
    """Build the tree from one value per key of its table."""
    hints = get_type_hints(tree)
    arguments: dict[str, Any] = {
        name: build(hint, values, f"{prefix}{name}.") if _is_section(hint) else values[prefix + name]
        for name, hint in hints.items()
    }
    return tree(**arguments)
