"""`/autorun` comments: who is obeyed, what is started, and that a refusal is a reaction and nothing else."""

import json

import pytest

from autorun.adapters.tasks.github.commander import Commander
from autorun.core.errors import ProviderError
from autorun.core.github import events
from autorun.core.github.trust import Rules
from autorun.core.ledger.record import Holder, Record
from autorun.core.model import TaskId, TaskState
from github_adapters.scene import Scene, make_scene
from github_double import failures
from github_double.hub import GitHubDouble
from github_double.issues import Comment, Issue
from kit.tasks_conformance import record_of


@pytest.fixture
def scene(hub: GitHubDouble) -> Scene:
    """A repository with a workflow to dispatch."""
    return make_scene(hub)


def said(
    scene: Scene, text: str, *, by: str = "ana", issue: Issue | None = None, record: Record | None = None
) -> tuple[str, Comment]:
    """Let someone comment, and handle the event."""
    issue = issue or scene.issue()
    comment = issue.comment(text, by=by)
    payload = scene.hub.event("issue_comment", scene.repo, action="created", sender=by, issue=issue, comment=comment)
    if issue.is_pull_request:  # the published example is of an issue, so the double leaves it out
        payload["issue"]["pull_request"] = {"url": f"{scene.hub.origin}/api/v3/repos/octo/app/pulls/{issue.number}"}
    return commander(scene, record).handle(events.parse("issue_comment", payload)), comment


def commander(scene: Scene, record: Record | None = None) -> Commander:
    return Commander(
        hub=scene.client(),
        repository="octo/app",
        label="autorun",
        workflow="autorun.yml",
        branch="main",
        record=lambda _task: record,
        rules=Rules(bots=frozenset({"helper[bot]"})),
    )


def reactions(comment: Comment) -> list[str]:
    return [each.content for each in comment.reactions]


@pytest.mark.parametrize("text", ["/autorun", "/autorun retry use green", "/autorun approve\nbut keep it small"])
def test_a_command_is_dispatched(scene: Scene, text: str) -> None:
    """The worker is told task and comment, and nothing else of what was said; the log has its link."""
    told, comment = said(scene, text)
    (dispatch,) = scene.repo.dispatches
    assert dispatch.inputs == {"task": "1", "comment-id": str(comment.id)}
    assert (dispatch.workflow, dispatch.ref) == ("autorun.yml", "main")
    assert f"/actions/runs/{dispatch.run.id}" in told
    assert reactions(comment) == ["eyes"]
    assert comment.issue.comments == [comment]


@pytest.mark.parametrize("by", ["eve", "tom", "stranger", "evil[bot]"])
def test_a_refusal_is_a_reaction_and_nothing_else(scene: Scene, by: str) -> None:
    """Readers, triagers, strangers and apps nobody named start nothing, and nothing is written to them."""
    told, comment = said(scene, "/autorun", by=by)
    assert told.startswith("Refused")
    assert reactions(comment) == ["-1"]
    assert comment.issue.comments == [comment]
    assert scene.repo.dispatches == []


def test_an_app_that_is_named_is_obeyed(scene: Scene) -> None:
    """By its exact login."""
    _, comment = said(scene, "/autorun", by="helper[bot]")
    assert len(scene.repo.dispatches) == 1
    assert reactions(comment) == ["eyes"]


def test_an_unanswered_permission_is_a_refusal(scene: Scene) -> None:
    """GitHub not telling the role is no permission."""
    scene.hub.fail(failures.server_error(), where="GET /repos/*/permission")
    _, comment = said(scene, "/autorun")
    assert reactions(comment) == ["-1"]
    assert scene.repo.dispatches == []


@pytest.mark.parametrize("text", ["/autorun dance", "/autorun stop now please", "/autorun help me"])
def test_what_is_no_command_is_refused(scene: Scene, text: str) -> None:
    """An unknown word is not guessed at."""
    _, comment = said(scene, text)
    assert reactions(comment) == ["-1"]
    assert scene.repo.dispatches == []


@pytest.mark.parametrize(
    "text", ["> /autorun", "```\n/autorun\n```", "please /autorun", " /autorun", "hi\n/autorun", "/autorunner"]
)
def test_other_text_is_left_alone(scene: Scene, text: str) -> None:
    """Quoted, fenced, indented, trailing: no command, no reaction, no call."""
    before = len(scene.hub.calls)
    _, comment = said(scene, text)
    assert reactions(comment) == []
    assert len(scene.hub.calls) == before


