"""REST: issues, comments and timelines."""

from collections.abc import Mapping
from typing import Any

from github_double import render
from github_double.ask import Answer, Ask, route
from github_double.issues import Comment, Event, Issue
from github_double.site import Refused

READ, WRITE = "issues|pull_requests:read", "issues|pull_requests:write"
LABEL_NAMES = "labels"


def names(given: Any) -> list[str]:
    """Return the label names of any of the shapes GitHub takes."""
    if isinstance(given, Mapping):
        given = given.get(LABEL_NAMES, [])
    return [each["name"] if isinstance(each, dict) else str(each) for each in given]


def _listed(ask: Ask) -> list[Issue]:
    query, since = ask.query, ask.since()
    if not ask.repo.has_issues:
        raise Refused(410, "Issues has been disabled in this repository.")
    state = query.get("state", "open")
    wanted = {each.strip().lower() for each in query.get("labels", "").split(",") if each.strip()}
    found = [
        each
        for each in ask.repo.issues.values()
        if not each.deleted
        and each.moved_to is None
        and state in {"all", each.state}
        and wanted <= {name.lower() for name in each.label_names}
        and (since is None or each.updated_at >= since)
        and query.get("creator", each.author.login) == each.author.login
    ]
    keys = {"created": "created_at", "updated": "updated_at"}
    if query.get("sort") == "comments":
        found.sort(key=lambda each: (len(each.comments), each.number))
    else:
        found.sort(key=lambda each: (getattr(each, keys[query.get("sort", "created")]), each.number))
    return found if query.get("direction") == "asc" else found[::-1]


@route("issues/list-for-repo", needs="issues:read")
def list_issues(ask: Ask) -> Answer:
    """List the repository's issues and pull requests."""
    return Answer(rows=_listed(ask), render=render.issue)


@route("issues/get", needs=READ)
def get_issue(ask: Ask) -> Answer:
    """Read an issue."""
    return Answer(body=render.issue(ask.issue()))


@route("issues/create", needs="issues:write")
def create_issue(ask: Ask) -> Answer:
    """Open an issue; labels of people without triage are dropped without a word."""
    if not ask.repo.has_issues:
        raise Refused(410, "Issues has been disabled in this repository.")
    wanted = names(ask.body.get("labels") or [])
    may_label = ask.token is not None and (ask.token.kind == "installation" or ask.repo.has_role(ask.login, "triage"))
    labels = tuple(wanted) if may_label else ()
    issue = ask.repo.issue(str(ask.body["title"]), ask.text("body"), by=ask.login, labels=labels)
    return Answer(status=201, body=render.issue(issue))


@route("issues/update", needs=WRITE)
def update_issue(ask: Ask) -> Answer:
    """Change an issue: its author or somebody with triage."""
    issue, body = ask.issue(), ask.body or {}
    if issue.author is not ask.actor:
        _triage(ask)
    issue.edit(by=ask.login, title=ask.text("title"), body=ask.text("body"))
    if "labels" in body:
        issue.set_labels(names(body["labels"]), by=ask.login)
    if "assignees" in body:
        issue.assignees = [ask.repo.user(each) for each in body["assignees"]]
    reason = ask.text("state_reason") or "completed"
    if body.get("state") == "closed":
        issue.close(by=ask.login, reason=reason)
    elif body.get("state") == "open":
        issue.reopen(by=ask.login)
    return Answer(body=render.issue(issue))


def _triage(ask: Ask) -> None:
    if ask.token is not None and ask.token.kind != "installation" and not ask.repo.has_role(ask.login, "triage"):
        raise Refused(403, "Must have triage access to Repository.")


@route("issues/lock", needs=WRITE, role="triage")
def lock(ask: Ask) -> Answer:
    """Lock the conversation."""
    ask.issue().lock(by=ask.login, reason=ask.text("lock_reason"))
    return Answer(status=204)


@route("issues/unlock", needs=WRITE, role="triage")
def unlock(ask: Ask) -> Answer:
    """Unlock the conversation."""
    ask.issue().unlock(by=ask.login)
    return Answer(status=204)


# ------------ comments


@route("issues/list-comments", needs=READ)
def list_comments(ask: Ask) -> Answer:
    """List an issue's comments, oldest first."""
    since = ask.since()
    found = [each for each in ask.issue().comments if since is None or each.updated_at >= since]
    return Answer(rows=found, render=render.comment)


@route("issues/list-comments-for-repo", needs=READ)
def list_all_comments(ask: Ask) -> Answer:
    """List every comment of the repository."""
    since = ask.since()
    every = [comment for issue in ask.repo.issues.values() if not issue.deleted for comment in issue.comments]
    found = [each for each in every if since is None or each.updated_at >= since]
    key = "updated_at" if ask.query.get("sort") == "updated" else "created_at"
    found.sort(key=lambda each: (getattr(each, key), each.id), reverse=ask.query.get("direction") == "desc")
    return Answer(rows=found, render=render.comment)


@route("issues/get-comment", needs=READ)
def get_comment(ask: Ask) -> Answer:
    """Read a comment."""
    return Answer(body=render.comment(find_comment(ask)))


def find_comment(ask: Ask) -> Comment:
    """Return the comment of the path."""
    return ask.repo.find_comment(ask.number("comment_id"))


@route("issues/create-comment", needs=WRITE)
def create_comment(ask: Ask) -> Answer:
    """Comment on an issue or pull request."""
    comment = ask.issue().comment(str(ask.body["body"]), by=ask.login)
    return Answer(status=201, body=render.comment(comment))


@route("issues/update-comment", needs=WRITE)
def update_comment(ask: Ask) -> Answer:
    """Edit a comment: one's own, or with write access."""
    comment = find_comment(ask)
    _own_or_writer(ask, comment)
    return Answer(body=render.comment(comment.edit(str(ask.body["body"]), by=ask.login)))


@route("issues/delete-comment", needs=WRITE)
def delete_comment(ask: Ask) -> Answer:
    """Delete a comment."""
    comment = find_comment(ask)
    _own_or_writer(ask, comment)
    comment.delete()
    return Answer(status=204)


def _own_or_writer(ask: Ask, comment: Comment) -> None:
    person = ask.token is not None and ask.token.kind != "installation"
    if person and comment.author is not ask.actor and not ask.repo.has_role(ask.login, "write"):
        raise Refused(403, "Must have push access to Repository.")


# ------------ the timeline


def _timeline(issue: Issue) -> list[Event | Comment]:
    every: list[tuple[Any, Event | Comment]] = [(each.at, each) for each in issue.events]
    every += [(each.created_at, each) for each in issue.comments]
    return [each for _, each in sorted(every, key=lambda pair: (pair[0], pair[1].id))]


@route("issues/list-events-for-timeline", needs=READ)
def timeline(ask: Ask) -> Answer:
    """List what happened to an issue, oldest first."""
    issue = ask.issue()

    def shown(one: Event | Comment) -> render.Json:
        return render.commented(one) if isinstance(one, Comment) else render.event(one, issue)

    return Answer(rows=_timeline(issue), render=shown)


@route("issues/list-events", needs=READ)
def events(ask: Ask) -> Answer:
    """List an issue's events, comments left out."""
    issue = ask.issue()
    return Answer(rows=issue.events, render=lambda one: render.event(one, issue))
