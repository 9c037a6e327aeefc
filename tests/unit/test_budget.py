"""Budgets: what may still be consumed, and which limit ended a stretch."""

import pytest
from hypothesis import given, strategies as st

from autorun.core.model import Ending, Usage
from autorun.core.money.budget import Budget, Spent, beyond_task, session_limit, stretch_limits

_money = st.one_of(st.none(), st.floats(0, 1000))
_budgets = st.builds(
    Budget,
    turns_per_task=st.one_of(st.none(), st.integers(0, 100)),
    minutes_per_task=_money,
    usd_per_task=_money,
    tasks_per_session=st.one_of(st.none(), st.integers(0, 20)),
    minutes_per_session=_money,
    usd_per_session=_money,
    usd_per_day=_money,
)
_spent = st.builds(
    Spent,
    tasks=st.integers(0, 20),
    seconds=st.floats(0, 1e6),
    usd=st.floats(0, 1000),
    usd_today=st.floats(0, 1000),
    usd_task=st.floats(0, 1000),
)
_used = st.builds(Usage, turns=st.integers(0, 200), cost_usd=st.floats(0, 1000))


@pytest.mark.parametrize(
    ("spent", "sentence", "key"),
    [
        (Spent(tasks=3), "Task limit reached: 3", "autonomous.max_tasks_per_session"),
        (Spent(seconds=600), "Time limit reached: 10 minutes", "autonomous.minutes_per_session"),
        (Spent(usd=5), "Cost limit reached: $5.00", "autonomous.cost_limit_per_session"),
        (Spent(usd_today=7), "Cost limit reached: $7.00 in 24 hours", "autonomous.cost_limit_per_day"),
    ],
)
def test_every_limit_of_a_session_ends_it_by_name(spent: Spent, sentence: str, key: str) -> None:
    """The sentence says what was reached, the key what to raise."""
    budget = Budget(tasks_per_session=3, minutes_per_session=10, usd_per_session=5, usd_per_day=7)
    reached = session_limit(budget, spent)
    assert reached is not None
    assert (reached.sentence, reached.remedy) == (sentence, f"Raise `{key}`.")
    assert session_limit(budget, Spent(tasks=2, seconds=599, usd=4.99, usd_today=6.99)) is None


def test_a_day_whose_cost_nobody_knows_is_spent() -> None:
    """Where a record cannot be read a limit for the day forbids to go on, and no other limit cares."""
    reached = session_limit(Budget(usd_per_day=7), Spent(unreadable=2))
    assert reached is not None
    assert "unreadable records: 2" in reached.sentence
    assert "autorun doctor" in reached.remedy
    assert session_limit(Budget(usd_per_day=None), Spent(unreadable=2)) is None


@given(_budgets, _spent, _used, st.floats(0, 1e5), st.one_of(st.none(), st.integers(1, 50)))
def test_a_stretch_never_gets_more_than_is_left(
    budget: Budget, spent: Spent, used: Usage, seconds: float, turns: int | None
) -> None:
    """No limit of a stretch exceeds what any configured limit leaves, and none is negative."""
    limits = stretch_limits(budget, spent, used, seconds, context_window=1000, turns=turns)
    for limit, so_far in (
        (budget.usd_per_task, spent.usd_task + used.cost_usd),
        (budget.usd_per_session, spent.usd + used.cost_usd),
        (budget.usd_per_day, spent.usd_today + used.cost_usd),
    ):
        if limit is not None:
            assert limits.cost_usd is not None
            assert 0 <= limits.cost_usd <= max(0.0, limit - so_far)
    if budget.minutes_per_task is not None:
        assert 0 <= limits.seconds <= max(0.0, budget.minutes_per_task * 60 - seconds)
    if turns is not None:
        assert limits.turns is not None
        assert 0 <= limits.turns <= turns
    assert (limits.cost_usd is None) == all(
        limit is None for limit in (budget.usd_per_task, budget.usd_per_session, budget.usd_per_day)
    )


@pytest.mark.parametrize(
    ("budget", "ending", "key"),
    [
        (Budget(usd_per_task=9, usd_per_session=5), Ending.COST_LIMIT, "autonomous.cost_limit_per_session"),
        (Budget(usd_per_task=9, usd_per_day=4), Ending.COST_LIMIT, "autonomous.cost_limit_per_day"),
        (Budget(minutes_per_task=60, minutes_per_session=9), Ending.TIME_LIMIT, "autonomous.minutes_per_session"),
        (Budget(usd_per_task=2, usd_per_session=5), Ending.COST_LIMIT, ""),
        (Budget(usd_per_task=5, usd_per_session=5), Ending.COST_LIMIT, ""),
        (Budget(minutes_per_task=9, minutes_per_session=60), Ending.TIME_LIMIT, ""),
        (Budget(turns_per_task=1, minutes_per_session=9, usd_per_session=0), Ending.TURN_LIMIT, ""),
    ],
)
def test_what_ended_a_task_is_the_tightest_limit_of_its_kind(budget: Budget, ending: Ending, key: str) -> None:
    """The task's own is met first where it is as tight, and then nothing wider is to blame."""
    reached = beyond_task(budget, Spent(), Usage(), 0, ending=ending)
    assert (reached.remedy if reached else "") == (f"Raise `{key}`." if key else "")


@given(st.none() | st.floats(0, 100), _budgets)
def test_a_planned_task_may_cost_its_share_and_no_limit_appears(share: float | None, budget: Budget) -> None:
    """Whoever dealt out the money counts the tasks; what is off stays off."""
    one = budget.of_one_task(share)
    assert one.tasks_per_session is None
    assert one.usd_per_session == (None if budget.usd_per_session is None else share)
    assert one.usd_per_day == (None if budget.usd_per_day is None else share)
    assert (one.usd_per_task, one.minutes_per_session) == (budget.usd_per_task, budget.minutes_per_session)


@given(_budgets, _spent, _used, st.floats(0, 1e5), st.sampled_from(Ending))
def test_only_a_wider_limit_that_left_less_is_blamed(
    budget: Budget, spent: Spent, used: Usage, seconds: float, ending: Ending
) -> None:
    """What is blamed on the session or the day is a limit that is set, for money or time only."""
    reached = beyond_task(budget, spent, used, seconds, ending=ending)
    if reached is None:
        return
    set_limits = {
        "autonomous.cost_limit_per_session": budget.usd_per_session,
        "autonomous.cost_limit_per_day": budget.usd_per_day,
        "autonomous.minutes_per_session": budget.minutes_per_session,
    }
    assert ending in {Ending.COST_LIMIT, Ending.TIME_LIMIT}
    limit = set_limits[reached.remedy.removeprefix("Raise `").removesuffix("`.")]
    assert limit is not None
    assert f"{limit:g}" in reached.sentence or f"{limit:.2f}" in reached.sentence


def test_a_full_context_can_be_left_unwatched() -> None:
    """Without a window there is no bound on the context."""
    assert stretch_limits(Budget(), Spent(), Usage(), 0, context_window=None).context_tokens is None
    assert stretch_limits(Budget(), Spent(), Usage(), 0, context_window=1000).context_tokens == 850
