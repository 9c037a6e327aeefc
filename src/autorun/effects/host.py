"""Who we are on this machine, and whether another runner on it still lives."""

import os
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path

from autorun.core.ledger.record import Holder
from autorun.core.model import Stop

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STARTTIME_FIELD = 19  # of /proc/PID/stat, counted behind the command name
_POLL_SECONDS = 0.2


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def nonce() -> str:
    """Fresh random text, 96 bits."""
    return secrets.token_hex(12)


def wait(seconds: float, stop: Stop) -> None:
    """Sleep for `seconds`, or less when `stop` has a reason."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and stop() is None:
        time.sleep(min(left, _POLL_SECONDS))


def boot_id() -> str:
    """This boot of this machine; empty where the kernel does not say."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def started(pid: int) -> int:
    """When a process started, in clock ticks since boot; 0 when there is no such process, or only its remains."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    behind = stat.rpartition(")")[2].split()
    return 0 if behind[0] in "ZX" else int(behind[_STARTTIME_FIELD])


def this_runner(run_id: str = "", run_attempt: int = 0) -> Holder:
    """This process as a holder of claims."""
    pid = os.getpid()
    return Holder(
        nonce=nonce(),
        host=boot_id(),
        pid=pid,
        process_started=started(pid),
        run_id=run_id,
        run_attempt=run_attempt,
    )


def alive(holder: Holder) -> bool | None:
    """Tell whether a holder on this machine lives; None when it is on another machine or boot."""
    if not holder.host or holder.host != boot_id():
        return None
    return started(holder.pid) == holder.process_started != 0


class LocalLiveness:
    """Knows the dead of this machine."""

    def dead(self, holder: Holder) -> bool:
        """Tell whether the holder is a process of this boot that is gone."""
        return alive(holder) is False
