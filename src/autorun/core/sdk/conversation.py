"""A conversation with the model: linear, append-only, and legal whenever it is sent, wherever it broke off."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from autorun.core.errors import ResumeRefused
from autorun.core.sdk.answer import Answer, Block

REPORT = "report_outcome"
_VERSION = 1
_INTERRUPTED = "The work was interrupted before this call was run, or while it ran. Look before you repeat it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as the service knows it: `user` or `assistant`."""

    role: str
    content: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What came of one tool call."""

    call: str
    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """All that was said, for one model and one system text. Two messages of one role never follow each other."""

    model: str
    system: str
    messages: tuple[Message, ...] = ()

    def told(self, *texts: str) -> Message:
        """Return the user's next message: results for calls that have none, then the texts.

        A text whose work was broken off, by an outage say, is not repeated: the work just goes on.
        """
        waiting = self._waiting
        results = [_result(ToolResult(call=call, text=_INTERRUPTED, failed=True)) for call in self.dangling]
        new = [{"type": "text", "text": text} for text in texts if text not in waiting]
        return Message(role="user", content=(*results, *new))

    def returned(self, results: Iterable[ToolResult], note: str = "") -> Message:
        """Return the user's next message with the results of the last answer's calls, in the calls' order."""
        known = {result.call: result for result in results}
        blank = {call: ToolResult(call=call, text=_INTERRUPTED, failed=True) for call in self.dangling}
        blocks = [_result(known.get(call, blank[call])) for call in self.dangling]
        return Message(role="user", content=(*blocks, *([{"type": "text", "text": note}] if note else [])))

    @property
    def dangling(self) -> tuple[str, ...]:
        """The ids of the calls in the last message that have no result."""
        return tuple(block["id"] for block in self._last("assistant") if block["type"] == "tool_use")

    @property
    def _waiting(self) -> set[str]:
        """What was told since the last report, if it is the model's turn to answer."""
        found: set[str] = set()
        for message in reversed(self.messages if self._last("user") else ()):
            if any(block.get("name") == REPORT for block in message.content):
                break
            if message.role == "user":
                found |= {block["text"] for block in message.content if block["type"] == "text"}
        return found

    def _last(self, role: str) -> tuple[Block, ...]:
        last = self.messages[-1:]
        return last[0].content if last and last[0].role == role else ()

    def __add__(self, message: Message) -> "Conversation":
        if not message.content:
            return self
        *earlier, last = (*self.messages, message)
        if earlier and earlier[-1].role == last.role:
            last = Message(role=last.role, content=(*earlier.pop().content, *last.content))
        return replace(self, messages=(*earlier, last))

    @property
    def document(self) -> list[dict[str, Any]]:
        """The messages as they are sent."""
        return [{"role": message.role, "content": list(message.content)} for message in self.messages]


def said(answer: Answer) -> Message:
    """Return an answer as a message, without what must not be sent back."""
    return Message(role="assistant", content=answer.kept)


def _result(result: ToolResult) -> dict[str, Any]:
    text = result.text.replace("\0", "\ufffd") or "(no output)"
    block = {"type": "tool_result", "tool_use_id": result.call, "content": text}
    return {**block, "is_error": True} if result.failed else block


# ------------ on disk: a line that describes the conversation, then a line per message


def head_line(conversation: Conversation) -> str:
    """Return the first line of a conversation's file."""
    return json.dumps({"v": _VERSION, "model": conversation.model, "system": conversation.system}) + "\n"


def line(message: Message) -> str:
    """Return a message as a line."""
    return json.dumps({"role": message.role, "content": list(message.content)}) + "\n"


def restored(text: str) -> Conversation:
    """Read a conversation's file; a last line that a kill left unfinished is dropped. Raises ResumeRefused."""
    first, *rest = text.split("\n")[:-1] or [""]
    match _document(first):
        case {"v": 1, "model": str(model), "system": str(system)}:
            conversation = Conversation(model=model, system=system)
        case _:
            raise ResumeRefused("the saved conversation has no readable beginning")
    for number, row in enumerate(rest, start=2):
        match _document(row):
            case {"role": "user" | "assistant" as role, "content": list(blocks)} if all(map(_is_block, blocks)):
                conversation += Message(role=role, content=tuple(blocks))
            case _:
                raise ResumeRefused(f"line {number} of the saved conversation is no message")
    return conversation


def _is_block(block: object) -> bool:
    match block:
        case {"type": "tool_use", "id": str(), "name": str(), "input": dict()}:
            return True
        case {"type": "text", "text": str()} | {"type": "tool_result", "tool_use_id": str()}:
            return True
        case {"type": "thinking" | "redacted_thinking"}:
            return True
        case _:
            return False


def _document(text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
