"""GraphQL: how the fields of the modelled types are read."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import graphql

from github_double.bare import Commit
from github_double.gql import TYPES, Context, Page, attributes, connection, fields
from github_double.home import Label
from github_double.issues import Comment, Edit, Event, Issue, Reaction, Text
from github_double.pulls import PullRequest
from github_double.repository import Repository
from github_double.site import Refused, User, stamp

Info = graphql.GraphQLResolveInfo[Context]
REACTIONS = {
    "+1": "THUMBS_UP",
    "-1": "THUMBS_DOWN",
    "laugh": "LAUGH",
    "hooray": "HOORAY",
    "confused": "CONFUSED",
    "heart": "HEART",
    "rocket": "ROCKET",
    "eyes": "EYES",
}
EVENTS = {
    "labeled": "LabeledEvent",
    "unlabeled": "UnlabeledEvent",
    "renamed": "RenamedTitleEvent",
    "closed": "ClosedEvent",
    "reopened": "ReopenedEvent",
    "locked": "LockedEvent",
    "unlocked": "UnlockedEvent",
    "transferred": "TransferredEvent",
    "converted_to_discussion": "ConvertedToDiscussionEvent",
    "merged": "MergedEvent",
    "ready_for_review": "ReadyForReviewEvent",
    "convert_to_draft": "ConvertToDraftEvent",
}


class Blob:
    """A file's content at a revision."""

    def __init__(self, oid: str, raw: bytes) -> None:
        self.oid = oid
        self.raw = raw


class Reference:
    """A git ref and where it points."""

    def __init__(self, repo: Repository, name: str, oid: str) -> None:
        self.repo = repo
        self.name = name
        self.oid = oid

    def __str__(self) -> str:
        return self.name


TYPES |= {
    User: lambda one: one.kind,
    PullRequest: "PullRequest",
    Issue: "Issue",
    Comment: "IssueComment",
    Label: "Label",
    Repository: "Repository",
    Reaction: "Reaction",
    Edit: "UserContentEdit",
    Event: lambda one: EVENTS[one.kind],
    Commit: "Commit",
    Blob: "Blob",
    Reference: "Ref",
}


def actor(one: User | None) -> User | None:
    """Return an account as GraphQL shows it: a deleted one is null."""
    return None if one is None or one.deleted else one


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


def ordered(rows: list[Any], order: Any, keys: dict[str, str]) -> list[Any]:
    """Sort rows by an order argument of the schema."""
    if not order:
        return rows
    key = keys[order["field"]]
    rows.sort(key=lambda one: (getattr(one, key), getattr(one, "id", 0)), reverse=order["direction"] == "DESC")
    return rows


ISSUE_KEYS = {"CREATED_AT": "created_at", "UPDATED_AT": "updated_at"}

# ------------ query


def _repository(_root: Any, info: Info, owner: str, name: str, **_: Any) -> Repository:
    estate, full = info.context.estate, f"{owner}/{name}"
    for repo in estate.repositories:
        if full.lower() in {each.lower() for each in (repo.full_name, *repo.old_names)}:
            try:
                info.context.demand(repo, "metadata:read")
            except Refused:
                break
            return repo
    raise Refused(404, f"Could not resolve to a Repository with the name '{full}'.")


def visible(info: Info, node_id: str) -> Any:
    """Return a node the asker may see, or refuse as for one that does not exist."""
    one = info.context.estate.site.node(node_id, object)
    home = _home(one)
    if isinstance(home, Repository):
        info.context.demand(home, "metadata:read")
    if isinstance(one, Issue):
        one.present()
    return one


def _home(one: Any) -> Any:
    if isinstance(one, Comment):
        return one.issue.home
    return one.home if isinstance(one, Issue) else one


def _rate_limit(_root: Any, info: Info, **_: Any) -> dict[str, Any]:
    token, weight = info.context.token, info.context.weight
    numbers = {"limit": token.limit, "remaining": token.remaining, "used": token.used}
    numbers |= {"cost": weight.points, "nodeCount": weight.nodes}
    return numbers | {"resetAt": stamp(token.resets)}


