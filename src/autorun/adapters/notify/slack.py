"""Progress in a Slack channel, by an incoming webhook: beside the work, never in its way."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Self

from autorun.core.config import Progress
from autorun.core.errors import AutorunError
from autorun.core.model import StopReason
from autorun.core.report import slack_blocks
from autorun.core.report.journal import Entry, Happening
from autorun.core.report.slack_blocks import Message, Style
from autorun.effects.http import JsonDoor

_OK, _REFUSED, _TOO_MANY, _SERVER_ERROR = 200, 400, 429, 500
_MOST_WAITING = 50
_LAST_WORDS = 3  # messages that still fit into the time of the flush
_PROGRESS = frozenset({Happening.TASK_STARTED, Happening.STEP, Happening.ACTIVITY})


class Slack:
    """Tells a channel of a session; a thread of its own does the sending.

    At most one message every `pace` seconds. `interval` is the time between updates while a task is worked, None for
    none. Once the session has ended, the rest is sent within `flush` seconds or not at all. What stays undelivered is
    said once, to `warn`. The webhook is named nowhere.
    """

    def __init__(
        self,
        webhook: str,
        *,
        style: Style,
        interval: float | None = 300.0,
        on_complete: bool = True,
        on_blocked: bool = True,
        warn: Callable[[str], object] = lambda _: None,
        pace: float = 1.0,
        flush: float = 5.0,
    ) -> None:
        self._door = JsonDoor(webhook, name="Slack", timeout=5.0, patience=60.0, stop=self._late)
        self._style = style
        self._interval = interval
        self._on_complete = on_complete
        self._on_blocked = on_blocked
        self._warn = warn
        self._pace = pace
        self._flush = flush
        self._waiting: deque[Message] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._planned = ""
        self._begun = False
        self._ended: list[Entry] = []
        self._last: Entry | None = None
        self._unsent = 0
        self._trouble = ""
        self._refused = False
        self._closing_at: float | None = None

    @classmethod
    def configured(cls, options: Progress, style: Style, *, warn: Callable[[str], object]) -> Self:
        """Return a notifier for the configured webhook."""
        return cls(
            options.slack_webhook or "",
            style=style,
            interval=options.notification_interval,
            on_complete=options.notify_on_complete,
            on_blocked=options.notify_on_blocked,
            warn=warn,
        )

    def tell(self, entry: Entry) -> None:
        """Take note of one entry; only the last one of a session waits for Slack, and not for long."""
        with self._changed:
            self._note(entry)
            self._changed.notify()
        if entry.what is Happening.SESSION_ENDED and self._thread is not None:
            self._thread.join(self._flush + 0.1)
            trouble = self._trouble or ("it does not answer in time" if self._thread.is_alive() else "")
            if trouble:
                self._warn(f"Slack was not told everything: {trouble}")

    def _note(self, entry: Entry) -> None:
        match entry.what:
            case Happening.PLANNED:
                self._planned = entry.text
            case Happening.SESSION_STARTED:
                self._begun = True
                self._put(slack_blocks.started(entry, self._planned, self._style))
            case Happening.SESSION_ENDED:
                self._close(entry)
            case Happening.TASK_ENDED:
                self._ended.append(entry)
                self._last = None
            case what if what in _PROGRESS and entry.task is not None:
                self._last = entry
        told = slack_blocks.told(entry, self._style, on_complete=self._on_complete, on_blocked=self._on_blocked)
        if told is not None:
            self._put(told)

    def _put(self, message: Message) -> None:
        self._waiting.append(message)
        self._drop_beyond(_MOST_WAITING)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="slack", daemon=True)
            self._thread.start()

    def _drop_beyond(self, most: int) -> None:
        while len(self._waiting) > most:
            self._waiting.popleft()
            self._unsent += 1

    def _close(self, entry: Entry) -> None:
        """End with one message, unless nothing was to be told at all."""
        self._closing_at = time.monotonic() + self._flush
        if self._begun or entry.step == "error":
            self._drop_beyond(_LAST_WORDS)
            self._put(slack_blocks.session_ended(entry, self._ended, self._style, unsent=self._unsent))

    # ------------ the sending thread

    def _run(self) -> None:
        due = time.monotonic() + (self._interval or 0)
        while not self._over():
            message, due = self._next(due)
            if message is not None and not self._refused:
                begun = time.monotonic()
                self._send(message)
                with self._changed:  # an end of the session cuts the pause short
                    self._changed.wait_for(self._hurried, max(0.0, begun + self._pace - time.monotonic()))

    def _next(self, due: float) -> tuple[Message | None, float]:
        """Wait for something to tell, or until an update is due."""
        with self._changed:
            timeout = None if self._interval is None else max(0.0, due - time.monotonic())
            self._changed.wait_for(lambda: bool(self._waiting) or self._closing_at is not None, timeout)
            if self._waiting:
                return self._waiting.popleft(), due
            if self._interval is not None and time.monotonic() >= due:
                at_work = self._last is not None and self._closing_at is None
                message = (
                    slack_blocks.update(self._last, self._ended, self._style) if at_work and self._last else None
                )
                return message, time.monotonic() + self._interval
        return None, due

    def _send(self, message: Message) -> None:
        try:
            reply = self._door.post(message)
        except AutorunError as error:
            self._trouble = str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it costs a message and nothing else
            self._trouble = type(error).__name__
        else:
            if reply.status != _OK:
                self._trouble = f"it answers with status {reply.status}"
                self._refused = _REFUSED <= reply.status < _SERVER_ERROR and reply.status != _TOO_MANY
            return
        self._unsent += 1

    def _over(self) -> bool:
        with self._changed:
            return self._closing_at is not None and (not self._waiting or time.monotonic() > self._closing_at)

    def _hurried(self) -> bool:
        return self._closing_at is not None and len(self._waiting) * self._pace > self._closing_at - time.monotonic()

    def _late(self) -> StopReason | None:
        closing_at = self._closing_at
        return StopReason.DEADLINE if closing_at is not None and time.monotonic() > closing_at else None
