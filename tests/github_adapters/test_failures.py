"""Every way a call to GitHub fails becomes one of our errors: a sentence, a remedy, and a wait where that helps."""

import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
import responses
from urllib3.exceptions import NewConnectionError

from autorun.core.errors import CredentialRefused, ProviderError, RateLimited, TaskGone
from autorun.core.model import StopReason, TaskId, TaskState
from autorun.effects.github import GitHub
from autorun.effects.github_failures import Limited, Missing, Refused, Unreached, understood
from autorun.effects.host import now
from github_adapters.scene import Scene, make_scene
from github_double import failures
from github_double.hub import GitHubDouble
from kit.forge_conformance import proposal
from kit.tasks_conformance import record_of

REST = "https://api.github.com:443/repos/octo/app/labels/autorun"  # PyGithub names the port
GRAPHQL = "https://api.github.com:443/graphql"


def client(**more: Any) -> GitHub:
    given: dict[str, Any] = {"pauses": (), "wait": lambda _seconds, _stop: None} | more
    return GitHub(token="ghs_fake", **given)


def read(hub: GitHub) -> str:
    home = hub.repository("octo/app")
    return hub.call("Reading a label", lambda: home.get_label("autorun").color, repeatable=True)


def query(hub: GitHub) -> object:
    return hub.ask("Reading issues", "query { viewer { login } }").data


@pytest.mark.parametrize(
    ("status", "body", "headers", "kind", "says"),
    [
        (401, {"message": "Bad credentials"}, {}, CredentialRefused, "renew the token"),
        (403, {"message": "Resource not accessible by integration"}, {}, Refused, "contents"),
        (
            403,
            {"message": "Resource not accessible by integration"},
            {"X-Accepted-GitHub-Permissions": "issues=write"},
            Refused,
            "issues: write",
        ),
        (403, {"message": "Repository was archived so is read-only."}, {}, Refused, "archive"),
        (403, {"message": "Resource protected by organization SAML enforcement."}, {}, Refused, "single sign-on"),
        (404, {"message": "Not Found"}, {}, Missing, "check the name"),
        (410, {"message": "Issues has been disabled in this repository."}, {}, Missing, "switch issues on"),
        (409, {"message": "Git Repository is empty."}, {}, Refused, "token may do"),
        (
            422,
            {
                "message": "Validation Failed",
                "errors": [{"resource": "Label", "code": "already_exists", "field": "name"}],
            },
            {},
            Refused,
            "token may do",
        ),
        (451, {"message": "Repository access blocked"}, {}, Refused, "token may do"),
        (500, {"message": "Server Error"}, {}, Unreached, "try again"),
        (502, "<html>Bad gateway</html>", {}, Unreached, "try again"),
        (503, {}, {}, Unreached, "try again"),
        (
            403,
            {"message": "API rate limit exceeded for installation."},
            {"X-RateLimit-Reset": "4"},
            Limited,
            "after that",
        ),
        (403, {"message": "You have exceeded a secondary rate limit."}, {}, Limited, "after that"),
        (403, {"message": "Whatever"}, {"Retry-After": "7"}, Limited, "after that"),
        (429, {"message": "Too many"}, {}, Limited, "after that"),
        (200, "{ half", {}, Unreached, "try again"),
        (200, {"color": 5}, {}, Unreached, "try again"),
    ],
)
@responses.activate
def test_answers_of_rest(
    status: int, body: object, headers: dict[str, str], kind: type[ProviderError], says: str
) -> None:
    """Status, words and headers decide; no traceback, no token."""
    given = {"body": body} if isinstance(body, str) else {"json": body}
    responses.get(REST, status=status, headers=headers, **given)
    with pytest.raises(kind) as error:
        read(client(patience=0))
    assert str(error.value).startswith("Reading a label failed: ")
    assert str(error.value).endswith(".")
    assert says in error.value.hint
    assert "ghs_fake" not in f"{error.value}{error.value.hint}"


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (requests.ReadTimeout("slow"), True),
        (requests.ConnectTimeout("slow"), False),
        (requests.ConnectionError(NewConnectionError(None, "refused")), False),  # type: ignore[arg-type]  # no pool here
        (requests.ConnectionError("reset"), True),
        (requests.exceptions.ChunkedEncodingError("cut"), True),
        (requests.exceptions.SSLError("certificate"), True),
    ],
)
@responses.activate
def test_broken_connections(error: Exception, sent: bool) -> None:
    """They say whether GitHub can have seen the call."""
    responses.get(REST, body=error)
    with pytest.raises(Unreached) as failure:
        read(client())
    assert failure.value.sent is sent
    assert failure.value.hint


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"type": "NOT_FOUND", "message": "Could not resolve to a Repository."}, Missing),
        ({"type": "FORBIDDEN", "message": "Resource not accessible by integration"}, Refused),
        ({"type": "INSUFFICIENT_SCOPES", "message": "Your token has not been granted the scopes"}, Refused),
        ({"type": "RATE_LIMITED", "message": "API rate limit exceeded"}, Limited),
        ({"type": "MAX_NODE_LIMIT_EXCEEDED", "message": "too many nodes"}, Refused),
        ({"message": "Something went wrong while executing your query."}, Unreached),
        ({"message": "Field 'x' doesn't exist"}, Refused),
    ],
)
@responses.activate
def test_errors_of_graphql(fault: dict[str, str], kind: type[ProviderError]) -> None:
    """They come with a 200."""
    responses.post(GRAPHQL, json={"data": None, "errors": [fault]})
    with pytest.raises(kind, match="Reading issues failed"):
        query(client(patience=0))


