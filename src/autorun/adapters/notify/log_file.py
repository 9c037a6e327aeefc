"""The log file: every session's lines, kept to a bounded size."""

from pathlib import Path

from autorun.core.report.journal import Entry
from autorun.core.report.progress import told
from autorun.core.text.loglines import inert
from autorun.effects import files

_ROTATE_BYTES = 5 * 1024 * 1024


class LogFile:
    """Appends a stamped line per happening; over 5 MiB the file becomes `<name>.1` and a new one begins."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _ROTATE_BYTES:
            path.replace(path.with_name(f"{path.name}.1"))
        self._path = path

    def tell(self, entry: Entry) -> None:
        """Append one entry."""
        stamp = f"{entry.at:%Y-%m-%d %H:%M:%S}Z "
        files.append(self._path, "".join(f"{stamp}{line}\n" for line in inert(told(entry)).splitlines()))
