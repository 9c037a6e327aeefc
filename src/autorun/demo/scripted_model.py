"""A Messages API on loopback that plays scripts: streaming and not, several conversations at once, faults included.

Which script answers is told by a marker in the conversation's first user message, which line of it by the
number of assistant turns in the request: a repeated or resumed request gets the same answer again.
"""

import json
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self

from autorun.demo import sse
from autorun.demo.script import Answer, Breach, Conversation, Fault, Line, Script, refuse, say

_POLL_SECONDS = 0.05
_FILLER = "No response requested."  # the CLI's own words between a statement and the next user message


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it arrived; header names are lower case, `body` is the parsed JSON, `at` monotonic seconds."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    at: float


class ScriptedModel:
    """Serves while it is entered. `scripts` maps markers to scripts; a single script answers everyone.

    `latency` is added to every answer, in seconds. `url` is the base URL, `requests` what arrived so far.
    """

    def __init__(self, scripts: Script | Mapping[str, Script], *, latency: float = 0.0) -> None:
        self._scripts: Mapping[str, Script] = scripts if isinstance(scripts, Mapping) else {"": scripts}
        self._latency = latency
        self._lock = threading.Lock()
        self._faults: Counter[tuple[str, int]] = Counter()
        self._active = 0
        self._ended = threading.Event()
        self.requests: list[Request] = []
        self.peak = 0

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.model = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The base URL, without `/v1`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def asked(self) -> list[Request]:
        """The requests for a message, in the order of their arrival."""
        return [request for request in self.requests if request.path.split("?")[0] == "/v1/messages"]

    def record(self, request: Request) -> None:
        """Take note of a request."""
        with self._lock:
            self.requests.append(request)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a request as being answered."""
        with self._lock:
            self._active += 1
            self.peak = max(self.peak, self._active)
        try:
            yield
        finally:
            with self._lock:
                self._active -= 1

    def pause(self, seconds: float) -> None:
        """Wait before an answer begins: for its own time and the latency of all."""
        self.wait(seconds + self._latency)

    def wait(self, seconds: float) -> None:
        """Wait, but not beyond the server's own end."""
        self._ended.wait(seconds)

    def line(self, body: dict[str, Any]) -> Line:
        """Choose the script and the line that answer a request."""
        conversation = _conversation(body)
        found = [(conversation.first.find(marker), marker) for marker in self._scripts]
        markers = [marker for place, marker in sorted(found) if place >= 0]
        if not markers:
            return refuse(400, "invalid_request_error", "no script has a marker that stands in this conversation")
        script = self._scripts[markers[0]]
        if callable(script):
            return script(conversation)
        return self._due(script, conversation.turns, markers[0])

    def _due(self, script: Iterable[Line], turns: int, marker: str) -> Line:
        position = 0
        faults: list[Fault] = []
        for line in script:
            if isinstance(line, Fault):
                faults.append(line)
            elif position == turns:
                return self._fault(faults, (marker, turns)) or line
            else:
                position, faults = position + 1, []
        exhausted = refuse(400, "invalid_request_error", f"the script has no answer for turn {turns + 1}")
        return self._fault(faults, (marker, turns)) or exhausted

    def _fault(self, faults: list[Fault], key: tuple[str, int]) -> Fault | None:
        with self._lock:
            seen, self._faults[key] = self._faults[key], self._faults[key] + 1
        for fault in faults:
            if fault.times is None or seen < fault.times:
                return fault
            seen -= fault.times
        return None


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    model: ScriptedModel


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the base class's
        """Say nothing: the requests are kept."""

    def handle(self) -> None:
        with suppress(ConnectionError):  # the client hung up
            super().handle()

    def do_HEAD(self) -> None:
        self._note({})
        self._json(200, {})

    do_GET = do_HEAD  # noqa: N815  the name is the base class's

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            body = json.loads(raw)
        except ValueError:
            self._json(400, _error("invalid_request_error", "the body is no JSON"))
            return
        self._note(body)
        match self.path.split("?")[0]:
            case "/v1/messages/count_tokens":
                self._json(200, {"input_tokens": 10})
            case "/v1/messages":
                with self.server.model.counted():
                    self._answer(self.server.model.line(body), body)
            case _:
                self._json(404, _error("not_found_error", f"no such path: {self.path}"))

    def _note(self, body: dict[str, Any]) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(method=self.command, path=self.path, headers=headers, body=body, at=time.monotonic())
        self.server.model.record(request)

    def _answer(self, line: Line, body: dict[str, Any]) -> None:
        model = self.server.model
        if isinstance(line, Answer):
            model.pause(line.delay)
            self._send(line, body)
            return
        match line.breach:
            case Breach.ERROR:
                model.pause(0)
                self._json(line.status, _error(line.kind, line.message), dict(line.headers))
            case Breach.CUT:
                self._send(say("This sentence will never be"), body, cut=True)
            case Breach.GARBLED:
                self._begin(200, "text/event-stream")
                self.wfile.write(b"event: message_start\ndata: {not json\n\n")
            case Breach.HANG:
                model.pause(line.seconds)
                self.close_connection = True
            case Breach.DROP:
                self.close_connection = True

    def _send(self, answer: Answer, body: dict[str, Any], *, cut: bool = False) -> None:
        tools = frozenset(str(tool.get("name")) for tool in body.get("tools", []))
        whole = sse.message(answer, model=str(body.get("model")), tools=tools)
        if not body.get("stream"):
            self._json(200, whole)
            return
        self._begin(200, "text/event-stream")
        first, *events = sse.stream(whole)
        self.wfile.write(first)
        self.server.model.wait(answer.slow)
        for event in events[:-3] if cut else events:
            self.wfile.write(event)

    def _begin(self, status: int, kind: str, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("request-id", f"req_{len(self.server.model.requests):06d}")
        if length is None:
            self.send_header("connection", "close")
            self.close_connection = True
        else:
            self.send_header("content-length", str(length))
        self.end_headers()

    def _json(self, status: int, document: dict[str, Any], headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


def _conversation(body: dict[str, Any]) -> Conversation:
    messages = body.get("messages", [])
    users = [message for message in messages if message.get("role") == "user"]
    turns = sum(message.get("role") == "assistant" and _text(message) != _FILLER for message in messages)
    first, last = (_text(users[0]), _text(users[-1])) if users else ("", "")
    return Conversation(turns=turns, first=first, last=last)


def _text(node: Any) -> str:
    """Return all text within a message, a block or a list of blocks."""
    match node:
        case str():
            return node
        case list():
            return "\n".join(filter(None, map(_text, node)))
        case {"text": str() as text}:
            return text
        case {"content": content}:
            return _text(content)
        case _:
            return ""
