"""GraphQL: executed on GitHub's schema, reading and changing the same state as REST."""

from typing import Any

import github
import pytest

from github_double.bare import ZERO
from github_double.fixtures import client
from github_double.hub import GitHubDouble
from github_double.repository import Repository

BACKLOG = """
query ($owner: String!, $name: String!, $after: String) {
  rateLimit { cost remaining resetAt }
  repository(owner: $owner, name: $name) {
    hasIssuesEnabled
    defaultBranchRef { name target { oid } }
    issues(
      first: 100, after: $after, labels: ["autorun"], states: [OPEN], orderBy: {field: CREATED_AT, direction: ASC}
    ) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes {
        id number title body url createdAt lastEditedAt locked state
        author { __typename login }
        labels(first: 50) { nodes { name } }
        userContentEdits(first: 20) { totalCount nodes { editedAt diff deletedAt editor { login } } }
        timelineItems(first: 50, itemTypes: [LABELED_EVENT, RENAMED_TITLE_EVENT]) {
          nodes {
            __typename
            ... on LabeledEvent { createdAt actor { __typename login } label { name } }
            ... on RenamedTitleEvent { createdAt actor { login } previousTitle currentTitle }
          }
        }
        comments(last: 50) { nodes { databaseId body lastEditedAt author { login } authorAssociation } }
        blockedBy(first: 20) { nodes { number state repository { nameWithOwner } } }
        issueDependenciesSummary { blockedBy totalBlockedBy }
      }
    }
  }
}
"""


def ask(hub: GitHubDouble, query: str, token: str = "", **variables: Any) -> dict[str, Any]:
    """Run a query with PyGithub's requester and return its data."""
    _, answer = client(hub, token or hub.token()).requester.graphql_query(query, variables)
    data: dict[str, Any] = answer["data"]
    return data


