"""REST: the repository, its people, files, refs and history; the account and its rate limit."""

from typing import Any

from github_double import render, render_git
from github_double.ask import Answer, Ask, route
from github_double.bare import ZERO, GitFailed
from github_double.repository import Repository
from github_double.site import Refused

READ, WRITE = "contents:read", "contents:write"
LEGACY = {"triage": "read", "maintain": "write"}
RATE_KINDS = ("core", "search", "graphql", "integration_manifest", "code_search")


@route("users/get-authenticated")
def me(ask: Ask) -> Answer:
    """Read the account of the credential; a job's token speaks for no user."""
    if ask.token is not None and ask.token.kind == "installation":
        raise Refused(403, "Resource not accessible by integration")
    return Answer(body=render.full_user(ask.actor))


@route("users/get-by-username")
def get_user(ask: Ask) -> Answer:
    """Read somebody's profile."""
    found = ask.estate.site.users.get(ask.path["username"].lower())
    if found is None or found.deleted:
        raise Refused(404, "Not Found")
    return Answer(body=render.full_user(found))


@route("rate-limit/get")
def rate_limit(ask: Ask) -> Answer:
    """Read the limits; asking costs nothing."""
    token = ask.token
    facts = {"limit": 60, "used": 0, "remaining": 60, "reset": int(ask.estate.site.clock.now().timestamp()) + 3600}
    if token is not None:
        reset = int(token.resets.timestamp())
        facts = {"limit": token.limit, "used": token.used, "remaining": token.remaining, "reset": reset}
    return Answer(body={"resources": dict.fromkeys(RATE_KINDS, facts), "rate": facts})


@route("repos/get")
def get_repository(ask: Ask) -> Answer:
    """Read the repository."""
    return Answer(body=render.repository(ask.repo, ask.token.user if ask.token else None))


@route("repos/get-collaborator-permission-level", needs="metadata:read")
def permission(ask: Ask) -> Answer:
    """Read somebody's role; bots and deleted accounts are no users here."""
    login = ask.path["username"]
    found = ask.estate.site.users.get(login.lower())
    if found is None or found.deleted or found.kind != "User":
        raise Refused(404, f"{login} is not a user")
    role = ask.repo.role(login)
    body = {"permission": LEGACY.get(role, role), "role_name": role}
    return Answer(body=body | {"user": render.user(found) | {"role_name": role}})


@route(
    "actions/get-github-actions-default-workflow-permissions-repository", needs="administration:read", role="admin"
)
def workflow_permissions(ask: Ask) -> Answer:
    """Read the switch that lets jobs open pull requests."""
    allowed = ask.repo.actions_may_open_pull_requests
    return Answer(body={"default_workflow_permissions": "read", "can_approve_pull_request_reviews": allowed})


# ------------ files and history


@route("repos/get-content", needs=READ)
def get_content(ask: Ask) -> Answer:
    """Read a file, or list a folder."""
    git, path, revision = ask.repo.git, ask.path["path"].strip("/"), ask.query.get("ref") or ask.repo.default_branch
    rows = git.listing(revision, path)
    raw = git.read(revision, path) if path and git.resolve(revision) else None
    if raw is not None and not rows:
        sha = git.resolve(revision) or ""
        kind, blob, _, size = next(iter(_exact(ask.repo, sha, path)))
        return Answer(body=render_git.content(kind, blob, path, size, raw, revision, ask.repo))
    if not rows:
        raise Refused(404, "Not Found")
    shown = [render_git.content(kind, sha, name, size, None, revision, ask.repo) for kind, sha, name, size in rows]
    return Answer(body=shown)


def _exact(repo: Repository, revision: str, path: str) -> list[tuple[str, str, str, int]]:
    folder = path.rpartition("/")[0]
    return [row for row in repo.git.listing(revision, folder) if row[2] == path]


@route("repos/compare-commits-with-basehead", needs=READ)
def compare(ask: Ask) -> Answer:
    """Compare two branches, tags or commits."""
    base, _, head = ask.path["basehead"].partition("...")
    found = [ask.repo.git.resolve(each.rpartition(":")[2]) for each in (base, head)]
    if None in found:
        raise Refused(404, "Not Found")
    shown = render_git.comparison(found[0] or "", found[1] or "", ask.repo)
    page, size = int(ask.query.get("page", 1)), int(ask.query.get("per_page", 250))
    if page > 1:
        # The files come with the first page only.
        shown["files"] = []
    return Answer(body=shown | {"commits": shown["commits"][(page - 1) * size : page * size]})


@route("repos/get-commit", needs=READ)
def get_commit(ask: Ask) -> Answer:
    """Read a commit."""
    sha = ask.repo.git.resolve(ask.path["ref"])
    if sha is None:
        raise Refused(422, f"No commit found for SHA: {ask.path['ref']}")
    return Answer(body=render_git.commit(ask.repo.git.log(sha, limit=1)[0], ask.repo))


