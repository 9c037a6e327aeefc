"""Every way the double can be told to fail, as PyGithub sees it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import github
import pytest
import requests

from github_double import failures
from github_double.failures import Failure
from github_double.fixtures import client
from github_double.hub import GitHubDouble
from github_double.repository import Repository
from github_double.site import START, Clock

COMMENT = "issues/create-comment"


@pytest.mark.parametrize(
    ("failure", "status", "words"),
    [
        (failures.server_error(), 502, "Server Error"),
        (failures.server_error(503), 503, "Server Error"),
        (failures.unauthorised(), 401, "Bad credentials"),
        (failures.forbidden(), 403, "not accessible"),
        (failures.not_found(), 404, "Not Found"),
        (failures.unprocessable("Validation Failed", {"resource": "Issue", "code": "custom"}), 422, "custom"),
        (failures.primary_limit(), 403, "API rate limit exceeded"),
        (failures.secondary_limit(), 403, "secondary rate limit"),
        (failures.secondary_limit(status=429), 429, "secondary rate limit"),
    ],
)
def test_an_error_answer_changes_nothing(
    hub: GitHubDouble, repo: Repository, failure: Failure, status: int, words: str
) -> None:
    """The call fails with that status and message, its effect did not happen, the next call works."""
    repo.issue("T", by="ana")
    issue = client(hub, hub.token()).get_repo("octo/app").get_issue(1)
    plan = hub.fail(failure, times=1, where=COMMENT)
    with pytest.raises(github.GithubException, match=words) as failed:
        issue.create_comment("x")
    assert failed.value.status == status
    assert (plan.hits, repo.issues[1].comments) == (1, [])
    issue.create_comment("y")
    assert [each.body for each in repo.issues[1].comments] == ["y"]


def test_rate_limit_headers(hub: GitHubDouble, repo: Repository) -> None:
    """The primary limit says when it resets, in the double's time; the secondary how long to wait, or nothing."""
    api = client(hub, hub.token())
    hub.fail(failures.primary_limit(resets_in=90), at=1)
    with pytest.raises(github.RateLimitExceededException) as primary:
        api.get_repo(repo.full_name)
    headers = primary.value.headers or {}
    assert headers["x-ratelimit-remaining"] == "0"
    assert int(headers["x-ratelimit-reset"]) == int(hub.clock.now().timestamp()) + 90
    hub.fail(failures.secondary_limit(retry_after=7), times=1)
    with pytest.raises(github.RateLimitExceededException) as secondary:
        api.get_repo(repo.full_name)
    assert (secondary.value.headers or {})["retry-after"] == "7"
    hub.fail(failures.secondary_limit(retry_after=None), times=1)
    with pytest.raises(github.RateLimitExceededException) as bare:
        api.get_repo(repo.full_name)
    assert "retry-after" not in (bare.value.headers or {})


def test_graphql_reports_the_limit_with_a_200(hub: GitHubDouble, repo: Repository) -> None:
    """An exhausted credential is an error of type RATE_LIMITED, injected or earned."""
    assert repo.full_name == "octo/app"
    api = client(hub, hub.token(limit=1)).requester
    query = "query { viewer { login } }"
    plan = hub.fail(failures.primary_limit(resets_in=60), times=1, where="GRAPHQL *")
    for earned in (False, True):
        if earned:
            api.graphql_query(query, {})
        with pytest.raises(github.GithubException, match="RATE_LIMITED") as refused:
            api.graphql_query(query, {})
        assert (refused.value.headers or {})["x-ratelimit-remaining"] == "0"
    assert plan.hits == 1
    assert [each.status for each in hub.calls] == [200, 200, 200]


