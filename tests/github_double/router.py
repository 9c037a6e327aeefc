"""From a REST request to its checked answer."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from github_double import rest_actions, rest_issues, rest_labels, rest_pulls, rest_repos
from github_double.ask import ROUTES, Answer, Ask, Estate, demand
from github_double.contract import Contract, Operation
from github_double.noted import Noted
from github_double.repository import Repository
from github_double.site import Moved, Refused, Token

HANDLERS = (rest_actions, rest_issues, rest_labels, rest_pulls, rest_repos)
DOCUMENTATION = "https://docs.github.com/rest"
BY_ID = re.compile(r"/repositories/(\d+)(/.*)?")
PAGE, PAGES_AT_MOST = 30, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A path that names an operation; `repository` is set when the path went by the repository's id."""

    operation: Operation
    path: Mapping[str, str]
    repository: Repository | None = None

    @property
    def kind(self) -> str:
        """The call's name in counts."""
        return f"{self.operation.method} {self.operation.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestReply:
    """Status, JSON body (None: nothing) and headers."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


class Router:
    """Finds, checks and answers REST requests; what the description forbids goes to `violations`."""

    def __init__(self, estate: Estate, contract: Contract, violations: list[str]) -> None:
        self._estate = estate
        self._contract = contract
        self._violations = violations

    def find(self, method: str, path: str) -> Found | None:
        """Return the operation of a path below the API's root."""
        repository = None
        if matched := BY_ID.fullmatch(path):
            try:
                repository = self._estate.by_id(int(matched[1]))
            except Refused:
                return None
            path = f"/repos/{repository.full_name}{matched[2] or ''}"
        found = self._contract.find(method, path)
        return None if found is None else Found(operation=found[0], path=found[1], repository=repository)

    def answer(self, found: Found, query_text: str, raw: bytes, token: Token | None) -> RestReply:
        """Check the request, answer it, check the answer."""
        operation = found.operation
        query = dict(parse_qsl(query_text, keep_blank_values=True))
        try:
            body = json.loads(raw) if raw.strip() else None
        except ValueError:
            self._violations.append(f"{operation.id} request: the body is no JSON")
            return self._error(Refused(400, "Problems parsing JSON"))
        if operation.id not in ROUTES:
            self._violations.append(f"{operation.id}: The double does not model this operation")
            return self._error(Refused(501, f"The double does not model {operation.id}"))
        faults = self._contract.request_faults(operation, found.path, query, body)
        self._violations += faults
        if faults:
            return self._error(Refused(422, f"Invalid request.\n\n{'; '.join(faults)}"))
        read, taken = Noted(query), Noted(body) if isinstance(body, dict) else body
        try:
            reply = self._paged(self._handled(found, read, taken, token), found, read)
            unread = [*read.unread, *(taken.unread if isinstance(taken, Noted) else ())]
            self._violations += [f"{operation.id}: the double does not model {each!r}" for each in unread]
        except Refused as refused:
            if refused.status == 501:
                self._violations.append(f"{operation.id}: {refused.message}")
            reply = self._error(refused)
        except Moved as moved:
            reply = self._moved(moved)
        self._violations += self._contract.answer_faults(operation, reply.status, reply.body)
        return reply

    def _handled(self, found: Found, query: Mapping[str, str], body: Any, token: Token | None) -> Answer:
        route, repository = ROUTES[found.operation.id], found.repository
        if "repo" in found.path:
            full_name = f"{found.path['owner']}/{found.path['repo']}"
            try:
                repository = repository or self._estate.find(full_name)
            except Moved as moved:
                rest = "/".join(self._below(found))
                raise Moved(f"{moved.path}{'/' if rest else ''}{rest}") from None
            demand(repository, token, self._needs(route.needs, found, repository), route.role)
        ask = Ask(estate=self._estate, token=token, path=found.path, query=query, body=body, repository=repository)
        return route.handler(ask)

    @staticmethod
    def _below(found: Found) -> list[str]:
        template = found.operation.path.removeprefix("/repos/{owner}/{repo}").strip("/")
        filled = re.sub(r"\{([\w-]+)\}", lambda each: quote(found.path[each[1].replace("-", "_")]), template)
        return filled.split("/") if filled else []

    @staticmethod
    def _needs(needs: str, found: Found, repository: Repository) -> str:
        """An issue that is no pull request takes the issues permission alone."""
        number = found.path.get("issue_number", "")
        issue = repository.issues.get(int(number)) if number.isdigit() else None
        if issue is not None and not issue.is_pull_request:
            return needs.replace("issues|pull_requests:", "issues:")
        return needs

    def _paged(self, answer: Answer, found: Found, query: Mapping[str, str]) -> RestReply:
        if answer.rows is None:
            return RestReply(status=answer.status, body=answer.body, headers=dict(answer.headers))
        size = min(max(1, int(query.get("per_page", PAGE))), PAGES_AT_MOST)
        page, last = max(1, int(query.get("page", 1))), max(1, -(-len(answer.rows) // size))
        render = answer.render or (lambda one: one)
        shown: Any = [render(each) for each in answer.rows[(page - 1) * size : page * size]]
        if answer.wrapped:
            shown = {"total_count": len(answer.rows), answer.wrapped: shown}
        links = {"prev": page - 1, "first": 1} if page > 1 else {}
        links |= {"next": page + 1, "last": last} if page < last else {}
        path = "/".join(("", "repos", quote(found.path["owner"]), quote(found.path["repo"]), *self._below(found)))
        header = ", ".join(
            f'<{self._estate.site.api(path)}?{urlencode({**query, "page": number})}>; rel="{name}"'
            for name, number in links.items()
        )
        return RestReply(status=answer.status, body=shown, headers={"Link": header} if header else {})

    def _moved(self, moved: Moved) -> RestReply:
        url = self._estate.site.api(moved.path)
        body = {"message": "Moved Permanently", "url": url, "documentation_url": DOCUMENTATION}
        return RestReply(status=301, body=body, headers={"Location": url})

    @staticmethod
    def _error(refused: Refused) -> RestReply:
        return RestReply(status=refused.status, body=error_body(refused.status, refused.message, refused.errors))


def error_body(status: int, message: str, errors: Any = None) -> dict[str, Any]:
    """Return the body GitHub gives an error."""
    body = {"message": message, "documentation_url": DOCUMENTATION, "status": str(status)}
    return body | ({"errors": list(errors)} if errors else {})
