"""Clients that speak to a gateway like an agent, and a service that answers as oddly as a test likes."""

import http.client
import ipaddress
import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

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
        addresses = {"ANTHROPIC_BASE_URL", "ANTHROPIC_UNIX_SOCKET"}
        (found,) = (value for name, value in self.access.env.items() if name not in addresses)
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
def raw_service(play: Callable[[socket.socket], None], *, certificate: Path | None = None) -> Iterator[str]:
    """A service that reads one request per connection and then does as it likes; yields its base URL.

    With a `certificate` (and its key, in one file) it speaks TLS.
    """
    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # a client that does not trust us, or has had enough
                if tls is None:
                    self.serve(self.request)
                    return
                with tls.wrap_socket(self.request, server_side=True, do_handshake_on_connect=False) as secured:
                    secured.do_handshake()
                    self.serve(secured)

        def serve(self, connection: socket.socket) -> None:
            received = b""
            while b"\r\n\r\n" not in received:
                received += connection.recv(65536)
            head, _, body = received.partition(b"\r\n\r\n")
            (length,) = (
                int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
            )
            while len(body) < length:
                body += connection.recv(65536)
            play(connection)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def certificate(folder: Path) -> Path:
    """Make a certificate for 127.0.0.1 that nobody has signed but itself, key and certificate in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(host, critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "certificate.pem"
    file.write_bytes(key.private_bytes(*plain) + signed.public_bytes(serialization.Encoding.PEM))
    return file
