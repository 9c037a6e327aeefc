"""A team's workflow and how our states stand in it: by the type of a state, then by its name, else by a label."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from autorun.core.errors import ProviderError
from autorun.core.model import TaskState

_TYPES = {
    "triage": TaskState.TODO,
    "backlog": TaskState.TODO,
    "unstarted": TaskState.TODO,
    "started": TaskState.IN_PROGRESS,
    "completed": TaskState.DONE,
    "canceled": TaskState.CANCELLED,
    "duplicate": TaskState.CANCELLED,
}
_NAMES = {
    TaskState.BLOCKED: re.compile(r"\bblocked\b", re.IGNORECASE),
    TaskState.PAUSED: re.compile(r"\b(?:paused|on hold)\b", re.IGNORECASE),
    TaskState.IN_REVIEW: re.compile(r"\breview\b", re.IGNORECASE),
    TaskState.FAILED: re.compile(r"\bfailed\b", re.IGNORECASE),
}
# Someone who puts an issue into a state of this name wants it left alone, wherever in the workflow it stands.
_HOLDS = frozenset({TaskState.BLOCKED, TaskState.PAUSED})
_USUAL = {
    TaskState.TODO: re.compile(r"\bto-?\s?do\b|\bready\b", re.IGNORECASE),
    TaskState.IN_PROGRESS: re.compile(r"\bin progress\b", re.IGNORECASE),
    TaskState.DONE: re.compile(r"\bdone\b", re.IGNORECASE),
    TaskState.CANCELLED: re.compile(r"\bcancell?ed\b", re.IGNORECASE),
}
_ORDER = ("unstarted", "backlog", "triage", "started", "completed", "canceled", "duplicate")

STATUS_LABELS = {
    TaskState.IN_REVIEW: "autorun:in-review",
    TaskState.BLOCKED: "autorun:blocked",
    TaskState.PAUSED: "autorun:paused",
    TaskState.FAILED: "autorun:failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One workflow state of a team."""

    id: str
    name: str
    type: str
    position: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an issue is to stand: a workflow state and, if that cannot tell it, one of our labels."""

    column: Column
    label: str = ""


def shown(column: Column, labels: Collection[str]) -> TaskState | None:
    """Return the state that people see, None for a type of state that we do not know.

    Whoever moves an issue back to the start means it, whatever label of ours it still bears.
    """
    kind = _TYPES.get(column.type)
    if kind is None or kind in {TaskState.DONE, TaskState.CANCELLED}:
        return kind
    named = _named(column)
    if named is not None or kind is TaskState.TODO:
        return named or kind
    return next((state for state, label in STATUS_LABELS.items() if label in labels), kind)


def place(state: TaskState, now: Column, columns: Collection[Column]) -> Place:
    """Return where an issue in the column `now` goes to show `state`; it stays where it can. Raises ProviderError."""
    if state in STATUS_LABELS:
        own = [column for column in _sorted(columns) if _named(column) is state]
        if own:
            return Place(column=now if now in own else own[0])
        return Place(column=_plain(TaskState.IN_PROGRESS, now, columns), label=STATUS_LABELS[state])
    return Place(column=_plain(state, now, columns))


def _plain(state: TaskState, now: Column, columns: Collection[Column]) -> Column:
    fitting = [column for column in _sorted(columns) if _TYPES.get(column.type) is state and _named(column) is None]
    if now in fitting:
        return now
    usual = [column for column in fitting if _USUAL[state].search(column.name)]
    if not fitting:
        raise ProviderError(
            f"The Linear team has no workflow state that means {state.replace('_', ' ')}.",
            hint="add one in the team's settings",
        )
    return (usual or fitting)[0]


def _named(column: Column) -> TaskState | None:
    for state, name in _NAMES.items():
        if name.search(column.name) and (column.type == "started" or (state in _HOLDS and column.type in _ORDER[:3])):
            return state
    return None


def _sorted(columns: Collection[Column]) -> list[Column]:
    return sorted(
        columns,
        key=lambda column: (_ORDER.index(column.type) if column.type in _ORDER else len(_ORDER), column.position),
    )