def test_an_edited_comment_is_left_alone(scene: Scene) -> None:
    """A command edited in is none."""
    issue = scene.issue()
    comment = issue.comment("nice", by="ana").edit("/autorun", by="ana")
    for action in ("edited", "created"):
        payload = scene.hub.event(
            "issue_comment", scene.repo, action=action, sender="ana", issue=issue, comment=comment
        )
        commander(scene).handle(events.parse("issue_comment", payload))
    assert (reactions(comment), scene.repo.dispatches) == ([], [])


def test_help_and_status_are_answered(scene: Scene) -> None:
    """By a comment that is not the status comment."""
    issue = scene.issue()
    said(scene, "/autorun help", issue=issue)
    said(scene, "/autorun status", issue=issue)
    said(
        scene, "/autorun status", issue=issue, record=record_of(TaskId(provider="github", key="1"), TaskState.BLOCKED)
    )
    answers = [each.body or "" for each in issue.comments if each.author.login == "github-actions[bot]"]
    assert "`/autorun retry [answer]`" in answers[0]
    assert "has not begun" in answers[1]
    assert "blocked" in answers[2]
    assert scene.ours(issue) == []


def test_stop_cancels_the_run(scene: Scene) -> None:
    """The run that holds the task; where none does, it says so."""
    run = scene.repo.run("autorun.yml").start()
    record = Record(
        task=TaskId(provider="github", key="1"),
        state=TaskState.IN_PROGRESS,
        holder=Holder(nonce="n", run_id=str(run.id), run_attempt=1),
    )
    _, comment = said(scene, "/autorun stop", record=record)
    assert run.conclusion == "cancelled"
    assert reactions(comment) == ["eyes"]
    _, comment = said(scene, "/autorun stop")
    assert "No run of Actions works on this" in (comment.issue.comments[-1].body or "")


def test_a_comment_on_our_pull_request_is_about_its_issue(scene: Scene) -> None:
    """Found by the branch; a pull request of someone else's is none of ours."""
    scene.issue()
    scene.repo.commit({"a": "1"}, branch="autorun/github-1+2")
    scene.repo.commit({"b": "1"}, branch="autorun/mine")
    ours = scene.repo.pull_request("T", head="autorun/github-1+2", by="github-actions[bot]")
    other = scene.repo.pull_request("T", head="autorun/mine", by="ana")
    said(scene, "/autorun retry", issue=ours)
    _, comment = said(scene, "/autorun retry", issue=other)
    assert [each.inputs["task"] for each in scene.repo.dispatches] == ["1"]
    assert reactions(comment) == ["-1"]


def test_a_workflow_that_is_not_there(scene: Scene) -> None:
    """A failure is a sentence, and the comment is not acknowledged."""
    scene.repo.commit({".github/workflows/autorun.yml": None})
    issue = scene.issue()
    comment = issue.comment("/autorun", by="ana")
    payload = scene.hub.event(
        "issue_comment", scene.repo, action="created", sender="ana", issue=issue, comment=comment
    )
    with pytest.raises(ProviderError, match=r"Starting the workflow autorun\.yml of octo/app failed"):
        commander(scene).handle(events.parse("issue_comment", json.loads(json.dumps(payload))))
    assert reactions(comment) == ["-1"]


@pytest.mark.parametrize(
    "payload", [None, [], {}, {"comment": 3}, {"comment": {"id": True}}, {"issue": {"number": "x"}}]
)
def test_any_payload_is_read(payload: object) -> None:
    """What is missing is empty."""
    event = events.parse("issues", payload)
    assert (event.issue, event.comment, event.inputs) == (None, None, {})


def test_the_event_of_a_dispatch(scene: Scene) -> None:
    """Inputs arrive as text."""
    payload = scene.hub.event("workflow_dispatch", scene.repo, sender="ana", inputs={"task": "7", "comment-id": "9"})
    event = events.parse("workflow_dispatch", payload)
    assert (dict(event.inputs), event.repository, event.default_branch) == (
        {"task": "7", "comment-id": "9"},
        "octo/app",
        "main",
    )
