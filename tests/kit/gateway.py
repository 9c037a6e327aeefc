"""Clients that speak to a gateway like an agent, and a service that answers as oddly as a test likes."""

import http.client
import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from autorun.core.credential import Credential, CredentialKind
from autorun.core.model import Metered, ModelAccess

API_KEY = Credential(kind=CredentialKind.API_KEY, secret="sk-canary-key")
TOKEN = Credential(kind=CredentialKind.OAUTH_TOKEN, secret="oat-canary-token")
MODEL = "claude-opus-5-5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a client got."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> str:
        """The sentence of an error."""
        return str(json.loads(self.body)["error"]["message"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Speaks to a gateway with the placeholder it was given."""

    access: ModelAccess

    @property
    def port(self) -> int:
        """Where the gateway listens."""
        return int(self.access.env["ANTHROPIC_BASE_URL"].rpartition(":")[2])

    @property
    def placeholder(self) -> str:
        """The credential that was given out."""
        (found,) = (value for name, value in self.access.env.items() if name != "ANTHROPIC_BASE_URL")
        return found

    @property
    def metered(self) -> Metered:
        """What the meter reads now."""
        assert self.access.meter is not None
        return self.access.meter()

    def ask(
        self,
        path: str = "/v1/messages?beta=true",
        *,
        headers: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> Answer:
        """Ask for a message, by default with the placeholder; `fields` are put over a plain question."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            document = {"model": MODEL, "max_tokens": 100, "stream": True, **question("hi"), **fields}
            shown = {"x-api-key": self.placeholder} if headers is None else dict(headers)
            connection.request("POST", path, json.dumps(document), shown)
            answer = connection.getresponse()
            try:
                body = answer.read()
            except http.client.IncompleteRead as cut:
                body = cut.partial
            return Answer(status=answer.status, headers={n.lower(): v for n, v in answer.getheaders()}, body=body)
        finally:
            connection.close()


def question(text: str) -> dict[str, Any]:
    """The part of a request that asks."""
    return {"messages": [{"role": "user", "content": text}]}


Opened = Callable[..., AbstractContextManager[Client]]


@contextmanager
def raw_service(play: Callable[[socket.socket], None]) -> Iterator[str]:
    """A service that reads one request per connection and then does as it likes; yields its base URL."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            received = b""
            while b"\r\n\r\n" not in received:
                received += self.request.recv(65536)
            head, _, body = received.partition(b"\r\n\r\n")
            (length,) = (
                int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
            )
            while len(body) < length:
                body += self.request.recv(65536)
            play(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
