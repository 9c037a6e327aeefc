"""The closed choices of the configuration."""

from enum import StrEnum


class Provider(StrEnum):
    """Where tasks come from."""

    FILE = "file"
    GITHUB = "github"
    LINEAR = "linear"


class Backend(StrEnum):
    """Who does the work."""

    CLAUDE_CODE = "claude-code"
    ANTHROPIC_SDK = "anthropic-sdk"


class Effort(StrEnum):
    """How hard the model thinks."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"
    MAX = "max"


class Mode(StrEnum):
    """Which checkpoints stop a task."""

    AUTONOMOUS = "autonomous"
    INTERACTIVE = "interactive"
    SUPERVISED = "supervised"


class SandboxMode(StrEnum):
    """Whether agent and checks run confined."""

    REQUIRED = "required"
    AUTO = "auto"
    OFF = "off"


class FailOn(StrEnum):
    """Which outcomes make the run itself fail."""

    NEVER = "never"
    FAILED = "failed"
    BLOCKED = "blocked"


class Phase(StrEnum):
    """Which part of the line this job runs."""

    ALL = "all"
    PLAN = "plan"
    EXECUTE = "execute"
    PUBLISH = "publish"
    REPORT = "report"
    COMMAND = "command"