@responses.activate
def test_no_data_at_all() -> None:
    """An answer without data is no answer."""
    responses.post(GRAPHQL, json={})
    with pytest.raises(Unreached):
        query(client())


@pytest.mark.parametrize("error", [AssertionError("host"), RuntimeError("redirected"), KeyError("x"), TypeError("y")])
def test_what_pygithub_itself_raises(error: Exception) -> None:
    """Its checks and its stumbling over odd answers are sentences too."""
    found = understood(error, "Reading issues", now())
    assert re.fullmatch(r"Reading issues failed: GitHub's .*\.", str(found))
    assert found.hint


@responses.activate
def test_reads_are_repeated_and_writes_are_not() -> None:
    """A write is made again only if GitHub cannot have seen it."""
    waits: list[float] = []
    hub = client(pauses=(1.0, 4.0), wait=lambda seconds, _stop: waits.append(seconds))
    for _ in range(2):
        responses.get(REST, status=502)
    responses.get(REST, json={"name": "autorun", "color": "ededed"})
    assert read(hub) == "ededed"
    assert waits == [1.0, 4.0]
    url = "https://api.github.com:443/repos/octo/app/labels"
    responses.post(url, status=502)
    make = responses.post(url, body=requests.ConnectTimeout("slow"))
    home = hub.repository("octo/app")
    with pytest.raises(Unreached):
        hub.call("Creating", lambda: home.create_label("a", "ededed"), repeatable=False)
    assert make.call_count == 0


def test_no_artificial_waits(hub: GitHubDouble) -> None:
    """PyGithub's pauses between calls are off: three writes in a row take no second each."""
    scene = make_scene(hub)
    issue = scene.issue()
    home = scene.client().repository("octo/app").get_issue(issue.number)
    started = time.monotonic()
    for number in range(3):
        home.create_comment(str(number))
    assert time.monotonic() - started < 1.0


# ------------ rate limits


@pytest.fixture
def scene(hub: GitHubDouble) -> Scene:
    """One issue in the queue."""
    made = make_scene(hub)
    made.issue()
    return made


@pytest.mark.parametrize(
    ("failure", "seconds"),
    [
        (failures.primary_limit(resets_in=120), 121),
        (failures.secondary_limit(retry_after=30), 30),
        (failures.secondary_limit(retry_after=None), 60),
        (failures.secondary_limit(retry_after=5, status=429), 5),
    ],
)
def test_a_limit_is_waited_for(scene: Scene, failure: failures.Failure, seconds: float) -> None:
    """As long as GitHub says, by GitHub's own clock; then the backlog is read."""
    scene.hub.fail(failure, at=1)
    assert len(scene.tasks().backlog().tasks) == 1
    assert scene.waits == [seconds]


def test_a_limit_beyond_the_deadline_ends_with_its_time(scene: Scene) -> None:
    """Nothing is waited for in vain."""
    scene.hub.fail(failures.primary_limit(resets_in=3000))
    with pytest.raises(RateLimited, match=r"it resets at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC") as error:
        scene.tasks(client=scene.client(patience=600)).backlog()
    assert error.value.resets_at is not None
    assert 2900 < (error.value.resets_at - now()).total_seconds() < 3100
    assert scene.waits == []


def test_a_stop_ends_the_wait(scene: Scene) -> None:
    """Whoever asks us to end does not wait for GitHub."""
    scene.hub.fail(failures.primary_limit(resets_in=60))
    asked: list[StopReason] = []
    hub = scene.client(
        stop=lambda: asked[0] if asked else None, wait=lambda _s, _stop: asked.append(StopReason.SIGTERM)
    )
    with pytest.raises(RateLimited):
        scene.tasks(client=hub).backlog()


def test_a_signal_cuts_a_silent_github_short(scene: Scene) -> None:
    """A call in flight has three more seconds, not its whole time-out, and none is made after it."""
    asked: list[StopReason] = []
    hub = scene.client(timeout=60, stop=lambda: asked[0] if asked else None)
    tasks = scene.tasks(client=hub)
    silent = scene.hub.fail(failures.silence(30))
    threading.Timer(0.3, lambda: asked.append(StopReason.SIGINT)).start()
    begun = time.monotonic()
    for _ in range(2):
        with pytest.raises(Unreached, match="before this run had to end"):
            tasks.backlog()
    assert 3 < time.monotonic() - begun < 6
    assert silent.hits == 1


