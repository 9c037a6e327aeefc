"""GraphQL: the modelled mutations, by the same methods REST uses."""

from collections.abc import Callable, Mapping
from typing import Any

from github_double.bare import ZERO, GitFailed
from github_double.gql import Context, Edge, NotModelled, cursor_of, fields
from github_double.gql_fields import REACTIONS, Info, visible
from github_double.home import Label
from github_double.issues import Comment, Issue, Text
from github_double.noted import Noted
from github_double.pulls import PullRequest
from github_double.repository import Repository
from github_double.rest_pulls import check_switch
from github_double.site import Refused, User

WRITE_ISSUES, WRITE_PULLS = "issues|pull_requests:write", "pull_requests:write"
Given = Mapping[str, Any]
CONTENT = {name: content for content, name in REACTIONS.items()}


def _may(context: Context, one: Any, role: str = "read") -> None:
    home = one.issue.home if isinstance(one, Comment) else one.home
    issue = one.issue if isinstance(one, Comment) else one
    permission = WRITE_ISSUES if issue.is_pull_request else "issues:write"
    if isinstance(home, Repository):
        context.demand(home, permission, role)


def _node(info: Info, node_id: str, *kinds: type) -> Any:
    found = visible(info, node_id)
    if not isinstance(found, kinds):
        raise Refused(404, f"Could not resolve to a node with the global id of '{node_id}'.")
    return found


def _add_comment(info: Info, given: Given) -> Given:
    issue: Issue = _node(info, given["subjectId"], Issue)
    _may(info.context, issue)
    comment = issue.comment(given["body"], by=info.context.login)
    return {"commentEdge": Edge(comment, cursor_of(len(issue.comments), comment)), "subject": issue}


def _update_comment(info: Info, given: Given) -> Given:
    comment: Comment = _node(info, given["id"], Comment)
    _may(info.context, comment, "read" if comment.author is info.context.token.user else "write")
    return {"issueComment": comment.edit(given["body"], by=info.context.login)}


def _delete_comment(info: Info, given: Given) -> Given:
    comment: Comment = _node(info, given["id"], Comment)
    _may(info.context, comment, "read" if comment.author is info.context.token.user else "write")
    comment.delete()
    return {}


def _add_labels(info: Info, given: Given) -> Given:
    issue: Issue = _node(info, given["labelableId"], Issue)
    _may(info.context, issue, "triage")
    labels = [_node(info, each, Label) for each in given["labelIds"]]
    return {"labelable": issue.label(*(each.name for each in labels), by=info.context.login)}


def _remove_labels(info: Info, given: Given) -> Given:
    issue: Issue = _node(info, given["labelableId"], Issue)
    _may(info.context, issue, "triage")
    labels = [_node(info, each, Label) for each in given["labelIds"]]
    there = [each.name for each in labels if each in issue.labels]
    return {"labelable": issue.unlabel(*there, by=info.context.login)}


def _create_label(info: Info, given: Given) -> Given:
    repo: Repository = _node(info, given["repositoryId"], Repository)
    info.context.demand(repo, WRITE_ISSUES, "write")
    label = repo.create_label(given["name"], color=given["color"], description=given.get("description"))
    repo.site.clock.tick()
    return {"label": label}


def _add_reaction(info: Info, given: Given) -> Given:
    text: Text = _node(info, given["subjectId"], Issue, Comment)
    _may(info.context, text)
    return {"reaction": text.react(CONTENT[given["content"]], by=info.context.login), "subject": text}


def _close_issue(info: Info, given: Given) -> Given:
    issue: Issue = _node(info, given["issueId"], Issue)
    _may(info.context, issue, "triage")
    return {"issue": issue.close(by=info.context.login, reason=(given.get("stateReason") or "COMPLETED").lower())}


def _reopen_issue(info: Info, given: Given) -> Given:
    issue: Issue = _node(info, given["issueId"], Issue)
    _may(info.context, issue, "triage")
    return {"issue": issue.reopen(by=info.context.login)}


