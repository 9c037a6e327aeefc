"""Every question and order is what Linear's published schema allows, and within what one query may cost."""

import graphql
import pytest

from autorun.adapters.tasks.linear import queries
from kit.linear_graphql import MOST_COMPLEX, complexity, schema, schema_path

DOCUMENTS = {name: text for name, text in vars(queries).items() if name.isupper() and not name.startswith("_")}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_query_is_valid(name: str) -> None:
    """Names, types and variables are those of the schema."""
    schema_path()
    assert [error.message for error in graphql.validate(schema(), graphql.parse(DOCUMENTS[name]))] == []


def test_an_invalid_query_is_found() -> None:
    """The validation can fail."""
    schema_path()
    wrong = queries.TEAMS.replace("hasNextPage", "hasMore")
    assert graphql.validate(schema(), graphql.parse(wrong)) != []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_query_is_affordable(name: str) -> None:
    """No query costs more than Linear lets one cost."""
    assert complexity(DOCUMENTS[name]) <= MOST_COMPLEX


@pytest.mark.parametrize("name", DOCUMENTS)
def test_values_travel_as_variables(name: str) -> None:
    """No document holds a text of its own, so nothing can be put into one by its words."""
    assert '"' not in DOCUMENTS[name]


def test_one_issue_costs_little() -> None:
    """It is read before and after every step of the work: ten tasks an hour may not use up an hour's budget."""
    assert 50 * complexity(queries.ISSUE) < 50_000
    assert 13 * complexity(queries.ISSUES) < 150_000