fields(
    "Query",
    repository=_repository,
    node=lambda _root, info, id: visible(info, id),  # noqa: A006 (the schema's name)
    nodes=lambda _root, info, ids: [visible(info, each) for each in ids],
    viewer=lambda _root, info: info.context.token.user,
    rateLimit=_rate_limit,
)

# ------------ people

PERSON = {
    # An author that is a Bot goes without its suffix; the viewer of a job's token is typed User and keeps it.
    "login": lambda one: one.login.removesuffix("[bot]"),
    "id": lambda one: one.node_id,
    "databaseId": lambda one: one.id,
    "url": lambda one: one.site.web(f"/{one.login}"),
    "resourcePath": lambda one: f"/{one.login}",
    "avatarUrl": lambda one: one.site.web(f"/avatars/{one.id}"),
}
for _kind in ("User", "Bot", "Organization"):
    attributes(_kind, **PERSON)
attributes("User", login=lambda one: one.login, name=lambda _one: None)

# ------------ texts


def _edits(one: Text, _info: Info, **args: Any) -> Page:
    return connection(one.edits[::-1], "userContentEdits", args)


def _reactions(one: Text, _info: Info, content: str | None = None, orderBy: Any = None, **args: Any) -> Page:  # noqa: N803
    rows = [each for each in one.reactions if content in {None, REACTIONS[each.content]}]
    return connection(ordered(rows, orderBy, {"CREATED_AT": "at"}), "reactions", args)


def _groups(one: Text) -> list[dict[str, Any]]:
    return [
        {"content": name, "subject": one, "_users": [each.user for each in one.reactions if each.content == content]}
        for content, name in REACTIONS.items()
    ]


fields(
    "ReactionGroup",
    users=lambda one, _info, **args: connection(one["_users"], "users", args),
    reactors=lambda one, _info, **args: connection(one["_users"], "reactors", args),
    viewerHasReacted=lambda one, info: info.context.token.user in one["_users"],
)
attributes(
    "Reaction",
    id=lambda one: one.node_id,
    databaseId=lambda one: one.id,
    content=lambda one: REACTIONS[one.content],
    createdAt=lambda one: stamp(one.at),
    user=lambda one: actor(one.user) if one.user.kind == "User" else None,
)
attributes(
    "UserContentEdit",
    id=lambda one: one.node_id,
    createdAt=lambda one: stamp(one.at),
    editedAt=lambda one: stamp(one.at),
    updatedAt=lambda one: stamp(one.at),
    editor=lambda one: actor(one.editor),
    diff=lambda one: None if one.deleted_at else one.text,
    deletedAt=lambda one: stamp(one.deleted_at),
    deletedBy=lambda one: actor(one.deleted_by),
)
TEXT: dict[str, Any] = {
    "id": lambda one: one.node_id,
    "databaseId": lambda one: one.id,
    "fullDatabaseId": lambda one: str(one.id),
    "author": lambda one: actor(one.author),
    "body": lambda one: one.body or "",
    "bodyText": lambda one: one.body or "",
    "createdAt": lambda one: stamp(one.created_at),
    "publishedAt": lambda one: stamp(one.created_at),
    "updatedAt": lambda one: stamp(one.updated_at),
    "lastEditedAt": lambda one: stamp(one.last_edited_at),
    "editor": lambda one: actor(one.last_editor),
    "includesCreatedEdit": lambda one: bool(one.edits),
    "createdViaEmail": lambda _one: False,
    "reactionGroups": _groups,
}
for _kind in ("Issue", "PullRequest", "IssueComment"):
    attributes(_kind, **TEXT)
    fields(
        _kind,
        userContentEdits=_edits,
        reactions=_reactions,
        viewerDidAuthor=lambda one, info: one.author is info.context.token.user,
    )
attributes(
    "IssueComment",
    issue=lambda one: one.issue,
    pullRequest=lambda one: one.issue if one.issue.is_pull_request else None,
    repository=lambda one: one.issue.home,
    authorAssociation=lambda one: one.issue.home.association(one.author),
    url=lambda one: one.issue.home.web(f"{one.issue.path}#issuecomment-{one.id}"),
    isMinimized=lambda _one: False,
    minimizedReason=lambda _one: None,
)

