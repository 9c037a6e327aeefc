"""The whole modelled surface, each operation and each field at least once, within GitHub's descriptions."""

from typing import Any

import graphql
import pytest
import requests

from github_double.ask import ROUTES
from github_double.contract import contract
from github_double.fixtures import client
from github_double.gql import FIELDS, schema
from github_double.hub import GitHubDouble
from github_double.repository import Repository

ARGUMENTS = {
    "first": "5",
    "owner": '"octo"',
    "name": '"app"',
    "refPrefix": '"refs/"',
    "qualifiedName": '"main"',
    "expression": '"main:README.md"',
}
NUMBERS = {"issue": 1, "pullRequest": 3, "issueOrPullRequest": 3, "label": '"autorun"'}


@pytest.fixture
def town(repo: Repository) -> Repository:
    """A repository where everything has happened once."""
    first = repo.issue("First", "text", by="ana").label("autorun", by="ana")
    second = repo.issue("Second", "text", by="tom").depend_on(first)
    first.edit(title="Renamed", body="edited", by="ana").comment("c", by="tom").edit("d", by="tom").react(
        "eyes", by="ana"
    )
    first.react("heart", by="tom")
    second.add_sub_issue(first)
    first.lock(by="ana", reason="too heated").unlock(by="ana").close(by="ana").reopen(by="ana").unlabel(
        "autorun", by="ana"
    )
    first.label("autorun", by="tom")
    repo.commit({"a.txt": "1"}, branch="work", by="ana", message="Head\n\nBody")
    repo.commit({"b.txt": "1"}, branch="next", by="ana")
    repo.pull_request("P", head="work", by="ana", draft=True).request("tom").react("rocket", by="tom")
    repo.issues[3].label("autorun", by="ana").comment("on it", by="ana")
    repo.protect("held")
    return repo


def selection(field: graphql.GraphQLField) -> str:
    """Return the shortest selection that reads a field."""
    kind = graphql.get_named_type(field.type)
    if graphql.is_leaf_type(kind):
        return ""
    if kind.name.endswith("Connection"):
        return (
            " { totalCount nodes { __typename } edges { cursor } pageInfo { hasNextPage hasPreviousPage endCursor } }"
        )
    return " { __typename }"


def written(kind: str, name: str) -> str:
    """Return a field with the arguments it needs and the selection it takes."""
    type_ = schema().type_map[kind]
    assert isinstance(type_, graphql.GraphQLObjectType)
    field = type_.fields[name]
    wanted = [each for each, told in field.args.items() if graphql.is_required_argument(told) or each == "first"]
    wanted += ["expression"] if name == "object" else []
    values = {each: ARGUMENTS.get(each, "") for each in wanted}
    if name in NUMBERS:
        values = {each: str(NUMBERS[name]) for each in wanted}
    arguments = ", ".join(f"{each}: {value}" for each, value in values.items())
    return f"{name}_{kind}: {name}{f'({arguments})' if arguments else ''}{selection(field)}"


def test_every_graphql_field_resolves(hub: GitHubDouble, town: Repository) -> None:
    """One object of each modelled type is asked for all its modelled fields, in one query each."""
    repo, issue, pull = town, town.issues[1], town.issues[3]
    roots: dict[str, str] = {
        "Query": "",
        "Repository": repo.node_id,
        "Issue": issue.node_id,
        "PullRequest": pull.node_id,
        "IssueComment": issue.comments[0].node_id,
        "UserContentEdit": issue.edits[0].node_id,
        "Reaction": issue.reactions[0].node_id,
        "Label": issue.labels[0].node_id,
        "User": hub.user("ana").node_id,
        **{each: next(one.node_id for one in issue.events if one.kind == kind) for each, kind in (
            ("LabeledEvent", "labeled"), ("UnlabeledEvent", "unlabeled"), ("RenamedTitleEvent", "renamed"),
            ("ClosedEvent", "closed"), ("ReopenedEvent", "reopened"), ("LockedEvent", "locked"),
            ("UnlockedEvent", "unlocked"),
        )},
    }  # fmt: skip
    api = client(hub, hub.token()).requester
    for kind, node_id in roots.items():
        names = [name for type_, name in FIELDS if type_ == kind and name not in {"node", "nodes"}]
        inside = " ".join(written(kind, name) for name in names)
        query = (
            f'query {{ node(id: "{node_id}") {{ ... on {kind} {{ {inside} }} }} }}' if node_id else f"{{ {inside} }}"
        )
        _, answer = api.graphql_query(query, {})
        data = answer["data"]["node"] if node_id else answer["data"]
        assert set(data) == {f"{name}_{kind}" for name in names}


