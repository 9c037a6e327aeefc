"""Progress on a terminal: finished tasks as lines, the running one as a line that moves."""

from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from autorun.core.model import TaskState
from autorun.core.report.journal import Entry, Happening
from autorun.core.report.progress import ended, plain, spent
from autorun.core.text.loglines import inert, one_line

_SIGNS = {
    TaskState.IN_REVIEW: ("✓", "green"),
    TaskState.DONE: ("✓", "green"),
    TaskState.BLOCKED: ("?", "yellow"),
    TaskState.PAUSED: ("‖", "yellow"),
    TaskState.FAILED: ("✗", "red"),
    TaskState.TODO: ("↻", "yellow"),
    TaskState.CANCELLED: ("-", "dim"),
}


class LiveLine:
    """Finished tasks as lines, the running one as a line that moves."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False, emoji=False)
        self._status: Status | None = None

    def tell(self, entry: Entry) -> None:
        """Show one entry."""
        match entry.what:
            case Happening.TASK_STARTED | Happening.ACTIVITY | Happening.STEP:
                self._move(entry)
            case Happening.ASKING:
                self._end_line()
            case Happening.TASK_ENDED if entry.outcome is not None:
                self._end_line()
                sign, style = _SIGNS.get(entry.outcome.state, ("·", "dim"))
                self._console.print(
                    f"[{style}]{sign}[/] {escape(inert(ended(entry, entry.outcome)))}", soft_wrap=True
                )
            case _:
                self._console.print(escape(inert(plain(entry))), soft_wrap=True)
        if entry.what is Happening.SESSION_ENDED:
            self._end_line()

    def _move(self, entry: Entry) -> None:
        step = f"{entry.task}: {entry.step}: " if entry.step else ""
        what = one_line(f"{step}{entry.text}", max(40, self._console.width - 30))
        line = f"{escape(what)} [dim]{escape(spent(entry.usage))}[/]"
        if self._status is None:
            self._status = self._console.status(line)
            self._status.start()
        else:
            self._status.update(line)

    def _end_line(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
