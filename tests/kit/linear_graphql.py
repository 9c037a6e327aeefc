"""GraphQL as Linear answers it: its published schema, what a query costs, pages and filters, over plain mappings.

Objects are mappings from the schema's field names to values; lists stand for connections, functions take arguments.
The path of the schema comes from the variable LINEAR_SCHEMA.
"""

import functools
import os
from pathlib import Path
from typing import Any

import graphql
import pytest

MOST_COMPLEX = 10_000
Row = dict[str, Any]


class NotModelled(Exception):
    """The schema has it, the double does not."""


class Refusal(graphql.GraphQLError):
    """What Linear refuses, with its own kind."""

    def __init__(self, message: str, kind: str = "invalid input", code: str = "INPUT_ERROR") -> None:
        super().__init__(
            message, extensions={"type": kind, "code": code, "userError": True, "userPresentableMessage": message}
        )


def schema_path() -> Path:
    """Return Linear's schema, or skip: it is published, but not ours to publish again."""
    named = os.environ.get("LINEAR_SCHEMA")
    if not named:
        pytest.skip("LINEAR_SCHEMA does not name a copy of Linear's GraphQL schema")
    if not Path(named).is_file():
        pytest.fail(f"LINEAR_SCHEMA names {named}, and there is no such file")
    return Path(named)


@functools.cache
def schema() -> graphql.GraphQLSchema:
    """Return Linear's schema, built once per process."""
    document = graphql.parse(schema_path().read_text("utf-8"), no_location=True)
    return graphql.build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)


def complexity(query: str) -> float:
    """Return what a query costs by Linear's arithmetic: a tenth a field, one an object, times the page around it."""
    document = graphql.parse(query)
    fragments = {
        each.name.value: each for each in document.definitions if isinstance(each, graphql.FragmentDefinitionNode)
    }

    def inside(selection: graphql.SelectionSetNode | None) -> float:
        total = 0.0
        for each in selection.selections if selection else ():
            if isinstance(each, graphql.FragmentSpreadNode):
                total += inside(fragments[each.name.value].selection_set)
            elif isinstance(each, graphql.FieldNode):
                first = [one.value for one in each.arguments or () if one.name.value == "first"]
                pages = int(first[0].value) if first and isinstance(first[0], graphql.IntValueNode) else 1
                total += pages * (1 + inside(each.selection_set)) if each.selection_set else 0.1
        return total

    operations = [each for each in document.definitions if isinstance(each, graphql.OperationDefinitionNode)]
    return sum(inside(each.selection_set) for each in operations)


@functools.cache
def parsed(query: str) -> tuple[graphql.DocumentNode, float, tuple[graphql.GraphQLError, ...]]:
    document = graphql.parse(query)
    return document, complexity(query), tuple(graphql.validate(schema(), document))


def resolve(one: Any, info: graphql.GraphQLResolveInfo[None], **args: Any) -> Any:
    name = info.field_name
    if name not in one:
        raise NotModelled(f"the double does not model {info.parent_type.name}.{name}")
    value: Any = one[name]
    if callable(value):
        return value(**args)
    if isinstance(value, list) and str(info.return_type).endswith("Connection!"):
        return _page(value, **args)
    return value


def _page(
    rows: list[Row],
    *,
    first: int = 50,
    after: str | None = None,
    filter: Row | None = None,  # noqa: A002 - the schema's argument
    includeArchived: bool = False,  # noqa: N803 - the schema's argument
    includeSubTeams: bool = False,  # noqa: N803 - as above
) -> Row:
    """Cut a page, the newest row first, as Linear does."""
    if includeSubTeams:
        raise NotModelled("teams below teams")
    shown = [row for row in reversed(rows) if includeArchived or not row.get("archivedAt")]
    shown = [row for row in shown if filter is None or _matches(row, filter)]
    start = 0 if after is None else 1 + [str(row.get("id", "")) for row in shown].index(after)
    nodes = shown[start : start + first]
    more = start + first < len(shown)
    return {"nodes": nodes, "pageInfo": {"hasNextPage": more, "endCursor": nodes[-1].get("id") if nodes else None}}


def _matches(value: Any, wanted: Row) -> bool:
    """Tell whether a value satisfies one of Linear's filters."""
    for name, sub in wanted.items():
        match name:
            case "eq":
                fits = value == sub
            case "null":
                fits = (value is None) == sub
            case "or":
                fits = any(_matches(value, each) for each in sub)
            case "some":
                fits = any(_matches(each, sub) for each in value)
            case _:
                fits = value is not None and _matches(value[name], sub)
        if not fits:
            return False
    return True
