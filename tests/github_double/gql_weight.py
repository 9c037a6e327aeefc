"""What a GraphQL query weighs by GitHub's arithmetic: nodes it could return, and points it costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import graphql

NODES_AT_MOST = 500_000
REQUESTS_A_POINT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """`nodes` a query could return at most; `requests` is how many connections that takes to fill."""

    nodes: int = 0
    requests: int = 0

    @property
    def points(self) -> int:
        """What the query costs of the hourly limit."""
        return max(1, round(self.requests / REQUESTS_A_POINT))

    def __add__(self, other: "Weight") -> "Weight":
        return Weight(nodes=self.nodes + other.nodes, requests=self.requests + other.requests)


def weigh(document: graphql.DocumentNode, variables: Mapping[str, Any]) -> Weight:
    """Return the weight of every operation of a document."""
    fragments = {
        each.name.value: each for each in document.definitions if isinstance(each, graphql.FragmentDefinitionNode)
    }

    def inside(selection: graphql.SelectionSetNode | None, parents: int) -> Weight:
        total = Weight()
        for each in selection.selections if selection else ():
            if isinstance(each, graphql.FragmentSpreadNode):
                total += inside(fragments[each.name.value].selection_set, parents)
            elif isinstance(each, graphql.InlineFragmentNode):
                total += inside(each.selection_set, parents)
            elif isinstance(each, graphql.FieldNode):
                size = _size(each, variables)
                here = Weight() if size is None else Weight(nodes=parents * size, requests=parents)
                total += here + inside(each.selection_set, parents if size is None else parents * size)
        return total

    operations = [each for each in document.definitions if isinstance(each, graphql.OperationDefinitionNode)]
    return sum((inside(each.selection_set, 1) for each in operations), Weight())


def _size(field: graphql.FieldNode, variables: Mapping[str, Any]) -> int | None:
    for argument in field.arguments or ():
        if argument.name.value in {"first", "last"}:
            value = graphql.value_from_ast_untyped(argument.value, dict(variables))
            return value if isinstance(value, int) else None
    return None
