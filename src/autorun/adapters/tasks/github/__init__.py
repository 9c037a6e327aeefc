"""The GitHub provider: issues with the queue label are tasks; labels and one comment show what became of them."""

from autorun.adapters.tasks.github.tasks import GitHubTasks

__all__ = ["GitHubTasks"]
