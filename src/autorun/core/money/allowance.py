"""How much may still be spent: caps per task, session and day, with reservations for calls under way.

The law: what was spent plus what is reserved never exceeds a cap, unless a call turned out dearer than its
reservation; and what was spent is never forgotten.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Self

_ROUNDING = 1e-9
_NO_HOLDS: Mapping[int, float] = MappingProxyType({})


class Scope(StrEnum):
    """What a cap is for."""

    TASK = "task"
    SESSION = "session"
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """One cap in USD (None: no limit), what was spent of it, and what is reserved, by call number."""

    limit_usd: float | None = None
    spent_usd: float = 0.0
    holds: Mapping[int, float] = field(default_factory=lambda: _NO_HOLDS)

    @property
    def held_usd(self) -> float:
        """USD reserved for calls under way."""
        return sum(self.holds.values())

    def fits(self, usd: float) -> bool:
        """Tell whether a call of that cost may still begin."""
        return self.limit_usd is None or self.spent_usd + self.held_usd + usd <= self.limit_usd + _ROUNDING

    def holding(self, call: int, usd: float) -> Self:
        """Return the purse with a reservation."""
        return replace(self, holds=MappingProxyType({**self.holds, call: usd}))

    def settled(self, call: int, usd: float) -> Self:
        """Return the purse with the cost of a call in the place of its reservation."""
        rest = {number: held for number, held in self.holds.items() if number != call}
        return replace(self, spent_usd=self.spent_usd + usd, holds=MappingProxyType(rest))


_CLOSED = Purse(limit_usd=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """A call that may not begin: the cap that forbids it, as a sentence, and what a human can do.

    `passing`: it would fit, were it not for the reservations of calls under way.
    """

    scope: Scope
    sentence: str
    remedy: str
    passing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The caps of a runner: one for the day, one for the session, one for each stretch of work on a task."""

    day: Purse = field(default_factory=Purse)
    session: Purse = field(default_factory=Purse)
    tasks: Mapping[int, Purse] = field(default_factory=lambda: MappingProxyType({}))

    def opened(self, stretch: int, limit_usd: float | None) -> Self:
        """Return the allowance with a cap for one more stretch of work."""
        return self._with_task(stretch, Purse(limit_usd=limit_usd))

    def closed(self, stretch: int) -> Self:
        """Return the allowance without a stretch that ended; what it cost stays spent."""
        return replace(self, tasks=MappingProxyType({n: p for n, p in self.tasks.items() if n != stretch}))

    def reserve(self, stretch: int, call: int, usd: float) -> Self | Shortfall:
        """Return the allowance with `usd` reserved under every cap, or the cap that forbids it.

        A cap that forbids it for good comes before one that is only full of reservations, a wider before a narrower.
        """
        purses = {Scope.DAY: self.day, Scope.SESSION: self.session, Scope.TASK: self.tasks.get(stretch, _CLOSED)}
        short = [_shortfall(scope, purse, usd) for scope, purse in purses.items() if not purse.fits(usd)]
        if short:
            return min(short, key=lambda one: one.passing)
        return replace(
            self._with_task(stretch, purses[Scope.TASK].holding(call, usd)),
            day=self.day.holding(call, usd),
            session=self.session.holding(call, usd),
        )

    def settle(self, stretch: int, call: int, usd: float) -> Self:
        """Return the allowance with the cost of a call in the place of its reservation; its stretch may be over."""
        purse = self.tasks.get(stretch)
        after = self if purse is None else self._with_task(stretch, purse.settled(call, usd))
        return replace(after, day=self.day.settled(call, usd), session=self.session.settled(call, usd))

    def _with_task(self, stretch: int, purse: Purse) -> Self:
        return replace(self, tasks=MappingProxyType({**self.tasks, stretch: purse}))


_NAMES = {Scope.TASK: "this task", Scope.SESSION: "the session", Scope.DAY: "24 hours"}


def _shortfall(scope: Scope, purse: Purse, usd: float) -> Shortfall:
    return Shortfall(
        scope=scope,
        sentence=(
            f"Cost limit reached: of ${purse.limit_usd or 0:.2f} for {_NAMES[scope]} "
            f"${purse.spent_usd:.2f} are spent, and the next call could cost ${usd:.2f}."
        ),
        remedy=f"Raise `autonomous.cost_limit_per_{scope}`, or choose a cheaper model.",
        passing=replace(purse, holds=_NO_HOLDS).fits(usd),
    )