# ------------ issues


def _labels(one: Issue, _info: Info, orderBy: Any = None, **args: Any) -> Page:  # noqa: N803
    rows = ordered(list(one.labels), orderBy, {"NAME": "name", "CREATED_AT": "id"})
    return connection(rows, "labels", args)


def _comments(one: Issue, _info: Info, orderBy: Any = None, **args: Any) -> Page:  # noqa: N803
    return connection(ordered(list(one.comments), orderBy, {"UPDATED_AT": "updated_at"}), "comments", args)


def _timeline(
    one: Issue,
    _info: Info,
    itemTypes: Sequence[str] | None = None,  # noqa: N803
    since: str | None = None,
    skip: int | None = None,
    **args: Any,
) -> Page:
    rows: list[Event | Comment] = [*one.events, *one.comments]
    after = datetime.fromisoformat(since) if since else None
    kept = [
        each
        for each in sorted(rows, key=lambda each: each.id)
        if (itemTypes is None or _snake(_type_name(each)) in itemTypes) and (after is None or _moment(each) >= after)
    ]
    return connection(kept[skip or 0 :], "timelineItems", args)


def _moment(one: Event | Comment) -> datetime:
    return one.created_at if isinstance(one, Comment) else one.at


def _type_name(one: Event | Comment) -> str:
    return "IssueComment" if isinstance(one, Comment) else EVENTS[one.kind]


def _issue_state(one: Issue) -> str:
    return "MERGED" if isinstance(one, PullRequest) and one.merged else one.state.upper()


ISSUE: dict[str, Any] = {
    "number": lambda one: one.number,
    "title": lambda one: one.title,
    "url": lambda one: one.home.web(one.path),
    "resourcePath": lambda one: f"/{one.home.full_name}{one.path}",
    "state": _issue_state,
    "closed": lambda one: one.state == "closed",
    "closedAt": lambda one: stamp(one.closed_at),
    "locked": lambda one: one.locked,
    "activeLockReason": lambda one: one.lock_reason and one.lock_reason.upper().replace("-", "_").replace(" ", "_"),
    "repository": lambda one: one.home,
    "authorAssociation": lambda one: one.home.association(one.author),
    "milestone": lambda _one: None,
}
for _kind in ("Issue", "PullRequest"):
    attributes(_kind, **ISSUE)
    fields(
        _kind,
        labels=_labels,
        comments=_comments,
        timelineItems=_timeline,
        assignees=lambda one, _info, **args: connection(one.assignees, "assignees", args),
    )
fields(
    "Issue",
    blockedBy=lambda one, _info, **args: connection(one.blocked_by, "blockedBy", args),
    blocking=lambda one, _info, **args: connection(one.blocking, "blocking", args),
    subIssues=lambda one, _info, **args: connection(one.sub_issues, "subIssues", args),
    stateReason=lambda one, _info, **_: one.state_reason and one.state_reason.upper(),
)
attributes(
    "Issue",
    parent=lambda one: one.parent,
    subIssuesSummary=lambda one: _parts(one.sub_issues),
    issueDependenciesSummary=lambda one: {
        "blockedBy": sum(each.state == "open" for each in one.blocked_by),
        "blocking": sum(each.state == "open" for each in one.blocking),
        "totalBlockedBy": len(one.blocked_by),
        "totalBlocking": len(one.blocking),
    },
)


def _parts(children: list[Issue]) -> dict[str, int]:
    done = sum(each.state == "closed" for each in children)
    return {"total": len(children), "completed": done, "percentCompleted": 100 * done // max(1, len(children))}


EVENT: dict[str, Any] = {
    "id": lambda one: one.node_id,
    "actor": lambda one: actor(one.actor),
    "createdAt": lambda one: stamp(one.at),
}
for _kind in EVENTS.values():
    attributes(_kind, **EVENT)
attributes("LabeledEvent", label=lambda one: one.label)
attributes("UnlabeledEvent", label=lambda one: one.label)
attributes("RenamedTitleEvent", previousTitle=lambda one: one.before, currentTitle=lambda one: one.after)
attributes("ClosedEvent", stateReason=lambda one: one.reason and one.reason.upper())
