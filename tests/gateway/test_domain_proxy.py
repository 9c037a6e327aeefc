"""Through the proxy a confined command reaches the listed hosts, and nothing else at all."""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autorun.adapters.domains import DomainProxy

CONNECT = b"CONNECT listed.example:443 HTTP/1.1\r\nHost: listed.example\r\n\r\n"


class Shouting(socketserver.BaseRequestHandler):
    """Answers what it hears in capitals until the other side has ended, then says goodbye."""

    def handle(self) -> None:
        while heard := self.request.recv(65536):
            self.request.sendall(heard.upper())
        self.request.sendall(b" bye")


@pytest.fixture
def far() -> Iterator[tuple[str, int]]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Shouting) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield ("127.0.0.1", server.server_address[1])
        server.shutdown()
        thread.join()


def proxy(far: tuple[str, int], *others: tuple[str, int], asked: list[str] | None = None) -> DomainProxy:
    def lookup(host: str) -> Sequence[tuple[str, int]]:
        if asked is not None:
            asked.append(host)
        return [far, *others]

    return DomainProxy(["listed.example"], lookup=lookup, exempt=frozenset({far}))


def said(path: Path, *pieces: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.02)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_listed_host_is_reached(far: tuple[str, int]) -> None:
    """Bytes go both ways, those sent along with the request too, and each side may end first."""
    with (way := proxy(far)).opened() as path:
        answer = said(path, CONNECT + b"early ", b"late")
        assert answer == b"HTTP/1.1 200 Connection established\r\n\r\nEARLY LATE bye"
        big = b"x" * 3_000_000
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))

            def send() -> None:
                connection.sendall(CONNECT + big)
                connection.shutdown(socket.SHUT_WR)

            sender = threading.Thread(target=send)
            sender.start()
            received = b"".join(iter(lambda: connection.recv(65536), b""))
            sender.join()
        assert received.endswith(b"X" * 3_000_000 + b" bye")
    assert way.blocked() == ()
    assert not path.exists()


@pytest.mark.parametrize(
    ("request_", "host", "port"),
    [
        (b"CONNECT other.example:443 HTTP/1.1\r\n\r\n", "other.example", 443),
        (b"CONNECT listed.example:80 HTTP/1.1\r\n\r\n", "listed.example", 80),
        (b"CONNECT 127.0.0.1:443 HTTP/1.1\r\n\r\n", "127.0.0.1", 443),
        (b"CONNECT github.com:443 HTTP/1.1\r\n\r\n", "github.com", 443),
        (b"GET http://listed.example/ HTTP/1.1\r\n\r\n", "GET http://listed.example/ HTTP/1.1", 0),
        (b"CONNECT listed.example:443 HTTP/1.1\r\n" + b"x" * 9000, "CONNECT listed.example:443 HTTP/1.1", 0),
        (b"\x16\x03\x01\r\n\r\n", "???", 0),
    ],
)
def test_anything_else_is_refused_and_remembered(far: tuple[str, int], request_: bytes, host: str, port: int) -> None:
    """No name is looked up for it; host, port and time stand in the list for the report."""
    asked: list[str] = []
    with (way := proxy(far, asked=asked)).opened() as path:
        assert said(path, request_).startswith(b"HTTP/1.1 403 Forbidden\r\n")
    (blocked,) = way.blocked()
    assert (blocked.host, blocked.port) == (host, port)
    assert abs((datetime.now(UTC) - blocked.at).total_seconds()) < 10
    assert asked == []


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_a_listed_name_that_leads_inside_is_refused(far: tuple[str, int], address: str) -> None:
    """One address that is not public among good ones is enough."""
    with (way := proxy(far, (address, 443))).opened() as path:
        assert b"not public" in said(path, CONNECT)
    assert [blocked.host for blocked in way.blocked()] == ["listed.example"]


def test_a_name_without_address_and_a_dead_host_are_told_apart_from_refusals() -> None:
    """Nobody tried anything forbidden, so nothing is remembered."""

    def nowhere(host: str) -> Sequence[tuple[str, int]]:
        raise OSError(host)

    with (way := DomainProxy(["listed.example"], lookup=nowhere)).opened() as path:
        assert said(path, CONNECT).startswith(b"HTTP/1.1 502 ")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = ("127.0.0.1", unused.getsockname()[1])
        with (gone := proxy(dead)).opened() as path:
            assert said(path, CONNECT).startswith(b"HTTP/1.1 502 ")
    assert way.blocked() == gone.blocked() == ()


def test_it_closes_within_a_second_with_tunnels_open(far: tuple[str, int]) -> None:
    """Silent tunnels and clients that never say what they want do not hold it."""
    with socket.socket(socket.AF_UNIX) as tunnel, socket.socket(socket.AF_UNIX) as mute:
        with proxy(far).opened() as path:
            tunnel.connect(str(path))
            tunnel.sendall(CONNECT)
            assert tunnel.recv(100).startswith(b"HTTP/1.1 200")
            mute.connect(str(path))
            began = time.monotonic()
        assert time.monotonic() - began < 1
        tunnel.settimeout(2)
        tunnel.recv(100)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("door")]