@route("repos/list-commits", needs=READ)
def list_commits(ask: Ask) -> Answer:
    """List commits, newest first."""
    sha = ask.repo.git.resolve(ask.query.get("sha") or ask.repo.default_branch)
    if sha is None:
        raise Refused(404, "Not Found")
    return Answer(rows=ask.repo.git.log(sha), render=lambda one: render_git.commit(one, ask.repo))


# ------------ branches and refs


def _branch(name: str, sha: str, repo: Repository) -> render.Json:
    protected = bool(repo.rules_for(f"refs/heads/{name}"))
    return {"name": name, "commit": {"sha": sha, "url": repo.api(f"/commits/{sha}")}, "protected": protected}


@route("repos/list-branches", needs=READ)
def branches(ask: Ask) -> Answer:
    """List the branches."""
    return Answer(rows=list(ask.repo.branches.items()), render=lambda one: _branch(one[0], one[1], ask.repo))


@route("repos/get-branch", needs=READ)
def get_branch(ask: Ask) -> Answer:
    """Read a branch and whether it is protected."""
    name, repo = ask.path["branch"], ask.repo
    if name not in repo.branches:
        raise Refused(404, "Branch not found")
    shown = _branch(name, repo.branches[name], repo)
    url = repo.api(f"/branches/{name}")
    return Answer(
        body=shown
        | {
            "commit": render_git.commit(repo.git.log(repo.branches[name], limit=1)[0], repo),
            "_links": {"self": url, "html": repo.web(f"/tree/{name}")},
            "protection": {"enabled": shown["protected"]},
            "protection_url": f"{url}/protection",
        }
    )


@route("git/get-ref", needs=READ)
def get_ref(ask: Ask) -> Answer:
    """Read one ref."""
    name = f"refs/{ask.path['ref']}"
    sha = ask.repo.git.refs(name).get(name)
    if sha is None:
        raise Refused(404, "Not Found")
    return Answer(body=render_git.ref(name, sha, ask.repo))


@route("git/list-matching-refs", needs=READ)
def matching_refs(ask: Ask) -> Answer:
    """List the refs whose names start like that."""
    prefix = f"refs/{ask.path['ref']}"
    found = [(name, sha) for name, sha in ask.repo.git.refs().items() if name.startswith(prefix)]
    return Answer(rows=found, render=lambda one: render_git.ref(one[0], one[1], ask.repo))


@route("git/create-ref", needs=WRITE, role="write")
def create_ref(ask: Ask) -> Answer:
    """Create a ref; one that exists is refused."""
    name, sha, git = str(ask.body["ref"]), str(ask.body["sha"]), ask.repo.git
    if not name.startswith("refs/") or name.count("/") < 2:
        raise Refused(422, "Reference name must start with 'refs/' and have at least two slashes.")
    if not git.kind(sha):
        raise Refused(422, "Object does not exist")
    ask.repo.check_move(name)
    try:
        git.update(name, sha, ZERO)
    except GitFailed:
        raise Refused(422, "Reference already exists") from None
    return Answer(status=201, body=render_git.ref(name, sha, ask.repo))


@route("git/update-ref", needs=WRITE, role="write")
def update_ref(ask: Ask) -> Answer:
    """Move a ref; without `force` only forward."""
    name, sha, git = f"refs/{ask.path['ref']}", str(ask.body["sha"]), ask.repo.git
    old = git.refs(name).get(name)
    if old is None:
        raise Refused(422, "Reference does not exist")
    if not git.kind(sha):
        raise Refused(422, "Object does not exist")
    ask.repo.check_move(name)
    if not ask.body.get("force") and git.merge_base(old, sha) != old:
        raise Refused(422, "Update is not a fast forward")
    git.update(name, sha, old)
    ask.repo.settle()
    return Answer(body=render_git.ref(name, sha, ask.repo))


@route("git/delete-ref", needs=WRITE, role="write")
def delete_ref(ask: Ask) -> Answer:
    """Delete a ref."""
    name = f"refs/{ask.path['ref']}"
    if name not in ask.repo.git.refs(name):
        raise Refused(422, "Reference does not exist")
    ask.repo.check_move(name)
    ask.repo.git.delete(name)
    ask.repo.settle()
    return Answer(status=204)


@route("repos/get-branch-rules", needs="metadata:read")
def branch_rules(ask: Ask) -> Answer:
    """List the rules that hold for a branch: here every one restricts updates."""
    found = ask.repo.rules_for(f"refs/heads/{ask.path['branch']}")
    shared: dict[str, Any] = {"ruleset_source_type": "Repository", "ruleset_source": ask.repo.full_name}
    return Answer(rows=[{"type": "update", "ruleset_id": n, **shared} for n, _ in enumerate(found, 1)], render=dict)
