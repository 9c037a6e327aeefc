"""The way to the model: a small reverse proxy in the runner's process that holds the credential and the meter."""

import secrets
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from autorun.adapters.gateway.account import Account, Books
from autorun.adapters.gateway.handler import Handler
from autorun.adapters.gateway.stretch import Stretch
from autorun.core.credential import Credential, CredentialKind
from autorun.core.model import Assignment, ModelAccess, TaskId
from autorun.core.money.allowance import Purse
from autorun.effects import credentials
from autorun.effects.doors import Door
from autorun.effects.origin import Origin

PUBLIC = "https://api.anthropic.com"
_LOCAL_HOSTS = ("127.0.0.1", "::1", "localhost")


def _uncovered(task: TaskId, usd: float) -> None:
    """Cover nothing: for work that no record stands for."""


class Gateway:
    """Opens the way to the model for stretches of work, several side by side.

    `models` are the ids or aliases that may be called: the configured one and its fallback, in this order.
    After `attempts` failures in a row with one of them the client is told to give up on it, with the last of
    them the stretch is over. `session` and `day` are the caps all stretches share, `per_minute` the calls that
    may begin within a minute. With `on_socket` a stretch is served on a unix socket alone, for an agent
    in a sandbox; else on a loopback port. `cover(task, usd)` is called before a call begins with all that the stretch
    may have spent when it ends; what it raises ends the stretch. `warn` is given sentences for the user. Raises
    ConfigurationError for an unusable `upstream`.
    """

    def __init__(
        self,
        credential: Credential,
        models: tuple[str, ...],
        *,
        upstream: str = PUBLIC,
        attempts: int = 3,
        per_minute: int | None = None,
        session: Purse | None = None,
        day: Purse | None = None,
        on_socket: bool = False,
        cover: Callable[[TaskId, float], object] = _uncovered,
        warn: Callable[[str], object],
    ) -> None:
        self._credential = credential
        self._models = models
        self._attempts = attempts
        self._origin = Origin(upstream)
        self._books = Books(session=session or Purse(), day=day or Purse(), per_minute=per_minute)
        self._on_socket = on_socket
        self._cover = cover
        self._warn = _once(warn)
        if self._origin.url.scheme == "http" and self._origin.url.hostname not in _LOCAL_HOSTS:
            self._warn(f"The model's credential travels unencrypted to {self._origin.url.hostname}.")

    @contextmanager
    def opened(self, assignment: Assignment) -> Iterator[ModelAccess]:
        """Open the way for one stretch of work; its placeholder credential is worth nothing anywhere else.

        Raises OSError if no socket can be opened.
        """
        placeholder = f"placeholder-{secrets.token_hex(24)}"
        account = Account(
            self._books,
            assignment.limits,
            last_model=self._models[-1],
            attempts=self._attempts,
            cover=lambda usd: self._cover(assignment.task, usd),
            warn=self._warn,
        )
        stretch = Stretch(account, self._origin, self._credential, placeholder=placeholder, models=self._models)
        # A path of its own near the root: the name of a unix socket has room for about a hundred characters.
        with tempfile.TemporaryDirectory(prefix="autorun-") as folder:
            door = Door(lambda connection: Handler(connection, stretch))
            try:
                way, sockets = self._listen(door, Path(folder) / "model.sock")
                yield ModelAccess(env={**way, self._variable: placeholder}, sockets=sockets, meter=account.read)
            finally:
                stretch.close()
                door.close()
                account.close()

    def credential(self) -> str:
        """Name the credential that is used. Raises AgentUnavailable if it is a login that is gone or has expired."""
        credentials.secret(self._credential)
        return str(self._credential)

    def close(self) -> None:
        """Let go of the connections kept to the model's service."""
        self._origin.close()

    @property
    def _variable(self) -> str:
        """A login works like a token: given one, the CLI sends the headers that go with either."""
        kind = CredentialKind.OAUTH_TOKEN if self._credential.subscription else CredentialKind.API_KEY
        return kind.value

    def _listen(self, door: Door, path: Path) -> tuple[dict[str, str], tuple[Path, ...]]:
        if not self._on_socket:
            return {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{door.on_loopback()}"}, ()
        door.on_path(path)
        # The CLI speaks plain HTTP over the socket only if the address says http; the host is never looked up.
        return {"ANTHROPIC_BASE_URL": "http://localhost", "ANTHROPIC_UNIX_SOCKET": str(path)}, (path,)


def _once(warn: Callable[[str], object]) -> Callable[[str], None]:
    said: set[str] = set()
    lock = threading.Lock()

    def tell(sentence: str) -> None:
        with lock:
            new = sentence not in said
            said.add(sentence)
        if new:
            warn(sentence)

    return tell
