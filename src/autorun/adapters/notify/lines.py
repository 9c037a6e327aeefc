"""Progress as plain lines, for a log file or a pipe."""

from typing import TextIO

from autorun.core.report.journal import Entry
from autorun.core.report.progress import told
from autorun.core.text.loglines import inert


class PlainLines:
    """One line per happening, for a log file or a pipe."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def tell(self, entry: Entry) -> None:
        """Print one entry."""
        self._stream.write(f"{inert(told(entry))}\n")
        self._stream.flush()
