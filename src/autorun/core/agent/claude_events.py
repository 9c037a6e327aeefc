"""The claude CLI's stream-json lines, read into the events of a transcript; whatever is unknown is skipped."""

import json
import math
from datetime import UTC, datetime
from typing import Any

from autorun.core.agent import statement
from autorun.core.agent.transcript import (
    Called,
    Consumed,
    Ended,
    Event,
    Failed,
    Retrying,
    Returned,
    Said,
    Started,
    WindowSpent,
)
from autorun.core.model import Usage
from autorun.core.money.pricing import Tokens

STATING_TOOL = "StructuredOutput"
_SYNTHETIC = "<synthetic>"
_TELLING = ("file_path", "path", "command", "pattern")
_LONGEST_SUMMARY = 200


def read(line: bytes) -> tuple[Event, ...]:  # noqa: PLR0911  one case per kind of line
    """Return what a line tells; nothing if it is no JSON object or of a kind we do not know."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return ()
    match document:
        case {"type": "stream_event", "event": {"type": str()} as event}:
            return _streamed(event, _text(document.get("api_message_id")))
        case {"type": "assistant", "message": dict() as message}:
            return _assistant(document, message)
        case {"type": "user", "message": {"content": list() as blocks}}:
            return tuple(Returned(call=_text(block.get("tool_use_id"))) for block in _of_type(blocks, "tool_result"))
        case {"type": "result"}:
            return (_result(document),)
        case {"type": "system"}:
            return _system(document)
        case {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected"} as info}:
            return (WindowSpent(resets_at=_moment(info.get("resetsAt"))),)
        case _:
            return ()


def is_transport(line: bytes) -> bool:
    """Tell whether a line only carries a piece of what a later line tells whole."""
    return line.startswith(b'{"type":"stream_event"')


def _system(document: dict[str, Any]) -> tuple[Event, ...]:
    match document.get("subtype"):
        case "init":
            return (Started(session=_text(document.get("session_id")), model=_text(document.get("model"))),)
        case "api_retry":
            delay = _number(document.get("retry_delay_ms")) / 1000
            status = _status(document.get("error_status"))
            return (Retrying(seconds=delay, status=status, kind=_text(document.get("error"))),)
        case _:
            return ()


def _streamed(event: dict[str, Any], message: str) -> tuple[Event, ...]:
    match event:
        case {"type": "message_start", "message": {"id": str(name), "usage": usage}}:
            return (Consumed(message=name, tokens=_tokens(usage)),)
        case {"type": "message_delta", "usage": usage} if message:
            return (Consumed(message=message, tokens=_tokens(usage), answered=True, whole=True),)
        case _:
            return ()


def _assistant(document: dict[str, Any], message: dict[str, Any]) -> tuple[Event, ...]:
    content = message.get("content")
    blocks = content if isinstance(content, list) else []
    said = [_text(block.get("text")) for block in _of_type(blocks, "text")]
    if document.get("error") or message.get("model") == _SYNTHETIC:
        kind = _text(document.get("error")) or "unknown"
        params = document.get("api_error_params")
        if isinstance(params, dict) and params.get("cut") == "context_window":
            kind = "context_window"
        return (Failed(kind=kind, text=" ".join(said), status=_status(document.get("api_error_status"))),)
    calls = [
        Called(
            call=_text(block.get("id")),
            text=summary(_text(block.get("name")), block.get("input")),
            states=block.get("name") == STATING_TOOL,
        )
        for block in _of_type(blocks, "tool_use")
    ]
    consumed = Consumed(message=_text(message.get("id")), tokens=_tokens(message.get("usage")), answered=True)
    return (consumed, *(Said(text=text) for text in said if text.strip()), *calls)


def _result(document: dict[str, Any]) -> Ended:
    errors = document.get("errors")
    listed = [_text(error) for error in errors] if isinstance(errors, list) else []
    denials = document.get("permission_denials")
    stated = None
    misstated = ""
    if document.get("structured_output") is not None:
        try:
            stated = statement.parse(document["structured_output"])
        except ValueError as error:
            misstated = str(error)
    return Ended(
        failed=document.get("is_error") is not False,
        why=_text(document.get("terminal_reason")),
        kind=_text(document.get("api_error")),
        status=_status(document.get("api_error_status")),
        stop_reason=_text(document.get("stop_reason")),
        text=_text(document.get("result")) or "; ".join(listed),
        turns=int(_number(document.get("num_turns"))),
        statement=stated,
        misstated=misstated,
        denials=tuple(
            summary(_text(denial.get("tool_name")), denial.get("tool_input"))
            for denial in (denials if isinstance(denials, list) else [])
            if isinstance(denial, dict)
        ),
        usage=_billed(document.get("model_usage_since_last_result")),
    )


def _billed(models: Any) -> Usage | None:
    if not isinstance(models, dict):
        return None
    total = Usage()
    for figures in models.values():
        if isinstance(figures, dict):
            total += Usage(
                input_tokens=int(_number(figures.get("inputTokens"))),
                output_tokens=int(_number(figures.get("outputTokens"))),
                cache_read_tokens=int(_number(figures.get("cacheReadInputTokens"))),
                cache_write_tokens=int(_number(figures.get("cacheCreationInputTokens"))),
                cost_usd=_number(figures.get("costUSD")),
            )
    return total


def summary(tool: str, given: Any) -> str:
    """Return a tool call as one short line: its name and the argument that tells most."""
    known = given if isinstance(given, dict) else {}
    telling = next((known[name] for name in _TELLING if isinstance(known.get(name), str)), "")
    line = " ".join(_text(telling).split())
    return f"{tool}: {line}"[:_LONGEST_SUMMARY] if line else tool


def _tokens(usage: Any) -> Tokens:
    known = usage if isinstance(usage, dict) else {}
    split = known.get("cache_creation")
    hour = _number(split.get("ephemeral_1h_input_tokens")) if isinstance(split, dict) else 0
    written = _number(known.get("cache_creation_input_tokens"))
    return Tokens(
        input=int(_number(known.get("input_tokens"))),
        output=int(_number(known.get("output_tokens"))),
        cache_read=int(_number(known.get("cache_read_input_tokens"))),
        cache_write_5m=int(max(0, written - hour)),
        cache_write_1h=int(hour),
    )


def _of_type(blocks: list[Any], kind: str) -> list[dict[str, Any]]:
    return [block for block in blocks if isinstance(block, dict) and block.get("type") == kind]


def _text(value: Any) -> str:
    """Return a string that can be encoded: models do write halves of surrogate pairs."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _number(value: Any) -> float:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return value if usable else 0


def _status(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(_number(value), UTC) if value else None
    except (ValueError, OverflowError, OSError):
        return None
