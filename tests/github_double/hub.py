"""The double: one GitHub of its own, on loopback."""

import base64
import json
import secrets
import tempfile
import threading
import traceback
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Self

from github_double import gql, gql_mutations, gql_repository
from github_double.ask import Estate
from github_double.bare import BareRepository
from github_double.calls import Call, Calls
from github_double.contract import contract
from github_double.events import payload
from github_double.failures import Failure, Manner, Plan
from github_double.gitside import GitSide
from github_double.repository import Repository
from github_double.router import Router, error_body
from github_double.server import Reply, Request, Server, wait
from github_double.site import ACTIONS_BOT, Clock, Site, Token, User

GRAPHQL = (gql_mutations, gql_repository)
API, GRAPHQL_PATH = "/api/v3", "/api/graphql"
ORDINARY = ("contents", "issues", "pull_requests", "actions")
FREE = ("GET /rate_limit",)


class GitHubDouble:
    """A stateful GitHub for tests; use it as a context manager, or close it.

    `violations` collects what the published descriptions forbid, in requests and in answers, and what the double
    does not model: a test asserts that it is empty. `calls` counts every request. `clock` is GitHub's time.
    """

    def __init__(self, *, clock: Clock | None = None, folder: Path | None = None) -> None:
        self.clock = clock or Clock()
        self.calls = Calls()
        self.violations: list[str] = []
        self._plans: list[Plan] = []
        self._lock = threading.RLock()
        self._own = None if folder else tempfile.TemporaryDirectory(prefix="github-double-")
        self._folder = folder or Path(self._own.name if self._own else "")
        self._server = Server(self._reply)
        self.origin = self._server.origin
        self.site = Site(origin=self.origin, clock=self.clock)
        self.estate = Estate(site=self.site)
        self._router = Router(self.estate, contract(), self.violations)
        self._git = GitSide(self.estate, self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving and remove the repositories, unless their folder was given."""
        self._server.close()
        if self._own:
            self._own.cleanup()

    # ------------ setting the scene

    def repository(
        self,
        full_name: str,
        *,
        files: Mapping[str, str | bytes] | None = None,
        default_branch: str = "main",
        private: bool = False,
    ) -> Repository:
        """Create a repository with a first commit of these files (a README when none are given)."""
        owner, _, name = full_name.partition("/")
        where = self._folder / f"making-{len(self.estate.repositories)}.git"
        repo = Repository(
            site=self.site,
            owner=self.site.user(owner, kind="Organization"),
            name=name,
            default_branch=default_branch,
            git=BareRepository(where, default_branch=default_branch),
            created_at=self.clock.now(),
            private=private,
        )
        repo.git.path = where.rename(self._folder / f"{repo.id}.git")
        repo.commit(files or {"README.md": f"# {name}\n"}, by=owner, message="Begin")
        self.estate.repositories.append(repo)
        return repo

    def user(self, login: str) -> User:
        """Return an account; a `[bot]` login makes a Bot."""
        return self.site.user(login)

    def token(
        self,
        *,
        by: str = ACTIONS_BOT,
        repository: Repository | None = None,
        kind: str = "installation",
        limit: int = 1000,
        permissions: Mapping[str, str] | None = None,
        expires_at: datetime | None = None,
    ) -> str:
        """Make a credential and return it; without permissions it may write all that an ordinary job may.

        `permissions` maps contents, issues, pull_requests, actions, workflows, administration to read or write.
        `by` is who it speaks for, `expires_at` when it ends; `repository` limits it to one; a person's token is kind
        fine-grained or classic.
        """
        granted = dict.fromkeys(ORDINARY, "write") if permissions is None else dict(permissions)
        prefix = {"installation": "ghs_", "fine-grained": "github_pat_", "classic": "ghp_"}[kind]
        token = Token(
            site=self.site,
            value=prefix + secrets.token_hex(18),
            user=self.site.user(by),
            kind=kind,
            permissions=granted,
            repository=repository.id if repository else None,
            limit=limit,
            expires_at=expires_at,
        )
        self.estate.tokens[token.value] = token
        return token.value

    def personal_token(self, login: str, *, kind: str = "classic") -> str:
        """Make a person's credential that may do whatever the person may."""
        everything = dict.fromkeys((*ORDINARY, "workflows", "administration"), "write")
        return self.token(by=login, kind=kind, limit=5000, permissions=everything)

    def revoke(self, value: str) -> None:
        """Make a credential worthless: 401 from now on."""
        del self.estate.tokens[value]

    def env(self, repository: Repository | None = None) -> dict[str, str]:
        """Return what a job on this GitHub would find in its environment."""
        addresses = {
            "GITHUB_API_URL": self.origin + API,
            "GITHUB_GRAPHQL_URL": self.origin + GRAPHQL_PATH,
            "GITHUB_SERVER_URL": self.origin,
        }
        named = {"GITHUB_REPOSITORY": repository.full_name} if repository else {}
        return addresses | named

    def fail(self, failure: Failure, *, at: int | None = None, times: int | None = None, where: str = "*") -> Plan:
        """Let calls fail: the `at`-th that matches, or every one, at most `times`.

        `where` is a shell pattern over `METHOD /path`, the operation id (`issues/create-comment`), `GRAPHQL field`,
        `GIT push` or `GIT fetch`.
        """
        plan = Plan(failure=failure, where=where, at=at, times=times)
        self._plans.append(plan)
        return plan

    def event(self, name: str, repo: Repository, *, sender: str, action: str = "", **about: Any) -> dict[str, Any]:
        """Build the payload of an event: `event("issue_comment", repo, sender="ana", issue=7, comment=comment)`."""
        return payload(name, repo, self.site.user(sender), action, about)

    # ------------ answering

    def _reply(self, request: Request) -> Reply:
        path, _, query = request.target.partition("?")
        token, known = self._credential(request)
        kind, names = self._named(request, path)
        failure = self._struck(names)
        login = token.user.login if token else ""
        if failure is not None and failure.manner in {Manner.SILENCE, Manner.CUT_BEFORE}:
            wait(self._server.closing, failure.seconds)
            self._count(kind, path, 0, login)
            return Reply(cut=True)
        if failure is not None and failure.manner is Manner.ANSWER:
            reply = self._failed(failure, kind)
        elif not known:
            reply = self._json(401, error_body(401, "Bad credentials"))
        else:
            reply = self._surely(request, path, query, kind, token)
        if failure is not None and failure.manner is Manner.CUT_AFTER:
            self._count(kind, path, 0, login)
            return Reply(cut=True)
        self._count(kind, path, reply.status, login)
        return self._dressed(reply, token, failure)

    def _count(self, kind: str, path: str, status: int, login: str) -> None:
        with self._lock:
            self.calls.append(Call(kind=kind, path=path, status=status, login=login))

    def _credential(self, request: Request) -> tuple[Token | None, bool]:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if not value:
            return None, True
        if scheme.lower() == "basic":
            value = base64.b64decode(value).decode().partition(":")[2]
        token = self.estate.tokens.get(value)
        if token is not None and token.expires_at is not None and token.expires_at <= self.clock.now():
            token = None
        return token, token is not None

    def _named(self, request: Request, path: str) -> tuple[str, list[str]]:
        plain = f"{request.method} {path}"
        if git := GitSide.kind(request.target):
            return git, [plain, git]
        if path == GRAPHQL_PATH:
            try:
                asked = json.loads(request.body)
            except ValueError:
                return "GRAPHQL ?", [plain, "GRAPHQL ?"]
            kind = f"GRAPHQL {gql.root_fields(str(asked.get('query', '')))}"
            return kind, [plain, kind]
        with self._lock:
            found = self._router.find(request.method, path.removeprefix(API)) if path.startswith(API) else None
        if found is None:
            return f"{request.method} ?", [plain]
        return found.kind, [plain, f"{request.method} {path.removeprefix(API)}", found.kind, found.operation.id]

    def _struck(self, names: list[str]) -> Failure | None:
        with self._lock:
            struck = [plan for plan in self._plans if plan.strikes(names)]
            for plan in struck[:1]:
                plan.hits += 1
            return struck[0].failure if struck else None

    def _surely(self, request: Request, path: str, query: str, kind: str, token: Token | None) -> Reply:
        try:
            return self._true(request, path, query, kind, token)
        except Exception:  # noqa: BLE001 (the thread of a server has nobody else to tell)
            self.violations.append(f"{kind}: the double broke\n{traceback.format_exc()}")
            return self._json(500, error_body(500, "The double broke"))

    def _true(self, request: Request, path: str, query: str, kind: str, token: Token | None) -> Reply:
        if kind.startswith("GIT "):
            reply = self._git.answer(request, token)
            with self._lock:
                self._git.settle(request.target)
            return reply
        with self._lock:
            if token is not None and kind not in FREE:
                token.spend()
                if token.used > token.limit:
                    return self._exhausted(f"API rate limit exceeded for installation ID {token.id}.", kind, {})
            if path == GRAPHQL_PATH:
                return self._graphql(request, token)
            found = self._router.find(request.method, path.removeprefix(API)) if path.startswith(API) else None
            if found is None:
                self.violations.append(f"{request.method} {path}: no such operation is published")
                return self._json(404, error_body(404, "Not Found"))
            answer = self._router.answer(found, query, request.body, token)
            return self._json(answer.status, answer.body, answer.headers)

    def _graphql(self, request: Request, token: Token | None) -> Reply:
        if token is None:
            return self._json(401, error_body(401, "This endpoint requires you to be authenticated."))
        try:
            asked = json.loads(request.body)
        except ValueError:
            self.violations.append("graphql: the body is no JSON")
            return self._json(400, error_body(400, "Problems parsing JSON"))
        context = gql.Context(estate=self.estate, token=token, violations=self.violations)
        return self._json(200, gql.execute(context, asked))

    def _failed(self, failure: Failure, kind: str) -> Reply:
        headers = dict(failure.headers)
        if failure.resets_in is not None:
            reset = int(self.clock.now().timestamp()) + failure.resets_in
            headers |= {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
            return self._exhausted(failure.message, kind, headers)
        return self._json(failure.status, error_body(failure.status, failure.message, failure.errors), headers)

    def _exhausted(self, message: str, kind: str, headers: Mapping[str, str]) -> Reply:
        # GraphQL says it with a 200.
        if kind.startswith("GRAPHQL "):
            return self._json(200, {"errors": [{"type": "RATE_LIMITED", "message": message}]}, headers)
        return self._json(403, error_body(403, message), headers)

    @staticmethod
    def _json(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Reply:
        raw = b"" if body is None else json.dumps(body).encode()
        return Reply(
            status=status,
            headers=[("Content-Type", "application/json; charset=utf-8"), *(headers or {}).items()],
            body=raw,
        )

    def _dressed(self, reply: Reply, token: Token | None, failure: Failure | None) -> Reply:
        present = {name.lower() for name, _ in reply.headers}
        headers = {
            "Date": format_datetime(self.clock.now(), usegmt=True),
            "X-GitHub-Request-Id": secrets.token_hex(8),
        }
        if token is not None:
            headers |= {
                "X-RateLimit-Limit": str(token.limit),
                "X-RateLimit-Remaining": str(token.remaining),
                "X-RateLimit-Used": str(token.used),
                "X-RateLimit-Reset": str(int(token.resets.timestamp())),
                "X-RateLimit-Resource": "core",
            }
        if token is not None and token.expires_at is not None:
            headers["GitHub-Authentication-Token-Expiration"] = f"{token.expires_at:%Y-%m-%d %H:%M:%S} UTC"
        added = [(name, value) for name, value in headers.items() if name.lower() not in present]
        body, seconds = reply.body, 0.0
        if failure is not None and failure.manner is Manner.MALFORMED:
            body = body[: len(body) // 2] or b"{"
        if failure is not None and failure.manner is Manner.SLOW:
            seconds = failure.seconds
        return Reply(status=reply.status, headers=[*reply.headers, *added], body=body, seconds=seconds)
