"""The credential of the model: which one, never shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class CredentialKind(StrEnum):
    """The three sources, the first one present wins."""

    API_KEY = "ANTHROPIC_API_KEY"
    OAUTH_TOKEN = "CLAUDE_CODE_OAUTH_TOKEN"  # noqa: S105  the variable's name, not its value
    LOGIN = "the login of the installed CLI"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A credential of the model: a `secret`, or the `file` the CLI keeps its login in."""

    kind: CredentialKind
    secret: str = field(default="", repr=False)
    file: Path | None = field(default=None, repr=False)

    @property
    def subscription(self) -> bool:
        """Work is paid by a subscription: its cost in USD is an estimate."""
        return self.kind is not CredentialKind.API_KEY

    def __str__(self) -> str:
        return str(self.kind)


def given_credential(environ: Mapping[str, str]) -> Credential | None:
    """Return the credential the environment holds, if any: an API key wins over a subscription token."""
    for kind in (CredentialKind.API_KEY, CredentialKind.OAUTH_TOKEN):
        if secret := environ.get(kind, "").strip():
            return Credential(kind=kind, secret=secret)
    return None


def login_credential(environ: Mapping[str, str], home: Path) -> Credential:
    """Return the CLI's own login, whose file may or may not be there."""
    folder = Path(environ["CLAUDE_CONFIG_DIR"]) if environ.get("CLAUDE_CONFIG_DIR") else home / ".claude"
    return Credential(kind=CredentialKind.LOGIN, file=folder / ".credentials.json")