def _create_pull(info: Info, given: Given) -> Given:
    repo: Repository = _node(info, given["repositoryId"], Repository)
    context = info.context
    context.demand(repo, WRITE_PULLS)
    check_switch(context.login, allowed=repo.actions_may_open_pull_requests)
    pull = repo.pull_request(
        given["title"],
        given.get("body"),
        head=given["headRefName"].removeprefix("refs/heads/"),
        base=given["baseRefName"].removeprefix("refs/heads/"),
        by=context.login,
        draft=bool(given.get("draft")),
    )
    pull.maintainer_can_modify = bool(given.get("maintainerCanModify"))
    return {"pullRequest": pull}


def _pull(info: Info, given: Given) -> PullRequest:
    pull: PullRequest = _node(info, given["pullRequestId"], PullRequest)
    if isinstance(pull.home, Repository):
        info.context.demand(pull.home, WRITE_PULLS)
    pull.follow()
    return pull


def _update_pull(info: Info, given: Given) -> Given:
    pull, login = _pull(info, given), info.context.login
    pull.edit(by=login, title=given.get("title"), body=given.get("body"))
    if given.get("baseRefName"):
        pull.retarget(given["baseRefName"])
    if given.get("state") == "CLOSED":
        pull.close(by=login)
    elif given.get("state") == "OPEN":
        pull.reopen(by=login)
    return {"pullRequest": pull}


def _request_reviews(info: Info, given: Given) -> Given:
    pull = _pull(info, given)
    asked: list[User] = [_node(info, each, User) for each in given.get("userIds") or []]
    if not given.get("union"):
        pull.reviewers = []
    pull.request(*(each.login for each in asked))
    return {"pullRequest": pull}


def _draft(draft: bool) -> Callable[[Info, Given], Given]:
    return lambda info, given: {"pullRequest": _pull(info, given).set_draft(draft, by=info.context.login)}


def _update_refs(info: Info, given: Given) -> Given:
    repo: Repository = _node(info, given["repositoryId"], Repository)
    info.context.demand(repo, "contents:write", "write")
    refs = repo.git.refs()
    moves = given["refUpdates"]
    for move in moves:
        repo.check_move(move["name"])
        now = refs.get(move["name"], ZERO)
        if move.get("beforeOid") not in {None, now}:
            raise Refused(422, f"Reference cannot be updated: {move['name']} is at {now}")
        forward = ZERO in {now, move["afterOid"]} or repo.git.merge_base(now, move["afterOid"]) == now
        if not move.get("force") and not forward:
            raise Refused(422, f"Update of {move['name']} is not a fast forward")
    try:
        for move in moves:
            if move["afterOid"] == ZERO:
                repo.git.delete(move["name"])
            else:
                repo.git.update(move["name"], move["afterOid"])
    except GitFailed as error:
        raise Refused(422, str(error)) from None
    repo.settle()
    return {}


MUTATIONS: dict[str, Callable[[Info, Given], Given]] = {
    "addComment": _add_comment,
    "updateIssueComment": _update_comment,
    "deleteIssueComment": _delete_comment,
    "addLabelsToLabelable": _add_labels,
    "removeLabelsFromLabelable": _remove_labels,
    "createLabel": _create_label,
    "addReaction": _add_reaction,
    "closeIssue": _close_issue,
    "reopenIssue": _reopen_issue,
    "createPullRequest": _create_pull,
    "updatePullRequest": _update_pull,
    "requestReviews": _request_reviews,
    "markPullRequestReadyForReview": _draft(False),
    "convertPullRequestToDraft": _draft(True),
    "updateRefs": _update_refs,
}


def _mutation(perform: Callable[[Info, Given], Given]) -> Callable[..., Given]:
    def resolve(_root: Any, info: Info, **args: Any) -> Given:
        given = Noted(args["input"])
        answer = {"clientMutationId": given.get("clientMutationId"), **perform(info, given)}
        if given.unread:
            raise NotModelled(f"the double does not model {given.unread} of {info.field_name}")
        return answer

    return resolve


fields("Mutation", **{name: _mutation(perform) for name, perform in MUTATIONS.items()})
