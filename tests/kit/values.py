"""Strategies for the values of the line as they occur: finite numbers, moments with a zone, names of any bytes."""

from datetime import datetime, timedelta, timezone
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from autorun.core.ledger.record import Record
from autorun.core.model import TaskState

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
ANY_TEXT = st.text() | st.binary(max_size=10).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(),
    float: NUMBERS,
    str: ANY_TEXT,
    type(None): st.none(),
    datetime: st.datetimes(timezones=ZONES),
    Path: ANY_TEXT.filter(lambda text: "\0" not in text).map(Path),
    Any: JSON,
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that the line's values are made of."""
    if kind in PLAIN:
        return PLAIN[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return st.one_of([values_of(argument) for argument in arguments])
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(values_of(arguments[0]), values_of(arguments[1]), max_size=2)
    if issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    return st.builds(kind, **{name: values_of(hint) for name, hint in get_type_hints(kind).items()})


def records() -> st.SearchStrategy[Record]:
    """Records as any runner of this version may have written them, newer fields included."""
    hints = get_type_hints(Record)
    fields = {name: values_of(hint) for name, hint in hints.items() if name not in {"v", "extra"}}
    fields["extra"] = st.dictionaries(st.text(max_size=8).filter(lambda name: name not in hints), JSON, max_size=2)
    return st.fixed_dictionaries(fields).map(_consistent).map(lambda values: Record(**values))


def _consistent(values: dict[str, Any]) -> dict[str, Any]:
    """Someone who holds the task works on it, in an attempt."""
    held = values["holder"] is not None and bool(values["attempts"])
    if held:
        return {**values, "state": TaskState.IN_PROGRESS}
    idle = TaskState.TODO if values["state"] is TaskState.IN_PROGRESS else values["state"]
    return {**values, "holder": None, "state": idle}
