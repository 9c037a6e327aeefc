"""What the contracts of the ports leave open: labels, dependencies, idempotence, reviewers, drafts, liveness."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import responses

from autorun.adapters.forges.github import GitHubForge
from autorun.adapters.liveness_github import ActionsLiveness
from autorun.adapters.tasks.github import labels
from autorun.core.config import Config, StateProvider
from autorun.core.config.choices import Provider
from autorun.core.errors import ConfigurationError, ProviderError
from autorun.core.ledger.record import Holder
from autorun.core.model import Priority, Proposal, PullRequestState, TaskId, TaskState
from autorun.effects.git import find_repository
from autorun.effects.github import GitHub
from autorun.effects.place import Place
from autorun.on_github import quarters
from github_adapters.scene import Scene, make_scene
from github_double.hub import GitHubDouble
from kit.repos import git, make_repository
from kit.tasks_conformance import record_of

PULLS = "https://api.github.com:443/repos/octo/app/pulls"


@pytest.fixture
def scene(hub: GitHubDouble) -> Scene:
    """Nothing in the queue yet."""
    return make_scene(hub)


@pytest.mark.parametrize(
    ("names", "priority"),
    [
        ((), Priority.MEDIUM),
        (("priority:critical",), Priority.CRITICAL),
        (("Priority: High",), Priority.HIGH),
        (("p0",), Priority.CRITICAL),
        (("P1",), Priority.HIGH),
        (("P3",), Priority.LOW),
        (("P4", "priority:high"), Priority.HIGH),
        (("critical", "1", "priority:soon"), Priority.MEDIUM),
    ],
)
def test_priority_from_labels(names: tuple[str, ...], priority: Priority) -> None:
    """The most urgent one counts; other labels say nothing."""
    assert labels.priority(names) is priority


def test_status_labels_are_created_once_with_colour_and_words(scene: Scene) -> None:
    """On first use; a name that someone took in between is used as it is."""
    scene.issue()
    tasks = scene.tasks()
    (task,) = tasks.backlog().tasks
    scene.repo.create_label("autorun:blocked", color="123456")
    for state in (TaskState.PAUSED, TaskState.BLOCKED, TaskState.PAUSED):
        tasks.show(task, record_of(task.id, state))
    paused, blocked = scene.repo.labels["autorun:paused"], scene.repo.labels["autorun:blocked"]
    assert (paused.color, paused.description) == ("bfd4f2", "Autorun needs an approval to go on")
    assert blocked.color == "123456"
    assert scene.hub.calls.count("POST /repos/*/labels") == 2


def test_showing_twice_writes_once(scene: Scene) -> None:
    """Nor does another run with the same to say write again, by whatever link."""
    scene.issue()
    tasks = scene.tasks(run_url="https://h/runs/1")
    (task,) = tasks.backlog().tasks
    record = record_of(task.id, TaskState.FAILED)
    tasks.show(task, record)
    before = len(scene.hub.calls)
    tasks.show(task, record)
    assert len(scene.hub.calls) == before
    later = scene.tasks(run_url="https://h/runs/2")
    (again,) = later.backlog().tasks
    before = len(scene.hub.calls)
    later.show(again, record)
    assert len(scene.hub.calls) == before


def test_a_comment_that_someone_deleted_is_written_again(scene: Scene) -> None:
    """And a marker that someone else copied is not taken for ours."""
    issue = scene.issue()
    tasks = scene.tasks()
    (task,) = tasks.backlog().tasks
    tasks.show(task, record_of(task.id, TaskState.IN_PROGRESS))
    issue.comments[0].delete()
    issue.comment("<!-- autorun:task=github/1 -->\nmine", by="eve")
    tasks.show(task, record_of(task.id, TaskState.BLOCKED))
    theirs, ours = issue.comments
    assert theirs.body == "<!-- autorun:task=github/1 -->\nmine"
    assert "blocked" in (ours.body or "")
    assert ours.author.login == "github-actions[bot]"


def test_at_most_one_status_label(scene: Scene) -> None:
    """People's own labels stay."""
    issue = scene.issue("T", "B", "bug")
    issue.label("autorun:failed", "autorun:paused", by="ana")
    tasks = scene.tasks()
    (task,) = tasks.backlog().tasks
    tasks.show(task, record_of(task.id, TaskState.IN_REVIEW))
    assert sorted(issue.label_names) == ["autorun", "autorun:in-review", "bug"]


