"""One call passed to the model's service and its answer passed back as it comes, with the meter in between."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from autorun.adapters.gateway.reply import Reply
from autorun.adapters.gateway.stretch import Stretch, inward
from autorun.core.agent.model_failure import Failure, api_down, failed_answer, failed_stream, unauthorised
from autorun.core.errors import AgentUnavailable
from autorun.core.money.metering import Reading, StreamReader, read_message
from autorun.effects.origin import BrokenOff, Exchange, NotSent

_MOST_MESSAGE_BYTES = 32 * 1024 * 1024
_MOST_ERROR_BYTES = 1024 * 1024
_LINGER_SECONDS = 10.0
_OK = 200
_ERRORS = range(400, 600)

# Takes what was read of an answer (None: it cost nothing) and why it failed, tells whether the client should give
# up; only the first call counts.
Settle = Callable[[Reading | None, Failure | None], bool]


def pass_on(
    stretch: Stretch, path: str, headers: Mapping[str, str], body: bytes, reply: Reply, settle: Settle
) -> None:
    """Ask the service and answer the client; `headers` have lower-case names.

    The call is settled before the client can know its end, so that whoever then reads the meter reads it right.
    """
    try:
        with stretch.exchange() as exchange:
            sent = stretch.outward(headers)
            status, answered = exchange.ask("POST", path, sent, body)
            if status != _OK:
                _fail(status, answered, stretch.redacted(_bounded(exchange), sent), reply, settle)
            elif answered.get("content-type", "").startswith("text/event-stream"):
                _stream(exchange, answered, reply, settle)
            else:
                _whole(exchange, answered, reply, settle)
    except AgentUnavailable as error:
        settle(None, unauthorised(str(error), remedy=error.hint))
        reply.error(401, "authentication_error", f"{error} {error.hint}")
    except NotSent as error:
        _unreachable(error, None, reply, settle)
    except BrokenOff as error:
        _unreachable(error, Reading(), reply, settle)
    finally:
        settle(Reading(), None)


def _stream(exchange: Exchange, answered: Mapping[str, str], reply: Reply, settle: Settle) -> None:
    """Pass the answer on piece by piece, and read it to its end even if the client has gone."""
    stream = StreamReader()
    reply.begin(_OK, inward(answered))
    try:
        with _lingering(exchange, reply) as pieces:
            for piece in pieces:
                stream.feed(piece)
                if stream.reading.final or stream.reading.error:
                    settle(stream.reading, _told(stream.reading))
                reply.write(piece)
    except BrokenOff as error:
        settle(stream.reading, api_down(f"The model's service broke off its answer ({error})."))
        reply.end(whole=False)
    else:
        settle(stream.reading, None)
        reply.end(whole=True)


def _told(reading: Reading) -> Failure | None:
    return failed_stream(*reading.error) if reading.error else None


@contextmanager
def _lingering(exchange: Exchange, reply: Reply) -> Iterator[Iterator[bytes]]:
    """Yield the pieces of an answer; once the client has gone, only those of the next seconds."""
    timer = threading.Timer(_LINGER_SECONDS, exchange.abort)
    timer.daemon = True

    def pieces() -> Iterator[bytes]:
        while piece := exchange.read():
            yield piece
            if reply.gone and timer.ident is None:
                timer.start()

    try:
        yield pieces()
    finally:
        timer.cancel()


def _whole(exchange: Exchange, answered: Mapping[str, str], reply: Reply, settle: Settle) -> None:
    body = _bounded(exchange, _MOST_MESSAGE_BYTES)
    settle(read_message(body), None)
    reply.send(_OK, inward(answered), body)


def _fail(status: int, answered: Mapping[str, str], body: bytes, reply: Reply, settle: Settle) -> None:
    failure = failed_answer(status, answered, body, now=datetime.now(UTC))
    give_up = settle(None, failure)
    if status in _ERRORS:
        reply.send(status, inward(answered) | ({"x-should-retry": "false"} if give_up else {}), body)
    else:
        reply.error(502, "api_error", f"The model's service answers with status {status}, which is not followed.")


def _unreachable(error: OSError, reading: Reading | None, reply: Reply, settle: Settle) -> None:
    failure = api_down(f"The model's service cannot be reached ({error}).")
    give_up = settle(reading, failure)
    if not reply.begun:
        reply.error(502, "api_error", failure.sentence, final=give_up)


def _bounded(exchange: Exchange, most: int = _MOST_ERROR_BYTES) -> bytes:
    body = bytearray()
    while piece := exchange.read():
        body += piece
        if len(body) > most:
            raise BrokenOff("the answer is too long")
    return bytes(body)
