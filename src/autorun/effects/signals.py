"""Signals, a deadline and a file by which others ask this process to end, as one question that is polled."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType

from autorun.core.model import StopReason
from autorun.effects import host

NOW = "now"
AFTER_TASK = "after-task"
# A terminal that is closed ends the run in order, too.
_SIGNALS = {signal.SIGINT: StopReason.SIGINT, signal.SIGTERM: StopReason.SIGTERM, signal.SIGHUP: StopReason.SIGTERM}
_LOOK_EVERY_SECONDS = 0.3
_TOKEN_RESERVE = timedelta(minutes=5)  # to save the work, give the task back and show it


@dataclass(slots=True, kw_only=True)
class Requests:
    """What has been asked of this process. `file` holds NOW or AFTER_TASK.

    `deadline` is a value of `time.monotonic()`; `token_ends` when the run's token expires, if known.
    """

    file: Path
    deadline: float | None = None
    token_ends: Callable[[], datetime | None] = lambda: None
    signalled: StopReason | None = None
    _asked: str = ""
    _asked_here: bool = False
    _looked: float = field(default=0.0)

    def stop(self) -> StopReason | None:
        """Why the work in hand must end now."""
        if self.signalled:
            return self.signalled
        if self.deadline is not None and time.monotonic() > self.deadline:
            return StopReason.DEADLINE
        ends = self.token_ends()
        if ends is not None and host.now() > ends - _TOKEN_RESERVE:
            return StopReason.CREDENTIAL
        return StopReason.ASKED if self._request() == NOW else None

    def closing(self) -> StopReason | None:
        """Why no further task may begin."""
        return self.stop() or (StopReason.ASKED if self._asked_here or self._request() else None)

    def ask_to_close(self) -> None:
        """Ask this very process to begin no further task."""
        self._asked_here = True

    def _request(self) -> str:
        if time.monotonic() - self._looked > _LOOK_EVERY_SECONDS:
            self._looked = time.monotonic()
            try:
                self._asked = self.file.read_text().strip()
            except OSError:
                self._asked = ""
        return self._asked

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if self.signalled is StopReason.SIGINT and number == signal.SIGINT:
            raise KeyboardInterrupt  # asked twice from the keyboard: at once, whatever it costs
        self.signalled = _SIGNALS[signal.Signals(number)]

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Turn SIGINT, SIGTERM and SIGHUP into requests while the block lasts; off the main thread there are none."""
        before = {}
        try:
            for number in _SIGNALS:
                if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` wins
                    before[number] = signal.signal(number, self._on_signal)
        except ValueError:
            before = {}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
