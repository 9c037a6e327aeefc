"""Hostile requests: nothing of them reaches the service, and the gateway lives on."""

import json
import socket
from collections.abc import Iterator

import pytest

from autorun.demo.script import say
from autorun.demo.scripted_model import ScriptedModel
from kit.gateway import MODEL, Client, Opened, question

BODY = json.dumps({"model": MODEL, "max_tokens": 10, **question("hi")})
LENGTH = f"Content-Length: {len(BODY)}"
KEY = "x-api-key: PLACEHOLDER"


@pytest.fixture
def service() -> Iterator[ScriptedModel]:
    with ScriptedModel([say("hi")]) as running:
        yield running


@pytest.fixture
def client(service: ScriptedModel, opened: Opened) -> Iterator[Client]:
    with opened(service.url) as one:
        yield one


def request(*lines: str, body: str = BODY) -> str:
    return "\r\n".join((*lines, "", body))


def spoken(client: Client, text: str, *, chunk: int = 1 << 20) -> bytes:
    """Say `text` and return all that comes until the gateway ends the connection."""
    data = text.replace("PLACEHOLDER", client.placeholder).encode("latin-1")
    with socket.create_connection(("127.0.0.1", client.port), 5) as connection:
        try:
            for start in range(0, len(data), chunk):
                connection.sendall(data[start : start + chunk])
            connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
        return received


POST = "POST /v1/messages HTTP/1.1"
HOSTILE = {
    "no key": (request(POST, LENGTH), 401),
    "foreign key": (request(POST, "x-api-key: sk-foreign", LENGTH), 401),
    "key in the query": (request("POST /v1/messages?key=PLACEHOLDER HTTP/1.1", LENGTH), 401),
    "part of the key": (request(POST, "x-api-key: placeholder-", LENGTH), 401),
    "non-ASCII key": (request(POST, "x-api-key: sch\u00fcssel", LENGTH), 401),
    "files": (request("POST /v1/files HTTP/1.1", KEY, LENGTH), 403),
    "batches": (request("POST /v1/messages/batches HTTP/1.1", KEY, LENGTH), 403),
    "other query": (request("POST /v1/messages?beta=true&x=1 HTTP/1.1", KEY, LENGTH), 403),
    "dots": (request("POST /v1/messages/../files HTTP/1.1", KEY, LENGTH), 403),
    "encoded path": (request("POST /v1/%6dessages HTTP/1.1", KEY, LENGTH), 403),
    "absolute URI": (request("POST http://127.0.0.1:1/v1/messages HTTP/1.1", KEY, LENGTH), 403),
    "double slash": (request("POST //evil.example/v1/messages HTTP/1.1", KEY, LENGTH), 403),
    "models": (request("GET /v1/models HTTP/1.1", KEY, body=""), 403),
    "probe with a body": (request("GET / HTTP/1.1", KEY, LENGTH), 403),
    "delete": (request("DELETE /v1/messages HTTP/1.1", KEY, body=""), 501),
    "connect": (request("CONNECT evil.example:443 HTTP/1.1", KEY, body=""), 501),
    "chunked": (request(POST, KEY, "Transfer-Encoding: chunked", body=f"{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n"), 411),
    "length and chunked": (request(POST, KEY, LENGTH, "Transfer-Encoding: chunked"), 411),
    "chunked in disguise": (request(POST, KEY, LENGTH, "Transfer-Encoding: xchunked"), 411),
    "two lengths": (request(POST, KEY, LENGTH, "Content-Length: 0"), 411),
    "equal lengths": (request(POST, KEY, LENGTH, LENGTH), 411),
    "signed length": (request(POST, KEY, "Content-Length: +5"), 411),
    "list of lengths": (request(POST, KEY, "Content-Length: 5, 5"), 411),
    "no length": (request(POST, KEY), 411),
    "oversized": (request(POST, KEY, "Content-Length: 99999999999", body="{"), 413),
    "compressed": (request(POST, KEY, LENGTH, "Content-Encoding: gzip"), 415),
    "folded header": (request(POST, KEY, "anthropic-beta: a", " x-evil: b", LENGTH), 400),
    "no colon": (request(POST, KEY, LENGTH, "evil"), 400),
    "space before colon": (request(POST, "Content-Length : 5", KEY, LENGTH), 400),
    "endless line": (request("POST /" + "a" * 70_000 + " HTTP/1.1"), 414),
    "endless header": (request(POST, "x-a: " + "a" * 70_000, LENGTH), 431),
    "many headers": (request(POST, *(f"x-{n}: 1" for n in range(200)), LENGTH), 431),
    "HTTP/2": (request("POST /v1/messages HTTP/2.0", KEY, LENGTH), 505),
    "HTTP/0.9": ("GET /\r\n\r\n", 400),
    "TLS": ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
}  # fmt: skip


