"""The door for small JSON requests: it waits and tries again within its patience, and keeps secrets out of errors."""

import json
import random
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import requests
import urllib3

from autorun.core.errors import Interrupted, ProviderError
from autorun.core.model import Stop, StopReason
from autorun.effects import host
from autorun.effects.last_moment import CutShort, LastMoment

_TOO_MANY, _SERVER_ERROR = 429, 500
_MOST_BYTES = 32 * 1024 * 1024
_PIECE = 64 * 1024
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a server answered; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON, None if it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


# Tells for how many seconds a reply asks us to wait before we try again: 0 leaves it to us, None: it is final.
Pause = Callable[[Reply], float | None]


def busy(reply: Reply) -> float | None:
    """Try again when the server is overloaded or broken, after the time it names."""
    if reply.status != _TOO_MANY and reply.status < _SERVER_ERROR:
        return None
    return retry_after(reply)


def retry_after(reply: Reply) -> float:
    """Return the seconds its Retry-After header names (a number or a date), 0 if there is none."""
    named = reply.headers.get("retry-after", "")
    with suppress(ValueError):
        return max(0.0, float(named))
    with suppress(ValueError):
        return max(0.0, (parsedate_to_datetime(named).astimezone(UTC) - datetime.now(UTC)).total_seconds())
    return 0.0


class JsonDoor:
    """Posts JSON to one address. `name` is what errors call it: neither address nor headers are ever told.

    One try lasts up to `timeout` seconds, all of them and the waits between up to `patience`. A reason of `stop` ends
    a wait; a signal leaves a try 3 s, too.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str,
        headers: Mapping[str, str] | None = None,
        timeout: float = 15.0,
        patience: float = 60.0,
        stop: Stop = lambda: None,
    ) -> None:
        self._url = url
        self._name = name
        self._timeout = timeout
        self._patience = patience
        self._stop = stop
        self._last_moment = LastMoment(stop)
        self._session = requests.Session()
        self._session.headers.update(headers or {})
        self._session.auth = _as_it_is

    def post(self, payload: Any, *, pause: Pause = busy) -> Reply:
        """Post and return the reply, the last one if no other came in time. Raises ProviderError, Interrupted."""
        deadline = time.monotonic() + self._patience
        backoff = _FIRST_PAUSE
        while True:
            seconds = max(0.1, min(self._timeout, deadline - time.monotonic()))
            try:
                reply, failure = self._last_moment.wait_for(partial(self._try, payload, seconds))
            except CutShort:
                raise self._interrupted() from None
            wanted = pause(reply) if reply is not None else 0.0
            if reply is not None and wanted is None:
                return reply
            seconds = wanted or backoff * random.uniform(0.5, 1.0)  # noqa: S311 - spreads clients, guards nothing
            if time.monotonic() + seconds >= deadline:
                if reply is not None:
                    return reply
                raise ProviderError(
                    f"{self._name} cannot be reached: {failure}", hint="run again once the connection is back"
                )
            self._wait(seconds)
            backoff = min(2 * backoff, _LONGEST_PAUSE)

    def _wait(self, seconds: float) -> None:
        host.wait(seconds, self._stop)
        if self._stop():
            raise self._interrupted()

    def _interrupted(self) -> Interrupted:
        number = signal.SIGTERM if self._stop() is StopReason.SIGTERM else signal.SIGINT
        return Interrupted(f"Waiting for {self._name} was interrupted.", signal_number=number)

    def _try(self, payload: Any, seconds: float) -> tuple[Reply | None, str]:
        """Try once; instead of a reply return what went wrong, in words that hold no address."""
        until = time.monotonic() + seconds
        try:
            with self._session.post(
                self._url, json=payload, timeout=seconds, stream=True, allow_redirects=False
            ) as response:
                body = _whole(response, until)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Reply(status=response.status_code, headers=headers, body=body), ""
        except requests.exceptions.SSLError:
            return None, "its certificate is not accepted"
        except requests.exceptions.ProxyError:
            return None, "the proxy refuses the connection"
        except (requests.RequestException, urllib3.exceptions.HTTPError, TimeoutError) as error:
            if isinstance(error, (requests.Timeout, TimeoutError)) or time.monotonic() >= until:
                return None, f"no whole answer within {seconds:.3g} seconds"
            if isinstance(error, (requests.ConnectionError, urllib3.exceptions.ProtocolError)):
                return None, "the connection failed"
            return None, f"the request failed ({type(error).__name__})"


def _whole(response: requests.Response, until: float) -> bytes:
    """Read the body as it comes: a server that dribbles gets no more time than any other."""
    body = bytearray()
    while piece := response.raw.read1(_PIECE, decode_content=True):
        body += piece
        if len(body) > _MOST_BYTES or time.monotonic() > until:
            raise TimeoutError
    return bytes(body)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave the headers alone: without this, a `.netrc` of the machine would replace our credential."""
    return request
