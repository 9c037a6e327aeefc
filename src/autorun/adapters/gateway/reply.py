"""An answer on its way to a client that may go away at any moment."""

import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler


class Reply:
    """Writes one answer. Once the client is gone, `gone` is true and everything else is dropped in silence."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self._handler = handler
        self._chunked = handler.request_version == "HTTP/1.1"
        self.begun = False
        self.gone = False

    def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole answer."""
        self._head(status, {**headers, "content-length": str(len(body))})
        self._write(body)

    def error(self, status: int, kind: str, sentence: str, *, final: bool = True) -> None:
        """Send an error as the Messages API shapes it; `final` tells the client not to ask again."""
        document = {"type": "error", "error": {"type": kind, "message": sentence}}
        headers = {"content-type": "application/json"} | ({"x-should-retry": "false"} if final else {})
        self.send(status, headers, json.dumps(document).encode())

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Begin an answer of unknown length."""
        self._head(status, {**headers, **({"transfer-encoding": "chunked"} if self._chunked else {})})
        self._handler.close_connection |= not self._chunked

    def write(self, piece: bytes) -> None:
        """Send the next piece, now."""
        if piece:
            self._write(b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece)

    def end(self, *, whole: bool) -> None:
        """End the answer, or break it off so that the client sees it is not whole."""
        if not whole:
            self._handler.close_connection = True
        elif self._chunked:
            self._write(b"0\r\n\r\n")

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.begun = True
        self._handler.send_response_only(status)
        for name, value in headers.items():
            self._handler.send_header(name, value)
        if self._handler.close_connection:
            self._handler.send_header("connection", "close")
        try:
            self._handler.end_headers()
        except OSError:
            self._lost()

    def _write(self, data: bytes) -> None:
        if self.gone or self._handler.command == "HEAD":
            return
        try:
            self._handler.wfile.write(data)
        except OSError:
            self._lost()

    def _lost(self) -> None:
        self.gone = True
        self._handler.close_connection = True