def test_a_backlog_of_250_takes_three_queries(hub: GitHubDouble, repo: Repository) -> None:
    """Cursors lead through every issue once, whatever is opened meanwhile."""
    for number in range(250):
        repo.issue(f"Issue {number}", by="ana", labels=("autorun",))
    found: list[int] = []
    after = None
    while True:
        page = ask(hub, BACKLOG, owner="octo", name="app", after=after)["repository"]["issues"]
        found += [each["number"] for each in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        repo.issues.pop(len(found) // 2)
    assert found == list(range(1, 251))
    assert hub.calls.count("GRAPHQL rateLimit+repository") == 3


def test_one_query_tells_the_whole_trust_story(hub: GitHubDouble, repo: Repository) -> None:
    """Who labelled and when, every edit with its text and editor, renames, comments and what blocks."""
    first = repo.issue("First", by="ana")
    issue = repo.issue("Before", "as approved", by="eve").label("autorun", by="ana")
    issue.edit(title="After", body="changed later", by="eve").depend_on(first)
    comment = issue.comment("see above", by="github-actions[bot]")
    node = ask(hub, BACKLOG, owner="octo", name="app")["repository"]["issues"]["nodes"][0]
    labelled, renamed = node["timelineItems"]["nodes"]
    assert (labelled["actor"]["login"], labelled["label"]["name"]) == ("ana", "autorun")
    assert (renamed["previousTitle"], renamed["currentTitle"]) == ("Before", "After")
    edits = [(each["diff"], each["editor"]["login"]) for each in node["userContentEdits"]["nodes"]]
    assert edits == [("changed later", "eve"), ("as approved", "eve")]
    assert node["lastEditedAt"] > labelled["createdAt"] > node["createdAt"]
    assert [each["number"] for each in node["blockedBy"]["nodes"]] == [first.number]
    assert node["issueDependenciesSummary"] == {"blockedBy": 1, "totalBlockedBy": 1}
    shown = node["comments"]["nodes"][0]
    assert (shown["databaseId"], shown["author"]["login"]) == (comment.id, "github-actions")


def test_deleted_people_are_null(hub: GitHubDouble, repo: Repository) -> None:
    """An account that is gone shows as null, also behind the label it set."""
    repo.user("gone", role="write")
    repo.issue("T", by="gone").label("autorun", by="gone")
    hub.user("gone").delete()
    node = ask(hub, BACKLOG, owner="octo", name="app")["repository"]["issues"]["nodes"][0]
    assert node["author"] is None
    assert node["timelineItems"]["nodes"][0]["actor"] is None


def test_comments_labels_and_reactions_are_written(hub: GitHubDouble, repo: Repository) -> None:
    """Mutations change what REST reads."""
    issue = repo.issue("T", by="ana")
    label = repo.create_label("autorun:blocked")
    api = client(hub, hub.token()).requester
    _, added = api.graphql_named_mutation(
        "addComment", {"subjectId": issue.node_id, "body": "one"}, "commentEdge { node { id databaseId } }"
    )
    comment = added["commentEdge"]["node"]
    api.graphql_named_mutation("updateIssueComment", {"id": comment["id"], "body": "two"}, "issueComment { body }")
    both = {"labelableId": issue.node_id, "labelIds": [label.node_id]}
    api.graphql_named_mutation("addLabelsToLabelable", both, "labelable { __typename }")
    eyes = {"subjectId": comment["id"], "content": "EYES"}
    api.graphql_named_mutation("addReaction", eyes, "reaction { content }")
    shown = client(hub, hub.token()).get_repo("octo/app").get_issue(issue.number)
    assert [each.body for each in shown.get_comments()] == ["two"]
    assert [each.name for each in shown.labels] == ["autorun:blocked"]
    assert [each.content for each in issue.comments[0].reactions] == ["eyes"]
    api.graphql_named_mutation("removeLabelsFromLabelable", both, "labelable { __typename }")
    assert issue.labels == []


def test_a_pull_request_is_opened_found_and_made_ready(hub: GitHubDouble, repo: Repository) -> None:
    """It can be created as a draft, found by its head branch, and marked ready; its commits are real."""
    sha = repo.commit({"a": "1"}, branch="autorun/github-7", by="ana", message="Add a\n\nBecause.")
    api = client(hub, hub.token()).requester
    given = {
        "repositoryId": repo.node_id,
        "baseRefName": "main",
        "headRefName": "autorun/github-7",
        "title": "T",
        "body": "B",
        "draft": True,
    }
    _, made = api.graphql_named_mutation("createPullRequest", given, "pullRequest { id number isDraft }")
    assert made["pullRequest"]["isDraft"]
    query = """query { repository(owner: "octo", name: "app") {
      pullRequests(headRefName: "autorun/github-7", first: 5, states: [OPEN, CLOSED, MERGED]) { nodes {
        number state headRefOid baseRefName url commits(last: 1) { nodes { commit { oid messageHeadline } } } } }
      ref(qualifiedName: "refs/heads/autorun/github-7") { name prefix target { oid } }
      refs(refPrefix: "refs/heads/autorun/", first: 10) { nodes { name } }
      object(expression: "autorun/github-7:a") { ... on Blob { text } } } }"""
    found = ask(hub, query)["repository"]
    pull = found["pullRequests"]["nodes"][0]
    assert (pull["state"], pull["headRefOid"]) == ("OPEN", sha)
    assert pull["commits"]["nodes"][0]["commit"]["messageHeadline"] == "Add a"
    assert found["ref"]["target"]["oid"] == sha
    assert found["object"]["text"] == "1"
    given = {"pullRequestId": made["pullRequest"]["id"]}
    api.graphql_named_mutation("markPullRequestReadyForReview", given, "pullRequest { isDraft }")
    assert not repo.pull_requests[0].draft
    api.graphql_named_mutation("convertPullRequestToDraft", given, "pullRequest { isDraft }")
    assert repo.pull_requests[0].draft


def test_refs_move_together_and_only_from_where_they_were(hub: GitHubDouble, repo: Repository) -> None:
    """UpdateRefs compares with beforeOid and moves all or none."""
    old = repo.branches["main"]
    new = repo.commit({"a": "1"}, branch="work", by="ana")
    api = client(hub, hub.token()).requester
    moves = [
        {"name": "refs/heads/main", "beforeOid": old, "afterOid": new},
        {"name": "refs/heads/other", "beforeOid": old, "afterOid": new},
    ]
    given = {"repositoryId": repo.node_id, "refUpdates": moves}
    with pytest.raises(github.GithubException, match="Reference cannot be updated"):
        api.graphql_named_mutation("updateRefs", given, "clientMutationId")
    assert repo.branches["main"] == old
    moves[1]["beforeOid"] = ZERO
    api.graphql_named_mutation("updateRefs", given, "clientMutationId")
    assert (repo.branches["main"], repo.branches["other"]) == (new, new)


def test_nodes_are_found_by_id(hub: GitHubDouble, repo: Repository) -> None:
    """Several nodes of different types come in one query; an id that is none is an error of type NOT_FOUND."""
    issue = repo.issue("T", by="ana")
    comment = issue.comment("hello", by="ana")
    query = (
        "query($ids:[ID!]!){nodes(ids:$ids){__typename ...on Issue{number} ...on IssueComment{body issue{number}}}}"
    )
    found = ask(hub, query, ids=[issue.node_id, comment.node_id])["nodes"]
    assert found == [
        {"__typename": "Issue", "number": 1},
        {"__typename": "IssueComment", "body": "hello", "issue": {"number": 1}},
    ]
    with pytest.raises(github.UnknownObjectException):
        ask(hub, 'query { node(id: "I_nothing") { id } }')


def test_refusals_have_githubs_types(hub: GitHubDouble, repo: Repository) -> None:
    """A repository out of sight is NOT_FOUND, a lacking permission FORBIDDEN, the switch its sentence."""
    repo.commit({"a": "1"}, branch="work", by="ana")
    with pytest.raises(github.UnknownObjectException, match="Could not resolve to a Repository"):
        ask(hub, BACKLOG, owner="octo", name="missing")
    with pytest.raises(github.GithubException, match='"type": "FORBIDDEN"'):
        ask(hub, BACKLOG, hub.token(permissions={"contents": "read"}), owner="octo", name="app")
    repo.actions_may_open_pull_requests = False
    given = {"repositoryId": repo.node_id, "baseRefName": "main", "headRefName": "work", "title": "T"}
    with pytest.raises(github.GithubException, match="not permitted to create or approve"):
        client(hub, hub.token()).requester.graphql_named_mutation("createPullRequest", given, "pullRequest { id }")
    with pytest.raises(github.GithubException, match="provide a `first` or `last`"):
        ask(hub, 'query { repository(owner: "octo", name: "app") { issues { totalCount } } }')
    with pytest.raises(github.GithubException, match="exceeds the `first` limit"):
        ask(hub, 'query { repository(owner: "octo", name: "app") { issues(first: 101) { totalCount } } }')


def test_a_renamed_repository_is_followed(hub: GitHubDouble, repo: Repository) -> None:
    """GraphQL answers an old name with the repository's present one."""
    repo.rename("renamed")
    query = 'query { repository(owner: "octo", name: "app") { nameWithOwner } }'
    assert ask(hub, query)["repository"]["nameWithOwner"] == "octo/renamed"


def test_queries_are_weighed(hub: GitHubDouble, repo: Repository) -> None:
    """Cost and node count follow GitHub's arithmetic; more than 500,000 possible nodes are refused."""
    assert repo.full_name == "octo/app"
    query = """query($n: Int!) { rateLimit { cost nodeCount used } repository(owner: "octo", name: "app") {
      issues(first: 100) { nodes { ...inner } } } }
      fragment inner on Issue { comments(first: $n) { nodes { reactions(first: 100) { totalCount } } } }"""
    assert ask(hub, query, n=4)["rateLimit"] == {"cost": 5, "nodeCount": 100 + 400 + 40_000, "used": 5}
    with pytest.raises(github.GithubException, match="exceeds the maximum limit of 500,000"):
        ask(hub, query, n=100)


def test_bots_wear_their_suffix_where_github_shows_it(hub: GitHubDouble, repo: Repository) -> None:
    """The viewer of a job's token is `github-actions[bot]`, the same bot as an author `github-actions`."""
    repo.issue("T", by="github-actions[bot]")
    query = """query { viewer { login } repository(owner: "octo", name: "app") {
      issue(number: 1) { viewerDidAuthor author { __typename login } } } }"""
    found = ask(hub, query)
    assert found["viewer"]["login"] == "github-actions[bot]"
    assert found["repository"]["issue"] == {
        "viewerDidAuthor": True,
        "author": {"__typename": "Bot", "login": "github-actions"},
    }


def test_a_version_can_be_taken_out_of_the_history(hub: GitHubDouble, repo: Repository) -> None:
    """A deleted version keeps when and by whom, and loses its text."""
    issue = repo.issue("T", "first", by="eve").edit(body="second", by="eve").edit(body="first", by="eve")
    issue.edits[1].delete(by="eve")
    query = """query { repository(owner: "octo", name: "app") { issue(number: 1) { userContentEdits(first: 10) {
      nodes { diff deletedAt deletedBy { login } } } } } }"""
    nodes = ask(hub, query)["repository"]["issue"]["userContentEdits"]["nodes"]
    assert [each["diff"] for each in nodes] == ["first", None, "first"]
    assert nodes[1]["deletedBy"] == {"login": "eve"}


def test_cursors_lead_both_ways(hub: GitHubDouble, repo: Repository) -> None:
    """`after` and `before` cut where they point, `last` takes the end, and a cursor that is none is refused."""
    for number in range(5):
        repo.issue(f"{number}", by="ana")

    def titles(arguments: str) -> tuple[list[str], dict[str, Any]]:
        query = (
            f'query {{ repository(owner: "octo", name: "app") {{ issues({arguments}) {{ nodes {{ title }} pageInfo {{'
        )
        query += " startCursor endCursor hasNextPage hasPreviousPage } } } }"
        page = ask(hub, query)["repository"]["issues"]
        return [each["title"] for each in page["nodes"]], page["pageInfo"]

    first, told = titles("first: 2")
    assert (first, told["hasNextPage"], told["hasPreviousPage"]) == (["0", "1"], True, False)
    end = told["endCursor"]
    assert titles(f'first: 2, after: "{end}"')[0] == ["2", "3"]
    last, told = titles("last: 2")
    assert (last, told["hasNextPage"], told["hasPreviousPage"]) == (["3", "4"], False, True)
    assert titles(f'last: 2, before: "{told["startCursor"]}"')[0] == ["1", "2"]
    assert titles("first: 0")[0] == []
    with pytest.raises(github.GithubException, match="valid cursor"):
        titles('first: 2, after: "nonsense"')
