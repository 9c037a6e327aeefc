"""A real git smart HTTP server on loopback: `git http-backend` over a folder of bare repositories."""

import base64
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


class Cut(Enum):
    """When the connection of a push breaks off."""

    BEFORE = "before the server applied it"
    AFTER = "after the server applied it"


class ConnectionCut(Exception):
    """Close the connection without an answer."""


@dataclass
class GitBackend:
    """Answers git's requests for the bare repositories under `root`, whatever server it is mounted on.

    With `authorization`, a request needs exactly that header. `cuts` is used up by the next pushes, `statuses` by
    the next requests of any kind; `delay` in seconds holds back every push. `requests` counts what came in.
    `environment` is what hooks see beyond git's own variables.
    """

    root: Path
    authorization: str = ""
    read_only: bool = False
    delay: float = 0.0
    environment: Mapping[str, str] = field(default_factory=dict)
    cuts: list[Cut] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def respond(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Return status, headers and body. Raises ConnectionCut when nothing may be answered."""
        parts = urlsplit(target)
        pushing = method == "POST" and parts.path.endswith("/git-receive-pack")
        with self._lock:
            self.requests.append(f"{method} {target}")
            status = self.statuses.pop(0) if self.statuses else 0
            cut = self.cuts.pop(0) if pushing and self.cuts else None
        if status:
            return status, [], b""
        if self.authorization and headers.get("Authorization", "") != self.authorization:
            return 401, [("WWW-Authenticate", 'Basic realm="git"')], b""
        if self.read_only and "git-receive-pack" in target:
            return 403, [("Content-Type", "text/plain")], b"Write access to repository not granted.\n"
        if pushing and self.delay:
            time.sleep(self.delay)
        if cut is Cut.BEFORE:
            raise ConnectionCut
        answer = self._run(method, unquote(parts.path), parts.query, headers, body)
        if cut is Cut.AFTER:
            raise ConnectionCut
        return answer

    def _run(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "http.receivepack",
            "GIT_CONFIG_VALUE_0": "true",
            "GIT_CONFIG_KEY_1": "safe.directory",
            "GIT_CONFIG_VALUE_1": "*",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": method,
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": headers.get("Git-Protocol", ""),
            **self.environment,
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        pairs = [line.partition(": ")[::2] for line in head.decode("latin-1").split("\r\n") if line]
        status = next((int(value.split()[0]) for name, value in pairs if name == "Status"), 200)
        return status, [(name, value) for name, value in pairs if name != "Status"], content


def read_body(handler: BaseHTTPRequestHandler) -> bytes:
    """Read a request's body, chunked or of a stated length."""
    if handler.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    chunks = []
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        chunks.append(handler.rfile.read(size))
        handler.rfile.readline()
    handler.rfile.readline()
    return b"".join(chunks)


def serve(backend: GitBackend, handler: BaseHTTPRequestHandler, target: str | None = None) -> None:
    """Answer one request of any server of the standard library; `target` replaces its path and query."""
    body = read_body(handler)
    handler.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        status, headers, content = backend.respond(
            handler.command, target or handler.path, dict(handler.headers), body
        )
    except ConnectionCut:
        handler.close_connection = True
        return
    handler.send_response(status)
    for name, value in headers:
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    with suppress(ConnectionError):  # the client has gone
        handler.end_headers()
        handler.wfile.write(content)


@contextmanager
def git_server(backend: GitBackend) -> Iterator[str]:
    """Serve `backend` on a free port of 127.0.0.1 and give its base URL, without a slash at the end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            serve(backend, self)

        do_POST = do_GET  # noqa: N815 (the name http.server looks for)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def basic(user: str, password: str) -> str:
    """Return the value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
