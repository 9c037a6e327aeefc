"""One connection of a client: strict about what it accepts."""

import contextlib
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler

from autorun.adapters.gateway.passing import Settle, pass_on
from autorun.adapters.gateway.reply import Reply
from autorun.adapters.gateway.stretch import Stretch
from autorun.core.agent.model_failure import Failure
from autorun.core.agent.model_request import Refused, inspected
from autorun.core.model import Metered
from autorun.core.money.metering import Reading
from autorun.effects.doors import leave

_MESSAGES = "/v1/messages"
_COUNT = "/v1/messages/count_tokens"
_PATHS = {path + query: path for path in (_MESSAGES, _COUNT) for query in ("", "?beta=true")}
_MOST_BYTES = 32 * 1024 * 1024
_LARGE_BYTES = 1024 * 1024
_IDLE_SECONDS = 600.0
_LENGTH = re.compile(r"[0-9]{1,12}", re.ASCII)
# Large requests unfold into many objects: one at a time, so that a hostile client cannot fill the runner's memory.
_unfolding = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """Serves one connection, request after request, until either side ends it."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS

    def __init__(self, connection: socket.socket, stretch: Stretch) -> None:
        self._stretch = stretch
        super().__init__(connection, ("", 0), None)  # type: ignore[arg-type]  # no server stands behind it

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Log nothing: a client chooses what would stand there."""

    def parse_request(self) -> bool:
        """Read a request's head; what is not plainly HTTP/1.0 or 1.1 is refused and the connection ended."""
        if not super().parse_request():
            return False
        folded = any("\r" in value or "\n" in value for value in self.headers.values())
        if self.request_version not in ("HTTP/1.0", "HTTP/1.1") or self.headers.defects or folded:
            self._refuse(Refused(status=400, kind="invalid_request_error", sentence="The request is no clean HTTP."))
            return False
        return True

    def do_GET(self) -> None:
        """Answer the probe by which the CLI looks whether anyone is there."""
        if self.path != "/" or "content-length" in self.headers or "transfer-encoding" in self.headers:
            self._refuse(self._forbidden())
        else:
            Reply(self).send(200, {}, b"")

    do_HEAD = do_GET  # noqa: N815  the base class's name

    def do_POST(self) -> None:
        """Pass a message request on, if it may pass."""
        length = self._admissible()
        if isinstance(length, Refused):
            self._refuse(length)
            return
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
        else:
            self._serve(body)

    def _admissible(self) -> int | Refused:
        """Return the length of a body worth reading."""
        if not self._stretch.knows(self.headers.get("x-api-key", ""), self.headers.get("authorization", "")):
            sentence = "This is not the credential that was given out for this work."
            return Refused(status=401, kind="authentication_error", sentence=sentence)
        if self.path not in _PATHS:
            return self._forbidden()
        lengths = self.headers.get_all("content-length", [])
        if "transfer-encoding" in self.headers or len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
            return Refused(status=411, kind="invalid_request_error", sentence="One plain Content-Length is wanted.")
        if "content-encoding" in self.headers:
            return Refused(status=415, kind="invalid_request_error", sentence="An encoded body cannot be inspected.")
        if int(lengths[0]) > _MOST_BYTES:
            sentence = f"The request is larger than {_MOST_BYTES} bytes."
            return Refused(status=413, kind="request_too_large", sentence=sentence)
        return int(lengths[0])

    def _serve(self, body: bytes) -> None:
        reply = Reply(self)
        with _unfolding if len(body) > _LARGE_BYTES else contextlib.nullcontext():
            request = inspected(body, models=self._stretch.models)
        if isinstance(request, Refused):
            reply.error(request.status, request.kind, request.sentence)
            return
        if _PATHS[self.path] == _COUNT:
            self._pass_on(body, reply, _free_of_charge)
            return
        call = self._stretch.account.admit(request)
        if isinstance(call, Metered):
            # Of all statuses this one makes the CLI stop at once, after a single request.
            reply.error(403, "permission_error", f"{call.sentence} {call.remedy}".strip())
        else:
            self._pass_on(body, reply, call.settle)

    def _pass_on(self, body: bytes, reply: Reply, settle: Settle) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        pass_on(self._stretch, self.path, headers, body, reply, settle)

    def _forbidden(self) -> Refused:
        sentence = f"{self.command!r:.20} {self.path!r:.80} is none of what may pass here."
        return Refused(status=403, kind="permission_error", sentence=sentence)

    def _refuse(self, refused: Refused) -> None:
        """Refuse a request whose body was not read, so that nothing on this connection can follow it."""
        self.close_connection = True
        Reply(self).error(refused.status, refused.kind, refused.sentence)
        leave(self.connection)


def _free_of_charge(_reading: Reading | None, failure: Failure | None) -> bool:
    return failure is not None and failure.final
