"""Labels: the ones that show a status, and what other labels say of an issue's priority."""

from collections.abc import Collection
from dataclasses import dataclass

from autorun.core import tasktext
from autorun.core.model import Priority, TaskState

_PREFIX = "priority:"
_MARKS = frozenset({"p0", "p1", "p2", "p3", "p4"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label of ours: created with colour and description when it is first needed."""

    name: str
    colour: str
    description: str


STATUS = {
    TaskState.IN_PROGRESS: Label(
        name="autorun:in-progress", colour="fbca04", description="Autorun is working on this"
    ),
    TaskState.IN_REVIEW: Label(
        name="autorun:in-review", colour="0e8a16", description="Autorun opened a pull request for this"
    ),
    TaskState.BLOCKED: Label(name="autorun:blocked", colour="d93f0b", description="Autorun needs an answer"),
    TaskState.PAUSED: Label(name="autorun:paused", colour="bfd4f2", description="Autorun needs an approval to go on"),
    TaskState.FAILED: Label(name="autorun:failed", colour="b60205", description="Autorun gave this up"),
}
_STATES = {label.name: state for state, label in STATUS.items()}


def is_status(name: str) -> bool:
    """Tell whether a label is one of those that show a status."""
    return name.lower() in _STATES


def shown(names: Collection[str]) -> TaskState | None:
    """Return the status that labels show; None if they show none."""
    return next((_STATES[name.lower()] for name in names if name.lower() in _STATES), None)


def priority(names: Collection[str]) -> Priority:
    """Return the most urgent priority that labels name, else medium."""
    found = [_priority(name.strip().lower()) for name in names]
    return min((each for each in found if each is not None), default=Priority.MEDIUM)


def _priority(name: str) -> Priority | None:
    if name.startswith(_PREFIX):
        return tasktext.priority(name.removeprefix(_PREFIX))
    return tasktext.priority(name) if name in _MARKS else None
