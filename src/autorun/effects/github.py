"""The one door to GitHub's API: PyGithub without its waits, bounded retries, rate limits waited for in time."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import github
from github.Repository import Repository

from autorun import __version__
from autorun.core.errors import ProviderError
from autorun.core.model import Stop
from autorun.effects import host
from autorun.effects.github_failures import (
    Fault,
    GraphQLFailed,
    Limited,
    Unreached,
    expiry_in,
    faults_of,
    understood,
)
from autorun.effects.last_moment import CutShort, LastMoment

API_URL = "https://api.github.com"
SERVER_URL = "https://github.com"
_TIMEOUT = 20  # seconds for one answer
_PAGE = 100
_PAUSES = (1.0, 4.0)  # seconds before a call is made again
_PATIENCE = 900.0
_MOST_LIMITS = 20  # rate limits met by one call before it is given up, whatever the clock says

T = TypeVar("T")


def _never() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a GraphQL request brought: its data, and the errors beside it."""

    data: Mapping[str, Any]
    faults: tuple[Fault, ...] = ()


@dataclass(slots=True, kw_only=True)
class GitHub:
    """A client for one token. Raises ProviderError and its kin, never anything of PyGithub's.

    Rate limits are waited for while that ends within `patience` seconds from the client's making and `stop` has no
    reason; else they are RateLimited. Calls that may be repeated are, after each of `pauses` seconds, where GitHub
    gave no usable answer. Once `stop` tells of a signal a call has 3 s left, and after one that took longer no other
    is made. `expires_at` is when the token ends, as far as GitHub has told.
    """

    token: str = field(repr=False)
    api_url: str = API_URL
    graphql_url: str = ""
    patience: float = _PATIENCE
    pauses: tuple[float, ...] = _PAUSES
    timeout: int = _TIMEOUT
    stop: Stop = _never
    wait: Callable[[float, Stop], None] = host.wait
    expires_at: datetime | None = field(default=None, init=False)
    _client: github.Github = field(init=False, repr=False)
    _until: float = field(init=False, repr=False)
    _last_moment: LastMoment = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._until = time.monotonic() + self.patience
        self._last_moment = LastMoment(self.stop)
        self._client = github.Github(
            auth=github.Auth.Token(self.token),
            base_url=self.api_url,
            user_agent=f"autorun/{__version__}",
            timeout=self.timeout,
            per_page=_PAGE,
            retry=None,
            # One status comment, a label and a pull request now and then: far below what bursts are limited to.
            seconds_between_requests=0,
            seconds_between_writes=0,
            lazy=True,
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def repository(self, name: str) -> Repository:
        """Return a repository by `owner/name`; no call is made."""
        return self._client.get_repo(name)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Wait for no rate limit and no second try while the block lasts: what cannot be had now is an error."""
        until, self._until = self._until, 0.0
        try:
            yield
        finally:
            self._until = until

    def call(self, doing: str, action: Callable[[], T], *, repeatable: bool) -> T:
        """Make a call by PyGithub's objects; `doing` begins the sentence of a failure.

        What is not repeatable is made again only if GitHub cannot have seen it.
        """
        pauses = iter(self.pauses)
        for _ in range(_MOST_LIMITS):
            try:
                return self._last_moment.wait_for(action)
            except CutShort as error:
                raise Unreached(f"{doing} failed: {error}.", hint="run again") from None
            except Exception as error:  # noqa: BLE001  whatever it is, it becomes a sentence
                failure = understood(error, doing, host.now())
            if not self._patient(failure, pauses, repeatable=repeatable):
                raise failure
        raise failure

    def ask(self, doing: str, query: str, *, partial: bool = False, **variables: object) -> Answer:
        """Read by GraphQL. With `partial`, fields that are not there are told as faults instead of an error."""
        return self.call(doing, lambda: self._post(query, variables, partial=partial), repeatable=True)

    def order(self, doing: str, mutation: str, **variables: object) -> Answer:
        """Change something by GraphQL. Each field that failed is a fault. Raises Unreached if nobody knows."""
        return self.call(doing, lambda: self._post(mutation, variables, partial=True), repeatable=False)

    def _post(self, query: str, variables: Mapping[str, object], *, partial: bool) -> Answer:
        requester = self._client.requester
        url = self.graphql_url or requester.graphql_url
        headers, answer = requester.requestJsonAndCheck("POST", url, input={"query": query, "variables": variables})
        self.expires_at = expiry_in(headers) or self.expires_at
        faults = faults_of(answer)
        data = answer.get("data")
        usable = isinstance(data, Mapping) and (not faults or (partial and any(data.values())))
        if not usable or any(fault.kind == "RATE_LIMITED" for fault in faults):
            raise GraphQLFailed(faults or (Fault(kind="", message="something went wrong: no data"),), headers)
        return Answer(data=data, faults=faults)

    def _patient(self, failure: ProviderError, pauses: Iterator[float], *, repeatable: bool) -> bool:
        """Wait where that helps; tell whether to try again."""
        if isinstance(failure, Limited):
            seconds: float | None = failure.seconds
        elif isinstance(failure, Unreached) and (repeatable or not failure.sent):
            seconds = next(pauses, None)
        else:
            return False
        if seconds is None or time.monotonic() + seconds > self._until or self.stop() is not None:
            return False
        self.wait(seconds, self.stop)
        return self.stop() is None


@contextmanager
def parsing(what: str) -> Iterator[None]:
    """Say it in a sentence where an answer has not the form that GitHub documents."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProviderError(
            f"GitHub's answer about {what} is not as documented ({type(error).__name__}).",
            hint="look for a newer version of Autorun",
        ) from error
