"""Checkpoints: which points stop a task in which mode."""

import pytest
from hypothesis import given, strategies as st

from autorun.core.checkpoints import Checkpoints, Point
from autorun.core.config.choices import Mode

CONFIGURED = st.builds(
    Checkpoints,
    mode=st.sampled_from(Mode),
    turn_interval=st.none() | st.integers(1, 100),
    on_regression_failure=st.booleans(),
    on_blocker=st.booleans(),
    on_context_high=st.booleans(),
)


@pytest.mark.parametrize(
    ("mode", "points"),
    [
        (Mode.AUTONOMOUS, {Point.REGRESSION, Point.CONTEXT}),
        (Mode.INTERACTIVE, {Point.REGRESSION, Point.CONTEXT, Point.BLOCKER, Point.TURNS}),
        (Mode.SUPERVISED, set(Point)),
    ],
)
def test_each_mode_has_its_points(mode: Mode, points: set[Point]) -> None:
    """With everything switched on a stricter mode stops wherever a laxer one does."""
    assert {point for point in Point if Checkpoints(mode=mode).asks(point)} == points


@given(CONFIGURED)
def test_what_is_switched_off_never_stops_a_task(checkpoints: Checkpoints) -> None:
    """In no mode; and after how many turns to ask is told only where turns count."""
    assert checkpoints.asks(Point.REGRESSION) is checkpoints.on_regression_failure
    assert checkpoints.asks(Point.CONTEXT) is checkpoints.on_context_high
    assert checkpoints.on_blocker or not checkpoints.asks(Point.BLOCKER)
    assert checkpoints.turn_interval is not None or not checkpoints.asks(Point.TURNS)
    assert checkpoints.turns == (None if checkpoints.mode is Mode.AUTONOMOUS else checkpoints.turn_interval)
