"""Every way a call to GitHub fails, told in our words: PyGithub's, those of requests beneath it, and GraphQL's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import github
import requests

from autorun.core.errors import CredentialRefused, ProviderError, RateLimited, Unanswered
from autorun.core.text.loglines import one_line

_SECONDARY_WAIT = 60.0  # seconds, where GitHub asks for a pause and does not say how long
_SERVER_ERROR = 500
_TOO_MANY = 429
_LONGEST = 400  # characters of GitHub's own words
_STATUS_PAGE = "try again later; https://www.githubstatus.com tells of outages"
_GRANT = "grant the token `contents`, `issues` and `pull-requests: write`, in a workflow under `permissions:`"
_REMEDIES = (
    ("archived", "take it out of the archive, or let Autorun work elsewhere"),
    ("issues has been disabled", "switch issues on in the repository's settings, or take tasks from elsewhere"),
    ("resource not accessible", _GRANT),
    ("must have", _GRANT),
    ("saml", "authorise the token for the organisation's single sign-on"),
    ("ip allow list", "let this machine's address into the organisation's IP allow list"),
    ("suspended", "let the app's installation be resumed"),
)


class Missing(ProviderError):
    """What was asked for is not there, or not for this token to see."""


class Refused(ProviderError):
    """GitHub understood and said no. `status` is that of HTTP, `said` its words."""

    def __init__(self, message: str, *, hint: str = "", status: int, said: str) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.said = said


class Unreached(Unanswered):
    """There is no usable answer. With `sent` false GitHub cannot have done what was asked."""

    def __init__(self, message: str, *, hint: str = "", sent: bool = True) -> None:
        super().__init__(message, hint=hint)
        self.sent = sent


class Limited(RateLimited):
    """GitHub asks for a pause of `seconds`; nothing was done."""

    def __init__(self, message: str, *, hint: str = "", resets_at: datetime, seconds: float) -> None:
        super().__init__(message, hint=hint, resets_at=resets_at)
        self.seconds = seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One error of a GraphQL answer: its type (may be empty), its words, and the field it is about."""

    kind: str
    message: str
    path: tuple[str, ...] = ()


class GraphQLFailed(Exception):
    """A GraphQL answer with errors that its asker cannot use."""

    def __init__(self, faults: tuple[Fault, ...], headers: Mapping[str, str]) -> None:
        super().__init__(faults[0].message)
        self.faults = faults
        self.headers = headers


def faults_of(answer: Mapping[str, Any]) -> tuple[Fault, ...]:
    """Return the errors of a GraphQL answer."""
    found = answer.get("errors")
    if not isinstance(found, list):
        return ()
    return tuple(
        Fault(
            kind=str(each.get("type") or ""),
            message=str(each.get("message") or "no reason"),
            path=tuple(str(step) for step in each.get("path") or ()),
        )
        for each in found
        if isinstance(each, Mapping)
    )


