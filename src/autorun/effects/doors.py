"""Servers of our own on unix sockets and loopback ports: a thread per connection, closed within a second."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

_BACKLOG = 64
_CLOSING_SECONDS = 1.0
_LEAVING_SECONDS = 1.0


class Door:
    """Serves while it is entered: every accepted connection goes to `serve`, which returns when it is done with it.

    At most `most` connections are served at once, more of them wait; a client that keeps many only starves
    itself. Leaving shuts every connection down and waits up to a second for the threads.
    """

    def __init__(self, serve: Callable[[socket.socket], object], *, most: int = 32) -> None:
        self._serve = serve
        self._room = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._listening: list[socket.socket] = []
        self._served: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def on_path(self, path: Path) -> None:
        """Listen on a unix socket only this user may connect to. Raises OSError."""
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.bind(str(path))
            path.chmod(0o600)
        except OSError:
            listening.close()
            raise
        self._listen(listening)

    def on_loopback(self) -> int:
        """Listen on 127.0.0.1 and return the port. Raises OSError."""
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listening.bind(("127.0.0.1", 0))
        except OSError:
            listening.close()
            raise
        self._listen(listening)
        return int(listening.getsockname()[1])

    def close(self) -> None:
        """Stop listening and end every connection."""
        with self._lock:
            self._closed = True
            for one in (*self._listening, *self._served):
                shut(one)
            threads = list(self._threads)
        deadline = time.monotonic() + _CLOSING_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for listening in self._listening:
            listening.close()

    def _listen(self, listening: socket.socket) -> None:
        listening.listen(_BACKLOG)
        with self._lock:
            self._listening.append(listening)
            self._start(lambda: self._accept(listening), "door")

    def _start(self, work: Callable[[], None], name: str) -> None:
        def run() -> None:
            try:
                work()
            finally:
                with self._lock:
                    self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.add(thread)
        thread.start()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            self._room.acquire()
            try:
                connection, _ = listening.accept()
            except OSError:
                self._room.release()
                if self._closed:
                    return
                time.sleep(0.05)  # out of descriptors, most likely: not ours to die of
                continue
            if connection.family == socket.AF_INET:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                if self._closed:
                    connection.close()
                    self._room.release()
                    return
                self._served.add(connection)
                self._start(lambda connection=connection: self._work(connection), "door-connection")  # type: ignore[misc]

    def _work(self, connection: socket.socket) -> None:
        try:
            with suppress(OSError):
                self._serve(connection)
        finally:
            with self._lock:
                self._served.discard(connection)
                connection.close()
            self._room.release()


def shut(connection: socket.socket) -> None:
    """End a connection for whoever waits on it, in whatever thread; closing is left to its owner."""
    with suppress(OSError):
        # The plain socket's own method: a TLS socket would drop its state under the reader's feet.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def leave(connection: socket.socket) -> None:
    """Say that nothing more follows and hear the client out for a moment.

    Closing on bytes not yet read would take back from the client what it was just told.
    """
    deadline = time.monotonic() + _LEAVING_SECONDS
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            if not connection.recv(65536):
                return
