"""A long queue on GitHub is whole, and what is no issue is no task."""

from github_adapters.scene import make_scene
from github_double.fixtures import hub
from github_double.hub import GitHubDouble

__all__ = ["hub"]


def test_250_issues_are_250_tasks_and_pull_requests_are_none(hub: GitHubDouble) -> None:
    """Page by page; a pull request with the label is left alone."""
    scene = make_scene(hub)
    for number in range(250):
        scene.issue(f"Task {number}")
    scene.repo.commit({"work.txt": "work"}, branch="work", by="ana")
    scene.repo.pull_request("Work", head="work", by="ana").label("autorun", by="ana")
    backlog = scene.tasks().backlog()
    assert sorted(task.title for task in backlog.tasks) == sorted(f"Task {number}" for number in range(250))
    assert backlog.faults == ()


def test_a_long_queue_costs_five_points_for_a_hundred_issues(hub: GitHubDouble) -> None:
    """Of the thousand points that a job's token has for an hour, ten thousand issues take half."""
    scene = make_scene(hub)
    for number in range(450):
        scene.issue(f"Task {number}")
    scene.tasks().backlog()
    assert hub.calls.count("GRAPHQL repository") == 5
    assert hub.estate.tokens[scene.token].used <= 10 + 4 * 5 + 3
