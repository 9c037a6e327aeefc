"""Runs inside the sandbox, by the system's own python: offers a unix socket as a port of the sandbox's loopback.

`python3 -I forward.py SOCKET PORT COMMAND...` becomes COMMAND and leaves a child that forwards; the child ends with
the sandbox, whose first process COMMAND is. A file that stands alone: nothing of the project can be imported there.
"""

import contextlib
import os
import selectors
import socket
import sys
import threading

_PIECE = 65536
_MOST = 64


def main(path: str, port: str, *command: str) -> None:
    """Listen, leave the child behind, and become the command."""
    listening = socket.create_server(("127.0.0.1", int(port)), backlog=_MOST)
    if (child := os.fork()) == 0:
        os.setsid()
        if os.fork():  # the grandchild is nobody's child: a command that waits for its own does not wait for it
            os._exit(0)
        _forget_streams()
        serve(listening, path)
    os.waitpid(child, 0)
    listening.close()
    os.execvp(command[0], command)  # noqa: S606  there is no shell to keep out


def serve(listening: socket.socket, path: str) -> None:
    """Connect whoever comes to the socket at `path`, for ever."""
    room = threading.BoundedSemaphore(_MOST)
    while True:
        room.acquire()
        near, _ = listening.accept()
        threading.Thread(target=_forward, args=(near, path, room), daemon=True).start()


def _forget_streams() -> None:
    """Hold no pipe of the command open: whoever reads its output waits for the end of that."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)


def _forward(near: socket.socket, path: str, room: threading.BoundedSemaphore) -> None:
    with near, socket.socket(socket.AF_UNIX) as far, contextlib.suppress(OSError):
        far.connect(path)
        with selectors.DefaultSelector() as waiting:
            waiting.register(near, selectors.EVENT_READ, far)
            waiting.register(far, selectors.EVENT_READ, near)
            while waiting.get_map():
                for key, _ in waiting.select():
                    _carry(waiting, key)
    room.release()


def _carry(waiting: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    source, sink = key.fileobj, key.data
    assert isinstance(source, socket.socket)
    if piece := source.recv(_PIECE):
        sink.sendall(piece)
        return
    waiting.unregister(source)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main(*sys.argv[1:])
