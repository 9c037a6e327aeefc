"""REST as PyGithub speaks it; the fixture holds every request and answer to GitHub's description."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise

import github
import pytest
from github.WorkflowRun import WorkflowRun

from github_double.fixtures import client
from github_double.hub import GitHubDouble
from github_double.repository import Repository


def test_issues_are_listed_by_label_state_and_time(hub: GitHubDouble, repo: Repository) -> None:
    """The list has what matches label, state and `since`, pull requests included, newest first."""
    old = repo.issue("Old", by="ana", labels=("autorun",))
    hub.clock.advance(hours=1)
    late = hub.clock.now()
    new = repo.issue("New", by="ana", labels=("autorun", "P1"))
    repo.issue("Other", by="ana")
    repo.issue("Closed", by="ana", labels=("autorun",)).close(by="ana")
    app = client(hub, hub.token()).get_repo("octo/app")
    assert [each.number for each in app.get_issues(labels=["autorun"])] == [new.number, old.number]
    assert [each.number for each in app.get_issues(labels=["autorun", "P1"])] == [new.number]
    assert len(list(app.get_issues(state="all"))) == 4
    since = late - timedelta(seconds=1)
    assert [each.title for each in app.get_issues(since=since, labels=["autorun"])] == ["New"]


def test_250_issues_come_in_pages(hub: GitHubDouble, repo: Repository) -> None:
    """Pages of 100 linked by Link headers give every issue once, in three calls."""
    for number in range(250):
        repo.issue(f"Issue {number}", "text", by="ana", labels=("autorun",))
    api = client(hub, hub.token())
    api.per_page = 100
    found = list(api.get_repo("octo/app").get_issues(labels=["autorun"], direction="asc", sort="created"))
    assert [each.number for each in found] == list(range(1, 251))
    assert hub.calls.count("GET /repos/{owner}/{repo}/issues") == 3


def test_an_issue_tells_its_story(hub: GitHubDouble, repo: Repository) -> None:
    """Labels, renames, comments, locks and closing are timeline events with actor and time, in order."""
    issue = repo.issue("First title", "body", by="eve")
    issue.label("autorun", by="tom").edit(title="Second title", by="eve")
    issue.comment("A word", by="ana")
    issue.lock(by="ana", reason="resolved").unlock(by="ana").close(by="ana").reopen(by="ana")
    issue.unlabel("autorun", by="tom")
    shown = client(hub, hub.token()).get_repo("octo/app").get_issue(issue.number)
    events = list(shown.get_timeline())
    kinds = ["labeled", "renamed", "commented", "locked", "unlocked", "closed", "reopened", "unlabeled"]
    assert [each.event for each in events] == kinds
    assert (events[0].actor.login, events[0].raw_data["label"]["name"]) == ("tom", "autorun")
    assert events[1].raw_data["rename"] == {"from": "First title", "to": "Second title"}
    assert all(one.created_at < other.created_at for one, other in pairwise(events))


def test_comments_are_written_edited_and_read(hub: GitHubDouble, repo: Repository) -> None:
    """A comment keeps its history and its new text is what everybody reads."""
    issue = repo.issue("T", by="ana")
    app = client(hub, hub.token()).get_repo("octo/app")
    made = app.get_issue(issue.number).create_comment("first")
    made.edit("second")
    assert app.get_issue(issue.number).get_comment(made.id).body == "second"
    assert [each.body for each in app.get_issues_comments()] == ["second"]
    assert [each.text for each in issue.comments[0].edits] == ["first", "second"]
    made.delete()
    assert issue.comments == []


def test_reactions_are_counted_once_per_person(hub: GitHubDouble, repo: Repository) -> None:
    """The same reaction twice is one; it can be listed and taken back."""
    comment = repo.issue("T", by="ana").comment("/autorun", by="ana")
    shown = client(hub, hub.token()).get_repo("octo/app").get_issue(1).get_comment(comment.id)
    first = shown.create_reaction("eyes")
    assert shown.create_reaction("eyes").id == first.id
    assert [(each.content, each.user.login) for each in shown.get_reactions()] == [("eyes", "github-actions[bot]")]
    shown.delete_reaction(first.id)
    assert comment.reactions == []
    client(hub, hub.token()).get_repo("octo/app").get_issue(1).create_reaction("-1")
    assert [each.content for each in repo.issues[1].reactions] == ["-1"]


def test_labels_are_created_on_use_and_unique(hub: GitHubDouble, repo: Repository) -> None:
    """Labels are created with colour and description, unique whatever their case, set, added and removed."""
    app = client(hub, hub.token()).get_repo("octo/app")
    app.create_label("autorun:blocked", "B60205", "Waits for a human")
    with pytest.raises(github.GithubException, match="already_exists") as refused:
        app.create_label("AUTORUN:blocked", "000000")
    assert refused.value.status == 422
    issue = app.create_issue("T", "body", labels=["autorun"])
    issue.add_to_labels("autorun:blocked")
    issue.remove_from_labels("autorun")
    assert repo.issues[issue.number].label_names == ["autorun:blocked"]
    issue.set_labels("P1", "autorun")
    assert sorted(each.name for each in issue.get_labels()) == ["P1", "autorun"]
    with pytest.raises(github.GithubException, match="Label does not exist"):
        issue.remove_from_labels("nothing")
    issue.delete_labels()
    assert repo.issues[issue.number].labels == []
    app.get_label("P1").edit("P1", "ffffff", "High")
    assert {each.name for each in app.get_labels()} == {"autorun:blocked", "autorun", "P1"}
    app.get_label("P1").delete()
    assert "p1" not in repo.labels


@pytest.mark.parametrize(
    ("login", "role", "folded"),
    [("ana", "write", "write"), ("tom", "triage", "read"), ("max", "maintain", "write"), ("eve", "read", "read")],
)
def test_permission_folds_roles_as_github_does(
    hub: GitHubDouble, repo: Repository, login: str, role: str, folded: str
) -> None:
    """`role_name` is exact; the older `permission` folds maintain into write and triage into read."""
    repo.user(login)
    app = client(hub, hub.token()).get_repo("octo/app")
    assert app.get_collaborator_role_name(login) == role
    assert app.get_collaborator_permission(login) == folded


def test_permission_of_no_user_is_404(hub: GitHubDouble, repo: Repository) -> None:
    """Bots, strangers and deleted accounts are no users; a private repository has no readers by default."""
    hub.user("evil[bot]")
    hub.user("gone").delete()
    app = client(hub, hub.token()).get_repo("octo/app")
    for login in ("evil[bot]", "gone", "nobody"):
        with pytest.raises(github.GithubException, match="is not a user") as refused:
            app.get_collaborator_permission(login)
        assert refused.value.status == 404
    repo.private = True
    hub.user("eve")
    assert client(hub, hub.token(repository=repo)).get_repo("octo/app").get_collaborator_permission("eve") == "none"


def test_a_pull_request_from_branch_to_merge(hub: GitHubDouble, repo: Repository) -> None:
    """It is opened as a draft once, found by head, gets labels and reviewers, and merges with a real commit."""
    repo.commit({"feature.txt": "new\n"}, branch="autorun/github-7", by="ana", message="Add feature")
    app = client(hub, hub.token()).get_repo("octo/app")
    made = app.create_pull(base="main", head="autorun/github-7", title="T", body="Closes #7", draft=True)
    assert (made.draft, made.commits, made.additions, made.changed_files) == (True, 1, 1, 1)
    with pytest.raises(github.GithubException, match="already exists"):
        app.create_pull(base="main", head="autorun/github-7", title="T", body="")
    made.add_to_labels("review-me")
    made.create_review_request(reviewers=["tom"])
    made.edit(title="Better", body="More")
    found = list(app.get_pulls(state="all", head="octo:autorun/github-7"))
    assert [(each.number, each.title) for each in found] == [(made.number, "Better")]
    assert list(app.get_pulls(head="octo:other")) == []
    assert [each.login for each in app.get_pull(made.number).requested_reviewers] == ["tom"]
    assert [each.commit.message for each in made.get_commits()] == ["Add feature"]
    assert [each.filename for each in made.get_files()] == ["feature.txt"]
    for _ in range(6):
        repo.issue("Closed by it", by="ana")
    assert repo.issues[7].state == "open"
    repo.pull_requests[0].set_draft(False, by="ana").edit(body="Closes #7", by="ana")
    sha = made.merge().sha
    assert repo.branches["main"] == sha
    assert app.get_pull(made.number).merged
    assert repo.git.read("main", "feature.txt") == b"new\n"
    assert (repo.issues[7].state, repo.issues[6].state) == ("closed", "open")


def test_a_push_moves_or_ends_a_pull_request(hub: GitHubDouble, repo: Repository) -> None:
    """The head follows its branch; reaching the base is a merge; deleting the branch closes."""
    repo.commit({"a": "1"}, branch="one", by="ana")
    repo.commit({"b": "1"}, branch="two", by="ana")
    first = repo.pull_request("One", head="one", by="ana")
    second = repo.pull_request("Two", head="two", by="ana")
    moved = repo.commit({"a": "2"}, branch="one", by="tom")
    assert first.head_sha == moved
    repo.git.update("refs/heads/main", moved)
    repo.git.delete("refs/heads/two")
    app = client(hub, hub.token()).get_repo("octo/app")
    assert app.get_pull(first.number).merged
    closed = app.get_pull(second.number)
    assert (closed.state, closed.merged) == ("closed", False)


def test_pull_requests_are_refused_without_commits_or_branch(hub: GitHubDouble, repo: Repository) -> None:
    """A head that does not exist or is no further than its base is a 422 with the reason."""
    repo.git.update("refs/heads/same", repo.branches["main"])
    app = client(hub, hub.token()).get_repo("octo/app")
    with pytest.raises(github.GithubException, match="No commits between main and same"):
        app.create_pull(base="main", head="same", title="T", body="")
    with pytest.raises(github.GithubException, match='"field": "head"') as refused:
        app.create_pull(base="main", head="missing", title="T", body="")
    assert refused.value.status == 422
    repo.commit({"x": "1"}, branch="mine", by="ana")
    pull = app.create_pull(base="main", head="mine", title="T", body="")
    with pytest.raises(github.GithubException, match="only be requested from collaborators"):
        pull.create_review_request(reviewers=["stranger"])


def test_files_history_and_refs(hub: GitHubDouble, repo: Repository) -> None:
    """Contents, compare, branches and refs are the real repository's."""
    sha = repo.commit({"docs/a.md": "text"}, branch="work", by="ana")
    app = client(hub, hub.token()).get_repo("octo/app")
    read = app.get_contents("docs/a.md", ref="work")
    assert not isinstance(read, list)
    assert read.decoded_content == b"text"
    listed = app.get_contents("", ref="work")
    assert isinstance(listed, list)
    assert sorted(each.path for each in listed) == [".github", "README.md", "docs"]
    with pytest.raises(github.UnknownObjectException):
        app.get_contents("missing.md")
    compared = app.compare("main", "work")
    assert (compared.status, compared.ahead_by, [each.filename for each in compared.files]) == (
        "ahead",
        1,
        ["docs/a.md"],
    )
    assert app.get_git_ref("heads/work").object.sha == sha
    app.create_git_ref("refs/heads/autorun/x", sha)
    with pytest.raises(github.GithubException, match="Reference already exists"):
        app.create_git_ref("refs/heads/autorun/x", sha)
    assert {each.name for each in app.get_branches()} == {"main", "work", "autorun/x"}
    assert not app.get_branch("work").protected
    app.get_git_ref("heads/autorun/x").delete()
    assert "autorun/x" not in repo.branches
    assert app.get_commits(sha="work")[0].sha == sha


