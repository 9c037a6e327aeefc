"""How long a server is waited for once this process was asked to end: whoever sends a signal will not wait longer."""

import concurrent.futures
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from autorun.core.model import Stop, StopReason

_SIGNALS = frozenset({StopReason.SIGINT, StopReason.SIGTERM})
_SECONDS = 3.0
_POLL_SECONDS = 0.1

T = TypeVar("T")


class CutShort(Exception):
    """A server did not answer in the time that a signal leaves; nobody knows whether it did what was asked."""

    def __str__(self) -> str:
        return "there was no answer before this run had to end"


class LastMoment:
    """Leaves a call 3 s from when `stop` tells of a signal; after one that took longer no other is made."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._over = False

    def of_a_call(self) -> Stop:
        """Return what tells when a call that begins now must end. Raises CutShort if it may not begin."""
        if self._over:
            raise CutShort
        signalled: float | None = None

        def ends() -> StopReason | None:
            nonlocal signalled
            reason = self._stop()
            if reason not in _SIGNALS:
                return None
            signalled = signalled or time.monotonic()
            self._over = time.monotonic() - signalled > _SECONDS
            return reason if self._over else None

        return ends

    def wait_for(self, call: Callable[[], T]) -> T:
        """Make a call that cannot be broken off, and leave it behind when it must end. Raises CutShort."""
        ends = self.of_a_call()
        done: Future[T] = Future()
        threading.Thread(target=_make, args=(call, done), daemon=True).start()
        while not concurrent.futures.wait([done], _POLL_SECONDS).done:
            if ends():
                raise CutShort
        return done.result()


def _make(call: Callable[[], T], done: "Future[T]") -> None:
    try:
        done.set_result(call())
    except BaseException as error:  # noqa: BLE001  it belongs to whoever waits
        done.set_exception(error)