def test_a_signal_leaves_an_answering_github_its_time(scene: Scene) -> None:
    """After a signal a task is shown as ever where GitHub takes a second."""
    scene.hub.fail(failures.slow(1.0))
    tasks = scene.tasks(client=scene.client(stop=lambda: StopReason.SIGTERM))
    assert len(tasks.backlog().tasks) == 1


# ------------ writes of which nobody knows


@pytest.mark.parametrize("failure", [failures.reset(after=True), failures.malformed(), failures.server_error()])
def test_one_comment_whatever_breaks(scene: Scene, failure: failures.Failure) -> None:
    """An answer that is lost makes us look again, not write again."""
    tasks = scene.tasks()
    (task,) = tasks.backlog().tasks
    scene.hub.fail(failure, at=1, where="GRAPHQL addComment*")
    tasks.show(task, record_of(task.id, TaskState.IN_PROGRESS))
    assert len(scene.ours(scene.repo.issues[1])) == 1
    assert "autorun:in-progress" in scene.repo.issues[1].label_names


@pytest.mark.parametrize("failure", [failures.reset(after=True), failures.malformed(), failures.server_error()])
def test_one_pull_request_whatever_breaks(scene: Scene, failure: failures.Failure) -> None:
    """The same for pull requests: found where it was opened; else the failure is told, for the next run."""
    scene.hub.fail(failure, at=1, where="POST /repos/*/pulls")
    wanted = proposal(Push(scene))  # type: ignore[arg-type]  # it only pushes
    try:
        scene.forge().propose(wanted)
    except Unreached:
        scene.forge().propose(wanted)
    assert len(scene.repo.pull_requests) == 1


def test_a_look_by_the_way_waits_for_nothing(scene: Scene) -> None:
    """Whoever keeps a lease meanwhile is told at once that the tracker is busy; who comes to work it waits."""
    tasks = scene.tasks()
    (task,) = tasks.backlog().tasks
    limited = failures.secondary_limit(retry_after=5)
    scene.hub.fail(limited, at=1)
    with pytest.raises(RateLimited):
        tasks.refresh(task, patient=False)
    assert scene.waits == []
    scene.hub.fail(limited, at=1)
    assert tasks.refresh(task).id == task.id
    assert scene.waits == [5]


class Push:
    """Pushes for a proposal."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def push(self, branch: str, *, text: str) -> str:
        return self._scene.repo.commit({"work.txt": text}, branch=branch, by="ana")


def _revoked(scene: Scene) -> None:
    scene.hub.revoke(scene.token)


def _scoped(scene: Scene) -> None:
    scene.token = scene.hub.token(permissions={"contents": "read"})


def _archived(scene: Scene) -> None:
    scene.repo.archived = True


def _without_issues(scene: Scene) -> None:
    scene.repo.has_issues = False


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_revoked, "refuses the token"),
        (_scoped, "Reading the issues of octo/app failed"),
        (_archived, "octo/app is archived"),
        (_without_issues, "issues switched off"),
    ],
)
def test_a_backlog_that_cannot_be_worked(scene: Scene, spoil: Callable[[Scene], None], says: str) -> None:
    """It is said in a sentence, with a remedy."""
    spoil(scene)
    with pytest.raises(Exception, match=says) as error:
        scene.tasks().backlog()
    assert getattr(error.value, "hint", "")


def test_a_missing_label_is_told(hub: GitHubDouble) -> None:
    """An empty queue whose label does not exist is no silent success."""
    scene = make_scene(hub)
    (fault,) = scene.tasks(label="robots").backlog().faults
    assert fault.place == "label robots"


def test_a_renamed_repository_is_followed(scene: Scene) -> None:
    """Reads and writes go to where it is now."""
    scene.repo.rename("renamed")
    tasks = scene.tasks()
    (task,) = tasks.backlog().tasks
    tasks.show(task, record_of(task.id, TaskState.BLOCKED))
    assert tasks.refresh(task).id == TaskId(provider="github", key="1")
    assert len(scene.ours(scene.repo.issues[1])) == 1


def test_a_token_that_may_only_read(scene: Scene) -> None:
    """Showing fails with the permission it takes; the reading stands."""
    scene.token = scene.hub.token(permissions={"issues": "read", "pull_requests": "read"})
    tasks = scene.tasks()
    (task,) = tasks.backlog().tasks
    with pytest.raises(ProviderError) as error:
        tasks.show(task, record_of(task.id, TaskState.BLOCKED))
    assert "write" in error.value.hint


def test_a_deleted_issue_cannot_be_shown(scene: Scene) -> None:
    """It is gone, and that is what is said."""
    tasks = scene.tasks()
    (task,) = tasks.backlog().tasks
    scene.repo.issues[1].delete()
    with pytest.raises(TaskGone):
        tasks.show(task, record_of(task.id, TaskState.BLOCKED))
