"""Names resolved and connections made towards the internet, and bytes carried between two connections."""

import selectors
import socket
from collections.abc import Sequence
from contextlib import suppress

_PIECE = 65536

Address = tuple[str, int]


def resolve(host: str, port: int) -> Sequence[Address]:
    """Return every address of a name, by the system's resolver. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(str(address[0]), port) for *_, address in found]


def dial(address: Address, *, timeout: float) -> socket.socket:
    """Connect to an address, not to a name. Raises OSError."""
    return socket.create_connection(address, timeout)


def carry(one: socket.socket, other: socket.socket, *, idle_seconds: float) -> None:
    """Carry bytes both ways until both sides have ended, or nothing has come for `idle_seconds`. Raises OSError."""
    with selectors.DefaultSelector() as selector:
        for source, sink in ((one, other), (other, one)):
            source.settimeout(idle_seconds)
            selector.register(source, selectors.EVENT_READ, (source, sink))
        while selector.get_map():
            ready = selector.select(idle_seconds)
            if not ready:
                return
            for key, _ in ready:
                source, sink = key.data
                if piece := source.recv(_PIECE):
                    sink.sendall(piece)
                    continue
                selector.unregister(source)
                with suppress(OSError):
                    sink.shutdown(socket.SHUT_WR)
