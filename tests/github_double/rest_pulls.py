"""REST: pull requests."""

from github_double import render, render_git
from github_double.ask import Answer, Ask, route
from github_double.site import ACTIONS_BOT, Refused, invalid

READ, WRITE = "pull_requests:read", "pull_requests:write"
FORBIDDEN = "GitHub Actions is not permitted to create or approve pull requests."


@route("pulls/list", needs=READ)
def list_pulls(ask: Ask) -> Answer:
    """List pull requests; `head` is `owner:branch`."""
    query = ask.query
    state, head, base = query.get("state", "open"), query.get("head"), query.get("base")
    prefix = f"{ask.repo.owner.login}:"
    # A head without an owner is no filter on GitHub: it answers everything.
    by_head = head if head and ":" in head else None
    found = [
        each
        for each in ask.repo.pull_requests
        if state in {"all", each.state} and by_head in {None, prefix + each.head} and base in {None, each.base}
    ]
    key = {"created": "created_at", "updated": "updated_at"}.get(query.get("sort", "created"), "created_at")
    newest_first = query.get("direction", "desc" if key == "created_at" else "asc") == "desc"
    found.sort(key=lambda each: (getattr(each, key), each.number), reverse=newest_first)
    return Answer(rows=found, render=render.pull_simple)


def check_switch(ask_login: str, *, allowed: bool) -> None:
    """Refuse the job's own bot when the repository's switch is off."""
    if ask_login == ACTIONS_BOT and not allowed:
        raise Refused(403, FORBIDDEN)


@route("pulls/create", needs=WRITE)
def create_pull(ask: Ask) -> Answer:
    """Open a pull request."""
    body = ask.body
    check_switch(ask.login, allowed=ask.repo.actions_may_open_pull_requests)
    if "title" not in body:
        raise invalid("PullRequest", field="title", code="missing_field")
    pull = ask.repo.pull_request(
        str(body["title"]),
        ask.text("body"),
        head=str(body["head"]),
        base=str(body["base"]),
        by=ask.login,
        draft=bool(body.get("draft", False)),
    )
    pull.maintainer_can_modify = bool(body.get("maintainer_can_modify", False))
    return Answer(status=201, body=render.pull_request(pull))


@route("pulls/get", needs=READ)
def get_pull(ask: Ask) -> Answer:
    """Read a pull request."""
    return Answer(body=render.pull_request(ask.pull()))


@route("pulls/update", needs=WRITE)
def update_pull(ask: Ask) -> Answer:
    """Change title, body, state or base."""
    pull, body = ask.pull(), ask.body or {}
    pull.edit(by=ask.login, title=ask.text("title"), body=ask.text("body"))
    if "base" in body:
        pull.retarget(str(body["base"]))
    if body.get("state") == "closed":
        pull.close(by=ask.login)
    elif body.get("state") == "open":
        if pull.merged:
            raise invalid("PullRequest", field="state", message="state cannot be changed. It was merged.")
        pull.reopen(by=ask.login)
    pull.state_reason = None
    return Answer(body=render.pull_request(pull))


@route("pulls/request-reviewers", needs=WRITE)
def request_reviewers(ask: Ask) -> Answer:
    """Ask people for a review."""
    pull = ask.pull().request(*(ask.body.get("reviewers") or []))
    return Answer(status=201, body=render.pull_simple(pull))


@route("pulls/list-requested-reviewers", needs=READ)
def requested_reviewers(ask: Ask) -> Answer:
    """List who was asked for a review."""
    return Answer(body={"users": [render.user(each) for each in ask.pull().reviewers], "teams": []})


@route("pulls/list-commits", needs=READ)
def commits(ask: Ask) -> Answer:
    """List the commits of a pull request, oldest first."""
    pull = ask.pull()
    since = ask.repo.git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
    found = ask.repo.git.log(f"{since}..{pull.head_sha}")[::-1]
    return Answer(rows=found, render=lambda one: render_git.commit(one, ask.repo))


@route("pulls/list-files", needs=READ)
def files(ask: Ask) -> Answer:
    """List the files a pull request changes."""
    pull = ask.pull()
    since = ask.repo.git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
    return Answer(rows=render_git.changed_files(since, pull.head_sha, ask.repo), render=lambda one: one)


@route("pulls/check-if-merged", needs="contents:read")
def is_merged(ask: Ask) -> Answer:
    """Tell whether it was merged."""
    if not ask.pull().merged:
        raise Refused(404, "Not Found")
    return Answer(status=204)


@route("pulls/merge", needs="contents:write", role="write")
def merge(ask: Ask) -> Answer:
    """Merge a pull request."""
    if ask.text("merge_method") not in {None, "merge"}:
        raise Refused(501, "The double does not model squash and rebase")
    title = ask.text("commit_title") or ""
    sha = ask.pull().merge(by=ask.login, message=title)
    return Answer(body={"sha": sha, "merged": True, "message": "Pull Request successfully merged"})
