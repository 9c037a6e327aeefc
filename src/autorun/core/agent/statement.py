"""The agent's structured outcome: the schema it is asked to meet, and what it said read back."""

import json
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from autorun.core.ledger import codec
from autorun.core.model import Claimed, Statement

_TEXT: Final = {"type": "string"}


def _listed(description: str, **properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "array",
        "description": description,
        "items": {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        },
    }


SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "claimed": {
            "type": "string",
            "enum": [claimed.value for claimed in Claimed],
            "description": (
                "completed: every part of the task is done. blocked: something outside the task stands in the way. "
                "needs_input: a human must decide or explain something first."
            ),
        },
        "summary": {**_TEXT, "description": "What was done and why, in a few plain sentences."},
        "criteria": _listed(
            "Every acceptance criterion of the task, in its own words.",
            criterion=_TEXT,
            met={"type": "boolean"},
            evidence={**_TEXT, "description": "What shows it: a test, a command's output, a file and line."},
        ),
        "blockers": _listed(
            "What stands in the way; empty when completed.",
            what=_TEXT,
            why=_TEXT,
            needed={**_TEXT, "description": "What a human must do or answer."},
        ),
        "title": {**_TEXT, "description": "Title for the pull request, one imperative sentence."},
        "body": {**_TEXT, "description": "What and why for the reviewer, in Markdown."},
    },
    "required": ["claimed", "summary", "criteria"],
    "additionalProperties": False,
}

_validator: Final = Draft202012Validator(SCHEMA)


def parse(document: object) -> Statement:
    """Read what the agent stated. Raises ValueError, with a sentence, on anything that is no statement."""
    error = best_match(_validator.iter_errors(document))
    if error is not None:
        where = ".".join(str(part) for part in error.absolute_path) or "the statement"
        raise ValueError(f"{where}: {error.message}")
    return codec.loads(json.dumps(document), Statement)
