"""The model's service by the `anthropic` package: one request at a time, streamed, and ended whenever it must."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import anthropic
import httpx2

from autorun.core.agent.endings import End, context_high, service_failed
from autorun.core.agent.model_failure import Failure, api_down, failed_answer, failed_stream
from autorun.core.credential import CredentialKind
from autorun.core.model import Ending, ModelAccess
from autorun.core.sdk.answer import Answer, after

_PUBLIC = "https://api.anthropic.com"
_LOOPBACK = "http://127.0.0.1"
_OAUTH_BETA = {"anthropic-beta": "oauth-2025-04-20"}
_LOCAL = ("127.0.0.1", "::1", "localhost")
_CONNECT_SECONDS = 10.0
_TICK_SECONDS = 0.1
_OK = 200
_PASSING = frozenset({Ending.API_DOWN, Ending.RATE_LIMITED})
_OVERLONG = ("prompt is too long", "exceed context limit", "request_too_large")

# Asked ten times a second while a request runs, with the seconds since the last sign of life: why it must end, if so.
Poll = Callable[[float], End | None]
# Given every event of the stream.
Hear = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A request that failed; `passing`: it is worth asking again, after `seconds` if the service named a time."""

    end: End
    status: int | None
    passing: bool = False
    seconds: float | None = None


class Service:
    """Asks the model; to be entered, and used from one thread."""

    def __init__(self, access: ModelAccess) -> None:
        self._access = access

    def __enter__(self) -> Self:
        self._runner = asyncio.Runner()
        self._client = _client(self._access)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._client.close())
        self._runner.close()

    def ask(self, request: Mapping[str, Any], *, poll: Poll, hear: Hear) -> Answer | Miss | End:
        """Ask once and return the whole answer, or how it failed, or what `poll` said. Raises nothing."""
        try:
            return self._runner.run(self._watched(request, poll, hear))
        except anthropic.APIStatusError as error:
            return _refused(error)
        except Exception as error:  # noqa: BLE001  whatever else goes wrong with an answer, none was had
            reason = error.__cause__ or error
            return _missed(api_down(f"The model's service cannot be reached or understood ({reason!r:.200})."), None)

    async def _watched(self, request: Mapping[str, Any], poll: Poll, hear: Hear) -> Answer | End:
        alive = time.monotonic()

        def heard(event: Mapping[str, Any]) -> None:
            nonlocal alive
            alive = time.monotonic()
            hear(event)

        asking = asyncio.create_task(self._answer(request, heard))
        try:
            while not asking.done():
                await asyncio.wait({asking}, timeout=_TICK_SECONDS)
                if not asking.done() and (end := poll(time.monotonic() - alive)) is not None:
                    return end
            return asking.result()
        finally:
            asking.cancel()
            await asyncio.wait({asking})
            if not asking.cancelled():
                asking.exception()  # looked at, or it would be complained about

    async def _answer(self, request: Mapping[str, Any], hear: Hear) -> Answer:
        answer = Answer()
        stream = await self._client.messages.create(**request, stream=True)
        async with stream:
            async for event in stream:
                document = event.to_dict()
                answer = after(answer, document)
                hear(document)
        if not answer.stop_reason:
            raise ConnectionError("the answer broke off")
        return answer


def _client(access: ModelAccess) -> anthropic.AsyncAnthropic:
    url = access.env.get("ANTHROPIC_BASE_URL") or (_LOOPBACK if access.sockets else _PUBLIC)
    key, token = access.env.get(CredentialKind.API_KEY), access.env.get(CredentialKind.OAUTH_TOKEN)
    socket = next(iter(access.sockets), None)
    if socket is not None or urlsplit(url).hostname in _LOCAL:
        # With a transport of our own the proxy of the environment stays out of the way to this machine's own gateway.
        transport = httpx2.AsyncHTTPTransport(uds=str(socket) if socket else None, trust_env=False)
        http = anthropic.DefaultAsyncHttpxClient(transport=transport, follow_redirects=False)
    else:
        http = anthropic.DefaultAsyncHttpxClient(follow_redirects=False)
    return anthropic.AsyncAnthropic(
        base_url=url,
        api_key=key,
        auth_token=None if key else token or "none",  # given neither, the package would look for one by itself
        default_headers=None if key else _OAUTH_BETA,
        max_retries=0,  # we ask again ourselves: the package's own waits can be neither seen nor interrupted
        timeout=httpx2.Timeout(None, connect=_CONNECT_SECONDS),  # silence is watched by whoever asks
        http_client=http,
        open_telemetry=False,
    )


def _refused(error: anthropic.APIStatusError) -> Miss:
    headers = {name.lower(): value for name, value in error.response.headers.items()}
    kind, message = str(error.type or ""), str(error.api_message or "")
    if error.response.status_code == _OK:
        return _missed(failed_stream(kind, message), None)
    status = error.response.status_code
    if any(words in f"{kind}: {message}" for words in _OVERLONG):
        return Miss(end=context_high(0), status=status)
    failure = failed_answer(status, headers, json.dumps(error.body).encode(), now=datetime.now(UTC))
    if failure.ending is Ending.BAD_REQUEST:
        return Miss(end=service_failed(status, kind, message), status=status)
    return _missed(failure, status, final=headers.get("x-should-retry") == "false")


def _missed(failure: Failure, status: int | None, *, final: bool = False) -> Miss:
    end = End(ending=failure.ending, sentence=failure.sentence, remedy=failure.remedy, retry_at=failure.retry_at)
    seconds = (failure.retry_at - datetime.now(UTC)).total_seconds() if failure.retry_at else None
    passing = failure.ending in _PASSING and not failure.final and not final
    return Miss(end=end, status=status, passing=passing, seconds=seconds)
