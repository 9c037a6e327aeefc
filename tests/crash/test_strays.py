"""A second status comment, left by a runner that slept between its look and its write."""

from autorun.core.ledger.record import Record
from autorun.core.model import TaskId, TaskState
from github_adapters.scene import MARK, make_scene
from github_double.fixtures import hub
from github_double.hub import GitHubDouble

__all__ = ["hub"]


def test_the_next_status_leaves_one_comment(hub: GitHubDouble) -> None:
    """Whatever number of ours there is, one remains, and comments of people stay."""
    scene = make_scene(hub)
    issue = scene.issue()
    for text in ("first", "second", "third"):
        issue.comment(f"{MARK.format(issue.number)}\n### Autorun: {text}\n", by="github-actions[bot]")
    issue.comment("Mine.", by="ana")
    tasks = scene.tasks()
    (task,) = tasks.backlog().tasks
    tasks.show(task, Record(task=TaskId(provider="github", key=task.id.key), state=TaskState.FAILED))
    assert len(scene.ours(issue)) == 1
    assert "failed" in scene.ours(issue)[0]
    assert [comment.body for comment in issue.comments][1:] == ["Mine."]
