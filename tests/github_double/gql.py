"""GraphQL, executed by graphql-core on GitHub's published schema."""

import base64
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import graphql

from github_double.ask import Estate, demand
from github_double.contract import SCHEMAS
from github_double.gql_weight import NODES_AT_MOST, Weight, weigh
from github_double.repository import Repository
from github_double.site import Entity, Moved, Refused, Token

# The published package lags behind the service: issue dependencies are live there and absent from it.
NOT_YET_PUBLISHED = """
extend type Issue {
  blockedBy(after: String, before: String, first: Int, last: Int): IssueConnection!
  blocking(after: String, before: String, first: Int, last: Int): IssueConnection!
  issueDependenciesSummary: IssueDependenciesSummary!
}
type IssueDependenciesSummary { blockedBy: Int! blocking: Int! totalBlockedBy: Int! totalBlocking: Int! }
"""
ERROR_TYPES = {401: "FORBIDDEN", 403: "FORBIDDEN", 404: "NOT_FOUND", 410: "NOT_FOUND"}
PAGE = 100
Resolver = Callable[..., Any]
FIELDS: dict[tuple[str, str], Resolver] = {}


class NotModelled(Exception):
    """The schema has it, the double does not."""


@dataclass(kw_only=True)
class Context:
    """What a resolver may look at."""

    estate: Estate
    token: Token
    violations: list[str] = field(default_factory=list)
    weight: Weight = field(default_factory=Weight)

    @property
    def login(self) -> str:
        """Whoever asks."""
        return self.token.user.login

    def demand(self, repo: Repository, permission: str, role: str = "read") -> None:
        """Refuse unless the asker may."""
        demand(repo, self.token, permission, role)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a connection: the rows shown, where they begin in the whole, and the whole."""

    rows: Sequence[Any]
    start: int
    whole: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Edge:
    """A row and its cursor."""

    node: Any
    cursor: str


def fields(kind: str, **resolvers: Resolver) -> None:
    """Register how the fields of a type are answered; each takes the object, the info and the arguments."""
    for name, resolver in resolvers.items():
        FIELDS[kind, name] = resolver


def attributes(kind: str, **getters: Callable[[Any], Any]) -> None:
    """Register fields without arguments; each takes the object alone."""
    for name, getter in getters.items():
        FIELDS[kind, name] = functools.partial(_plain, getter)


def _plain(getter: Callable[[Any], Any], one: Any, _info: graphql.GraphQLResolveInfo[Context], **_args: Any) -> Any:
    return getter(one)


def cursor_of(index: int, row: Any) -> str:
    """Return the cursor of a row: its place, and its id so that rows before it may come or go."""
    return base64.b64encode(f"cursor:v2:{index}:{_key(row)}".encode()).decode()


def _key(row: Any) -> str:
    return str(row.id if isinstance(row, Entity) else row)


def _place(cursor: str, whole: Sequence[Any]) -> int:
    try:
        index, _, key = base64.b64decode(cursor).decode().removeprefix("cursor:v2:").partition(":")
        return next((place for place, row in enumerate(whole) if _key(row) == key), int(index) - 1)
    except ValueError:
        raise Refused(422, f"`{cursor}` does not appear to be a valid cursor.") from None


def connection(whole: Sequence[Any], name: str, args: Mapping[str, Any]) -> Page:
    """Cut a page out of rows by first, after, last and before; GitHub demands a size of 1 to 100."""
    first, last = args.get("first"), args.get("last")
    size = first if first is not None else last
    if size is None:
        raise Refused(
            400, f"You must provide a `first` or `last` value to properly paginate the `{name}` connection."
        )
    if not 0 <= size <= PAGE:
        raise Refused(
            400, f"Requesting {size} records on the `{name}` connection exceeds the `first` limit of {PAGE} records."
        )
    start, end = 0, len(whole)
    if args.get("after"):
        start = _place(args["after"], whole) + 1
    if args.get("before"):
        end = _place(args["before"], whole)
    if first is not None:
        end = min(end, start + first)
    elif last is not None:
        start = max(start, end - last)
    return Page(whole[start:end], start, whole)


def _resolve(one: Any, info: graphql.GraphQLResolveInfo[Context], **args: Any) -> Any:
    kind, name = info.parent_type.name, info.field_name
    if isinstance(one, Page):
        return _of_page(one, kind, name)
    if isinstance(one, Edge):
        return getattr(one, name)
    resolver = FIELDS.get((kind, name))
    if resolver is None:
        if isinstance(one, Mapping) and name in one:
            return one[name]
        raise NotModelled(f"the double does not model {kind}.{name}")
    try:
        return resolver(one, info, **args)
    except Moved as moved:
        raise Refused(404, f"Could not resolve: it lives at {moved.path} now.") from None


def _of_page(page: Page, kind: str, name: str) -> Any:
    places = range(page.start, page.start + len(page.rows))
    if kind == "PageInfo":
        return {
            "hasNextPage": page.start + len(page.rows) < len(page.whole),
            "hasPreviousPage": page.start > 0,
            "startCursor": cursor_of(page.start, page.rows[0]) if page.rows else None,
            "endCursor": cursor_of(places[-1], page.rows[-1]) if page.rows else None,
        }[name]
    if name == "pageInfo":
        return page
    if name == "nodes":
        return page.rows
    if name == "edges":
        return [Edge(row, cursor_of(place, row)) for place, row in zip(places, page.rows, strict=True)]
    if name in {"totalCount", "filteredCount"}:
        return len(page.whole)
    raise NotModelled(f"the double does not model {kind}.{name}")


@functools.cache
def schema() -> graphql.GraphQLSchema:
    """Return GitHub's schema with what the service has beyond it, built once per process."""
    source = (SCHEMAS / "schema.graphql").read_text("utf-8")
    document = graphql.parse(source, no_location=True)
    built = graphql.build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)
    if "blockedBy" not in _issue_fields(built):
        built = graphql.extend_schema(built, graphql.parse(NOT_YET_PUBLISHED), assume_valid=True)
    return built


