"""The agent that is our own loop in tests: with a fake key, without a sandbox."""

from typing import Any

from autorun.adapters.agents.anthropic_sdk import AnthropicSdk
from kit.claude import ENVIRON, KEY
from kit.direct_access import DirectAccess


def hired(url: str, *, credential: dict[str, str] | None = None, **options: Any) -> AnthropicSdk:
    """Return an agent whose requests go to `url`; `options` override what the constructor is given."""
    access = DirectAccess({"ANTHROPIC_BASE_URL": url, "HOME": "/nonexistent", **(credential or KEY)})
    given: dict[str, Any] = {
        "access": access,
        "confine": lambda command, _: command,
        "credential": access.credential,
        "model": "opus",
        "environ": ENVIRON,
        "retries": 1,
    }
    return AnthropicSdk(**{**given, **options})
