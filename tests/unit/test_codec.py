"""Values of the line survive being written; whatever is not such a value is refused in a sentence."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from autorun.core.ledger import BranchMove
from autorun.core.ledger.codec import dumps, loads
from autorun.core.model import AgentResult, Change, Outcome, Task, Usage, Workspace
from autorun.core.report.journal import Entry
from kit.values import JSON, values_of

KINDS = [AgentResult, BranchMove, Change, Entry, Outcome, Task, Usage, Workspace]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
def test_values_survive(kind: type[Any]) -> None:
    """Any value of the kind is one line of JSON in UTF-8, and reads back equal."""

    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(value=values_of(kind))
    def survives(value: object) -> None:
        text = dumps(value)
        assert "\n" not in text
        assert loads(text.encode().decode(), kind) == value

    survives()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
def test_anything_else_is_refused_in_a_sentence(kind: type[Any]) -> None:
    """Foreign JSON is either a value of the kind or a ValueError that names the kind."""

    @settings(max_examples=20, deadline=None)
    @given(text=JSON.map(json.dumps) | st.text())
    def refused(text: str) -> None:
        said = ""
        try:
            assert isinstance(loads(text, kind), kind)
        except ValueError as error:
            said = str(error)
        assert not said or said.startswith(f"this is no {kind.__name__}: ")

    refused()


@pytest.mark.parametrize(
    "text",
    ['{"turns": NaN}', '{"cost_usd": Infinity}', "[" * 100_000, '{"turns": "many"}', '{"turns": {"a": 1}}', "null"],
)
def test_broken_numbers_and_shapes_are_refused(text: str) -> None:
    """What JSON does not know, what nests without end, and what has the wrong shape."""
    with pytest.raises(ValueError, match="this is no Usage"):
        loads(text, Usage)


def test_moments_without_a_zone_are_refused() -> None:
    """A moment that could not be compared with ours is not read."""
    with pytest.raises(ValueError, match="this is no Outcome"):
        loads('{"state": "todo", "reason": "limit", "sentence": "", "retry_at": "2026-11-02T22:00:00"}', Outcome)
