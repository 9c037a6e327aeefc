"""Tasks that live in Linear."""

from autorun.adapters.tasks.linear.tasks import LinearTasks

__all__ = ["LinearTasks"]
