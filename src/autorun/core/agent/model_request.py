"""Which requests may pass to the model's service: our models, nothing that the service would execute or fetch.

A tool that runs at the provider, a file of its file store or a link it would follow all bypass a sandbox that
has no network of its own.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from autorun.core.money.catalogue import undated

# A document of a few megabytes can unfold into gigabytes of objects; conversations have far fewer brackets.
_MOST_BRACKETS = 1_000_000
_CLIENT_TOOLS = ("custom", "bash_", "text_editor_", "memory_", "computer_", "tool_search_tool_")
_PRESENT_MEANS_REFUSED = {
    "mcp_servers": "MCP servers that the provider would call",
    "container": "a container at the provider",
    "fallbacks": "fallback models chosen at the provider",
    "thread": "a conversation kept at the provider",
    "inference_geo": "a region with a price of its own",
}
_FOREIGN_SOURCES = {"url": "a link that the provider would fetch", "file": "a file in the provider's store"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """A request that may pass; `size` in bytes."""

    model: str
    max_tokens: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A request that may not pass: HTTP status, the API's error type, and why as a sentence."""

    status: int
    kind: str
    sentence: str


class _Ambiguous(ValueError):
    """The same key twice: two readers could see two documents."""


def inspected(body: bytes, *, models: tuple[str, ...]) -> ModelRequest | Refused:
    """Return what the request asks for, or why it may not pass. `models` are ids or aliases."""
    if body.count(b"{") + body.count(b"[") > _MOST_BRACKETS:
        return Refused(status=413, kind="request_too_large", sentence="The request has too many parts.")
    try:
        document = json.loads(body.decode(), object_pairs_hook=_unambiguous)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return Refused(
            status=400, kind="invalid_request_error", sentence="The body is no unambiguous JSON object in UTF-8."
        )
    if objection := _objection(document, models):
        return Refused(status=403, kind="permission_error", sentence=objection)
    most = document.get("max_tokens")
    return ModelRequest(
        model=document["model"],
        max_tokens=most if isinstance(most, int) and not isinstance(most, bool) and most > 0 else 0,
        size=len(body),
    )


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Ambiguous
    return found


def _objection(document: dict[str, Any], models: tuple[str, ...]) -> str:
    model = document.get("model")
    if not isinstance(model, str) or undated(model) not in {undated(allowed) for allowed in models}:
        return f"The model {model!r:.80} is not among those this run may use: {', '.join(models)}."
    for name, what in _PRESENT_MEANS_REFUSED.items():
        if document.get(name):
            return f"The request asks for {what} (`{name}`), which this run may not use."
    if document.get("speed") not in (None, "standard"):
        return "The request asks for a speed with a price of its own (`speed`), which this run may not use."
    for tool in _listed(document.get("tools")):
        if not _at_the_client(tool):
            return f"The tool type {tool.get('type')!r:.80} runs at the provider, which this run may not use."
    for what in _foreign(document.get("system"), document.get("messages")):
        return f"The conversation holds {what}, which this run may not use."
    return ""


def _listed(value: Any) -> list[dict[str, Any]]:
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)]


def _at_the_client(tool: dict[str, Any]) -> bool:
    kind = tool.get("type")
    return kind is None or (isinstance(kind, str) and kind.startswith(_CLIENT_TOOLS))


def _foreign(*roots: Any) -> Iterator[str]:
    """Blocks nest only by `content` and `source`: a tool's own input is data, whatever it looks like."""
    pending = list(roots)
    while pending:
        match pending.pop():
            case list() as items:
                pending += items
            case {"type": "container_upload"}:
                yield _FOREIGN_SOURCES["file"]
            case {"type": str(kind)} if kind in _FOREIGN_SOURCES:
                yield _FOREIGN_SOURCES[kind]
            case dict() as block:
                pending += [block[name] for name in ("content", "source") if name in block]
            case _:
                pass
