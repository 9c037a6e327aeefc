"""The command itself on a GitHub of one's own, as a job would run it: the real CLI, a scripted model."""

import json
import os
from pathlib import Path

import pytest

from autorun.demo.script import state, write
from autorun.demo.scripted_model import ScriptedModel
from github_adapters.scene import make_scene
from github_double.fixtures import need_descriptions
from github_double.hub import GitHubDouble
from github_double.site import Clock
from kit.commandline import Project, with_agent
from kit.repos import git


@pytest.fixture
def hub() -> GitHubDouble:
    """Leases are judged by this machine's clock, so the double keeps the same time."""
    need_descriptions()
    return GitHubDouble(clock=Clock(live=True))


def test_a_job_works_an_issue_and_a_comment(hub: GitHubDouble, tmp_path: Path) -> None:
    """Clone, token and addresses are all it takes; a comment dispatches, and the worker it starts obeys it."""
    with hub:
        scene = make_scene(hub)
        issue = scene.issue("Add a greeting", "## Acceptance Criteria\n- [ ] hello.txt is there")
        git(tmp_path, "clone", "--quiet", f"file://{scene.repo.git.path}", str(tmp_path / "app"))
        git(tmp_path / "app", "remote", "set-url", "origin", scene.repo.web(".git"))
        (tmp_path / "home").mkdir()
        (tmp_path / "temp").mkdir()
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "LANG": "C.UTF-8"}
        environ |= hub.env(scene.repo) | {
            "AUTORUN_SANDBOX_MODE": "off",
            "GITHUB_ACTIONS": "true",
            "GITHUB_TOKEN": scene.token,
            "GITHUB_RUN_ID": "5",
            "GITHUB_RUN_ATTEMPT": "1",
            "RUNNER_TEMP": str(tmp_path / "temp"),
            "INPUT_SANDBOX": "off",
        }
        project = Project(root=tmp_path / "app", home=tmp_path / "home", environ=environ)
        done = state(completed="Done.", criteria={"hello.txt is there": "yes"})
        scripts = {"Add a greeting": [write("hello.txt", "hello\n"), done]}
        with ScriptedModel(scripts) as model:
            with_agent(project, model.url)
            ran = project.run("start", "--json")
        assert ran.code == 0, ran.err
        assert [task["state"] for task in ran.data["tasks"]] == ["in_review"], ran.out
        (pull,) = scene.repo.pull_requests
        assert pull.draft
        assert len(scene.ours(issue)) == 1
        comment = issue.comment("/autorun retry", by="ana")
        event = tmp_path / "event.json"
        payload = hub.event("issue_comment", scene.repo, action="created", sender="ana", issue=issue, comment=comment)
        event.write_text(json.dumps(payload))
        told = project.run("command", environ={"GITHUB_EVENT_NAME": "issue_comment", "GITHUB_EVENT_PATH": str(event)})
        assert told.code == 0, told.err
        assert scene.repo.dispatches[0].inputs == {"task": "1", "comment-id": str(comment.id)}
        assert hub.violations == []
