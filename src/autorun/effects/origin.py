"""Kept connections to one HTTP server, each exchange of which another thread may break off."""

import http.client
import select
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import SplitResult, urlsplit

from autorun.core.errors import ConfigurationError
from autorun.effects.doors import shut

_IDLE_SECONDS = 60.0
_MOST_IDLE = 16
_PIECE = 65536


class NotSent(OSError):
    """The server cannot have seen the request whole: it may not be charged for."""


class BrokenOff(OSError):
    """The server may have seen the request, but there is no whole answer."""


@dataclass(frozen=True, slots=True)
class _Idle:
    connection: http.client.HTTPConnection
    since: float


class Origin:
    """One server, by the base of its URLs. TLS trusts what the system trusts; no redirect is followed.

    Times are in seconds. Raises ConfigurationError for a base that is no http(s) URL.
    """

    def __init__(self, base: str, *, connect_seconds: float = 10.0, read_seconds: float = 600.0) -> None:
        self.url = _parsed(base)
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds
        self._lock = threading.Lock()
        self._idle: list[_Idle] = []

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def exchange(self) -> "Exchange":
        """Prepare one request and its answer; nothing is sent yet."""
        with self._lock:
            while self._idle:
                idle = self._idle.pop()
                if time.monotonic() - idle.since < _IDLE_SECONDS and _quiet(idle.connection):
                    return Exchange(self, idle.connection)
                idle.connection.close()
        return Exchange(self, self._connection())

    def close(self) -> None:
        """Close the kept connections."""
        with self._lock:
            for idle in self._idle:
                idle.connection.close()
            self._idle.clear()

    def open(self, connection: http.client.HTTPConnection) -> None:
        """Connect, if the connection is a new one. Raises OSError."""
        if connection.sock is None:
            connection.connect()
            connection.sock.settimeout(self._read_seconds)  # type: ignore[attr-defined]  # the stubs miss that it is set

    def keep(self, connection: http.client.HTTPConnection) -> None:
        """Take back a connection whose last answer was read whole."""
        with self._lock:
            if len(self._idle) < _MOST_IDLE:
                self._idle.append(_Idle(connection, time.monotonic()))
                return
        connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self.url.hostname or "", self.url.port
        if self.url.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=self._connect_seconds, context=self._trust)
        return http.client.HTTPConnection(host, port, timeout=self._connect_seconds)


class Exchange:
    """One request and its answer. `abort` may come from any thread at any time; the rest belongs to one thread."""

    def __init__(self, origin: Origin, connection: http.client.HTTPConnection) -> None:
        self._origin = origin
        self._connection = connection
        self._answer: http.client.HTTPResponse | None = None
        self._sock: socket.socket | None = None
        self._aborted = False
        self._whole = False

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str]]:
        """Send the request; return status and headers (lower-case names) of the answer. Raises NotSent, BrokenOff."""
        try:
            self._origin.open(self._connection)
            self._sock = self._connection.sock  # the connection forgets it if the answer is its last one
            self._check()
            target = self._origin.url.path.rstrip("/") + path
            self._connection.request(method, target, body=body, headers=dict(headers))
        except (OSError, http.client.HTTPException) as error:
            raise NotSent(_reason(error)) from None
        try:
            self._check()
            self._answer = self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise BrokenOff(_reason(error)) from None
        return self._answer.status, {name.lower(): value for name, value in self._answer.getheaders()}

    def read(self) -> bytes:
        """Return the next piece of the answer's body as soon as there is one; empty at its end. Raises BrokenOff."""
        if self._answer is None:
            return b""
        try:
            piece = self._answer.read1(_PIECE)
        except (OSError, ValueError, AttributeError, http.client.HTTPException) as error:
            raise BrokenOff(_reason(error)) from None
        if not piece:
            if self._answer.length:
                raise BrokenOff("the connection ended before the answer did")
            self._whole = not self._aborted
        return piece

    def abort(self) -> None:
        """Break the exchange off: whoever waits for it gets BrokenOff or NotSent."""
        self._aborted = True
        if self._sock is not None:
            shut(self._sock)

    def close(self) -> None:
        """Give the connection back if it can serve again, else close it."""
        if self._answer is not None:
            self._answer.close()
        if self._whole and self._connection.sock is not None:
            self._origin.keep(self._connection)
        else:
            self._connection.close()

    def _check(self) -> None:
        if self._aborted:
            raise ConnectionAbortedError("broken off")


def _quiet(connection: http.client.HTTPConnection) -> bool:
    """Tell whether the server has neither closed the connection nor said anything unasked."""
    return connection.sock is not None and not select.select([connection.sock], [], [], 0)[0]


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _parsed(base: str) -> SplitResult:
    try:
        url = urlsplit(base)
        usable = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        usable = False
    if not usable or url.query or url.fragment or url.username is not None:
        raise ConfigurationError(
            "the base URL of the model's service is no plain http(s) URL", hint="check ANTHROPIC_BASE_URL"
        )
    return url
