"""What can go wrong, on demand: which call, and how."""

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum


class Manner(Enum):
    """How a failure reaches the client."""

    ANSWER = "an error answer; nothing was done"
    SILENCE = "no answer within the given seconds, then the connection closes; nothing was done"
    CUT_BEFORE = "connection reset; nothing was done"
    CUT_AFTER = "connection reset; the effect was applied"
    SLOW = "the true answer, its body spread over the given seconds"
    MALFORMED = "the true answer's JSON, cut in half; the effect was applied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One way to fail; `resets_in` is seconds from now for the rate-limit header."""

    manner: Manner = Manner.ANSWER
    status: int = 500
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[Mapping[str, str], ...] = ()
    seconds: float = 0.0
    resets_in: int | None = None


def server_error(status: int = 502) -> Failure:
    """A 5xx."""
    return Failure(status=status, message="Server Error")


def unauthorised() -> Failure:
    """A 401, as for a token that was revoked."""
    return Failure(status=401, message="Bad credentials")


def forbidden(message: str = "Resource not accessible by integration") -> Failure:
    """A 403 that has nothing to do with rates."""
    return Failure(status=403, message=message)


def not_found() -> Failure:
    """A 404."""
    return Failure(status=404, message="Not Found")


def unprocessable(message: str = "Validation Failed", *errors: Mapping[str, str]) -> Failure:
    """A 422 with its list of errors."""
    return Failure(status=422, message=message, errors=errors)


def primary_limit(resets_in: int = 3600) -> Failure:
    """A 403 of the hourly limit: nothing remains until the reset, so many seconds from now."""
    return Failure(status=403, message="API rate limit exceeded for installation ID 1001.", resets_in=resets_in)


def secondary_limit(retry_after: int | None = 60, *, status: int = 403) -> Failure:
    """A 403 or 429 of the limit on bursts, with or without `retry-after`."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    return Failure(status=status, message=message, headers=headers)


def silence(seconds: float = 30.0) -> Failure:
    """No answer at all for so long."""
    return Failure(manner=Manner.SILENCE, seconds=seconds)


def reset(*, after: bool = False) -> Failure:
    """The connection breaks, before or after the effect was applied."""
    return Failure(manner=Manner.CUT_AFTER if after else Manner.CUT_BEFORE)


def slow(seconds: float = 1.0) -> Failure:
    """A body that dribbles in."""
    return Failure(manner=Manner.SLOW, seconds=seconds)


def malformed() -> Failure:
    """An answer that is no JSON."""
    return Failure(manner=Manner.MALFORMED)


@dataclass(kw_only=True)
class Plan:
    """A failure in waiting: at the n-th matching call, or at every one; `hits` counts how often it struck."""

    failure: Failure
    where: str
    at: int | None
    times: int | None
    seen: int = 0
    hits: int = 0
    stopped: bool = False

    def stop(self) -> None:
        """Let everything work again."""
        self.stopped = True

    def strikes(self, names: Sequence[str]) -> bool:
        """Count a call known by these names and tell whether it fails."""
        if self.stopped or not any(fnmatch.fnmatchcase(each, self.where) for each in names):
            return False
        self.seen += 1
        return self.at in {None, self.seen} and (self.times is None or self.hits < self.times)
