"""The git side of the double: who may fetch and push, then git's own server."""

import re
from collections.abc import Mapping
from pathlib import Path

from github_double.ask import Estate, sees
from github_double.repository import Repository
from github_double.server import Reply, Request
from github_double.site import Moved, Refused, Token
from kit.githttp import GitBackend

ADDRESS = re.compile(
    r"/(?P<name>[^/]+/[^/]+?)(?:\.git)?/(?P<service>info/refs|git-upload-pack|git-receive-pack)(?P<query>\?.*)?"
)


class GitSide:
    """Answers git's requests; the repositories lie in `root` under their ids."""

    def __init__(self, estate: Estate, root: Path) -> None:
        self._estate = estate
        self._root = root

    @staticmethod
    def kind(target: str) -> str | None:
        """Name a git request for the counts, or return None for any other."""
        if ADDRESS.fullmatch(target) is None:
            return None
        service = "push" if "git-receive-pack" in target else "fetch"
        return f"GIT {service}{' (advertisement)' if '/info/refs' in target else ''}"

    def answer(self, request: Request, token: Token | None) -> Reply:
        """Answer a request whose target is git's."""
        matched = ADDRESS.fullmatch(request.target)
        if matched is None:
            raise ValueError(request.target)
        pushing = "git-receive-pack" in request.target
        try:
            repo = self._estate.find(matched["name"])
            self._check(repo, token, pushing=pushing)
        except Moved as moved:
            repo = self._estate.by_id(int(moved.path.rpartition("/")[2]))
            here = f"{repo.web('.git')}/{matched['service']}{matched['query'] or ''}"
            return Reply(status=301, headers=[("Location", here)])
        except Refused as refused:
            headers = [("WWW-Authenticate", 'Basic realm="GitHub"')] if refused.status == 401 else []
            text = f"{refused.message}\n".encode()
            return Reply(status=refused.status, headers=[("Content-Type", "text/plain"), *headers], body=text)
        target = f"/{repo.id}.git/{matched['service']}{matched['query'] or ''}"
        backend = GitBackend(root=self._root, environment=_pusher(token))
        status, pairs, body = backend.respond(request.method, target, _titled(request.headers), request.body)
        return Reply(status=status, headers=pairs, body=body)

    @staticmethod
    def _check(repo: Repository, token: Token | None, *, pushing: bool) -> None:
        if token is None and (pushing or repo.private):
            raise Refused(401, "Authentication required.")
        if not sees(repo, token):
            raise Refused(404, "Repository not found.")
        if token is None:
            return
        denied = f"Permission to {repo.full_name}.git denied to {token.user.login}."
        foreign = token.repository not in {None, repo.id}
        if repo.private and not token.allows("contents", "read"):
            raise Refused(403, denied)
        if not pushing:
            return
        if repo.archived:
            raise Refused(403, "This repository was archived so it is read-only.")
        person = token.kind != "installation"
        if (
            foreign
            or not token.allows("contents", "write")
            or (person and not repo.has_role(token.user.login, "write"))
        ):
            raise Refused(403, denied)

    def settle(self, target: str) -> None:
        """Let the repository notice what a push changed."""
        matched = ADDRESS.fullmatch(target)
        if matched is not None and "git-receive-pack" in target:
            self._estate.site.clock.tick()
            self._estate.find(matched["name"]).settle()


def _pusher(token: Token | None) -> dict[str, str]:
    if token is None:
        return {}
    free = token.kind == "classic" or token.allows("workflows", "write")
    return {"DOUBLE_PUSHER": token.user.login, "DOUBLE_NO_WORKFLOWS": "" if free else "1"}


def _titled(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.title(): value for name, value in headers.items()}
