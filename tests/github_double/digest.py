"""Boil GitHub's published descriptions down to what the double reads at start-up.

Run by `make` as a script: `digest.py PACKAGES OUT`, where PACKAGES is the folder of the `@octokit` npm packages.
It writes `rest.json` (operations and JSON Schemas), `schema.graphql` (no prose) and `webhooks.json` (examples).
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import graphql

VERBS = ("get", "post", "put", "patch", "delete")
PROSE = frozenset(
    {"description", "title", "example", "examples", "externalDocs", "deprecated", "readOnly", "writeOnly", "default"}
)
# The description says oneOf where several alternatives hold at once; what is meant is "at least one of".
COMBINED = {"oneOf": "anyOf", "anyOf": "anyOf", "allOf": "allOf"}
POINTER = "#/components/schemas/"


def as_json_schema(schema: Any) -> Any:
    """Translate one OpenAPI 3.0 schema to JSON Schema 2020-12, prose removed."""
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": "#/schemas/" + schema["$ref"].removeprefix(POINTER)}
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key in PROSE or key.startswith("x-") or key in {"nullable", "discriminator"}:
            continue
        if key == "properties":
            made[key] = {name: as_json_schema(each) for name, each in value.items()}
        elif key in COMBINED:
            made[COMBINED[key]] = [as_json_schema(each) for each in value]
        elif key in {"items", "additionalProperties", "not"}:
            made[key] = as_json_schema(value)
        else:
            made[key] = value
    return _or_null(made) if schema.get("nullable") else made


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "type" in schema and "anyOf" not in schema and "allOf" not in schema:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
        return schema
    return {"anyOf": [schema, {"type": "null"}]}


def _resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def _content(node: dict[str, Any]) -> Any:
    for media, described in node.get("content", {}).items():
        if "json" in media:
            return as_json_schema(described.get("schema", {}))
    return None


def _operation(document: dict[str, Any], path: str, verb: str, described: dict[str, Any]) -> dict[str, Any]:
    parameters = [_resolved(document, each) for each in described.get("parameters", [])]
    body = _resolved(document, described.get("requestBody", {}))
    return {
        "id": described["operationId"],
        "method": verb.upper(),
        "path": path,
        "multi_segment": [each["name"] for each in parameters if each.get("x-multi-segment")],
        "parameters": {
            where: {
                each["name"]: {"schema": as_json_schema(each["schema"]), "required": each.get("required", False)}
                for each in parameters
                if each["in"] == where
            }
            for where in ("path", "query")
        },
        "body": _content(body),
        "body_required": body.get("required", False),
        "responses": {status: _content(_resolved(document, each)) for status, each in described["responses"].items()},
    }


def digest_rest(document: dict[str, Any]) -> dict[str, Any]:
    """Return every operation and every schema of an OpenAPI 3.0 description."""
    return {
        "operations": [
            _operation(document, path, verb, item[verb])
            for path, item in document["paths"].items()
            for verb in VERBS
            if verb in item
        ],
        "schemas": {name: as_json_schema(each) for name, each in document["components"]["schemas"].items()},
    }


def digest_graphql(source: str) -> str:
    """Return the schema in its own language without descriptions: they are its only block strings."""
    return graphql.strip_ignored_characters(re.sub(r'"""(?:\\"""|.)*?"""', "", source, flags=re.DOTALL))


def digest_webhooks(packages: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the example payloads by event name."""
    return {each["name"]: each["examples"] for each in packages}


def main(packages: Path, out: Path) -> None:
    """Read the three packages and write the three digests."""
    out.mkdir(parents=True, exist_ok=True)
    rest = json.loads((packages / "openapi/generated/api.github.com.json").read_text("utf-8"))
    (out / "rest.json").write_text(json.dumps(digest_rest(rest)), "utf-8")
    source = (packages / "graphql-schema/schema.graphql").read_text("utf-8")
    (out / "schema.graphql").write_text(digest_graphql(source), "utf-8")
    examples = json.loads((packages / "webhooks-examples/api.github.com/index.json").read_text("utf-8"))
    (out / "webhooks.json").write_text(json.dumps(digest_webhooks(examples)), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
