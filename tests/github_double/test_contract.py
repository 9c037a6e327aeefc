"""The judge itself: what breaks GitHub's descriptions is seen, in requests, answers, queries and payloads."""

from typing import Any

import pytest
import requests

from github_double.ask import ROUTES
from github_double.contract import contract, examples
from github_double.digest import as_json_schema, digest_graphql
from github_double.events import ShapeBroken, check_shape, substituted
from github_double.fixtures import need_descriptions
from github_double.gql import FIELDS, schema
from github_double.hub import GitHubDouble
from github_double.repository import Repository


def post(hub: GitHubDouble, path: str, body: Any, method: str = "POST") -> requests.Response:
    """Send anything to the API, bypassing every client's manners."""
    headers = {"Authorization": f"Bearer {hub.token()}"}
    return requests.request(method, hub.env()["GITHUB_API_URL"] + path, json=body, headers=headers, timeout=5)


@pytest.mark.parametrize(
    ("method", "path", "body", "fault"),
    [
        ("POST", "/repos/octo/app/issues/1/comments", {}, "'body' is a required property"),
        ("POST", "/repos/octo/app/issues/1/comments", {"body": 7}, "7 is not of type 'string'"),
        ("POST", "/repos/octo/app/issues/1/comments", {"body": "x", "boddy": 1}, "unknown key 'boddy'"),
        ("POST", "/repos/octo/app/issues/1/reactions", {"content": "wow"}, "'wow' is not one of"),
        ("GET", "/repos/octo/app/issues?state=ajar", None, "'ajar' is not one of"),
        ("GET", "/repos/octo/app/issues?sate=open", None, "unknown query parameter 'sate'"),
        ("GET", "/repos/octo/app/issues?since=yesterday", None, "'yesterday' is not a 'date-time'"),
        ("GET", "/repos/octo/app/issues/one", None, "'one' is not of type 'integer'"),
        ("PUT", "/repos/octo/app/pulls/1/merge", {"merge_method": "fold"}, "'fold' is not one of"),
    ],
)
def test_a_wrong_request_is_a_violation(
    hub: GitHubDouble, repo: Repository, method: str, path: str, body: Any, fault: str
) -> None:
    """Each is refused with 422 and noted, so that the fixture fails the test that sent it."""
    repo.issue("T", by="ana")
    answer = post(hub, path, body, method)
    assert answer.status_code == 422
    assert fault in hub.violations.pop()
    assert hub.violations == []


def test_a_body_that_is_no_json_is_a_violation(hub: GitHubDouble, repo: Repository) -> None:
    """It is answered 400 as GitHub does, and noted, for REST and GraphQL."""
    repo.issue("T", by="ana")
    for address in ("GITHUB_API_URL", "GITHUB_GRAPHQL_URL"):
        rest = address == "GITHUB_API_URL"
        url = hub.env()[address] + ("/repos/octo/app/issues/1/comments" if rest else "")
        answer = requests.post(url, data="{", headers={"Authorization": f"Bearer {hub.token()}"}, timeout=5)
        assert answer.status_code == 400
        assert "no JSON" in hub.violations.pop()


def test_what_is_not_modelled_is_loud(hub: GitHubDouble, repo: Repository) -> None:
    """No handler is 501, no such path 404, a parameter overlooked does no harm: each is noted."""
    assert repo.full_name == "octo/app"
    answer = post(hub, "/repos/octo/app/releases", {"tag_name": "v1"})
    assert (answer.status_code, "repos/create-release" in answer.json()["message"]) == (501, True)
    assert "repos/create-release" in hub.violations.pop()
    assert post(hub, "/repos/octo/app/issues?assignee=ana", None, "GET").status_code == 200
    assert "does not model 'assignee'" in hub.violations.pop()
    assert post(hub, "/repos/octo/app/issues", {"title": "T", "milestone": 1}).status_code == 201
    assert "does not model 'milestone'" in hub.violations.pop()
    repo.commit({"a": "1"}, branch="work", by="ana")
    repo.pull_request("P", head="work", by="ana")
    assert post(hub, "/repos/octo/app/pulls/2/merge", {"merge_method": "squash"}, "PUT").status_code == 501
    assert "does not model squash" in hub.violations.pop()
    assert post(hub, "/repos/octo/app/wishes", None, "GET").status_code == 404
    assert "no such operation is published" in hub.violations.pop()


