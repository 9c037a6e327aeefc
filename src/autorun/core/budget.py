"""What may still be consumed: by this task, this session, this day."""

from dataclasses import dataclass

from autorun.core.model import Limits, Usage


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a session has consumed.

    `usd_today` counts every run of the last 24 hours, this one included; `usd_task` earlier attempts at the task.
    """

    tasks: int = 0
    seconds: float = 0.0
    usd: float = 0.0
    usd_today: float = 0.0
    usd_task: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A limit that is met, as a sentence, and the key that sets it."""

    sentence: str
    key: str


def session_limit(budget: Budget, spent: Spent) -> Reached | None:
    """Tell which limit forbids to begin another task, if one does."""
    if budget.tasks_per_session is not None and spent.tasks >= budget.tasks_per_session:
        return Reached(
            sentence=f"Task limit reached: {budget.tasks_per_session}", key="autonomous.max_tasks_per_session"
        )
    if budget.minutes_per_session is not None and spent.seconds >= budget.minutes_per_session * 60:
        return Reached(
            sentence=f"Time limit reached: {budget.minutes_per_session:g} minutes",
            key="autonomous.minutes_per_session",
        )
    if budget.usd_per_session is not None and spent.usd >= budget.usd_per_session:
        return Reached(
            sentence=f"Cost limit reached: ${budget.usd_per_session:.2f}", key="autonomous.cost_limit_per_session"
        )
    if budget.usd_per_day is not None and spent.usd_today >= budget.usd_per_day:
        return Reached(
            sentence=f"Cost limit reached: ${budget.usd_per_day:.2f} in 24 hours", key="autonomous.cost_limit_per_day"
        )
    return None


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
    money = [
        limit - so_far
        for limit, so_far in (
            (budget.usd_per_task, spent.usd_task + used.cost_usd),
            (budget.usd_per_session, spent.usd + used.cost_usd),
            (budget.usd_per_day, spent.usd_today + used.cost_usd),
        )
        if limit is not None
    ]
    turns_left = [
        limit
        for limit in (turns, None if budget.turns_per_task is None else budget.turns_per_task - used.turns)
        if limit is not None
    ]
    seconds = [
        limit * 60 - so_far
        for limit, so_far in (
            (budget.minutes_per_task, seconds_used),
            (budget.minutes_per_session, spent.seconds + seconds_used),
        )
        if limit is not None
    ]
    return Limits(
        turns=max(0, min(turns_left)) if turns_left else None,
        cost_usd=max(0.0, min(money)) if money else None,
        context_tokens=None if context_window is None else int(context_window * budget.context_share),
        seconds=max(0.0, min(seconds)) if seconds else 86400.0,
        silent_seconds=budget.silent_seconds,
    )
