"""Caps hold whatever runs side by side, and nothing that was spent is forgotten."""

from hypothesis import example, given, strategies as st

from autorun.core.money.allowance import Allowance, Purse, Scope, Shortfall
from autorun.core.pacing import Pace

money = st.floats(0, 5, allow_nan=False)
caps = st.none() | st.floats(0, 10, allow_nan=False)
# Each step: which stretch, the reservation, the share of it that is spent, and how many calls run meanwhile.
steps = st.lists(st.tuples(st.integers(1, 3), money, st.floats(0, 1), st.integers(0, 4)), max_size=30)


@given(steps=steps, day=caps, session=caps, task=caps)
def test_parallel_calls_never_overshoot_and_are_never_under_counted(
    steps: list[tuple[int, float, float, int]], day: float | None, session: float | None, task: float | None
) -> None:
    """As long as calls cost at most their reservation, no cap is passed; in the end all that was spent is counted."""
    allowance = Allowance(day=Purse(limit_usd=day), session=Purse(limit_usd=session))
    for stretch in (1, 2, 3):
        allowance = allowance.opened(stretch, task)
    under_way: list[tuple[int, int, float]] = []
    spent = {1: 0.0, 2: 0.0, 3: 0.0}

    def settle_down_to(most: int) -> None:
        nonlocal allowance
        while len(under_way) > most:
            stretch, call, usd = under_way.pop(0)
            allowance = allowance.settle(stretch, call, usd)
            spent[stretch] += usd

    for call, (stretch, reserved, share, most) in enumerate(steps):
        after = allowance.reserve(stretch, call, reserved)
        if not isinstance(after, Shortfall):
            allowance = after
            under_way.append((stretch, call, reserved * share))
        for purse in (allowance.day, allowance.session, *allowance.tasks.values()):
            assert purse.limit_usd is None or purse.spent_usd + purse.held_usd <= purse.limit_usd + 1e-6
        settle_down_to(most)
    settle_down_to(0)
    assert abs(allowance.day.spent_usd - sum(spent.values())) < 1e-6
    assert abs(allowance.session.spent_usd - sum(spent.values())) < 1e-6
    assert all(abs(allowance.tasks[n].spent_usd - usd) < 1e-6 for n, usd in spent.items())
    assert allowance.day.held_usd == allowance.session.held_usd == 0


def test_the_widest_cap_that_forbids_for_good_is_named() -> None:
    """What only reservations forbid may fit later; what is spent never comes back."""
    allowance = Allowance(day=Purse(limit_usd=3.0, spent_usd=1.0), session=Purse(limit_usd=2.0)).opened(1, 1.0)
    held = allowance.reserve(1, 1, 1.0)
    assert isinstance(held, Allowance)
    waits = held.reserve(1, 2, 0.5)
    assert isinstance(waits, Shortfall)
    assert (waits.scope, waits.passing) == (Scope.TASK, True)
    lasting = held.settle(1, 1, 0.9).reserve(1, 2, 0.5)
    assert isinstance(lasting, Shortfall)
    assert (lasting.scope, lasting.passing) == (Scope.TASK, False)
    assert lasting.sentence == (
        "Cost limit reached: of $1.00 for this task $0.90 are spent, and the next call could cost $0.50."
    )
    assert "cost_limit_per_task" in lasting.remedy
    both = allowance.reserve(1, 2, 9.0)
    assert isinstance(both, Shortfall)
    assert both.scope is Scope.DAY


def test_a_call_that_outlives_its_stretch_is_still_charged() -> None:
    """Session and day remember it."""
    held = Allowance().opened(1, None).reserve(1, 1, 1.0)
    assert isinstance(held, Allowance)
    assert isinstance(held.closed(1).reserve(1, 2, 0.1), Shortfall)
    settled = held.closed(1).settle(1, 1, 0.4)
    assert (settled.session.spent_usd, settled.day.spent_usd, settled.session.held_usd) == (0.4, 0.4, 0)


@given(per_minute=st.integers(1, 5), gaps=st.lists(st.floats(0, 40, allow_nan=False), max_size=40))
@example(per_minute=1, gaps=[0.0, 1.0, 90.0])
def test_no_minute_sees_more_calls_than_allowed(per_minute: int, gaps: list[float]) -> None:
    """Calls begin in order, never before they came, and at most so many within any 60 seconds."""
    pace, now, begun = Pace(per_minute=per_minute), 0.0, list[float]()
    for gap in gaps:
        now += gap
        pace, begin = pace.booked(now)
        assert begin >= now
        begun.append(begin)
    assert begun == sorted(begun)
    for first, later in zip(begun, begun[per_minute:], strict=False):
        assert later - first >= 60 - 1e-9


def test_without_a_limit_nothing_waits() -> None:
    """No pace, no memory."""
    pace, begin = Pace().booked(5.0)
    assert (pace, begin) == (Pace(), 5.0)