def test_dependencies_of_every_kind(scene: Scene) -> None:
    """Said in the text (not in code), GitHub's own, elsewhere; done when closed, in the queue or not."""
    open_one, closed_one = scene.repo.issue("1", by="ana"), scene.repo.issue("2", by="ana").close(by="ana")
    elsewhere = scene.hub.repository("octo/lib").issue("x", by="ana")
    native = scene.repo.issue("native", by="ana").close(by="ana", reason="not_planned")
    body = "Depends on #1, #2 and #99.\nBlocked by: #5\n\n```\nDepends on #77\n```\n`blocked by #78`"
    issue = scene.issue("T", body)
    issue.depend_on(native).depend_on(elsewhere)
    task = next(each for each in scene.tasks().backlog().tasks)
    assert open_one.number == 1
    assert closed_one.number == 2
    assert {each.key: each.done for each in task.depends_on} == {
        "1": False, "2": True, "99": False, "5": False, "3": True, "octo/lib#1": False,
    }  # fmt: skip


def test_closed_issues_are_read_only_while_they_show_a_status(scene: Scene) -> None:
    """Done, or cancelled when closed as not planned; without a status of ours nobody asks for them."""
    scene.issue("done").label("autorun:in-review", by="ana").close(by="ana")
    scene.issue("no").label("autorun:blocked", by="ana").close(by="ana", reason="not_planned")
    scene.issue("old").close(by="ana")
    found = scene.tasks().backlog().tasks
    assert [(each.title, each.state, each.shows) for each in found] == [
        ("done", TaskState.DONE, TaskState.IN_REVIEW),
        ("no", TaskState.CANCELLED, TaskState.BLOCKED),
    ]


# ------------ forge


def wanted(scene: Scene, **more: object) -> Proposal:
    head = scene.repo.commit({"work.txt": "one"}, branch="autorun/github-1", by="ana")
    plain = Proposal(
        task=TaskId(provider="github", key="1"),
        branch="autorun/github-1",
        base_branch="main",
        head=head,
        title="Add login",
        body="What and why.",
    )
    return replace(plain, **more)  # type: ignore[arg-type]  # fields by name


def test_labels_and_reviewers(scene: Scene) -> None:
    """Who cannot be asked is a warning, and spoils it for nobody else."""
    warned: list[str] = []
    opened = scene.forge(warn=warned.append).propose(wanted(scene, labels=("bot",), reviewers=("max", "stranger")))
    (pull,) = scene.repo.pull_requests
    assert opened.number == pull.number
    assert pull.label_names == ["bot"]
    assert [each.login for each in pull.reviewers] == ["max"]
    assert len(warned) == 1
    assert "stranger was not asked for a review" in warned[0]


def test_a_body_beyond_the_limit_is_cut(scene: Scene) -> None:
    """GitHub takes 65,536 characters."""
    scene.forge().propose(wanted(scene, body="é" * 70_000))
    assert "(cut: 70000 characters)" in (scene.repo.pull_requests[0].body or "")


def test_the_same_proposal_changes_nothing(scene: Scene) -> None:
    """Adopting what already says the same costs the look alone."""
    proposal = wanted(scene)
    scene.forge().propose(proposal)
    before = len(scene.hub.calls.api)
    scene.forge().propose(proposal)
    assert [each.kind for each in scene.hub.calls.api[before:]] == ["GRAPHQL repository"]


def test_many_branches_are_read_at_once(scene: Scene) -> None:
    """Fifty in one query."""
    scene.forge().propose(wanted(scene))
    before = len(scene.hub.calls.api)
    found = scene.forge().pull_requests([f"autorun/github-{number}" for number in range(1, 51)])
    assert list(found) == ["autorun/github-1"]
    assert len(scene.hub.calls.api) == before + 1


def draft(asked: bool) -> Callable[..., tuple[bool, str]]:
    return responses.matchers.json_params_matcher({"draft": asked}, strict_match=False)


