"""What GitHub refuses, and where it sends one instead."""

from collections.abc import Callable

import github
import pytest
import requests
from github.Repository import Repository as Shown

from github_double.fixtures import client
from github_double.hub import GitHubDouble
from github_double.repository import Repository

READ_ALL = dict.fromkeys(("contents", "issues", "pull_requests", "actions"), "read")
WRITES: dict[str, Callable[[Shown], object]] = {
    "comment": lambda app: app.get_issue(1).create_comment("x"),
    "label": lambda app: app.get_issue(1).add_to_labels("x"),
    "new label": lambda app: app.create_label("x", "ffffff"),
    "issue": lambda app: app.create_issue("x"),
    "reaction": lambda app: app.get_issue(1).create_reaction("eyes"),
    "pull request": lambda app: app.create_pull(base="main", head="work", title="x", body=""),
    "ref": lambda app: app.create_git_ref("refs/heads/x", app.get_branch("main").commit.sha),
    "dispatch": lambda app: app.get_workflow("autorun.yml").create_dispatch("main", throw=True),
}


@pytest.fixture
def busy(repo: Repository) -> Repository:
    """A repository with an issue and a branch that could become a pull request."""
    repo.issue("T", by="ana")
    repo.commit({"a": "1"}, branch="work", by="ana")
    return repo


@pytest.mark.parametrize("write", WRITES)
def test_a_token_without_write_changes_nothing(hub: GitHubDouble, busy: Repository, write: str) -> None:
    """Every write by a read-only job token is 403 with GitHub's sentence, and allowed with write."""
    app = client(hub, hub.token(permissions=READ_ALL)).get_repo("octo/app")
    with pytest.raises(github.GithubException, match="Resource not accessible by integration") as refused:
        WRITES[write](app)
    assert refused.value.status == 403
    assert (len(busy.issues), busy.labels, busy.dispatches) == (1, {}, [])
    WRITES[write](client(hub, hub.token()).get_repo("octo/app"))


def test_reading_issues_takes_the_permission(hub: GitHubDouble, busy: Repository) -> None:
    """A job token without `issues` reads none; a permission on pull requests opens pull requests only."""
    pull = busy.pull_request("P", head="work", by="ana")
    app = client(hub, hub.token(permissions={"pull_requests": "write"})).get_repo("octo/app")
    with pytest.raises(github.GithubException, match="not accessible by integration"):
        app.get_issue(1)
    app.get_pull(pull.number).as_issue().create_comment("on a pull request")
    assert [each.body for each in pull.comments] == ["on a pull request"]


def test_people_are_held_to_their_role(hub: GitHubDouble, busy: Repository) -> None:
    """A triager may label but not dispatch; a stranger may comment but not label."""
    busy.user("eve")
    tom = client(hub, hub.personal_token("tom")).get_repo("octo/app")
    tom.get_issue(1).add_to_labels("autorun")
    with pytest.raises(github.GithubException, match="Must have push access"):
        WRITES["dispatch"](tom)
    eve = client(hub, hub.personal_token("eve", kind="fine-grained")).get_repo("octo/app")
    eve.get_issue(1).create_comment("hello")
    with pytest.raises(github.GithubException, match="Must have triage access"):
        eve.get_issue(1).add_to_labels("autorun")
    assert busy.issues[1].events[-1].actor.login == "tom"


def test_the_switch_stops_only_the_jobs_bot(hub: GitHubDouble, busy: Repository) -> None:
    """With the switch off the job's token gets GitHub's 403; an App's and a person's token do not."""
    busy.actions_may_open_pull_requests = False
    app = client(hub, hub.token()).get_repo("octo/app")
    sentence = "GitHub Actions is not permitted to create or approve pull requests"
    with pytest.raises(github.GithubException, match=sentence) as refused:
        app.create_pull(base="main", head="work", title="x", body="")
    assert refused.value.status == 403
    client(hub, hub.token(by="our-app[bot]")).get_repo("octo/app").create_pull(
        base="main", head="work", title="x", body=""
    )
    assert busy.pull_requests[0].author.kind == "Bot"


