"""One answer of the model, folded from the events of its stream; its blocks are kept to be sent back verbatim."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

# A block as the service sent it. We read a few fields; all of them go back as they came.
Block = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A tool call; `given` is None when its input is no JSON object (cut off, or garbled)."""

    id: str
    name: str
    given: Mapping[str, object] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What arrived so far; `stop_reason` is empty until the answer is whole. `partial` holds unfinished inputs."""

    id: str = ""
    content: tuple[Block, ...] = ()
    usage: Mapping[str, Any] | None = None
    stop_reason: str = ""
    partial: Mapping[int, str] | None = None

    @property
    def text(self) -> str:
        """All it says in words."""
        return "\n".join(str(block["text"]) for block in self.content if block["type"] == "text")

    @property
    def calls(self) -> tuple[Call, ...]:
        """Its tool calls, in order."""
        inputs = self.partial or {}
        return tuple(
            Call(id=block["id"], name=block["name"], given=_object(inputs.get(place, "")))
            for place, block in enumerate(self.content)
            if block["type"] == "tool_use"
        )

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All of it, tool calls with their inputs."""
        return tuple(self._with_inputs())

    @property
    def kept(self) -> tuple[Block, ...]:
        """The blocks that may be sent back: blank text and thinking that led to nothing would be refused."""
        blocks = [block for block in self.blocks if block["type"] != "text" or block["text"].strip()]
        while blocks and blocks[-1]["type"] in {"thinking", "redacted_thinking"}:
            blocks.pop()
        return tuple(blocks)

    def _with_inputs(self) -> Iterator[Block]:
        calls = {call.id: call for call in self.calls}
        for block in self.content:
            if block["type"] == "tool_use":
                yield {**block, "input": dict(calls[block["id"]].given or {})}
            else:
                yield block


def after(answer: Answer, event: Mapping[str, Any]) -> Answer:
    """Return the answer after one more event of the stream; unknown events change nothing."""
    match event:
        case {"type": "message_start", "message": {"id": str(name), "usage": usage}}:
            return replace(answer, id=name, usage=usage)
        case {"type": "content_block_start", "content_block": {"type": str()} as block}:
            return replace(answer, content=(*answer.content, dict(block)))
        case {"type": "content_block_delta", "index": int(index), "delta": delta} if index < len(answer.content):
            return _grown(answer, index, delta)
        case {"type": "message_delta", "delta": {"stop_reason": str(reason)}}:
            told = {name: value for name, value in (event.get("usage") or {}).items() if value is not None}
            return replace(answer, stop_reason=reason, usage={**(answer.usage or {}), **told})
        case _:
            return answer


def _grown(answer: Answer, index: int, delta: Mapping[str, Any]) -> Answer:
    match delta:
        case {"type": "input_json_delta", "partial_json": str(piece)}:
            so_far = answer.partial or {}
            return replace(answer, partial={**so_far, index: so_far.get(index, "") + piece})
        case {"type": "text_delta", "text": str(piece)}:
            grown = {"text": answer.content[index]["text"] + clean(piece)}
        case {"type": "thinking_delta", "thinking": str(piece)}:
            grown = {"thinking": answer.content[index]["thinking"] + piece}
        case {"type": "signature_delta", "signature": str(signature)}:
            grown = {"signature": signature}
        case _:
            return answer
    block = {**answer.content[index], **grown}
    return replace(answer, content=(*answer.content[:index], block, *answer.content[index + 1 :]))


def clean(value: Any) -> Any:
    """Return a JSON value whose texts can be encoded: models do write halves of surrogate pairs."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case list():
            return [clean(item) for item in value]
        case dict():
            return {clean(name): clean(item) for name, item in value.items()}
        case _:
            return value


def _object(text: str) -> dict[str, object] | None:
    try:
        document = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return None
    return clean(document) if isinstance(document, dict) else None