def expiry_in(headers: Mapping[str, str]) -> datetime | None:
    """Return when the token that was used ends; None where GitHub does not tell, as of a job's own."""
    told = headers.get("github-authentication-token-expiration", "").replace("UTC", "+0000")
    try:
        return datetime.strptime(told, "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return None


def understood(error: Exception, doing: str, now: datetime) -> ProviderError:
    """Return ours for any failure of a call; `doing` begins the sentence: `Reading the issues of octo/app`."""
    match error:
        case ProviderError():
            return error
        case github.GithubException():
            said = _words(error)
            return _answered(int(error.status or 0), said, error.headers or {}, doing, now)
        case GraphQLFailed():
            return _graphql(error, doing, now)
        case requests.RequestException():
            return _unconnected(error, doing)
        case AssertionError() | RuntimeError():  # PyGithub's own checks of addresses and redirects
            hint = "check GITHUB_API_URL and GITHUB_GRAPHQL_URL"
            return ProviderError(f"{doing} failed: GitHub's addresses do not fit together.", hint=hint)
        case _:  # what is no JSON, or not of the form that is documented
            return Unreached(f"{doing} failed: GitHub's answer cannot be read.", hint=_STATUS_PAGE)


def _unconnected(error: requests.RequestException, doing: str) -> Unreached:
    if isinstance(error, requests.Timeout):
        sent = not isinstance(error, requests.ConnectTimeout)
        return Unreached(f"{doing} failed: GitHub did not answer in time.", hint=_STATUS_PAGE, sent=sent)
    if isinstance(error, requests.ConnectionError):
        sent = not any(sign in repr(error) for sign in ("NewConnectionError", "NameResolutionError"))
        hint = f"check the network and GITHUB_API_URL; {_STATUS_PAGE}"
        return Unreached(f"{doing} failed: GitHub cannot be reached.", hint=hint, sent=sent)
    return Unreached(f"{doing} failed: the connection to GitHub broke.", hint=_STATUS_PAGE)


def _answered(status: int, said: str, headers: Mapping[str, str], doing: str, now: datetime) -> ProviderError:
    words = f": {one_line(said, _LONGEST)}".rstrip(".") if said else ""
    if limited := _limit(status, said, headers, doing, now):
        return limited
    if status >= _SERVER_ERROR or status == 0:
        return Unreached(f"{doing} failed: GitHub answered {status}.", hint=_STATUS_PAGE)
    sentence = f"{doing} failed: GitHub answered {status}{words}."
    if status == 401:  # noqa: PLR2004  HTTP's own numbers
        return CredentialRefused(f"{doing} failed: GitHub refuses the token{words}.")
    remedy = next((remedy for sign, remedy in _REMEDIES if sign in said.lower()), "")
    if status in {404, 410}:
        return Missing(sentence, hint=remedy or "check the name, and that the token may see it")
    if needed := headers.get("x-accepted-github-permissions", ""):
        remedy = f"grant the token {needed.replace('=', ': ')}"
    return Refused(sentence, hint=remedy or "check what the token may do here", status=status, said=said)


def _limit(status: int, said: str, headers: Mapping[str, str], doing: str, now: datetime) -> Limited | None:
    spent = headers.get("x-ratelimit-remaining") == "0" and status in {403, _TOO_MANY}
    asked = "retry-after" in headers and status in {403, _TOO_MANY}
    if not (spent or asked or status == _TOO_MANY or re.search("rate limit", said, re.IGNORECASE)):
        return None
    theirs = _date(headers.get("date", "")) or now
    if asked:
        seconds = _number(headers["retry-after"], _SECONDARY_WAIT)
    elif spent or "secondary" not in said.lower():
        reset = _number(headers.get("x-ratelimit-reset", ""), theirs.timestamp() + _SECONDARY_WAIT)
        seconds = max(0.0, reset - theirs.timestamp()) + 1  # in which part of that second is not told
    else:
        seconds = _SECONDARY_WAIT
    resets_at = now + timedelta(seconds=seconds)
    return Limited(
        f"{doing} failed: GitHub's rate limit is reached; it resets at {resets_at:%Y-%m-%d %H:%M:%S} UTC.",
        hint="run again after that; the limit is shared by all that uses this token",
        resets_at=resets_at,
        seconds=seconds,
    )


def _graphql(error: GraphQLFailed, doing: str, now: datetime) -> ProviderError:
    kinds = {fault.kind for fault in error.faults}
    said = error.faults[0].message
    if "RATE_LIMITED" in kinds:
        return _limit(403, f"rate limit: {said}", error.headers, doing, now) or ProviderError(said)
    if kinds == {"NOT_FOUND"}:
        return _answered(404, said, {}, doing, now)
    if kinds & {"FORBIDDEN", "INSUFFICIENT_SCOPES"}:
        return _answered(403, said, {}, doing, now)
    if kinds <= {"", "SERVICE_UNAVAILABLE", "INTERNAL", "RESOURCE_LIMITS_EXCEEDED"} and re.search(
        "something went wrong|timeout|timed out|try again|unavailable", said, re.IGNORECASE
    ):
        return Unreached(f"{doing} failed: {one_line(said, _LONGEST)}.", hint=_STATUS_PAGE)
    return _answered(422, said, {}, doing, now)


def _words(error: github.GithubException) -> str:
    """GitHub's own words: its message, and what it found wrong."""
    data = error.data if isinstance(error.data, Mapping) else {}
    errors = data.get("errors")
    details = [
        str(each.get("message") or " ".join(str(each[key]) for key in ("resource", "field", "code") if each.get(key)))
        if isinstance(each, Mapping)
        else str(each)
        for each in (errors if isinstance(errors, list) else [])
    ]
    said = str(data.get("message") or "")
    return ". ".join(part.rstrip(". ") for part in (said, *details) if part)[:_LONGEST]


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return None


def _number(text: str, otherwise: float) -> float:
    try:
        return float(text)
    except ValueError:
        return otherwise
