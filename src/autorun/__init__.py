"""Autorun: a labelled backlog in the evening, pull requests worth reviewing in the morning."""

from typing import Any

__version__ = "0.1.0"
__all__ = ["AutonomousRunner", "RunnerConfig", "__version__"]


def __getattr__(name: str) -> Any:
    """Load the Python API when it is asked for, so that the command line starts without it."""
    if name in {"AutonomousRunner", "RunnerConfig"}:
        from autorun import runner  # noqa: PLC0415  see above

        return getattr(runner, name)
    raise AttributeError(f"module 'autorun' has no attribute {name!r}")