def test_git_objects_through_graphql(hub: GitHubDouble, town: Repository) -> None:
    """Refs, commits, blobs, reviewers and reactions are read with all their modelled fields."""
    several = {
        kind: " ".join(written(kind, name) for type_, name in FIELDS if type_ == kind)
        for kind in ("Ref", "Commit", "Blob", "ReactionGroup", "Bot", "Organization")
    }
    town.issues[1].comment("by the job", by="github-actions[bot]")
    query = f"""query {{ repository(owner: "octo", name: "app") {{
      owner {{ ... on Organization {{ {several["Organization"]} }} }}
      ref(qualifiedName: "main") {{ {several["Ref"]} target {{ ... on Commit {{ {several["Commit"]} }} }} }}
      object(expression: "HEAD:README.md") {{ ... on Blob {{ {several["Blob"]} }} }}
      missing: object(expression: "HEAD:nothing") {{ __typename }}
      byOid: object(oid: "{town.branches["work"]}") {{
        ... on Commit {{ messageBody author {{ name user {{ login }} }} }} }}
      issue(number: 1) {{ reactionGroups {{ {several["ReactionGroup"]} }}
        issueDependenciesSummary {{ blocking totalBlocking }} subIssuesSummary {{ total }}
        comments(last: 1) {{ edges {{ cursor node {{ author {{ ... on Bot {{ {several["Bot"]} }} }} }} }} }} }}
      pullRequest(number: 3) {{ reviewRequests(first: 5) {{ nodes {{
        requestedReviewer {{ ... on User {{ login }} }} }} }} }}
    }} }}"""
    _, answer = client(hub, hub.token()).requester.graphql_query(query, {})
    found = answer["data"]["repository"]
    assert found["missing"] is None
    assert found["byOid"] == {"messageBody": "Body", "author": {"name": "ana", "user": {"login": "ana"}}}
    assert found["pullRequest"]["reviewRequests"]["nodes"] == [{"requestedReviewer": {"login": "tom"}}]


