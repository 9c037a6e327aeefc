"""The way to the model without a gateway between, for tests of one backend: its process holds the credential."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from autorun.core.credential import CredentialKind
from autorun.core.model import Assignment, ModelAccess
from autorun.effects import credentials


class DirectAccess:
    """An `Access` that hands out what `environ` (or the CLI's login) holds."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def credential(self) -> str:
        """Name the credential that will be used. Raises AgentUnavailable if there is none, or if it has expired."""
        found = credentials.find(self._environ)
        credentials.secret(found)
        return str(found)

    @contextmanager
    def __call__(self, assignment: Assignment) -> Iterator[ModelAccess]:
        """Open the way for one stretch of work. Raises AgentUnavailable."""
        del assignment  # everyone gets the same
        found = credentials.find(self._environ)
        # A login goes out as the token it is: the CLI's own folder is a fresh one.
        is_key = found.kind is CredentialKind.API_KEY
        name = "ANTHROPIC_API_KEY" if is_key else "CLAUDE_CODE_OAUTH_TOKEN"
        base = {key: url for key in ("ANTHROPIC_BASE_URL",) if (url := self._environ.get(key))}
        yield ModelAccess(env={name: credentials.secret(found), **base})
