"""What may still be consumed: by this task, this session, this day."""

from dataclasses import dataclass, replace
from math import inf
from typing import Self

from autorun.core.model import Ending, Limits, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The configured limits. None is no limit; money in USD."""

    turns_per_task: int | None = 50
    minutes_per_task: float | None = 60.0
    usd_per_task: float | None = None
    tasks_per_session: int | None = 10
    minutes_per_session: float | None = 330.0
    usd_per_session: float | None = 10.0
    usd_per_day: float | None = None
    silent_seconds: float = 600.0
    context_share: float = 0.85

    def of_one_task(self, share_usd: float | None) -> Self:
        """Return the limits of a runner that works one planned task with its share; a limit that is off stays off."""
        return replace(
            self,
            tasks_per_session=None,
            usd_per_session=None if self.usd_per_session is None else share_usd,
            usd_per_day=None if self.usd_per_day is None else share_usd,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a session has consumed.

    `usd_today` counts every run of the last 24 hours, this one included; `usd_task` earlier attempts at the task.
    `unreadable` is the number of tasks whose records nobody can read, and so what they cost.
    """

    tasks: int = 0
    seconds: float = 0.0
    usd: float = 0.0
    usd_today: float = 0.0
    usd_task: float = 0.0
    unreadable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A limit that is met, and what a human can do about it, as sentences."""

    sentence: str
    remedy: str


def session_limit(budget: Budget, spent: Spent) -> Reached | None:
    """Tell which limit forbids to begin another task, if one does."""
    if budget.tasks_per_session is not None and spent.tasks >= budget.tasks_per_session:
        return _reached(budget, "autonomous.max_tasks_per_session")
    if budget.minutes_per_session is not None and spent.seconds >= budget.minutes_per_session * 60:
        return _reached(budget, "autonomous.minutes_per_session")
    if budget.usd_per_session is not None and spent.usd >= budget.usd_per_session:
        return _reached(budget, "autonomous.cost_limit_per_session")
    if budget.usd_per_day is not None and spent.unreadable:
        return Reached(
            sentence=f"What 24 hours have cost is not known; unreadable records: {spent.unreadable}",
            remedy="`autorun doctor` names them and how to drop them; or unset `autonomous.cost_limit_per_day`.",
        )
    if budget.usd_per_day is not None and spent.usd_today >= budget.usd_per_day:
        return _reached(budget, "autonomous.cost_limit_per_day")
    return None


def _reached(budget: Budget, key: str) -> Reached:
    words, limit = {
        "autonomous.max_tasks_per_session": ("Task limit reached: {}", budget.tasks_per_session),
        "autonomous.minutes_per_session": ("Time limit reached: {:g} minutes", budget.minutes_per_session),
        "autonomous.cost_limit_per_session": ("Cost limit reached: ${:.2f}", budget.usd_per_session),
        "autonomous.cost_limit_per_day": ("Cost limit reached: ${:.2f} in 24 hours", budget.usd_per_day),
    }[key]
    return Reached(sentence=words.format(limit), remedy=f"Raise `{key}`.")


def stretch_limits(
    budget: Budget,
    spent: Spent,
    used: Usage,
    seconds_used: float,
    *,
    context_window: int | None,
    turns: int | None = None,
) -> Limits:
    """Return what the next stretch of a task may consume, given what the task (`used`) and session have.

    `context_window` is the model's, in tokens; None lets it fill up. `turns` ends the stretch earlier, for a
    checkpoint. A limit of 0 means that nothing may be consumed.
    """
    usd = min(left for _, left in _money(budget, spent, used))
    seconds = min(left for _, left in _time(budget, spent, seconds_used))
    turns_left = min(_left(budget.turns_per_task, used.turns), inf if turns is None else turns)
    return Limits(
        turns=None if turns_left == inf else int(turns_left),
        cost_usd=None if usd == inf else usd,
        context_tokens=None if context_window is None else int(context_window * budget.context_share),
        seconds=_LONGEST_SECONDS if seconds == inf else seconds,
        silent_seconds=budget.silent_seconds,
    )


def beyond_task(budget: Budget, spent: Spent, used: Usage, seconds_used: float, *, ending: Ending) -> Reached | None:
    """Tell which limit of the session or the day ended a stretch; None if it was the task's own."""
    if ending is Ending.COST_LIMIT:
        own, *wider = _money(budget, spent, used)
    elif ending is Ending.TIME_LIMIT:
        own, *wider = _time(budget, spent, seconds_used)
    else:
        return None
    key, left = min(wider, key=lambda each: each[1])
    if left >= own[1]:
        return None
    return _reached(budget, key)


_LONGEST_SECONDS = 7 * 86400.0


def _money(budget: Budget, spent: Spent, used: Usage) -> tuple[tuple[str, float], ...]:
    """USD left under each limit, the task's own first."""
    return (
        ("autonomous.cost_limit_per_task", _left(budget.usd_per_task, spent.usd_task + used.cost_usd)),
        ("autonomous.cost_limit_per_session", _left(budget.usd_per_session, spent.usd + used.cost_usd)),
        ("autonomous.cost_limit_per_day", _left(budget.usd_per_day, spent.usd_today + used.cost_usd)),
    )


def _time(budget: Budget, spent: Spent, seconds_used: float) -> tuple[tuple[str, float], ...]:
    """Seconds left under each limit, the task's own first."""
    session = None if budget.minutes_per_session is None else budget.minutes_per_session * 60
    task = None if budget.minutes_per_task is None else budget.minutes_per_task * 60
    return (
        ("autonomous.minutes_per_task", _left(task, seconds_used)),
        ("autonomous.minutes_per_session", _left(session, spent.seconds + seconds_used)),
    )


def _left(limit: float | None, so_far: float) -> float:
    return inf if limit is None else max(0.0, limit - so_far)
