"""Linear's GraphQL: one question, one order, or all pages of a list, and what each refusal means."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from autorun.core.errors import ProviderError, RateLimited
from autorun.core.text.secrets import redacted
from autorun.effects import host
from autorun.effects.http import JsonDoor, Reply, busy, retry_after

_REFUSED, _UNAUTHORISED, _FORBIDDEN, _TOO_MANY, _SERVER_ERROR = 400, 401, 403, 429, 500
_BUDGETS = ("requests", "complexity", "endpoint-requests")
_NOT_STARTED = "Could not initialize state provider linear"


class Refused(ProviderError):
    """Linear understood the order and says no: something in it does not fit what is there."""


class LinearClient:
    """Asks through `door`; `key_name` names the credential, `secrets` are exact values that stand in no message."""

    def __init__(self, door: JsonDoor, *, key_name: str, secrets: Sequence[str] = ()) -> None:
        self._door = door
        self._key_name = key_name
        self._secrets = tuple(secrets)

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the data. Raises ProviderError, Refused, RateLimited, Interrupted."""
        reply = self._door.post({"query": query, "variables": variables}, pause=_pause)
        document = reply.json()
        data = document.get("data") if isinstance(document, dict) else None
        if reply.status < _REFUSED and isinstance(data, dict) and not document.get("errors"):
            return data
        raise self._failure(reply)

    def order(self, mutation: str, **variables: Any) -> dict[str, Any]:
        """Have one thing changed and return its payload. Raises as `ask`, Refused also for a plain "no success"."""
        (payload,) = self.ask(mutation, **variables).values()
        if not isinstance(payload, dict) or payload.get("success") is not True:
            raise Refused("Linear did not carry out a change.", hint="look whether it can be made by hand")
        return payload

    def pages(self, query: str, *path: str, after: str | None = None, **variables: Any) -> Iterator[dict[str, Any]]:
        """Yield the nodes of the connection at `path`, page by page, beginning behind the cursor `after`."""
        while True:
            found: Any = self.ask(query, after=after, **variables)
            for name in path:
                found = found[name]
            yield from found["nodes"]
            following = next_page(found)
            if following is None:
                return
            if following == after:
                raise ProviderError("Linear's pages lead in a circle.", hint="run again later")
            after = following

    def _failure(self, reply: Reply) -> ProviderError:
        kinds, said = _said(reply)
        said = redacted(said, self._secrets)
        if _is_rate_limit(reply, kinds):
            resets_at = _resets_at(reply)
            when = f" until {resets_at:%Y-%m-%d %H:%M} UTC" if resets_at else ""
            return RateLimited(
                f"Linear's rate limit is used up{when}.", hint="run again then, or less often", resets_at=resets_at
            )
        if reply.status == _UNAUTHORISED or "authentication error" in kinds:
            return ProviderError(
                f"{_NOT_STARTED}: Linear refuses the key in {self._key_name}",
                hint=f"set {self._key_name} to a personal API key (Linear: Settings, Security & access)",
            )
        if reply.status == _FORBIDDEN or kinds & {"forbidden", "feature not accessible"}:
            return ProviderError(
                f"The key in {self._key_name} may not do this in Linear: {said}",
                hint="use the key of a member of the team, with permission to read and write",
            )
        if kinds & {"invalid input", "user error"}:
            return Refused(f"Linear refuses: {said}", hint="look whether the issue or its team has changed")
        if not kinds and reply.status < _SERVER_ERROR:
            return ProviderError(
                f"What answers is not Linear's API (status {reply.status}).", hint="look at LINEAR_API_URL"
            )
        return ProviderError(f"Linear failed ({reply.status}): {said}", hint="run again later")


def next_page(connection: Mapping[str, Any]) -> str | None:
    """Return the cursor behind which a connection goes on, None at its end."""
    info = connection["pageInfo"]
    return str(info["endCursor"]) if info["hasNextPage"] and info["endCursor"] else None


def _said(reply: Reply) -> tuple[frozenset[str], str]:
    """Return the kinds of the errors in a reply (in lower case, words apart) and the first one's message."""
    document = reply.json()
    errors = document.get("errors") if isinstance(document, dict) else None
    if not isinstance(errors, list):
        return frozenset(), ""
    kinds: set[str] = set()
    messages: list[str] = []
    for error in (each for each in errors if isinstance(each, dict)):
        extensions = error.get("extensions")
        details: Mapping[str, Any] = extensions if isinstance(extensions, dict) else {}
        kinds |= {str(details[name]).lower().replace("_", " ") for name in ("type", "code") if details.get(name)}
        messages.append(" ".join(str(details.get("userPresentableMessage") or error.get("message", "")).split()))
    return frozenset(kinds) or frozenset({"unknown"}), (messages or [""])[0][:400]


def _is_rate_limit(reply: Reply, kinds: frozenset[str]) -> bool:
    return reply.status == _TOO_MANY or "ratelimited" in kinds


def _pause(reply: Reply) -> float | None:
    if not _is_rate_limit(reply, _said(reply)[0]):
        return busy(reply)
    if named := retry_after(reply):
        return named
    resets_at = _resets_at(reply)
    return max(0.0, (resets_at - host.now()).total_seconds()) if resets_at else 0.0


def _resets_at(reply: Reply) -> datetime | None:
    """Return when the used-up budgets are full again (the headers tell milliseconds since 1970)."""
    resets: dict[str, int] = {}
    for budget in _BUDGETS:
        value = reply.headers.get(f"x-ratelimit-{budget}-reset", "")
        if value.isdecimal():
            resets[budget] = int(value)
    empty = [when for name, when in resets.items() if reply.headers.get(f"x-ratelimit-{name}-remaining") == "0"]
    latest = max(empty or resets.values(), default=None)
    return None if latest is None else datetime.fromtimestamp(latest / 1000, UTC)