@responses.activate
def test_a_plan_without_drafts() -> None:
    """It is opened ready for review, with a warning."""
    warned: list[str] = []
    nothing = {"data": {"repository": {"nameWithOwner": "octo/app", "b0": {"nodes": []}}}}
    responses.post("https://api.github.com:443/graphql", json=nothing)
    no = {"message": "Validation Failed", "errors": ["Draft pull requests are not supported in this repository."]}
    responses.post(
        PULLS,
        status=422,
        json=no,
        match=[draft(True)],
    )
    made = {"number": 3, "html_url": "https://github.com/octo/app/pull/3", "url": f"{PULLS}/3"}
    responses.post(
        PULLS,
        status=201,
        json=made,
        match=[draft(False)],
    )
    forge = GitHubForge(hub=GitHub(token="x", pauses=()), repository="octo/app", warn=warned.append)
    proposal = Proposal(
        task=TaskId(provider="file", key="a"), branch="b", base_branch="main", head="c", title="T", body="B"
    )
    opened = forge.propose(proposal)
    assert (opened.number, opened.state) == (3, PullRequestState.OPEN)
    assert len(warned) == 1


def test_a_branch_without_commits_is_refused_with_a_link(scene: Scene) -> None:
    """GitHub's reason, and where to go on."""
    scene.repo.commit({"a": "1"}, branch="autorun/github-1", by="ana")
    proposal = wanted(scene)
    scene.repo.git.update("refs/heads/autorun/github-1", scene.repo.branches["main"])
    with pytest.raises(ProviderError, match="No commits between main and autorun/github-1") as error:
        scene.forge().propose(proposal)
    assert "/octo/app/compare/main...autorun/github-1?expand=1" in str(error.value)


# ------------ liveness


def test_the_dead_of_actions(scene: Scene) -> None:
    """A finished run, an earlier attempt; one call for each, and none for our own run."""
    over, runs = scene.repo.run("autorun.yml").start(), scene.repo.run("autorun.yml").start()
    over.finish("failure")
    again = scene.repo.run("autorun.yml").start()
    again.finish("cancelled")
    again.rerun()
    liveness = ActionsLiveness(scene.client(), "octo/app", run_id="77", run_attempt=2)

    def dead(run: object, attempt: int = 1) -> bool:
        return liveness.dead(Holder(nonce="n", run_id=str(run), run_attempt=attempt))

    assert dead(over.id)
    assert dead(over.id)
    assert not dead(runs.id)
    assert dead(again.id, 1)
    assert not dead(again.id, 2)
    assert not dead(4711)
    assert len(scene.hub.calls.api) == 5
    assert dead("77", 1)
    assert not dead("77", 2)
    assert not dead("")
    assert len(scene.hub.calls.api) == 5


# ------------ wiring


def place(folder: Path, origin: str, **environ: str) -> Place:
    root = make_repository(folder / "project", {"a": "1"})
    if origin:
        git(root, "remote", "add", "origin", origin)
    return Place(repository=find_repository(root), environ=environ)


@pytest.mark.parametrize(
    ("provider", "origin", "token", "tasks", "published"),
    [
        (Provider.GITHUB, "https://github.com/octo/app", "ghs_fake", True, True),
        (Provider.GITHUB, "/elsewhere", "ghs_fake", True, False),
        (Provider.FILE, "git@github.com:octo/app.git", "ghs_fake", False, True),
        (Provider.FILE, "git@github.com:octo/app.git", "", False, False),
        (Provider.FILE, "https://gitlab.com/octo/app", "ghs_fake", False, False),
    ],
)
def test_where_work_goes(
    tmp_path: Path, provider: Provider, origin: str, token: str, *, tasks: bool, published: bool
) -> None:
    """To GitHub where the origin lies there and a token is present; files and Linear publish there too."""
    config = Config(state_provider=StateProvider(type=provider, api_key_env=None))
    there = place(tmp_path, origin, GITHUB_TOKEN=token, GITHUB_REPOSITORY="octo/app")
    with quarters(there, config, (), stop=lambda: None, warn=lambda _: None) as found:
        assert (found.tasks is not None, found.published is not None) == (tasks, published)
        if found.published:
            assert found.published.remote.url == "https://github.com/octo/app.git"
            assert token not in repr(found.published.remote)


def test_no_token_is_a_sentence(tmp_path: Path) -> None:
    """It names the variable and what it should hold."""
    config = Config(state_provider=StateProvider(type=Provider.GITHUB, api_key_env="MY_TOKEN"))
    there = place(tmp_path, "")
    opening = quarters(there, config, (), stop=lambda: None, warn=lambda _: None)
    with pytest.raises(ConfigurationError, match="Could not initialize state provider github: MY_TOKEN is not set"):
        opening.__enter__()
