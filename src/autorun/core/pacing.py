"""How fast calls may follow each other: at most so many begin within any minute."""

from dataclasses import dataclass, replace
from typing import Self

_MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`per_minute` calls within any 60 seconds (None: no limit); `starts` are the latest ones, in seconds."""

    per_minute: int | None = None
    starts: tuple[float, ...] = ()

    def booked(self, now: float) -> tuple[Self, float]:
        """Return the pace with one more call, and when it may begin: `now`, or when the minute before it has room."""
        if self.per_minute is None:
            return self, now
        full = len(self.starts) >= self.per_minute
        begin = max(now, self.starts[-self.per_minute] + _MINUTE) if full else now
        return replace(self, starts=(*self.starts, begin)[-self.per_minute :]), begin