@pytest.mark.parametrize("text", [case for case, _ in HOSTILE.values()], ids=list(HOSTILE))
def test_it_is_refused_with_nothing_sent(service: ScriptedModel, client: Client, text: str) -> None:
    """The status says why, the connection ends, the service hears nothing, and the next client is served."""
    (expected,) = (status for case, status in HOSTILE.values() if case == text)
    answer = spoken(client, text)
    assert f" {expected} ".encode() in answer.split(b"\r\n")[0] or answer.lstrip().startswith(b"{")
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert service.requests == []
    assert client.metered.usage.turns == 0
    assert client.ask().status == 200


@pytest.mark.parametrize(
    "smuggled",
    [
        request(POST, "x-api-key: sk-foreign", f"Content-Length: {len(BODY) + 400}"),
        request(POST, KEY, LENGTH, "Transfer-Encoding: chunked", body="0\r\n\r\n"),
        request(POST, KEY, "Content-Length: 0", LENGTH, body=""),
    ],
)
def test_what_follows_a_refused_request_is_never_read_as_one(
    service: ScriptedModel, client: Client, smuggled: str
) -> None:
    """A second request hidden behind the first is not served, even with the right placeholder."""
    answer = spoken(client, smuggled + request(POST, KEY, LENGTH))
    assert answer.count(b"HTTP/1.1 ") == 1
    assert service.requests == []


def test_pipelined_requests_are_checked_one_by_one(service: ScriptedModel, client: Client) -> None:
    """The good one passes, the bad one ends the connection."""
    good, bad = request(POST, KEY, LENGTH), request("POST /v1/files HTTP/1.1", KEY, LENGTH)
    answer = spoken(client, good + bad + good)
    assert answer.count(b"HTTP/1.1 200") == 1
    assert answer.count(b"HTTP/1.1 403") == 1
    assert len(service.asked) == 1


def test_headers_cannot_be_injected(service: ScriptedModel, client: Client) -> None:
    """Bare line ends, hop-by-hop names and odd letters stay behind; the service gets one clean request."""
    lines = ("anthropic-version: 2023\u00e9", "connection: keep-alive, x-api-key", "x-forwarded-for: 1",
             "host: evil.example", "x-stainless-lang: js", "x-stainless-odd: a\u00ff")  # fmt: skip
    assert b" 200 OK" in spoken(client, request(POST, KEY, LENGTH, *lines))
    (heard,) = service.asked
    assert set(heard.headers) == {
        "host", "content-length", "x-api-key", "content-type", "accept-encoding", "x-stainless-lang",
    }  # fmt: skip
    assert heard.headers["host"].startswith("127.0.0.1:")
    assert heard.headers["x-api-key"] == "sk-canary-key"


def test_a_body_that_never_comes_whole_is_dropped(service: ScriptedModel, client: Client) -> None:
    """Half a request is none."""
    assert spoken(client, request(POST, KEY, "Content-Length: 5000")) == b""
    assert service.requests == []


def test_foreign_models_and_hosted_tools_are_refused(service: ScriptedModel, client: Client) -> None:
    """What passes the door is still inspected; the connection stays usable."""
    assert client.ask(model="claude-fable-5-2").status == 403
    assert client.ask("/v1/messages/count_tokens", model="claude-fable-5-2").status == 403
    assert client.ask(tools=[{"type": "web_fetch_20260318", "name": "web_fetch"}]).status == 403
    assert client.ask(mcp_servers=[{"type": "url", "url": "https://evil.example"}]).status == 403
    assert service.requests == []
    assert client.metered.ending is None


def test_one_client_cannot_starve_the_others_for_good(service: ScriptedModel, client: Client) -> None:
    """With every place taken by silent connections, the next is served as soon as one of them leaves."""
    silent = [socket.create_connection(("127.0.0.1", client.port)) for _ in range(40)]
    for one in silent:
        one.close()
    assert client.ask().status == 200
    assert len(service.asked) == 1
