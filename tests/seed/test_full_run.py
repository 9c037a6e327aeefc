"""The whole way, as users have it: an issue in Linear, `autorun start` in the sandbox, a pull request."""

import json
from pathlib import Path

import pytest

from autorun.demo.script import Answer, run, state, write
from autorun.demo.scripted_model import ScriptedModel
from kit.commandline import Project, with_agent
from kit.den import require_sandbox
from kit.linear_double import KEY, LinearDouble
from kit.repos import git

BODY = "Say hello.\n\n## Acceptance Criteria\n- [ ] hello.txt says hello\n\n## Test Steps\n1. Read hello.txt\n"
WORK: list[Answer] = [
    write("hello.txt", "hello\n"),
    run("grep -q hello hello.txt"),
    state(completed="It greets.", title="Greet people", criteria={"hello.txt says hello": "grep found it"}),
]
CONFIG = (
    "state_provider:\n  type: linear\n  team_id: Engineering\nworkspace:\n  verify:\n    - grep -q hello hello.txt\n"
)


@pytest.mark.parametrize(
    ("backend", "credential", "cost"),
    [
        ("claude-code", "CLAUDE_CODE_OAUTH_TOKEN", " (estimated) in all."),
        ("anthropic-sdk", "ANTHROPIC_API_KEY", " in all."),
    ],
)
def test_an_issue_in_linear_becomes_a_pull_request(
    project: Project, linear: LinearDouble, backend: str, credential: str, cost: str
) -> None:
    """Branch, pull request, column, link and one comment, with the cost an estimate where a subscription pays."""
    require_sandbox()
    issue = linear.issue("Greet people", BODY)
    linear.queue(issue)
    project.config(CONFIG)
    with ScriptedModel({"Greet people": WORK}) as model:
        with_agent(project, model.url)
        del project.environ["ANTHROPIC_API_KEY"]
        project.environ |= {
            "AUTORUN_SANDBOX_MODE": "required",
            "LINEAR_API_URL": linear.url,
            "LINEAR_API_KEY": KEY,
            credential: "sk-ant-fake",
        }
        done = project.run("start", "--json", "--backend", backend)
    assert done.code == 0, done.err
    (task,) = done.data["tasks"]
    assert (task["id"], task["state"]) == ("linear/ENG-1", "in_review")
    assert git(project.root, "diff", "--name-only", "main", "autorun/linear-ENG-1") == "hello.txt"
    pull_request = Path(task["pull_request"]).read_text()
    assert "hello.txt says hello" in pull_request
    assert "grep -q hello hello.txt" in pull_request
    assert issue["state"]["name"] == "In Review"
    (comment,) = issue["comments"]
    assert task["pull_request"] in comment["body"]
    assert cost in comment["body"]
    assert ("(estimated)" in pull_request) == ("(estimated)" in cost)
    assert linear.names(issue) == {"autorun"}
    assert KEY not in json.dumps([request.body for request in model.asked])
    assert project.left() == []
