"""The job's summary page: one row per task with its cost, and why the session ended."""

from collections.abc import Callable

from autorun.core.report.journal import Entry, Happening
from autorun.core.report.summary import job_summary


class Summary:
    """Collects a session's entries and writes the page once, when the session ends."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._entries: list[Entry] = []

    def tell(self, entry: Entry) -> None:
        """Keep what belongs on the page; write it at the end."""
        if entry.what in {Happening.TASK_ENDED, Happening.TASK_SKIPPED, Happening.WARNING}:
            self._entries.append(entry)
        elif entry.what is Happening.SESSION_ENDED:
            self._write(job_summary(tuple(self._entries), entry))