def test_a_wrong_answer_is_a_violation(hub: GitHubDouble, repo: Repository) -> None:
    """A planted fault in our own state shows in the check of the answer."""
    issue = repo.issue("T", by="ana")
    issue.state_reason = "boredom"
    assert post(hub, "/repos/octo/app/issues/1", None, "GET").status_code == 200
    assert "'boredom' is not one of" in hub.violations.pop()
    issue.state_reason = None
    issue.number = "1"  # type: ignore[assignment]  # the fault is the point
    post(hub, "/repos/octo/app/issues", None, "GET")
    assert "'1' is not of type 'integer'" in hub.violations.pop()


def test_answers_are_judged_by_status_and_shape() -> None:
    """A status nobody described, a missing key and a body where none belongs are faults."""
    need_descriptions()
    found = contract().find("POST", "/repos/o/r/issues/1/comments")
    assert found is not None
    operation = found[0]
    assert contract().answer_faults(operation, 202, {}) == [
        "issues/create-comment answer 202: this status is not described"
    ]
    faults = contract().answer_faults(operation, 201, {"id": 1})
    assert any("'html_url' is a required property" in each for each in faults)
    gone = contract().find("DELETE", "/repos/o/r/issues/comments/1")
    assert gone is not None
    assert contract().answer_faults(gone[0], 204, None) == []
    assert contract().answer_faults(gone[0], 204, {}) != []


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("query { viewer { logn } }", "Cannot query field 'logn'"),
        ("query { viewer { bio } }", "does not model User.bio"),
        ("query {", "Syntax Error"),
        ('query { repository(owner: "octo") { id } }', "(name:)' of type 'String!' is required"),
        ('mutation { lockLockable(input: {lockableId: "x"}) { clientMutationId } }', "does not model Mutation."),
    ],
)
def test_a_wrong_query_is_a_violation(hub: GitHubDouble, query: str, fault: str) -> None:
    """What the schema forbids, and what the double does not model, is an error and noted."""
    headers = {"Authorization": f"Bearer {hub.token()}"}
    answer = requests.post(hub.env()["GITHUB_GRAPHQL_URL"], json={"query": query}, headers=headers, timeout=5)
    assert answer.status_code == 200
    assert answer.json()["errors"]
    assert fault in hub.violations.pop()


def test_a_fault_of_the_double_is_loud(hub: GitHubDouble, repo: Repository) -> None:
    """When our own code breaks, the answer is 500 and the trace is among the violations."""
    repo.issue("T", by="ana").created_at = None  # type: ignore[assignment]  # the fault is the point
    assert post(hub, "/repos/octo/app/issues?sort=created&since=2026-01-01T00:00:00Z", None, "GET").status_code == 200
    assert "None is not of type 'string'" in hub.violations.pop()
    repo.issues[1].labels = None  # type: ignore[assignment]  # the fault is the point
    assert post(hub, "/repos/octo/app/issues/1", None, "GET").status_code == 500
    assert "Traceback" in hub.violations.pop()


def test_graphql_needs_a_credential(hub: GitHubDouble) -> None:
    """GraphQL answers nobody anonymous."""
    answer = requests.post(hub.env()["GITHUB_GRAPHQL_URL"], json={"query": "{ viewer { login } }"}, timeout=5)
    assert answer.status_code == 401


