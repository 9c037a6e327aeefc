"""The agent that is the claude CLI does what every agent does: the real CLI against a scripted service."""

import pytest

from kit.agent_conformance import AgentConformance, Hire
from kit.claude import hired


class TestClaudeCode(AgentConformance):
    """The conformance suite over the CLI, without a sandbox."""

    @pytest.fixture
    def hire(self) -> Hire:
        """Hire the CLI."""
        return hired