def test_every_mutation_works(hub: GitHubDouble, town: Repository) -> None:
    """Each modelled mutation is performed once, and the state shows it."""
    issue, pull, label = town.issues[1], town.pull_requests[0], town.ensure_label("extra")
    comment = issue.comments[0]
    work, base = town.branches["next"], town.branches["main"]
    given: dict[str, tuple[dict[str, Any], str]] = {
        "addComment": ({"subjectId": issue.node_id, "body": "new"}, "subject { id } commentEdge { cursor }"),
        "updateIssueComment": ({"id": comment.node_id, "body": "newer"}, "issueComment { body }"),
        "deleteIssueComment": ({"id": comment.node_id}, "clientMutationId"),
        "addLabelsToLabelable": ({"labelableId": issue.node_id, "labelIds": [label.node_id]}, "clientMutationId"),
        "removeLabelsFromLabelable": (
            {"labelableId": issue.node_id, "labelIds": [label.node_id]},
            "clientMutationId",
        ),
        "createLabel": ({"repositoryId": town.node_id, "name": "made", "color": "ffffff"}, "label { name }"),
        "addReaction": ({"subjectId": issue.node_id, "content": "THUMBS_DOWN"}, "reaction { content }"),
        "closeIssue": ({"issueId": issue.node_id, "stateReason": "NOT_PLANNED"}, "issue { stateReason }"),
        "reopenIssue": ({"issueId": issue.node_id}, "issue { state }"),
        "updatePullRequest": (
            {"pullRequestId": pull.node_id, "state": "CLOSED", "title": "Q"},
            "pullRequest { state }",
        ),
        "markPullRequestReadyForReview": ({"pullRequestId": pull.node_id}, "pullRequest { isDraft }"),
        "convertPullRequestToDraft": ({"pullRequestId": pull.node_id}, "pullRequest { isDraft }"),
        "requestReviews": (
            {"pullRequestId": pull.node_id, "userIds": [hub.user("max").node_id], "union": True},
            "pullRequest { id }",
        ),
        "createPullRequest": (
            {"repositoryId": town.node_id, "baseRefName": "main", "headRefName": "next", "title": "N"},
            "pullRequest { number }",
        ),
        "updateRefs": (
            {
                "repositoryId": town.node_id,
                "refUpdates": [
                    {"name": "refs/heads/x", "afterOid": work},
                    {"name": "refs/heads/y", "afterOid": base},
                ],
            },
            "clientMutationId",
        ),
    }
    assert set(given) == {name for kind, name in FIELDS if kind == "Mutation"}
    api = client(hub, hub.token()).requester
    for name, (variables, wanted) in given.items():
        api.graphql_named_mutation(name, variables, wanted)
    assert [each.body for each in issue.comments] == ["new"]
    assert (issue.state, issue.label_names, issue.reactions[-1].content) == ("open", ["autorun"], "-1")
    assert (pull.state, pull.title, pull.draft, len(pull.reviewers)) == ("closed", "Q", True, 2)
    assert (town.branches["x"], town.branches["y"]) == (work, base)
    assert "made" in town.labels


Step = tuple[str, str, Any]


def of_issues(town: Repository) -> list[Step]:
    """Return what can be done with issues, comments, labels, reactions and dependencies, in an order that works."""
    issue, other = town.issues[1], town.issues[2]
    comment = issue.comments[0]
    made, spare = issue.comment("x", by="ana"), issue.comment("y", by="ana")
    one, two = issue.react("-1", by="ana"), made.react("-1", by="ana")
    town.ensure_label("gone")
    return [
        ("GET", "", None), ("GET", "/issues?state=all&sort=comments", None), ("GET", "/issues/1", None),
        ("POST", "/issues", {"title": "N", "body": "b", "labels": ["autorun"]}),
        ("PATCH", "/issues/2", {"title": "M", "body": "n", "labels": ["P1"], "assignees": ["tom"]}),
        ("PATCH", "/issues/2", {"state": "closed"}),
        ("PATCH", "/issues/2", {"state": "open"}),
        ("PUT", "/issues/1/lock", {"lock_reason": "spam"}), ("DELETE", "/issues/1/lock", None),
        ("GET", "/issues/1/comments?since=2026-01-01T00:00:00Z", None),
        ("GET", "/issues/comments?sort=updated", None),
        ("GET", f"/issues/comments/{comment.id}", None), ("POST", "/issues/1/comments", {"body": "z"}),
        ("PATCH", f"/issues/comments/{spare.id}", {"body": "z"}), ("DELETE", f"/issues/comments/{spare.id}", None),
        ("GET", "/issues/1/timeline?per_page=2&page=2", None), ("GET", "/issues/1/events", None),
        ("GET", "/issues/1/labels", None), ("POST", "/issues/1/labels", {"labels": ["a", "b"]}),
        ("PUT", "/issues/1/labels", ["a", "autorun"]), ("DELETE", "/issues/1/labels/a", None),
        ("GET", "/labels", None), ("GET", "/labels/autorun", None),
        ("POST", "/labels", {"name": "l", "color": "aabbcc"}),
        ("PATCH", "/labels/l", {"new_name": "k", "description": "d"}), ("DELETE", "/labels/gone", None),
        ("POST", "/issues/1/reactions", {"content": "hooray"}), ("GET", "/issues/1/reactions?content=-1", None),
        ("DELETE", f"/issues/1/reactions/{one.id}", None),
        ("POST", f"/issues/comments/{made.id}/reactions", {"content": "eyes"}),
        ("GET", f"/issues/comments/{made.id}/reactions", None),
        ("DELETE", f"/issues/comments/{made.id}/reactions/{two.id}", None),
        ("GET", "/issues/2/dependencies/blocked_by", None), ("GET", "/issues/1/dependencies/blocking", None),
        ("DELETE", f"/issues/2/dependencies/blocked_by/{issue.id}", None),
        ("POST", "/issues/1/dependencies/blocked_by", {"issue_id": other.id}),
        ("GET", "/issues/2/sub_issues", None), ("POST", "/issues/1/sub_issues", {"sub_issue_id": other.id}),
        ("DELETE", "/issues/1/labels", None),
    ]  # fmt: skip


