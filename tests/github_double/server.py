"""The HTTP side: one loopback server for REST, GraphQL and git, one handler for all of them."""

import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from kit.githttp import read_body

DRIBBLES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes back; `cut` sends nothing and resets, `seconds` spread the body."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    cut: bool = False
    seconds: float = 0.0


class Server:
    """Serves `answer` on a free port of 127.0.0.1 until closed; connections may be kept alive."""

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self.closing = threading.Event()
        self._http = _http(answer, self.closing)
        self.origin = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is its own affair."""


def _http(answer: Callable[[Request], Reply], closing: threading.Event) -> _Http:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def respond(self) -> None:
            body = read_body(self)
            reply = answer(
                Request(method=self.command, target=self.path, headers=dict(self.headers.items()), body=body)
            )
            if reply.cut:
                self._reset()
                return
            # The double writes the Date header itself, from its own clock.
            self.send_response_only(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            if reply.status not in {204, 304}:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self._write(reply)

        def _write(self, reply: Reply) -> None:
            if not reply.seconds:
                self.wfile.write(reply.body)
                return
            self.wfile.flush()
            piece = max(1, len(reply.body) // DRIBBLES)
            for start in range(0, len(reply.body), piece):
                closing.wait(reply.seconds / DRIBBLES)
                self.wfile.write(reply.body[start : start + piece])
                self.wfile.flush()

        def _reset(self) -> None:
            # Lingering zero seconds turns the close into a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.close_connection = True
            self.connection.close()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = respond  # noqa: N815 (names http.server looks for)

        def log_message(self, *_: Any) -> None:
            pass

    return _Http(("127.0.0.1", 0), Handler)


def wait(closing: threading.Event, seconds: float) -> None:
    """Stay silent for so long, or until the server closes."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not closing.wait(left):
        pass
