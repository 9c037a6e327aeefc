"""What is sent to the model: tools and system text that never change within a session, then the conversation."""

from typing import Any, Final

from autorun.core.agent.statement import SCHEMA
from autorun.core.money.catalogue import undated
from autorun.core.sdk.conversation import REPORT, Conversation

BASH: Final = "bash"
EDITOR: Final = "str_replace_based_edit_tool"
OUTPUT_CHARACTERS: Final = 30_000
_TOOL_MINUTES: Final = 10
TOOL_SECONDS: Final = _TOOL_MINUTES * 60.0

# Static: whatever changes from task to task stands after it, or no two tasks could share the cached beginning.
SYSTEM = f"""\
You are a software engineer. You work through three tools.
- {BASH} runs a command in a fresh bash, without input and without a terminal. The current folder and exported
  variables carry over to the next call, and so do files in the working folder; nothing else does. Whatever you leave
  running is killed when the command ends, a command itself after {_TOOL_MINUTES} minutes. Of much output you see the
  beginning and the end.
- {EDITOR} views and edits text files of the working folder.
- {REPORT} ends your work. Call it once, alone, when you are done or cannot go on.
Independent calls belong into one turn.
"""

TOOLS: Final[tuple[dict[str, Any], ...]] = (
    {"type": "bash_20250124", "name": BASH},
    {"type": "text_editor_20250728", "name": EDITOR, "max_characters": OUTPUT_CHARACTERS},
    {
        "name": REPORT,
        "description": "Report how the task ended. This is the structured output you were told to use.",
        "input_schema": SCHEMA,
        "strict": True,
    },
)

_CACHED: Final = {"type": "ephemeral"}
_LONGEST_ANSWER = 32_000
# These know neither adaptive thinking nor effort.
_PLAIN: Final = frozenset({"claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"})


def system_text(orders: str) -> str:
    """Return the system text of a new conversation."""
    return f"{SYSTEM}\n{orders}" if orders else SYSTEM


def located(folder: str) -> str:
    """Return the text that tells a new conversation where it works."""
    return f"Your working folder is {folder}."


def request(conversation: Conversation, *, max_tokens: int | None, effort: str | None) -> dict[str, Any]:
    """Return the parameters of one request: two cached beginnings, the system text's and the conversation's."""
    document: dict[str, Any] = {
        "model": conversation.model,
        "max_tokens": max_tokens or _LONGEST_ANSWER,
        "system": [{"type": "text", "text": conversation.system, "cache_control": _CACHED}],
        "tools": list(TOOLS),
        "messages": conversation.document,
        "cache_control": _CACHED,
    }
    if undated(conversation.model) in _PLAIN:
        return document
    thinking = {"thinking": {"type": "adaptive", "display": "summarized"}}
    return document | thinking | ({"output_config": {"effort": effort}} if effort else {})
