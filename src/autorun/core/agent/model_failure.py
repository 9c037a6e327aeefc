"""What a failing answer of the model's service means: an ending, a sentence, a remedy, when to come back."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from autorun.core.model import Ending

_LONGEST = 300
_FARTHEST = timedelta(days=40)
_PAYMENT_REQUIRED = 402
_SERVER_ERRORS = 500
_PASSING = (408, 409)
_WINDOW_STATED = re.compile(
    r"(?:claude ai )?usage limit reached(?:\|(?P<epoch>\d+))?|you're out of extra usage", re.IGNORECASE
)
# From its beginning: a message may quote the request, which the agent wrote.
_BILLING = re.compile(r"your credit balance is too low|you have reached your specified", re.IGNORECASE)
_WINDOWS = {"five_hour": "5-hour", "seven_day": "weekly", "seven_day_opus": "Opus", "seven_day_sonnet": "Sonnet"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why the model was not served. `final`: asking again will not help, so the client should not."""

    ending: Ending
    sentence: str
    remedy: str
    retry_at: datetime | None = None
    final: bool = False


def failed_answer(status: int, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Failure:
    """Read a failing answer; `headers` have lower-case names."""
    kind, message = _error(body)
    said = f"{status}{f' {kind}' if kind else ''}{f': {message}' if message else ''}"
    match status:
        case _ if _unpaid_for(status, kind, message):
            return Failure(
                ending=Ending.UNAUTHORISED,
                sentence=f"The model's service wants the account put in order ({said}).",
                remedy="Check the credit and the spend limits of the account in its console.",
                final=True,
            )
        case 401 | 403:
            return unauthorised(f"The model's service refuses the credential ({said}).")
        case 429:
            return _limited(headers, message, said, now)
        case _ if status in _PASSING or status >= _SERVER_ERRORS:
            return api_down(f"The model's service fails ({said}).", retry_at=_after(headers, now))
        case _:
            return Failure(
                ending=Ending.BAD_REQUEST,
                sentence=f"The model's service rejects the request ({said}).",
                remedy="Check `autonomous.model`; if it is right, use the CLI version that this release pins.",
            )


def failed_stream(kind: str, message: str) -> Failure:
    """Read an error that came in the middle of an answer."""
    said = f"{_clean(kind)}: {_clean(message)}"
    if kind == "rate_limit_error":
        return _busy(said, None)
    return api_down(f"The model's service broke off its answer ({said}).")


def api_down(sentence: str, *, retry_at: datetime | None = None) -> Failure:
    """The service fails or cannot be reached."""
    remedy = "Nothing to do here: a later run tries again. See https://status.claude.com."
    return Failure(ending=Ending.API_DOWN, sentence=sentence, remedy=remedy, retry_at=retry_at)


def unauthorised(sentence: str, *, remedy: str = "Check that the model's credential is right and valid.") -> Failure:
    """The credential is missing, expired or refused."""
    return Failure(ending=Ending.UNAUTHORISED, sentence=sentence, remedy=remedy, final=True)


def _unpaid_for(status: int, kind: str, message: str) -> bool:
    return status == _PAYMENT_REQUIRED or (
        status in (400, 403, 429) and (kind == "billing_error" or _BILLING.match(message) is not None)
    )


def _limited(headers: Mapping[str, str], message: str, said: str, now: datetime) -> Failure:
    stated = _WINDOW_STATED.match(message)
    if headers.get("anthropic-ratelimit-unified-status") != "rejected" and not stated:
        return _busy(said, _after(headers, now))
    name = _WINDOWS.get(headers.get("anthropic-ratelimit-unified-representative-claim", ""), "usage")
    epoch = headers.get("anthropic-ratelimit-unified-reset", "") or (stated["epoch"] or "" if stated else "")
    resets = _moment(epoch, now) or _after(headers, now)
    until = f" It opens again at {resets:%Y-%m-%d %H:%M} UTC." if resets else ""
    return Failure(
        ending=Ending.USAGE_WINDOW,
        sentence=f"The {name} window of the subscription is used up ({said}).{until}",
        remedy="Wait for the window to open again, or use an API key.",
        retry_at=resets,
        final=True,
    )


def _busy(said: str, retry_at: datetime | None) -> Failure:
    return Failure(
        ending=Ending.RATE_LIMITED,
        sentence=f"The model's service asks for fewer calls ({said}).",
        remedy="Lower `autonomous.rate_limit_rpm`, or run fewer tasks side by side.",
        retry_at=retry_at,
    )


def _after(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Read `retry-after`, or when the last of the exhausted limits is refilled."""
    if (seconds := headers.get("retry-after", "")).isdecimal():
        return now + min(timedelta(seconds=min(int(seconds), 10**9)), _FARTHEST)
    exhausted = [
        headers.get(f"anthropic-ratelimit-{what}-reset", "")
        for what in ("requests", "tokens", "input-tokens", "output-tokens")
        if headers.get(f"anthropic-ratelimit-{what}-remaining") == "0"
    ]
    return max(filter(None, (_moment(text, now) for text in exhausted)), default=None)


def _moment(text: str, now: datetime) -> datetime | None:
    """Read seconds since 1970 or an ISO date; nothing else than the near future is believed."""
    try:
        moment = datetime.fromtimestamp(int(text), UTC) if text.isdecimal() else datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC) if now < aware < now + _FARTHEST else None


def _error(body: bytes) -> tuple[str, str]:
    try:
        document: Any = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    match document:
        case {"error": {"type": str(kind), "message": str(message)}}:
            return _clean(kind), _clean(message)
        case _:
            return "", ""


def _clean(text: str) -> str:
    # Invisible letters go too: they could reorder or hide what stands around them.
    return "".join(letter if letter.isprintable() else " " for letter in text[:_LONGEST]).strip()
