"""The claude CLI as an agent in tests: real, with a fake key, without a sandbox."""

import os
from pathlib import Path
from typing import Any

from autorun.adapters.agents.claude_code import ClaudeCode
from kit import tools
from kit.direct_access import DirectAccess

ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8"}
KEY = {"ANTHROPIC_API_KEY": "sk-ant-fake"}


def hired(
    url: str, *, cli: Path | None = None, credential: dict[str, str] | None = None, **options: Any
) -> ClaudeCode:
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
    return ClaudeCode(cli or tools.claude(), **{**given, **options})
