"""The command itself on a GitHub of one's own, as a job would run it: the real CLI, a scripted model."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from autorun.demo.script import Answer, Conversation, state, write
from autorun.demo.scripted_model import ScriptedModel
from github_adapters.scene import Scene, make_scene
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


def a_job(scene: Scene, folder: Path, token: str) -> Project:
    """A checkout on a runner, and the environment of its job."""
    git(folder, "clone", "--quiet", f"file://{scene.repo.git.path}", str(folder / "app"))
    git(folder / "app", "remote", "set-url", "origin", scene.repo.web(".git"))
    (folder / "home").mkdir()
    (folder / "temp").mkdir()
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "LANG": "C.UTF-8"}
    environ |= scene.hub.env(scene.repo) | {
        "AUTORUN_SANDBOX_MODE": "off",
        "GITHUB_ACTIONS": "true",
        "GITHUB_TOKEN": token,
        "GITHUB_RUN_ID": "5",
        "GITHUB_RUN_ATTEMPT": "1",
        "RUNNER_TEMP": str(folder / "temp"),
        "INPUT_SANDBOX": "off",
    }
    return Project(root=folder / "app", home=folder / "home", environ=environ)


def test_a_job_works_an_issue_and_a_comment(hub: GitHubDouble, tmp_path: Path) -> None:
    """Clone, token and addresses are all it takes; a comment dispatches, and the worker it starts obeys it."""
    with hub:
        scene = make_scene(hub)
        issue = scene.issue("Add a greeting", "## Acceptance Criteria\n- [ ] hello.txt is there")
        project = a_job(scene, tmp_path, scene.token)
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


@pytest.mark.parametrize(("minutes", "begins"), [(4, False), (30, True)])
def test_no_work_is_begun_with_a_token_about_to_expire(
    hub: GitHubDouble, tmp_path: Path, minutes: int, begins: bool
) -> None:
    """GitHub tells when a token ends: what could not be published any more is left to a run with a better one."""
    with hub:
        scene = make_scene(hub)
        issue = scene.issue("Add a greeting")
        project = a_job(scene, tmp_path, hub.token(expires_at=hub.clock.now() + timedelta(minutes=minutes)))
        done = state(completed="Done.")
        with ScriptedModel({"Add a greeting": [write("hello.txt", "hello\n"), done]}) as model:
            with_agent(project, model.url)
            ran = project.run("start", "--json")
        assert ran.code == 0, ran.err
        assert bool(ran.data["tasks"]) is begins
        assert bool(scene.repo.pull_requests) is begins
        if not begins:
            assert ran.data["reason"] == "limit"
            assert "about to expire" in ran.data["sentence"]
            assert "minutes_per_session" in ran.data["remedy"]
            assert not scene.ours(issue)
        assert hub.violations == []


def test_a_token_that_ends_during_the_work_is_said_to_have_ended(hub: GitHubDouble, tmp_path: Path) -> None:
    """One that nobody announced: the end names the remedy, and a run with a new token publishes the same work."""
    with hub:
        scene = make_scene(hub)
        scene.issue("Add a greeting")
        token = hub.token()
        project = a_job(scene, tmp_path, token)

        def ends_its_token(conversation: Conversation) -> Answer:
            if conversation.turns == 1 and token in hub.estate.tokens:
                hub.revoke(token)
            return [write("hello.txt", "hello\n"), state(completed="Done.")][min(conversation.turns, 1)]

        with ScriptedModel({"Add a greeting": ends_its_token}) as model:
            with_agent(project, model.url)
            ran = project.run("start")
            assert ran.code == 3, ran.err
            assert "does not accept our credential" in ran.err
            assert "renew the token" in ran.err
            assert scene.repo.pull_requests == []
            asked = len(model.asked)
            again = project.run("start", environ={"GITHUB_TOKEN": scene.token, "GITHUB_RUN_ATTEMPT": "2"})
            assert again.code == 0, again.err
        assert any(message["role"] == "assistant" for message in model.asked[asked].body["messages"])
        assert [pull.head for pull in scene.repo.pull_requests] == ["autorun/github-1"]