def test_wrong_and_revoked_tokens_are_401(hub: GitHubDouble, repo: Repository) -> None:
    """An unknown credential is refused everywhere; a revoked one from that moment on."""
    with pytest.raises(github.BadCredentialsException):
        client(hub, "ghs_invented").get_repo("octo/app")
    token = hub.token()
    client(hub, token).get_repo(repo.full_name)
    hub.revoke(token)
    with pytest.raises(github.BadCredentialsException):
        client(hub, token).get_repo("octo/app")


def test_private_repositories_do_not_exist_for_others(hub: GitHubDouble, repo: Repository) -> None:
    """Without access a private repository is 404; a token of another repository sees nothing either."""
    repo.private = True
    hub.user("eve")
    other = hub.repository("octo/other")
    for token in (hub.personal_token("eve"), hub.token(repository=other)):
        with pytest.raises(github.UnknownObjectException):
            client(hub, token).get_repo("octo/app")
    assert client(hub, hub.token(repository=repo)).get_repo("octo/app").private
    assert requests.get(hub.env()["GITHUB_API_URL"] + "/repos/octo/app", timeout=5).status_code == 404


def test_a_renamed_repository_redirects(hub: GitHubDouble, busy: Repository) -> None:
    """The old name answers 301 to the address by id, which serves; the new name serves at once."""
    busy.rename("renamed")
    token = hub.token()
    url = hub.env()["GITHUB_API_URL"] + "/repos/octo/app/issues/1"
    first = requests.get(url, headers={"Authorization": f"Bearer {token}"}, allow_redirects=False, timeout=5)
    assert (first.status_code, first.json()["message"]) == (301, "Moved Permanently")
    assert first.headers["Location"].endswith(f"/repositories/{busy.id}/issues/1")
    assert client(hub, token).get_repo("octo/app").full_name == "octo/renamed"
    busy.transfer("newcorp")
    assert client(hub, token).get_repo("octo/renamed").full_name == "newcorp/renamed"


def test_a_transferred_issue_redirects(hub: GitHubDouble, busy: Repository) -> None:
    """An issue moved to another repository answers from there."""
    busy.issues[1].comment("moves along", by="ana")
    busy.transfer_issue(1, hub.repository("octo/other"), by="ana")
    moved = client(hub, hub.token()).get_repo("octo/app").get_issue(1)
    assert moved.raw_data["repository_url"].endswith("/octo/other")
    assert [each.body for each in moved.get_comments()] == ["moves along"]
    assert list(client(hub, hub.token()).get_repo("octo/app").get_issues()) == []


def test_deleted_and_converted_issues_are_gone(hub: GitHubDouble, repo: Repository) -> None:
    """A deleted issue and one turned into a discussion answer 410 and are in no list."""
    repo.issue("Deleted", by="ana").delete()
    repo.issue("Converted", by="ana").convert_to_discussion(by="ana")
    app = client(hub, hub.token()).get_repo("octo/app")
    for number in (1, 2):
        with pytest.raises(github.GithubException) as refused:
            app.get_issue(number)
        assert refused.value.status == 410
    assert list(app.get_issues(state="all")) == []
    with pytest.raises(github.UnknownObjectException):
        app.get_issue(99)


def test_locked_archived_and_disabled(hub: GitHubDouble, busy: Repository) -> None:
    """A locked issue takes comments from writers and bots only; an archive is read-only; issues can be off."""
    busy.issues[1].lock(by="ana")
    busy.user("eve")
    with pytest.raises(github.GithubException, match="issue is locked"):
        client(hub, hub.personal_token("eve")).get_repo("octo/app").get_issue(1).create_comment("x")
    app = client(hub, hub.token()).get_repo("octo/app")
    app.get_issue(1).create_comment("from the job")
    busy.archived = True
    with pytest.raises(github.GithubException, match="archived so is read-only"):
        app.get_issue(1).create_comment("x")
    busy.archived, busy.has_issues = False, False
    with pytest.raises(github.GithubException, match="Issues has been disabled") as refused:
        list(app.get_issues())
    assert refused.value.status == 410


def test_deleted_people_show_as_ghost(hub: GitHubDouble, busy: Repository) -> None:
    """What a deleted account wrote stays, under the name ghost."""
    busy.user("gone")
    busy.issues[1].comment("still here", by="gone")
    hub.user("gone").delete()
    shown = client(hub, hub.token()).get_repo("octo/app").get_issue(1).get_comments()[0]
    assert (shown.user.login, shown.body) == ("ghost", "still here")
