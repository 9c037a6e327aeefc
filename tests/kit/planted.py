"""Repositories whose owner's settings would run programs: each one leaves a trace if it does."""

from pathlib import Path

from kit.repos import add_hook, git

HOOKS = ("post-checkout", "post-index-change", "pre-commit", "reference-transaction", "post-merge", "post-rewrite")


def plant(repository: Path, traces: Path) -> None:
    """Make every hook, filter, monitor and driver of `repository` write a file into `traces`."""
    traces.mkdir()
    for name in HOOKS:
        add_hook(repository / ".git", name, f"touch {traces}/hook-{name}")
    for command in ("clean", "smudge", "process"):
        git(repository, "config", f"filter.planted.{command}", f"sh -c 'touch {traces}/filter-{command}; cat'")
    git(repository, "config", "filter.planted.required", "true")
    git(repository, "config", "core.fsmonitor", f"touch {traces}/fsmonitor; false")
    git(repository, "config", "diff.planted.command", f"touch {traces}/diff; true")
    git(repository, "config", "diff.planted.textconv", f"sh -c 'touch {traces}/textconv; cat'")
    git(repository, "config", "merge.planted.driver", f"touch {traces}/merge; true")


ATTRIBUTES = "* filter=planted diff=planted merge=planted\n"