@pytest.mark.parametrize(
    ("failure", "applied"),
    [
        (failures.silence(5), False),
        (failures.reset(), False),
        (failures.reset(after=True), True),
    ],
)
def test_broken_connections(hub: GitHubDouble, repo: Repository, failure: Failure, *, applied: bool) -> None:
    """Silence and resets surface as connection errors; whether the comment was written is as told."""
    repo.issue("T", by="ana")
    issue = client(hub, hub.token(), timeout=1).get_repo("octo/app").get_issue(1)
    hub.fail(failure, times=1, where=COMMENT)
    began = time.monotonic()
    with pytest.raises(requests.exceptions.RequestException):
        issue.create_comment("x")
    assert time.monotonic() - began < 3
    assert bool(repo.issues[1].comments) == applied


def test_slow_and_malformed_answers(hub: GitHubDouble, repo: Repository) -> None:
    """A slow body arrives whole; a malformed one is no JSON though the effect happened."""
    repo.issue("T", by="ana")
    app = client(hub, hub.token()).get_repo("octo/app")
    hub.fail(failures.slow(0.3), times=1)
    began = time.monotonic()
    issue = app.get_issue(1)
    assert issue.title == "T"
    assert time.monotonic() - began > 0.2
    hub.fail(failures.malformed(), times=1)
    answer = requests.post(
        issue.url + "/comments", json={"body": "x"}, headers={"Authorization": f"Bearer {hub.token()}"}, timeout=5
    )
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()
    assert len(repo.issues[1].comments) == 1


def test_failures_choose_their_call(hub: GitHubDouble, repo: Repository) -> None:
    """By number, by path, by operation, by GraphQL field; every call; until stopped."""
    repo.issue("T", by="ana")
    api = client(hub, hub.token())
    app = api.get_repo("octo/app")

    def works(call: Callable[[], object]) -> bool:
        try:
            call()
        except github.GithubException:
            return False
        return True

    hub.fail(failures.server_error(), at=2, where="GET /repos/octo/app/issues/*")
    assert [works(lambda: app.get_issue(1)) for _ in range(3)] == [True, False, True]
    plan = hub.fail(failures.server_error(), where="GRAPHQL viewer")
    query = "query { viewer { login } }"
    assert [works(lambda: api.requester.graphql_query(query, {})) for _ in range(2)] == [False, False]
    plan.stop()
    assert works(lambda: api.requester.graphql_query(query, {}))
    hub.fail(failures.server_error(), times=1)
    assert [works(lambda: app.get_issue(1)) for _ in range(2)] == [False, True]


def test_calls_are_counted_by_kind(hub: GitHubDouble, repo: Repository) -> None:
    """Route template, status and account of every call, and a table of them."""
    repo.issue("T", by="ana")
    app = client(hub, hub.token()).get_repo("octo/app")
    app.get_issue(1).create_comment("x")
    with pytest.raises(github.UnknownObjectException):
        app.get_issue(9)
    kind = "GET /repos/{owner}/{repo}/issues/{issue_number}"
    assert [(each.status, each.login) for each in hub.calls.matching(kind)] == [
        (200, "github-actions[bot]"),
        (404, "github-actions[bot]"),
    ]
    assert hub.calls.count("POST *") == 1
    assert hub.calls.count("* */issues/9") == 1
    assert "    1  201  POST /repos/{owner}/{repo}/issues/{issue_number}/comments" in hub.calls.table()
    assert hub.calls.table().endswith("    4  in all")


def test_time_is_the_doubles_own(hub: GitHubDouble, repo: Repository) -> None:
    """Each change takes a second, `Date` tells the time, it can be set; a live clock follows the wall."""
    first, second = repo.issue("One", by="ana"), repo.issue("Two", by="ana")
    assert (second.created_at - first.created_at).total_seconds() == 1
    hub.clock.advance(days=1)
    answer = requests.get(hub.env()["GITHUB_API_URL"] + "/repos/octo/app", timeout=5)
    assert answer.headers["Date"] == "Tue, 03 Nov 2026 08:00:03 GMT"
    hub.clock.set(START)
    assert hub.clock.now() == START
    assert abs((Clock(live=True).tick() - datetime.now(UTC)).total_seconds()) < 2