def _issue_fields(built: graphql.GraphQLSchema) -> Mapping[str, Any]:
    issue = built.type_map["Issue"]
    return issue.fields if isinstance(issue, graphql.GraphQLObjectType) else {}


@functools.lru_cache(maxsize=256)
def _parsed(query: str) -> tuple[graphql.DocumentNode, tuple[graphql.GraphQLError, ...]]:
    document = graphql.parse(query)
    return document, tuple(graphql.validate(schema(), document))


def root_fields(query: str) -> str:
    """Name a query by its root fields, for the count of calls; `?` for what does not parse."""
    try:
        document = graphql.parse(query)
    except graphql.GraphQLSyntaxError:
        return "?"
    names = [
        selection.name.value
        for node in document.definitions
        if isinstance(node, graphql.OperationDefinitionNode)
        for selection in node.selection_set.selections
        if isinstance(selection, graphql.FieldNode)
    ]
    return "+".join(names)


def execute(context: Context, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Run a query and return GitHub's answer; what is malformed or not modelled is noted as a violation."""
    try:
        document, faults = _parsed(str(asked.get("query", "")))
    except graphql.GraphQLSyntaxError as error:
        document, faults = graphql.DocumentNode(definitions=()), (error,)
    if faults:
        context.violations += [f"graphql: {each.message}" for each in faults]
        return {"errors": [_shown(each) for each in faults]}
    context.weight = weigh(document, asked.get("variables") or {})
    if context.weight.nodes > NODES_AT_MOST:
        message = (
            f"This query requests up to {context.weight.nodes:,} possible nodes which exceeds the maximum limit of"
        )
        return {"errors": [{"type": "MAX_NODE_LIMIT_EXCEEDED", "message": f"{message} {NODES_AT_MOST:,}."}]}
    context.token.used += context.weight.points - 1
    done = graphql.execute_sync(
        schema(),
        document,
        context_value=context,
        variable_values=asked.get("variables") or {},
        operation_name=asked.get("operationName"),
        field_resolver=_resolve,
        type_resolver=type_of,
    )
    answer: dict[str, Any] = {"data": done.data}
    if done.errors:
        answer["errors"] = [_shown(each) for each in done.errors]
        context.violations += [
            f"graphql: {each.message}" for each in done.errors if not isinstance(each.original_error, Refused)
        ]
    return answer


def type_of(one: Any, _info: object, _kind: object) -> str:
    """Name the type of an object behind an interface or union."""
    for kind, name in TYPES.items():
        if isinstance(one, kind):
            return name if isinstance(name, str) else name(one)
    raise NotModelled(f"the double does not know the type of {one!r}")


TYPES: dict[type, str | Callable[[Any], str]] = {}


def _shown(error: graphql.GraphQLError) -> dict[str, Any]:
    shown: dict[str, Any] = {"message": error.message}
    if error.path:
        shown["path"] = error.path
    if error.locations:
        shown["locations"] = [{"line": each.line, "column": each.column} for each in error.locations]
    cause = error.original_error
    if isinstance(cause, Refused):
        shown["type"] = ERROR_TYPES.get(cause.status, "UNPROCESSABLE")
        if cause.errors and "message" in cause.errors[0]:
            shown["message"] = cause.errors[0]["message"]
    return shown
