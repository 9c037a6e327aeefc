"""One run of the claude CLI: its lines into the transcript, its limits watched, its end made sure of."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from autorun.core.agent.claude_events import is_transport, read
from autorun.core.agent.endings import (
    End,
    Exit,
    context_high,
    out_of_money,
    out_of_time,
    overfed,
    refused,
    service_failed,
    silent,
    stopped,
)
from autorun.core.agent.transcript import Transcript, activity, fold
from autorun.core.model import Activity, Guard, Limits, Metered, ModelAccess, Stop, Usage, Watch
from autorun.effects import files
from autorun.effects.child import Child

TOOL_SECONDS = 600.0  # the longest a tool of the CLI may run: no sign of life is due meanwhile
_TICK_SECONDS = 0.1
_REFUSALS = (401, 403)

Meter = Callable[[], Metered]


class _Rung(Enum):
    INTERRUPT = "interrupt"
    HANG_UP = "hang up"
    TERM = "terminate"
    KILL = "kill"


# Seconds after the decision. SIGKILL reaches no tool call, so SIGTERM always has its time before it.
_AT_ONCE = ((0.0, _Rung.INTERRUPT), (1.2, _Rung.TERM), (2.5, _Rung.KILL))
_IN_ORDER = ((0.0, _Rung.INTERRUPT), (5.0, _Rung.HANG_UP), (10.0, _Rung.TERM), (13.0, _Rung.KILL))
_KILLED = ((0.0, _Rung.KILL),)
_AFTER_RESULT = ((0.0, _Rung.HANG_UP), (10.0, _Rung.TERM), (13.0, _Rung.KILL))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One run of the CLI that has ended; `cut` is why we ended it, if we did."""

    transcript: Transcript
    cut: End | None
    exited: Exit


def metered(meter: Meter | None, transcript: Transcript) -> Metered:
    """Read the meter; without one, the backend's own figures count."""
    return meter() if meter else Metered(usage=transcript.usage)


class Run:
    """Feeds the prompt, folds what comes back, and ends the CLI when it must end. Used once."""

    def __init__(
        self, *, limits: Limits, access: ModelAccess, log: Path, stop: Stop, watch: Watch, guard: Guard | None
    ) -> None:
        self._limits = limits
        self._guard = guard
        self._meter = access.meter
        self._log = log
        self._stop = stop
        self._watch = watch
        self._transcript = Transcript()
        self._cut: End | None = None
        self._rungs: tuple[tuple[float, _Rung], ...] = ()
        self._decided = 0.0
        self._begun = self._alive = time.monotonic()

    def through(self, child: Child, line: bytes) -> Ran:
        """Send the prompt's line and stay until the CLI has ended."""
        self._note([line])
        child.send(line)
        while child.alive:
            lines = child.read(_TICK_SECONDS)
            now = time.monotonic()
            if lines:
                self._alive = now
                self._note([line for line in lines if not is_transport(line)])
                for heard in lines:
                    self._hear(heard)
            self._decide(now, child)
            self._climb(child, now)
        exited = Exit(status=child.status, stderr=child.stderr)
        return Ran(transcript=self._transcript, cut=self._cut, exited=exited)

    def _hear(self, line: bytes) -> None:
        events = read(line)
        self._transcript = fold(self._transcript, events)
        for event in events:
            if seen := activity(event):
                kind, text = seen
                with suppress(Exception):  # whoever watches may fail freely
                    self._watch(Activity(kind=kind, text=text, usage=self._metered().usage))

    def _note(self, lines: list[bytes]) -> None:
        with suppress(OSError):  # a full disk must not end work that is paid for
            files.append(self._log, b"".join(line + b"\n" for line in lines))

    def _metered(self) -> Metered:
        return metered(self._meter, self._transcript)

    def _decide(self, now: float, child: Child) -> None:
        if child.running and self._guard and (alarm := self._guard(child.pid)):
            self._begin(_KILLED, now, overfed(alarm))
        elif (reason := self._stop()) is not None and self._rungs[-1:] != _AT_ONCE[-1:]:
            self._begin(_AT_ONCE, now, stopped(reason))
        elif self._transcript.end is not None and not self._rungs:
            self._begin(_AFTER_RESULT, now, None)
        elif not self._rungs and (cut := self._overrun(now)):
            self._begin(_IN_ORDER, now, cut)

    def _begin(self, rungs: tuple[tuple[float, _Rung], ...], now: float, cut: End | None) -> None:
        self._cut = self._cut or (cut if self._transcript.end is None else None)
        self._rungs = rungs
        self._decided = now

    def _overrun(self, now: float) -> End | None:
        """Return why the run must end now, if it must."""
        retrying = self._transcript.retrying
        patience = self._limits.silent_seconds + (TOOL_SECONDS if self._transcript.open_calls else 0.0)
        if now - self._begun > self._limits.seconds:
            return out_of_time(self._limits)
        if now - self._alive > patience:
            return silent(self._limits)
        if retrying is not None and retrying.status in _REFUSALS:
            return service_failed(retrying.status, retrying.kind, retrying.kind)
        reading = self._metered()
        if reading.ending is not None or self._transcript.stating:
            return refused(reading)  # one that is just saying how it went may say it
        return self._overspent(reading.usage)

    def _overspent(self, usage: Usage) -> End | None:
        limits = self._limits
        if limits.cost_usd is not None and usage.cost_usd >= limits.cost_usd:
            return out_of_money(usage.cost_usd)
        full = limits.context_tokens is not None and usage.context_tokens >= limits.context_tokens
        if full and self._transcript.whole:  # until then nobody knows whether it is the statement
            return context_high(usage.context_tokens)
        return None

    def _climb(self, child: Child, now: float) -> None:
        if self._transcript.end is not None:
            child.hang_up()
        while self._rungs and now - self._decided >= self._rungs[0][0]:
            if len(self._rungs) == 1:
                child.kill()
                return
            (_, rung), *rest = self._rungs  # the last one stays: it is tried until the child has ended
            self._rungs = tuple(rest)
            match rung:
                case _Rung.INTERRUPT:
                    child.send(_INTERRUPT)
                case _Rung.HANG_UP:
                    child.hang_up()
                case _:
                    child.terminate()


_INTERRUPT = json.dumps(
    {"type": "control_request", "request_id": "end", "request": {"subtype": "interrupt"}}
).encode()
