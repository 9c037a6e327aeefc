"""One bigger machine: several `autorun start` in worktrees of one repository share the backlog."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from autorun.demo.script import run, state, write
from autorun.demo.scripted_model import ScriptedModel
from kit.commandline import AUTORUN, Project, make_project
from kit.repos import git

KEYS = [f"t{number}" for number in range(4)]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = make_project(tmp_path)
    (made.root / ".gitignore").write_text(".ai-agents/session/\n.ai-agents/logs/\n.ai-agents/pull-requests/\n")
    for key in KEYS:
        made.task(key, title=f"Marker-{key}-")
    made.commit()
    return made


def test_runners_in_worktrees_share_the_backlog(project: Project) -> None:
    """Runners, each in a worktree and with limits of its own, publish every task once, and pass no limit."""
    story = {
        f"Marker-{key}-": [run("sleep 0.3"), write(f"{key}.txt", key), state(completed="Done.", title=f"Add {key}")]
        for key in KEYS
    }
    places = [project.root.parent / f"worktree-{number}" for number in range(2)]
    for place in places:
        git(project.root, "worktree", "add", "--quiet", "--detach", str(place))
    with ScriptedModel(story, latency=0.2) as model:
        env = project.environ | {"ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_API_KEY": "sk-ant-fake"}
        env["AUTORUN_WORKSPACE_BASE_BRANCH"] = "main"
        argv = (*AUTORUN, "start", "--backend=anthropic-sdk", "--max-tasks=3", "--json")
        runners = [
            subprocess.Popen(argv, cwd=place, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for place in places
        ]
        ended = [runner.communicate(timeout=120) for runner in runners]
    assert [runner.returncode for runner in runners] == [0, 0], ended
    branches = git(project.root, "branch", "--list", "autorun/*", "--format=%(refname:short)").split()
    assert branches == [f"autorun/file-{key}" for key in KEYS]
    records = {key: project.run("show", "--json", key).data[-1] for key in KEYS}
    assert {record["state"] for record in records.values()} == {"in_review"}
    assert all(len(record["attempts"]) == 1 for record in records.values())
    shares = Counter(record["attempts"][0]["session_id"] for record in records.values())
    assert len(shares) >= 2
    assert max(shares.values()) <= 3
