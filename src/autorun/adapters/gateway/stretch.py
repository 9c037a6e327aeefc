"""One stretch's way to the model: who may use it, and the calls under way on it."""

import hmac
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from autorun.adapters.gateway.account import Account
from autorun.core.credential import Credential
from autorun.effects import credentials
from autorun.effects.origin import Exchange, Origin

_FORWARDED = (
    "accept",
    "anthropic-beta",
    "anthropic-dangerous-direct-browser-access",
    "anthropic-version",
    "user-agent",
    "x-app",
)
_FORWARDED_FAMILIES = ("x-stainless-", "x-claude-code-")
_OAUTH_BETA = "oauth-2025-04-20"
# Whatever these switch on runs, fetches or keeps something at the provider, or has a price of its own.
_REFUSED_BETAS = (
    "advisor-",
    "agent-",
    "code-execution-",
    "fast-mode-",
    "files-api-",
    "managed-agents-",
    "mcp-client-",
    "message-threads-",
    "server-side-fallback-",
    "skills-",
    "web-fetch-",
    "web-search-",
)
_RETURNED = ("content-type", "date", "request-id", "retry-after", "retry-after-ms", "x-should-retry")
_RETURNED_FAMILIES = ("anthropic-ratelimit-",)


class Stretch:
    """What the connections of one stretch share. Every method may be called from any thread."""

    def __init__(
        self,
        account: Account,
        origin: Origin,
        credential: Credential,
        *,
        placeholder: str,
        models: tuple[str, ...],
    ) -> None:
        self.account = account
        self.models = models
        self._origin = origin
        self._credential = credential
        self._placeholder = placeholder.encode()
        self._lock = threading.Lock()
        self._under_way: set[Exchange] = set()

    def knows(self, api_key: str, authorization: str) -> bool:
        """Tell whether a client shows the placeholder, in whichever header."""
        shown = (api_key, authorization.removeprefix("Bearer "))
        return any(hmac.compare_digest(one.encode(errors="replace"), self._placeholder) for one in shown)

    def outward(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers to send on (lower-case names), the real credential among them.

        Raises AgentUnavailable.
        """
        kept = {
            name: value
            for name, value in headers.items()
            if (name in _FORWARDED or name.startswith(_FORWARDED_FAMILIES))
            and value.isascii()
            and value.isprintable()
        }
        betas = [beta.strip() for beta in kept.pop("anthropic-beta", "").split(",")]
        betas = [beta for beta in betas if beta and beta != _OAUTH_BETA and not beta.startswith(_REFUSED_BETAS)]
        secret = credentials.secret(self._credential)
        if self._credential.subscription:
            betas.append(_OAUTH_BETA)
            kept["authorization"] = f"Bearer {secret}"
        else:
            kept["x-api-key"] = secret
        if betas:
            kept["anthropic-beta"] = ",".join(betas)
        # Uncompressed, or the meter could not read it.
        return {**kept, "content-type": "application/json", "accept-encoding": "identity"}

    def redacted(self, body: bytes, sent: Mapping[str, str]) -> bytes:
        """Return an error's text without the credential, should the service have repeated it."""
        for secret in (sent.get("x-api-key", ""), sent.get("authorization", "").removeprefix("Bearer ")):
            if secret:
                body = body.replace(secret.encode(), b"[credential]")
        return body

    @contextmanager
    def exchange(self) -> Iterator[Exchange]:
        """Open one exchange with the model's service; `close` breaks it off."""
        exchange = self._origin.exchange()
        with self._lock:
            self._under_way.add(exchange)
            if self.account.ended.is_set():
                exchange.abort()
        try:
            yield exchange
        finally:
            with self._lock:
                self._under_way.discard(exchange)
            exchange.close()

    def close(self) -> None:
        """Serve no more and break off what is under way."""
        self.account.ended.set()
        with self._lock:
            for exchange in self._under_way:
                exchange.abort()


def inward(headers: Mapping[str, str]) -> dict[str, str]:
    """Return those headers of an answer that are for the client."""
    return {n: v for n, v in headers.items() if n in _RETURNED or n.startswith(_RETURNED_FAMILIES)}
