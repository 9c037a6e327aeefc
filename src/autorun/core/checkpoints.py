"""Where a task stops to ask a human: which points count in which mode, and what can be answered."""

from dataclasses import dataclass
from enum import StrEnum

from autorun.core.config.choices import Mode
from autorun.core.model import Blocker, TaskId


class Point(StrEnum):
    """A point at which a task may stop."""

    PLAN = "plan"
    TURNS = "turns"
    BLOCKER = "blocker"
    REGRESSION = "regression"
    CONTEXT = "context"
    PUBLICATION = "publication"


class Choice(StrEnum):
    """What a human may say at a checkpoint."""

    APPROVE = "approve"
    REDIRECT = "redirect"
    SKIP = "skip"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a human said; `guidance` reaches the agent."""

    choice: Choice
    guidance: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a human is asked. `details` is Markdown written by the agent or by us: data."""

    point: Point
    task: TaskId
    title: str
    sentence: str
    details: str = ""
    blockers: tuple[Blocker, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoints:
    """The configured checkpoints. `turn_interval` None: never."""

    mode: Mode = Mode.AUTONOMOUS
    turn_interval: int | None = 25
    on_regression_failure: bool = True
    on_blocker: bool = True
    on_context_high: bool = True

    def asks(self, point: Point) -> bool:
        """Tell whether a task stops at `point`."""
        switched_on = {
            Point.REGRESSION: self.on_regression_failure,
            Point.BLOCKER: self.on_blocker,
            Point.CONTEXT: self.on_context_high,
            Point.TURNS: self.turn_interval is not None,
        }
        return point in _COUNTS[self.mode] and switched_on.get(point, True)

    @property
    def turns(self) -> int | None:
        """After how many turns to ask, None for never."""
        return self.turn_interval if self.asks(Point.TURNS) else None


_CRITICAL = frozenset({Point.REGRESSION, Point.CONTEXT})
_COUNTS = {
    Mode.AUTONOMOUS: _CRITICAL,
    Mode.INTERACTIVE: _CRITICAL | {Point.BLOCKER, Point.TURNS},
    Mode.SUPERVISED: frozenset(Point),
}
