"""One REST question and its answer, and the table of who answers which operation."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from github_double.issues import Issue
from github_double.pulls import PullRequest
from github_double.repository import Repository
from github_double.site import Moved, Refused, Site, Token, User

PERMISSION = re.compile(r"(?P<names>[a-z_|]+):(?P<level>read|write|admin)")
LACKING = {
    "installation": "Resource not accessible by integration",
    "fine-grained": "Resource not accessible by personal access token",
    "classic": "Resource not accessible by personal access token",
}


@dataclass(kw_only=True)
class Estate:
    """Everything a handler may look at: the site, its repositories, its tokens."""

    site: Site
    repositories: list[Repository] = field(default_factory=list)
    tokens: dict[str, Token] = field(default_factory=dict)

    def find(self, full_name: str) -> Repository:
        """Return a repository by its present name; an old one redirects, an unknown one is 404."""
        for repo in self.repositories:
            if repo.full_name.lower() == full_name.lower():
                return repo
        for repo in self.repositories:
            if full_name.lower() in (each.lower() for each in repo.old_names):
                raise Moved(f"/repositories/{repo.id}")
        raise Refused(404, "Not Found")

    def by_id(self, repo_id: int) -> Repository:
        """Return a repository by its id."""
        for repo in self.repositories:
            if repo.id == repo_id:
                return repo
        raise Refused(404, "Not Found")


def sees(repo: Repository, token: Token | None) -> bool:
    """Tell whether a credential can see that a repository exists."""
    if not repo.private:
        return True
    if token is None:
        return False
    if token.repository is not None:
        return token.repository == repo.id
    return token.kind == "installation" or repo.has_role(token.user.login, "read")


def demand(repo: Repository, token: Token | None, permission: str, role: str) -> None:
    """Refuse unless the credential carries `permission` (like `issues|pull_requests:write`) and its user the role."""
    if not sees(repo, token):
        raise Refused(404, "Not Found")
    wanted = PERMISSION.fullmatch(permission)
    if wanted is None:
        return
    level = wanted["level"]
    if token is None:
        if level == "read":
            return
        raise Refused(401, "Requires authentication")
    reads_public = level == "read" and not repo.private and token.kind == "classic"
    foreign = token.repository not in {None, repo.id}
    allowed = any(token.allows(name, level) for name in wanted["names"].split("|")) and not foreign
    if not allowed and not reads_public:
        raise Refused(403, LACKING[token.kind])
    if level != "read" and repo.archived:
        raise Refused(403, "Repository was archived so is read-only.")
    if token.kind != "installation" and not repo.has_role(token.user.login, role):
        raise Refused(403, f"Must have {'push' if role == 'write' else role} access to Repository.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a handler answers: JSON or nothing; `rows` are paged by the router."""

    status: int = 200
    body: Any = None
    rows: Sequence[Any] | None = None
    render: Callable[[Any], Any] | None = None
    wrapped: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request whose operation, repository and credential are known."""

    estate: Estate
    token: Token | None
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    repository: Repository | None

    @property
    def repo(self) -> Repository:
        """The repository of the path."""
        if self.repository is None:
            raise Refused(404, "Not Found")
        return self.repository

    @property
    def actor(self) -> User:
        """Whoever the credential speaks for."""
        if self.token is None:
            raise Refused(401, "Requires authentication")
        return self.token.user

    @property
    def login(self) -> str:
        """The actor's login."""
        return self.actor.login

    def number(self, name: str) -> int:
        """Return a path parameter as a number; anything else is 404."""
        if not self.path[name].isdigit():
            raise Refused(404, "Not Found")
        return int(self.path[name])

    def issue(self) -> Issue:
        """Return the issue of the path."""
        if not self.repo.has_issues and self.number("issue_number") not in self.repo.issues:
            raise Refused(410, "Issues has been disabled in this repository.")
        return self.repo.find_issue(self.number("issue_number"))

    def pull(self) -> PullRequest:
        """Return the pull request of the path."""
        pull = self.repo.find_pull(self.number("pull_number"))
        pull.follow()
        return pull

    def text(self, key: str) -> str | None:
        """Return a text of the body."""
        value = self.body.get(key) if isinstance(self.body, Mapping) else None
        return value if isinstance(value, str) else None

    def since(self) -> datetime | None:
        """Return the query's `since`."""
        return datetime.fromisoformat(self.query["since"]) if "since" in self.query else None


Handler = Callable[[Ask], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who answers an operation, and what that takes."""

    handler: Handler
    needs: str
    role: str


ROUTES: dict[str, Route] = {}


def route(operation: str, *, needs: str = "", role: str = "read") -> Callable[[Handler], Handler]:
    """Register the answer to an operation id of the description."""

    def register(handler: Handler) -> Handler:
        ROUTES[operation] = Route(handler=handler, needs=needs, role=role)
        return handler

    return register
