"""GitHub's published REST description, as a judge of requests and answers."""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator, FormatChecker

SCHEMAS = Path(__file__).parents[2] / "tools" / "dev" / ".schemas"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
ADDRESS = re.compile(r"[a-z]+://\S+")
FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time")
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or MOMENT.fullmatch(value) is not None


@FORMATS.checks("uri")
def _is_address(value: object) -> bool:
    return not isinstance(value, str) or ADDRESS.match(value) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the description: `described` is its digest."""

    id: str
    method: str
    path: str
    pattern: re.Pattern[str]
    described: Mapping[str, Any]


# The description's prose and every client send labels as a bare array; its schema forgets to say so.
NAMES = {"type": "array", "minItems": 1, "items": {"type": "string"}}
AMENDED_BODIES = {"issues/add-labels": NAMES, "issues/set-labels": {**NAMES, "minItems": 0}}


class Contract:
    """Finds the operation of a request and says what is wrong with requests and answers."""

    def __init__(self, digest: Mapping[str, Any]) -> None:
        self._root = {"schemas": _amended(digest["schemas"])}
        self._validators: dict[str, Draft202012Validator] = {}
        operations = [_operation(each) for each in digest["operations"]]
        # A literal path wins over a parameter, as in any router.
        operations.sort(key=lambda each: (each.path.count("{"), -len(each.path)))
        self._by_method: dict[str, list[Operation]] = {}
        for each in operations:
            self._by_method.setdefault(each.method, []).append(each)
        self.operations = tuple(operations)

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """Return the operation of a path below the API's root, with its path parameters decoded."""
        for each in self._by_method.get(method, ()):
            if matched := each.pattern.fullmatch(path):
                return each, {name: unquote(value) for name, value in matched.groupdict().items()}
        return None

    def _validator(self, key: str, schema: Any) -> Draft202012Validator:
        if key not in self._validators:
            rooted = {**self._root, "$ref": schema["$ref"]} if "$ref" in schema else {**self._root, **schema}
            self._validators[key] = Draft202012Validator(rooted, format_checker=FORMATS)
        return self._validators[key]

    def _faults(self, key: str, schema: Any, value: object) -> Iterator[str]:
        for error in self._validator(key, schema).iter_errors(value):
            where = "/".join(str(each) for each in error.absolute_path) or "the whole"
            yield f"{key}: {where}: {error.message[:300]}"

    def request_faults(
        self, operation: Operation, path: Mapping[str, str], query: Mapping[str, str], body: object
    ) -> list[str]:
        """Say what a request does that the description does not allow."""
        described, name = operation.described, f"{operation.id} request"
        known = described["parameters"]["query"]
        faults = [f"{name}: unknown query parameter {each!r}" for each in query if each not in known]
        faults += [
            f"{name}: query parameter {key!r} is missing"
            for key, each in known.items()
            if each["required"] and key not in query
        ]
        given = {("path", key): value for key, value in path.items()}
        given |= {("query", key): value for key, value in query.items() if key in known}
        for (where, key), value in given.items():
            if (each := described["parameters"][where].get(key)) is not None:
                faults += self._faults(f"{name} {where} {key}", each["schema"], self._typed(value, each["schema"]))
        return faults + self._body_faults(described, name, body)

    def _body_faults(self, described: Mapping[str, Any], name: str, body: object) -> list[str]:
        schema = described["body"]
        if described["id"] in AMENDED_BODIES:
            schema = {"anyOf": [schema, AMENDED_BODIES[described["id"]]]}
        if body is None:
            return [f"{name}: the body is missing"] if described["body_required"] else []
        if schema is None:
            return [] if body == {} else [f"{name}: takes no body"]
        faults = list(self._faults(f"{name} body", schema, body))
        if isinstance(body, dict) and "properties" in schema and not schema.get("additionalProperties"):
            faults += [f"{name} body: unknown key {key!r}" for key in body if key not in schema["properties"]]
        return faults

    def _typed(self, value: str, schema: Mapping[str, Any]) -> object:
        if "$ref" in schema:
            schema = self._root["schemas"][schema["$ref"].removeprefix("#/schemas/")]
        if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", value):
            return int(value)
        if schema.get("type") == "boolean" and value in {"true", "false"}:
            return value == "true"
        return value

    def answer_faults(self, operation: Operation, status: int, body: object) -> list[str]:
        """Say what an answer has that the description does not allow; errors it omits pass as basic errors."""
        responses, name = operation.described["responses"], f"{operation.id} answer {status}"
        if str(status) not in responses:
            if status < 400:
                return [f"{name}: this status is not described"]
            return list(self._faults("basic error", {"$ref": "#/schemas/basic-error"}, body))
        schema = responses[str(status)]
        if schema is None:
            return [] if body is None or status >= 400 else [f"{name}: has a body where none is described"]
        return list(self._faults(name, schema, body))


def _amended(schemas: dict[str, Any]) -> dict[str, Any]:
    # In lists of pull requests the service sends null for a label without a description.
    label = schemas["pull-request-simple"]["properties"]["labels"]["items"]
    label["properties"]["description"] = {"type": ["string", "null"]}
    return schemas


def _operation(described: Mapping[str, Any]) -> Operation:
    wide = {*described["multi_segment"], *(("path",) if described["path"].endswith("/contents/{path}") else ())}

    def group(matched: re.Match[str]) -> str:
        name = matched.group(1).replace("-", "_")
        return f"(?P<{name}>{'.*' if matched.group(1) in wide else '[^/]+'})"

    pattern = re.compile(re.sub(r"\\\{([\w-]+)\\\}", group, re.escape(described["path"]).replace(r"\-", "-")))
    return Operation(
        id=described["id"],
        method=described["method"],
        path=described["path"],
        pattern=pattern,
        described=described,
    )


def schemas_ready() -> bool:
    """Tell whether `make` has fetched the descriptions."""
    return (SCHEMAS / ".ready").exists()


@functools.cache
def contract() -> Contract:
    """Return the description, read once per process."""
    return Contract(json.loads((SCHEMAS / "rest.json").read_text("utf-8")))


@functools.cache
def examples() -> Mapping[str, list[dict[str, Any]]]:
    """Return the published webhook payloads by event, read once per process."""
    loaded: dict[str, list[dict[str, Any]]] = json.loads((SCHEMAS / "webhooks.json").read_text("utf-8"))
    return loaded
