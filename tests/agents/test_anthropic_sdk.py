"""The agent that is our own loop does what every agent does: the real package against a scripted service."""

import pytest

from kit.agent_conformance import AgentConformance, Hire
from kit.anthropic_sdk import hired


class TestAnthropicSdk(AgentConformance):
    """The conformance suite over the loop, without a sandbox."""

    @pytest.fixture
    def hire(self) -> Hire:
        """Hire the loop."""
        return hired