def of_the_rest(town: Repository) -> list[Step]:
    """Return what can be done with pull requests, files, refs, people and runs, in an order that works."""
    sha, run = town.branches["work"], town.run("autorun.yml").start()
    return [
        ("GET", "/pulls?state=all&sort=updated&base=main", None), ("GET", "/pulls/3", None),
        ("GET", "/pulls/3/commits", None), ("GET", "/pulls/3/files", None),
        ("GET", "/pulls/3/requested_reviewers", None),
        ("POST", "/pulls/3/requested_reviewers", {"reviewers": ["max"]}),
        ("PATCH", "/pulls/3", {"title": "R", "body": "S", "state": "closed", "base": "main"}),
        ("PATCH", "/pulls/3", {"state": "open"}),
        ("POST", "/pulls", {"title": "T", "head": "octo:next", "base": "main", "maintainer_can_modify": True}),
        ("PUT", "/pulls/5/merge", {"commit_title": "Merge it"}), ("GET", "/pulls/5/merge", None),
        ("GET", "/collaborators/ana/permission", None), ("GET", "/actions/permissions/workflow", None),
        ("GET", "/contents/README.md", None), ("GET", "/contents/.github/workflows", None),
        ("GET", "/compare/main...work?page=2&per_page=1", None), ("GET", f"/commits/{sha}", None),
        ("GET", "/commits?sha=work", None), ("GET", "/branches", None), ("GET", "/branches/main", None),
        ("GET", "/rules/branches/held", None), ("GET", "/git/ref/heads/main", None),
        ("GET", "/git/matching-refs/heads/", None), ("POST", "/git/refs", {"ref": "refs/heads/r", "sha": sha}),
        ("PATCH", "/git/refs/heads/r", {"sha": town.branches["main"], "force": True}),
        ("DELETE", "/git/refs/heads/r", None),
        ("GET", "/actions/workflows", None), ("GET", "/actions/workflows/autorun.yml", None),
        ("POST", "/actions/workflows/autorun.yml/dispatches", {"ref": "main"}),
        ("GET", "/actions/runs?event=schedule&branch=main", None),
        ("GET", "/actions/workflows/autorun.yml/runs", None),
        ("GET", f"/actions/runs/{run.id}", None), ("GET", f"/actions/runs/{run.id}/attempts/1", None),
        ("POST", f"/actions/runs/{run.id}/cancel", None),
    ]  # fmt: skip


def test_every_rest_operation_answers(hub: GitHubDouble, town: Repository) -> None:
    """Each modelled operation is called once and answers with success, within its description."""
    api = hub.env()["GITHUB_API_URL"]
    header = {"Authorization": f"Bearer {hub.personal_token('octo')}"}
    steps = [(method, f"/repos/octo/app{path}", body) for method, path, body in of_issues(town) + of_the_rest(town)]
    steps += [("GET", path, None) for path in ("/user", "/users/ana", "/rate_limit")]
    with requests.Session() as session:
        for method, path, body in steps:
            answer = session.request(method, api + path, json=body, headers=header, timeout=5)
            assert answer.status_code < 300, (method, path, answer.text)
    modelled = {f"{each.method} {each.path}" for each in contract().operations if each.id in ROUTES}
    assert {each.kind for each in hub.calls} == modelled
