"""The ground every object of the double stands on: clock, addresses, ids, people and refusals."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import ClassVar, TypeVar

T = TypeVar("T")
START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
ROLES = ("none", "read", "triage", "write", "maintain", "admin")
ACTIONS_BOT = "github-actions[bot]"


class Refused(Exception):  # an answer, not a fault
    """GitHub says no: HTTP status, message, and the `errors` list of a failed validation."""

    def __init__(self, status: int, message: str, *, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors


class Moved(Exception):
    """The thing lives elsewhere now; `path` is where, below the API's root."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def invalid(resource: str, *, field: str = "", code: str = "invalid", message: str = "") -> Refused:
    """Build the 422 of a failed validation."""
    error = {"resource": resource, "code": code, "field": field, "message": message}
    return Refused(422, "Validation Failed", errors=[{k: v for k, v in error.items() if v}])


class Clock:
    """The double's time, in whole seconds: it stands still but for `step` at every change, or follows the wall."""

    def __init__(
        self, start: datetime = START, *, step: timedelta = timedelta(seconds=1), live: bool = False
    ) -> None:
        self._now = start
        self._step = step
        self._live = live

    def now(self) -> datetime:
        """Return the present moment."""
        return datetime.now(UTC).replace(microsecond=0) if self._live else self._now

    def tick(self) -> datetime:
        """Let one change take its time and return when it happened."""
        self._now += self._step
        return self.now()

    def advance(self, **amount: float) -> datetime:
        """Move on by a `timedelta` written as keywords: `clock.advance(hours=2)`."""
        self._now += timedelta(**amount)
        return self.now()

    def set(self, moment: datetime) -> None:
        """Jump to a moment."""
        self._now = moment


def stamp(moment: datetime | None) -> str | None:
    """Write a moment the way GitHub does."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(kw_only=True)
class Site:
    """One GitHub: addresses, clock, everybody and everything on it by node id."""

    origin: str
    clock: Clock
    users: dict[str, "User"] = field(default_factory=dict)
    nodes: dict[str, object] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: count(1001))

    def next_id(self) -> int:
        """Return a number never used before on this site."""
        return next(self._ids)

    def api(self, path: str) -> str:
        """Return the REST address of a path that starts with a slash."""
        return f"{self.origin}/api/v3{path}"

    def web(self, path: str) -> str:
        """Return the address a person would open."""
        return f"{self.origin}{path}"

    def user(self, login: str, *, kind: str = "") -> "User":
        """Return that account, made on first mention; a `[bot]` login makes a Bot."""
        known = self.users.get(login.lower())
        if known is None:
            kind = kind or ("Bot" if login.endswith("[bot]") else "User")
            known = self.users[login.lower()] = User(site=self, login=login, kind=kind)
        return known

    def node(self, node_id: str, kind: type[T]) -> T:
        """Return the object of that node id, or refuse as GitHub does."""
        found = self.nodes.get(node_id)
        if found is None or not isinstance(found, kind):
            raise Refused(404, f"Could not resolve to a node with the global id of '{node_id}'.")
        return found


@dataclass(kw_only=True, eq=False, repr=False)
class Entity:
    """Something with an id and a node id."""

    PREFIX: ClassVar[str] = "N"
    site: Site
    id: int = field(init=False)
    node_id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = self.site.next_id()
        packed = base64.urlsafe_b64encode(self.id.to_bytes(6, "big")).decode()
        self.node_id = f"{self.PREFIX}_kwDO{packed}"
        self.site.nodes[self.node_id] = self

    def __repr__(self) -> str:
        told = (getattr(self, name, None) for name in ("full_name", "login", "number", "name", "kind"))
        return f"<{type(self).__name__} {next((each for each in told if each is not None), self.id)}>"


@dataclass(kw_only=True, eq=False, repr=False)
class User(Entity):
    """An account: `kind` is User, Bot or Organization. A deleted one shows as ghost, or as null in GraphQL."""

    PREFIX: ClassVar[str] = "U"
    login: str
    kind: str = "User"
    deleted: bool = False

    def delete(self) -> None:
        """Delete the account; what it wrote stays."""
        self.deleted = True


@dataclass(kw_only=True, eq=False, repr=False)
class Token(Entity):
    """A credential. `kind`: installation (a job's or an App's), fine-grained or classic.

    `permissions` maps contents, issues, pull_requests, actions, workflows, administration to none, read or write;
    what is absent is none. `repository` limits an installation token to one repository (its id).
    """

    value: str = field(repr=False)
    user: User
    kind: str = "installation"
    permissions: dict[str, str] = field(default_factory=dict)
    repository: int | None = None
    limit: int = 5000
    used: int = 0
    resets: datetime = START
    expires_at: datetime | None = None

    def allows(self, permission: str, level: str) -> bool:
        """Tell whether the credential carries that permission at that level; everybody may read metadata."""
        if permission == "metadata":
            return level == "read"
        rank = ("none", "read", "write", "admin")
        return rank.index(self.permissions.get(permission, "none")) >= rank.index(level)

    def spend(self) -> None:
        """Count one request; refuse nothing."""
        now = self.site.clock.now()
        if now >= self.resets:
            self.used, self.resets = 0, now + timedelta(hours=1)
        self.used += 1

    @property
    def remaining(self) -> int:
        """Requests left in this hour."""
        return max(0, self.limit - self.used)
