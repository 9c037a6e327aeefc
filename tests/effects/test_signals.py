"""What has been asked of a process, as one question."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from autorun.core.model import StopReason
from autorun.effects import host
from autorun.effects.signals import Requests


@pytest.mark.parametrize(
    ("minutes", "reason"), [(None, None), (6, None), (4, StopReason.CREDENTIAL), (-1, StopReason.CREDENTIAL)]
)
def test_a_token_is_left_the_time_to_give_everything_back(
    tmp_path: Path, minutes: int | None, reason: StopReason | None
) -> None:
    """Five minutes before it ends no work goes on and none is begun; an end that nobody knows of is none."""
    ends: datetime | None = None if minutes is None else host.now() + timedelta(minutes=minutes)
    asked = Requests(file=tmp_path / "none", token_ends=lambda: ends)
    assert asked.stop() is reason
    assert asked.closing() is reason
