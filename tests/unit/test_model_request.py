"""Only plain message requests for our models pass; what the provider would execute, fetch or keep does not."""

import json
from typing import Any

import pytest

from autorun.core.agent.model_request import ModelRequest, Refused, inspected

MODELS = ("opus", "claude-haiku-4-5")


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "claude-opus-5-5", "max_tokens": 100, "messages": [], **fields}).encode()


def content(*blocks: dict[str, Any]) -> bytes:
    return body(messages=[{"role": "user", "content": list(blocks)}])


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (body(), ("claude-opus-5-5", 100)),
        (body(model="claude-haiku-4-5-20251001"), ("claude-haiku-4-5-20251001", 100)),
        (body(max_tokens="many"), ("claude-opus-5-5", 0)),
        (body(tools=[{"name": "Bash"}, {"type": "bash_20250124", "name": "bash"}, {"type": "custom"}]),
         ("claude-opus-5-5", 100)),
        (content({"type": "image", "source": {"type": "base64", "data": "x"}}), ("claude-opus-5-5", 100)),
        (content({"type": "tool_use", "input": {"source": {"type": "url", "url": "http://x"}}}),
         ("claude-opus-5-5", 100)),
        (body(mcp_servers=[], speed="standard", thread=None), ("claude-opus-5-5", 100)),
    ],
)  # fmt: skip
def test_plain_requests_pass(document: bytes, expected: tuple[str, int]) -> None:
    """Aliases and dated ids name the same model; a tool's input is data, whatever it looks like."""
    found = inspected(document, models=MODELS)
    assert isinstance(found, ModelRequest)
    assert (found.model, found.max_tokens, found.size) == (*expected, len(document))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (body(model="claude-fable-5-2"), "not among those"),
        (body(model=None), "not among those"),
        (body(model=["claude-opus-5-5"]), "not among those"),
        (body(mcp_servers=[{"url": "https://x"}]), "mcp_servers"),
        (body(container="c"), "container"),
        (body(fallbacks=[{"model": "claude-fable-5-2"}]), "fallbacks"),
        (body(thread={"id": "t"}), "thread"),
        (body(inference_geo="us"), "inference_geo"),
        (body(speed="fast"), "speed"),
        (body(tools=[{"type": "web_search_20260318", "name": "web_search"}]), "web_search"),
        (body(tools=[{"type": "web_fetch_20260318"}]), "web_fetch"),
        (body(tools=[{"type": "code_execution_20260521"}]), "code_execution"),
        (body(tools=[{"type": "mcp_toolset"}]), "mcp_toolset"),
        (body(tools=[{"type": 5}]), "runs at the provider"),
        (content({"type": "image", "source": {"type": "url", "url": "https://x"}}), "link"),
        (content({"type": "document", "source": {"type": "file", "file_id": "f"}}), "store"),
        (content({"type": "container_upload", "file_id": "f"}), "store"),
        (content({"type": "tool_result", "content": [{"type": "image", "source": {"type": "url"}}]}), "link"),
        (content({"type": "document", "source": {"type": "content", "content": [
            {"type": "image", "source": {"type": "url"}}]}}), "link"),
        (body(system=[{"type": "document", "source": {"type": "url"}}]), "link"),
    ],
)  # fmt: skip
def test_what_the_provider_would_do_for_us_is_refused(document: bytes, words: str) -> None:
    """The refusal names what it is about, with a status clients do not retry."""
    found = inspected(document, models=MODELS)
    assert isinstance(found, Refused)
    assert found.status == 403
    assert words in found.sentence


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{",
        b'{"model": "claude-opus-5-5", "model": "claude-fable-5-2"}',
        b'{"messages": [{"a": 1, "a": 2}], "model": "claude-opus-5-5"}',
        body().decode().encode("utf-16"),
        b"\xef\xbb\xbf" + body(),
        b"\xff" + body(),
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    ],
)
def test_what_two_readers_could_read_differently_is_refused(document: bytes) -> None:
    """Duplicate keys, other encodings and bottomless nesting never reach the service."""
    found = inspected(document, models=MODELS)
    assert isinstance(found, Refused)
    assert found.status == 400


def test_a_bomb_is_refused_before_it_unfolds() -> None:
    """Millions of brackets are counted, not parsed."""
    found = inspected(b'{"a":[' + b"{}," * 2_000_000 + b"1]}", models=MODELS)
    assert isinstance(found, Refused)
    assert found.status == 413