def test_every_handler_and_field_is_published() -> None:
    """Nothing is modelled that GitHub does not have: operation ids and GraphQL fields all exist."""
    need_descriptions()
    assert set(ROUTES) <= {each.id for each in contract().operations}
    for kind, name in FIELDS:
        fields = getattr(schema().type_map[kind], "fields", {})
        assert name in fields, f"{kind}.{name}"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"$ref": "#/components/schemas/x"}, {"$ref": "#/schemas/x"}),
        (
            {"nullable": True, "allOf": [{"$ref": "#/components/schemas/x"}]},
            {"anyOf": [{"allOf": [{"$ref": "#/schemas/x"}]}, {"type": "null"}]},
        ),
        (
            {"properties": {"title": {"type": "string", "title": "T", "example": "e"}}, "x-y": 1},
            {"properties": {"title": {"type": "string"}}},
        ),
        ({"oneOf": [{"type": "string"}]}, {"anyOf": [{"type": "string"}]}),
    ],
)
def test_openapi_becomes_json_schema(theirs: Any, ours: Any) -> None:
    """Nullability, references and prose are translated; a property may be called like a keyword."""
    assert as_json_schema(theirs) == ours


def test_descriptions_leave_the_graphql_schema() -> None:
    """Block strings go, whatever stands in them; everything else stays."""
    prose = '"""\ntype Wrong { a: Int }\n"""\n'
    source = prose + 'type Right {\n  """x"""\n  a(b: String = "c"): Int @deprecated(reason: "d")\n}'
    assert digest_graphql(source) == 'type Right{a(b:String="c"):Int@deprecated(reason:"d")}'


def test_a_comment_event_is_the_published_example_with_our_state(hub: GitHubDouble, repo: Repository) -> None:
    """Every key of the example stands, with our issue, comment, repository and sender in it."""
    issue = repo.issue("T", "body", by="eve").label("autorun", by="ana")
    comment = issue.comment("/autorun", by="ana")
    event = hub.event("issue_comment", repo, action="created", sender="ana", issue=issue, comment=comment)
    example = next(each for each in examples()["issue_comment"] if each["action"] == "created")
    assert set(example) - {"organization", "installation"} <= set(event)
    assert set(example["issue"]) == set(event["issue"])
    assert (event["comment"]["body"], event["comment"]["id"]) == ("/autorun", comment.id)
    assert (event["issue"]["number"], event["issue"]["title"]) == (issue.number, "T")
    assert event["repository"]["full_name"] == "octo/app"
    assert event["sender"]["login"] == "ana"


def test_other_events(hub: GitHubDouble, repo: Repository) -> None:
    """Labels, dispatches, pull requests and schedules have payloads too; an unknown event is an error."""
    issue = repo.issue("T", by="eve").label("autorun", by="ana")
    labelled = hub.event("issues", repo, action="labeled", sender="ana", issue=issue.number, label="autorun")
    assert (labelled["action"], labelled["label"]["name"]) == ("labeled", "autorun")
    inputs = {"task": "7"}
    dispatched = hub.event("workflow_dispatch", repo, sender="ana", inputs=inputs, ref="refs/heads/main")
    assert (dispatched["inputs"], dispatched["ref"]) == (inputs, "refs/heads/main")
    assert hub.event("schedule", repo, sender="ana", schedule="1 2 * * *")["schedule"] == "1 2 * * *"
    repo.commit({"a": "1"}, branch="work", by="ana")
    pull = repo.pull_request("P", head="work", by="ana")
    closed = hub.event("pull_request", repo, action="closed", sender="ana", pull_request=pull, number=pull.number)
    assert (closed["pull_request"]["title"], closed["number"]) == ("P", pull.number)
    with pytest.raises(KeyError, match="nonsense"):
        hub.event("nonsense", repo, sender="ana")


def test_a_payload_that_loses_its_shape_is_refused() -> None:
    """A missing key or another kind of value is an error; null is allowed either way."""
    example = {"a": {"b": 1}, "c": [1], "d": None}
    check_shape(example, {"a": {"b": 2.0}, "c": [], "d": "x", "e": 1})
    with pytest.raises(ShapeBroken, match=r"payload\.a lost 'b'"):
        check_shape(example, {"a": {}, "c": [], "d": None})
    with pytest.raises(ShapeBroken, match=r"payload\.c is str"):
        check_shape(example, {"a": {"b": 1}, "c": "x", "d": None})
    assert substituted({"a": 1, "b": [{"c": 1, "d": 2}]}, {"a": 5, "b": [{"c": 7}], "z": 1}) == {
        "a": 5,
        "b": [{"c": 7, "d": 2}],
    }
