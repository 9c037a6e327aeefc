"""Tools that tests need: where one is missing, a test is skipped at home and fails under CI."""

import os
from pathlib import Path

import pytest

CLAUDE = Path(__file__).parents[2] / "tools/claude/node_modules/.bin/claude"


def claude() -> Path:
    """Return the pinned claude CLI."""
    if not CLAUDE.exists():
        message = "the claude CLI is not installed: `make test` installs it"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return CLAUDE
