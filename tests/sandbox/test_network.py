"""A sandbox reaches nothing but its own loopback and the sockets it was given."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from autorun.core.model import Command
from autorun.effects import process
from kit.den import Den, give

CONNECT = """
import socket, sys
family, kind, *address = sys.argv[1:]
address = (address[0], int(address[1])) if len(address) == 2 else address[0].replace("@", "\\0")
with socket.socket(getattr(socket, family), getattr(socket, kind)) as s:
    s.settimeout(3)
    s.connect(address)
    s.send(b"hello")
    print(s.recv(16).decode())
"""


@contextmanager
def _listener(
    family: socket.AddressFamily, kind: socket.SocketKind, address: tuple[str, int] | str
) -> Iterator[tuple[str, ...]]:
    """An echo server of this machine; gives its address as arguments for the script."""
    with closing(socket.socket(family, kind)) as server:
        server.bind(f"\0autorun-{uuid4()}" if address == "\0" else address)
        if kind == socket.SOCK_STREAM:
            server.listen()
        threading.Thread(target=_echo, args=(server, kind), daemon=True).start()
        name = server.getsockname()
        if isinstance(name, tuple):
            yield (str(name[0]), str(name[1]))
        else:
            yield (name.decode().replace("\0", "@") if isinstance(name, bytes) else name,)


def _echo(server: socket.socket, kind: socket.SocketKind) -> None:
    while True:
        try:
            if kind == socket.SOCK_DGRAM:
                data, sender = server.recvfrom(16)
                server.sendto(data, sender)
            else:
                peer, _ = server.accept()
                with peer:
                    peer.send(peer.recv(16))
        except OSError:
            return


@pytest.mark.parametrize(
    ("family", "kind", "address"),
    [
        ("AF_INET", "SOCK_STREAM", ("127.0.0.1", 0)),
        ("AF_INET", "SOCK_DGRAM", ("127.0.0.1", 0)),
        ("AF_INET6", "SOCK_STREAM", ("::1", 0)),
        ("AF_UNIX", "SOCK_STREAM", "\0"),
    ],
    ids=["tcp", "udp", "ipv6", "abstract"],
)
def test_listeners_of_the_machine_are_out_of_reach(
    den: Den, family: str, kind: str, address: tuple[str, int] | str
) -> None:
    """TCP, UDP, IPv6 and abstract sockets of the host do not answer inside, and do outside (A8)."""
    with _listener(getattr(socket, family), getattr(socket, kind), address) as name:
        outside = Command(argv=("/usr/bin/python3", "-c", CONNECT, family, kind, *name), cwd=Path("/"), env={})
        assert process.run(outside).stdout == b"hello\n"
        said = den.python(CONNECT, family, kind, *name)
    assert "hello" not in said
    assert "refused" in said


def test_there_is_no_interface_no_route_and_no_resolver(den: Den) -> None:
    """Only loopback exists, so no address beyond it has a route, and no name is resolved (A8)."""
    assert den.shell("tail -n +3 /proc/net/dev | cut -d: -f1").split() == ["lo"]
    assert den.shell("tail -n +2 /proc/net/route; ls /etc/resolv.conf 2>/dev/null") == ""
    for target in ("192.0.2.1", "169.254.169.254"):
        assert "unreachable" in den.python(CONNECT, "AF_INET", "SOCK_STREAM", target, "80")
    assert "gaierror" in den.python("import socket; socket.getaddrinfo('example.test', 80)")


def test_only_a_given_socket_is_reached(den: Den) -> None:
    """A unix socket of the room is connected to at its own path; one beside it does not exist."""
    folder = den.base / "gateway"
    folder.mkdir()
    given, other = folder / "model.sock", folder / "other.sock"
    with (
        _listener(socket.AF_UNIX, socket.SOCK_STREAM, str(given)),
        _listener(socket.AF_UNIX, socket.SOCK_STREAM, str(other)),
    ):
        give(den)
        assert "hello" not in den.python(CONNECT, "AF_UNIX", "SOCK_STREAM", str(given))
        den.sockets = (given,)
        assert den.python(CONNECT, "AF_UNIX", "SOCK_STREAM", str(given)) == "hello\n"
        assert "hello" not in den.python(CONNECT, "AF_UNIX", "SOCK_STREAM", str(other))
        assert "worked" not in den.shell(f"rm -f {given} && echo worked; mv {given} {given}.old && echo worked")


def test_programs_may_listen_on_loopback_inside(den: Den) -> None:
    """A test suite that opens sockets of its own works, on IPv4, IPv6 and by name."""
    said = den.python(
        "import socket\n"
        "for host in ('127.0.0.1', '::1', 'localhost'):\n"
        "    family = socket.AF_INET6 if ':' in host else socket.AF_INET\n"
        "    with socket.create_server((host, 0), family=family) as server:\n"
        "        socket.create_connection((host, server.getsockname()[1])).close()\n"
        "        print('connected')\n"
    )
    assert said == "connected\n" * 3
