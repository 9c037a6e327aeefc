"""The opt-in way out of the sandbox: a CONNECT proxy on a unix socket that knows a list of names and nothing else."""

import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from autorun.core.sandbox.domains import PORT, Blocked, Target, allowed_names, asked, is_public, objection
from autorun.effects.dialling import Address, carry, dial, resolve
from autorun.effects.doors import Door, leave, shut

_HEAD_BYTES = 8192
_END = b"\r\n\r\n"
_HEAD_SECONDS = 10.0
_DIAL_SECONDS = 10.0
_IDLE_SECONDS = 600.0
_MOST_BLOCKED = 1000
_PRINTABLE = 100

# Every address of a name.
Resolver = Callable[[str], Sequence[Address]]


class DomainProxy:
    """Lets confined commands reach the listed hosts at port 443, and remembers what else they tried.

    `lookup` resolves names and `exempt` are addresses that need not be public: both are for tests, which have
    nothing but loopback. Raises ConfigurationError for a name that cannot be allowed.
    """

    def __init__(
        self,
        allow: Sequence[str],
        *,
        lookup: Resolver = lambda host: resolve(host, PORT),
        exempt: frozenset[Address] = frozenset(),
    ) -> None:
        self._names = allowed_names(allow)
        self._lookup = lookup
        self._exempt = exempt
        self._lock = threading.Lock()
        self._blocked: list[Blocked] = []
        self._during = ""
        self._far: set[socket.socket] = set()

    @contextmanager
    def opened(self) -> Iterator[Path]:
        """Open the proxy and yield the path of its unix socket. Raises OSError if it cannot be opened."""
        with tempfile.TemporaryDirectory(prefix="autorun-") as folder, Door(self._serve) as door:
            path = Path(folder) / "proxy.sock"
            door.on_path(path)
            try:
                yield path
            finally:
                with self._lock:
                    for far in self._far:
                        shut(far)

    def during(self, doing: str) -> None:
        """Take note of what is being done from now on: attempts are put down to it."""
        with self._lock:
            self._during = doing

    def blocked(self) -> tuple[Blocked, ...]:
        """Return the attempts that were refused, in their order; of very many the first thousand."""
        with self._lock:
            return tuple(self._blocked)

    def _serve(self, near: socket.socket) -> None:
        near.settimeout(_HEAD_SECONDS)
        head, early = _head(near)
        target = asked(head) if head.endswith(_END) else None
        if target is None:
            self._refuse(near, Target(host=_shown(head), port=0), "this is no plain CONNECT request")
        elif why := objection(target, self._names):
            self._refuse(near, target, why)
        else:
            self._connect(near, target, early)

    def _connect(self, near: socket.socket, target: Target, early: bytes) -> None:
        try:
            addresses = self._lookup(target.host)
        except (OSError, UnicodeError):
            _answer(near, "502 Bad Gateway", f"{target.host} has no address")
            return
        # All of them: one private address among public ones is how a name is turned against us.
        if not addresses or not all(at in self._exempt or is_public(at[0]) for at in addresses):
            self._refuse(near, target, "the name leads to an address that is not public")
            return
        far = _dialled(addresses)
        if far is None:
            _answer(near, "502 Bad Gateway", f"{target.host} cannot be reached")
            return
        with far:
            with self._lock:
                self._far.add(far)
            try:
                near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                far.sendall(early)
                carry(near, far, idle_seconds=_IDLE_SECONDS)
            finally:
                with self._lock:
                    self._far.discard(far)

    def _refuse(self, near: socket.socket, target: Target, why: str) -> None:
        with self._lock:
            blocked = Blocked(host=target.host, port=target.port, at=datetime.now(UTC), why=why, during=self._during)
            if len(self._blocked) < _MOST_BLOCKED:
                self._blocked.append(blocked)
        _answer(near, "403 Forbidden", f"{target.host}: {why}")


def _head(near: socket.socket) -> tuple[bytes, bytes]:
    """Return the request's head and what came after it, or what came instead of a head."""
    received = b""
    while _END not in received and len(received) < _HEAD_BYTES:
        if not (piece := near.recv(_HEAD_BYTES)):
            return received, b""
        received += piece
    head, end, early = received.partition(_END)
    return head + end, early


def _dialled(addresses: Sequence[Address]) -> socket.socket | None:
    for address in addresses:
        try:
            return dial(address, timeout=_DIAL_SECONDS)
        except OSError:
            continue
    return None


def _answer(near: socket.socket, status: str, sentence: str) -> None:
    text = f"autorun: {sentence}\n".encode()
    headers = ("content-type: text/plain", f"content-length: {len(text)}", "connection: close")
    near.sendall("\r\n".join((f"HTTP/1.1 {status}", *headers, "", "")).encode() + text)
    leave(near)


def _shown(head: bytes) -> str:
    line = head.split(b"\r\n")[0].decode(errors="replace")[:_PRINTABLE]
    return "".join(letter if letter.isprintable() else "?" for letter in line)
