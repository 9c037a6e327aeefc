"""A scripted answer as the Messages API would send it: rendered for the tools on offer, as JSON or as a stream."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

from autorun.demo.script import Answer, Block, Deed, Said, Thought, Tokens, Use

_PIECE = 65536
_numbers = itertools.count(1)


def message(answer: Answer, *, model: str, tools: frozenset[str]) -> dict[str, Any]:
    """Return the whole message, its tool calls rendered for the tools on offer."""
    content = [_block(block, tools) for block in answer.blocks]
    natural = "tool_use" if any(block["type"] == "tool_use" for block in content) else "end_turn"
    return {
        "id": f"msg_{next(_numbers):06d}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": answer.stop_reason or natural,
        "stop_sequence": None,
        "usage": _usage(answer.tokens),
    }


def stream(whole: dict[str, Any]) -> Iterator[bytes]:
    """Yield the message as server-sent events."""
    opened = {**whole["usage"], "output_tokens": 1}
    started = {**whole, "content": [], "stop_reason": None, "usage": opened}
    yield _event("message_start", message=started)
    for index, block in enumerate(whole["content"]):
        yield _event("content_block_start", index=index, content_block=_emptied(block))
        for delta in _deltas(block):
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    ending = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield _event("message_delta", delta=ending, usage=whole["usage"])
    yield _event("message_stop")


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def _emptied(block: dict[str, Any]) -> dict[str, Any]:
    empty: dict[str, dict[str, Any]] = {
        "text": {"text": ""},
        "thinking": {"thinking": "", "signature": ""},
        "tool_use": {"input": {}},
    }
    return {**block, **empty[block["type"]]}


def _deltas(block: dict[str, Any]) -> Iterator[dict[str, str]]:
    match block["type"]:
        case "text":
            yield from ({"type": "text_delta", "text": piece} for piece in _pieces(block["text"]))
        case "thinking":
            yield {"type": "thinking_delta", "thinking": block["thinking"]}
            yield {"type": "signature_delta", "signature": block["signature"]}
        case _:
            given = json.dumps(block["input"])
            yield from ({"type": "input_json_delta", "partial_json": piece} for piece in _pieces(given))


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))


def _usage(tokens: Tokens) -> dict[str, Any]:
    return {
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "cache_read_input_tokens": tokens.cache_read,
        "cache_creation_input_tokens": tokens.cache_write,
    }


def _block(block: Block, tools: frozenset[str]) -> dict[str, Any]:
    match block:
        case Said():
            return {"type": "text", "text": block.text}
        case Thought():
            return {"type": "thinking", "thinking": block.text, "signature": "c2NyaXB0ZWQ="}
        case Use():
            name, given = _rendered(block, tools)
            return {"type": "tool_use", "id": f"toolu_{next(_numbers):06d}", "name": name, "input": given}


_EDITOR = "str_replace_based_edit_tool"


def _rendered(call: Use, tools: frozenset[str]) -> tuple[str, dict[str, Any]]:
    given = dict(call.given)
    if isinstance(call.tool, str):
        return call.tool, given
    if _EDITOR in tools or "bash" in tools:
        return _for_the_api_tools(call.tool, given)
    return _for_the_cli(call.tool, given)


def _for_the_cli(deed: Deed, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    match deed:
        case Deed.RUN:
            return "Bash", {"command": given["command"], "description": "As the script says"}
        case Deed.READ:
            return "Read", {"file_path": given["path"]}
        case Deed.WRITE:
            return "Write", {"file_path": given["path"], "content": given["text"]}
        case Deed.EDIT:
            return "Edit", {"file_path": given["path"], "old_string": given["old"], "new_string": given["new"]}
        case Deed.STATE:
            return "StructuredOutput", given


def _for_the_api_tools(deed: Deed, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    match deed:
        case Deed.RUN:
            return "bash", {"command": given["command"]}
        case Deed.READ:
            return _EDITOR, {"command": "view", "path": given["path"]}
        case Deed.WRITE:
            return _EDITOR, {"command": "create", "path": given["path"], "file_text": given["text"]}
        case Deed.EDIT:
            changed = {"old_str": given["old"], "new_str": given["new"]}
            return _EDITOR, {"command": "str_replace", "path": given["path"], **changed}
        case Deed.STATE:
            return "report_outcome", given
