"""The agent's structured outcome: asked for by a schema, read back as a value."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from autorun.core.agent.statement import SCHEMA, parse
from autorun.core.model import Blocker, Claimed, CriterionReport, Statement
from autorun.demo.script import Use, state

WHOLE: dict[str, Any] = {
    "claimed": "needs_input",
    "summary": "Two ways.",
    "criteria": [{"criterion": "It runs", "met": False, "evidence": ""}],
    "blockers": [{"what": "A choice", "why": "Both fit", "needed": "Choose"}],
    "title": "Add it",
    "body": "Why.",
}


def test_the_schema_is_one() -> None:
    """What is sent to the model is a valid schema, closed to unknown fields."""
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["additionalProperties"] is False


def test_a_statement_is_read_whole() -> None:
    """Every field arrives."""
    assert parse(WHOLE) == Statement(
        claimed=Claimed.NEEDS_INPUT,
        summary="Two ways.",
        criteria=(CriterionReport(criterion="It runs", met=False),),
        blockers=(Blocker(what="A choice", why="Both fit", needed="Choose"),),
        title="Add it",
        body="Why.",
    )


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"claimed": "done"}, "claimed: 'done'"),
        ({"summary": 5}, "summary: 5"),
        ({"criteria": [{"criterion": "x", "met": "false", "evidence": ""}]}, "criteria.0.met"),
        ({"verdict": "good"}, "the statement: Additional properties"),
    ],
)
def test_anything_else_is_refused_by_name(change: dict[str, Any], where: str) -> None:
    """What does not fit is no statement, and the sentence says where."""
    with pytest.raises(ValueError, match=where):
        parse({**WHOLE, **change})


def test_scripts_state_what_can_be_read() -> None:
    """The script's `state` speaks the schema."""
    [block] = state(blocked="No key.", blockers=[{"what": "A key"}], criteria={"It runs": "seen"}).blocks
    assert isinstance(block, Use)
    assert parse(dict(block.given)).blockers == (Blocker(what="A key"),)