def test_rules_hold_against_the_api_too(hub: GitHubDouble, repo: Repository) -> None:
    """A protected branch says so and moves neither by REST nor backwards."""
    old = repo.branches["main"]
    new = repo.commit({"a": "1"}, branch="work", by="ana")
    repo.protect("main")
    app = client(hub, hub.token()).get_repo("octo/app")
    assert app.get_branch("main").protected
    with pytest.raises(github.GithubException, match="Repository rule violations found"):
        app.get_git_ref("heads/main").edit(new)
    with pytest.raises(github.GithubException, match="not a fast forward"):
        app.get_git_ref("heads/work").edit(old)
    app.get_git_ref("heads/work").edit(old, force=True)
    assert repo.branches["work"] == old


def test_a_dispatch_is_recorded_and_becomes_a_run(hub: GitHubDouble, repo: Repository) -> None:
    """Inputs are checked against the workflow file; the run can be read, listed, attempted again and cancelled."""
    app = client(hub, hub.token()).get_repo("octo/app")
    workflow = app.get_workflow("autorun.yml")
    run = workflow.create_dispatch("main", {"task": "7"}, throw=True, return_run_details=True)
    assert isinstance(run, WorkflowRun)
    accepted = repo.dispatches[0]
    assert (accepted.inputs, accepted.by) == ({"task": "7", "comment-id": ""}, "github-actions[bot]")
    assert accepted.run.id == run.id
    accepted.run.start()
    assert [each.id for each in workflow.get_runs(status="in_progress")] == [run.id]
    app.get_workflow_run(run.id).cancel()
    assert (accepted.run.status, accepted.run.conclusion) == ("completed", "cancelled")
    accepted.run.rerun()
    assert app.get_workflow_run(run.id).get_attempt(1).status == "completed"
    assert app.get_workflow_run(run.id).run_attempt == 2
    with pytest.raises(github.GithubException, match="Unexpected inputs"):
        workflow.create_dispatch("main", {"surprise": "1"}, throw=True)
    with pytest.raises(github.GithubException, match="No ref found for: gone"):
        workflow.create_dispatch("gone", {}, throw=True)
    assert [each.name for each in app.get_workflows()] == ["Autorun"]


