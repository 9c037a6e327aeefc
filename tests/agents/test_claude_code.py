"""The agent that is the claude CLI does what every agent does: the real CLI against a scripted service."""

import os

import pytest
from kit import tools
from kit.agent_conformance import AgentConformance, Hire

from autorun.adapters.agents.claude_code import ClaudeCode
from autorun.adapters.agents.direct_access import DirectAccess
from autorun.ports import Agent


class TestClaudeCode(AgentConformance):
    """The conformance suite over the CLI, without a sandbox."""

    @pytest.fixture
    def hire(self) -> Hire:
        def hired(url: str) -> Agent:
            access = DirectAccess({"ANTHROPIC_API_KEY": "sk-ant-fake", "ANTHROPIC_BASE_URL": url})
            return ClaudeCode(
                tools.claude(),
                access=access,
                confine=lambda command, _: command,
                credential=access.credential,
                model="opus",
                retries=1,
                environ={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8"},
            )

        return hired
