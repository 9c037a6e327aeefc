"""Progress on GitHub Actions: one foldable group per task, and an annotation for each that needs a human."""

from autorun.core.model import TaskState
from autorun.core.report.journal import Entry, Happening
from autorun.core.report.progress import ended, plain
from autorun.effects import actions


class GroupedLines:
    """One foldable group per task, and one annotation for each that needs a human."""

    def tell(self, entry: Entry) -> None:
        """Print one entry."""
        if entry.what is Happening.TASK_STARTED:
            actions.group(entry.text)
        elif entry.what is Happening.TASK_ENDED and entry.outcome is not None:
            actions.line(ended(entry, entry.outcome))
            actions.end_group()
            if entry.outcome.state is not TaskState.IN_REVIEW:
                level = "error" if entry.outcome.state is TaskState.FAILED else "warning"
                actions.annotate(level, ended(entry, entry.outcome), title=f"{entry.task}: {entry.title}")
        elif entry.what is Happening.WARNING:
            actions.annotate("warning", entry.text)
        else:
            actions.line(plain(entry))