def test_dependencies_and_parts(hub: GitHubDouble, repo: Repository) -> None:
    """`blocked by` can be set, read from both sides and taken back; the summary counts open blockers."""
    first, second = repo.issue("First", by="ana"), repo.issue("Second", by="ana")
    app = client(hub, hub.token()).get_repo("octo/app")
    shown = app.get_issue(second.number)
    shown.add_blocked_by(app.get_issue(first.number))
    assert [each.number for each in shown.get_blocked_by()] == [first.number]
    assert [each.number for each in app.get_issue(first.number).get_blocking()] == [second.number]
    assert app.get_issue(second.number).raw_data["issue_dependencies_summary"]["blocked_by"] == 1
    shown.add_sub_issue(app.get_issue(first.number).id)
    assert [each.number for each in shown.get_sub_issues()] == [first.number]
    shown.remove_blocked_by(app.get_issue(first.number))
    assert second.blocked_by == []


def test_rate_limit_and_account(hub: GitHubDouble, repo: Repository) -> None:
    """Each call is counted on its credential; asking for the limit is free; a job's token is no user."""
    api = client(hub, hub.token(limit=3))
    api.get_repo(repo.full_name)
    assert (api.get_rate_limit().rate.used, api.get_rate_limit().rate.limit) == (1, 3)
    assert client(hub, hub.personal_token("ana")).get_user().login == "ana"
    assert client(hub, hub.token()).get_user("ana").type == "User"
    with pytest.raises(github.GithubException, match="not accessible by integration"):
        api.get_user().login  # noqa: B018 (the attribute is fetched on access)
    api.get_repo(repo.full_name)
    with pytest.raises(github.RateLimitExceededException) as refused:
        api.get_repo(repo.full_name)
    assert (refused.value.headers or {})["x-ratelimit-remaining"] == "0"


def test_many_clients_at_once(hub: GitHubDouble, repo: Repository) -> None:
    """Eight clients writing at the same time lose nothing and mix nothing up."""
    repo.issue("T", by="ana")
    token = hub.token()

    def write(who: int) -> None:
        issue = client(hub, token).get_repo("octo/app").get_issue(1)
        for number in range(10):
            issue.create_comment(f"{who}.{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    comments = repo.issues[1].comments
    assert sorted(each.body or "" for each in comments) == sorted(f"{a}.{b}" for a in range(8) for b in range(10))
    assert len({each.id for each in comments}) == 80


def test_limits_of_text(hub: GitHubDouble, repo: Repository) -> None:
    """A body of 65,536 characters is taken, one more is 422; titles end at 256; any Unicode comes back unharmed."""
    app = client(hub, hub.token()).get_repo("octo/app")
    issue = app.create_issue("T", "x" * 65_536)
    with pytest.raises(github.GithubException, match="too long") as refused:
        issue.create_comment("x" * 65_537)
    assert refused.value.status == 422
    with pytest.raises(github.GithubException, match="too long"):
        app.create_issue("t" * 257, "")
    strange = "\u202e\U000e0041 \U0001f468\u200d\U0001f469 \x00? é"
    issue.create_comment(strange)
    assert repo.issues[issue.number].comments[0].body == strange
