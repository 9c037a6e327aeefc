"""The reusable workflow: what each job may do, and all of it under act, with one hostile and one dying runner."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from autorun.demo.script import state, write
from autorun.demo.scripted_model import ScriptedModel
from github_double import GitHubDouble
from github_double.fixtures import hub
from kit import repos
from kit.act import ROOT, Ended, Machine
from kit.action_stage import FILES, KEY, Stage, cloned
from kit.reusable import WORKFLOWS, install, text

__all__ = ["hub"]

# security.md, as far as the engine can grant it.
RIGHTS = {
    "plan": {"contents": "write", "issues": "write", "pull-requests": "read", "actions": "read"},
    "execute": {"contents": "read", "actions": "read"},
    "publish": {"contents": "write", "issues": "write", "pull-requests": "write"},
    "report": {"contents": "write", "issues": "write"},
}
SECRETS = {
    "plan": {"linear-api-key"},
    "execute": {"anthropic-api-key", "claude-code-oauth-token"},
    "publish": {"publish-token", "linear-api-key"},
    "report": {"linear-api-key", "slack-webhook"},
}


def jobs() -> dict[str, dict[str, Any]]:
    return {name: job for each in WORKFLOWS for name, job in yaml.safe_load(text(each))["jobs"].items()}


@pytest.mark.parametrize("name", RIGHTS)
def test_each_job_has_its_rights_and_no_more(name: str) -> None:
    """Permissions and secrets of every job are those of the table in the documentation."""
    job = jobs()[name]
    assert job["permissions"] == RIGHTS[name]
    assert set(re.findall(r"secrets\.([a-z-]+)", json.dumps(job))) == SECRETS[name]
    row = next(
        line for line in (ROOT / "docs/handover.md").read_text().splitlines() if line.startswith(f"| `{name}` |")
    )
    for permission, level in RIGHTS[name].items():
        assert f"{permission}: {level}" in row
    for secret in SECRETS[name]:
        assert secret in row


def test_only_one_job_runs_an_agent_and_it_sees_no_tracker() -> None:
    """The phase of each job is its own, and only the executing one is given a credential of the model."""
    phases = {
        name: [step["with"]["phase"] for step in job.get("steps", []) if step["uses"] == "$/"]
        for name, job in jobs().items()
    }
    assert phases == {
        "plan": ["plan"],
        "work": [],
        "report": ["report"],
        "execute": ["execute"],
        "publish": ["publish"],
    }
    assert "github-token" not in json.dumps(jobs()["execute"])


def test_the_matrix_is_bounded_and_its_legs_are_independent() -> None:
    """A leg that fails stops no other, and no more run at once than was asked for."""
    strategy = jobs()["work"]["strategy"]
    assert strategy["fail-fast"] is False
    assert strategy["max-parallel"] == "${{ inputs.max-parallel }}"


# ------------ the whole of it


NAMES = ("alpha", "beta", "gamma", "delta", "epsilon")


def story(name: str) -> list[Any]:
    question = state(needs_input="Which text?", blockers=[{"what": "Which text?", "needed": "say"}])
    asked = [write("asked.txt", "asked\n"), question] if name == "epsilon" else []
    return [*asked, write(f"{name}.txt", f"{name}\n"), state(completed=f"{name} is there.", title=f"Add {name}")]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    made = Machine(home=tmp_path_factory.mktemp("machine") / "home")
    made.seed_cli()
    return made


@pytest.fixture
def stage(hub: GitHubDouble, machine: Machine, tmp_path: Path) -> Iterator[Stage]:
    repo = hub.repository("octo/app", files=dict(FILES))
    repo.user("ana", role="write")
    clone = cloned(hub, repo, tmp_path / "clone")
    with ScriptedModel({f"Add {name}": story(name) for name in NAMES}) as model:
        yield Stage(hub=hub, repo=repo, machine=machine, clone=clone, model=model)


def run(on: Stage, sabotage: str, *, run_id: int = 501) -> Ended:
    """Run the workflow as a caller would; `sabotage` is a script that each runner of a task ends with."""
    upload = "      - name: Hand the result over\n"
    step = "".join(f"          {line}\n" for line in sabotage.splitlines())
    planted = f"      - name: Hostile\n        if: always()\n        shell: bash\n        run: |\n{step}"
    caller = install(on.clone, changed=lambda own: own.replace(upload, planted + upload))
    return on.machine.run(
        on.clone, "schedule", workflow=caller, secrets=on.secrets, env=on.env, run_id=run_id, seconds=900
    )


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="sixteen jobs take minutes: CI=true runs them")
@pytest.mark.slow
def test_five_runners_one_hostile_one_dying_one_asking(stage: Stage) -> None:
    """Two tasks are published; the one whose runner lies and the one whose runner dies cost nobody else anything.

    The one that asks goes on in the next run, where it was, once it is answered.
    """
    stage.repo.private = True  # what is left unfinished lies where whoever can read the repository can read it
    issues = {
        name: stage.repo.issue(f"Add {name}", f"Write {name}.txt.", by="ana").label("autorun", by="ana")
        for name in NAMES
    }
    lies, dies = issues["gamma"].number, issues["delta"].number
    sabotage = f"""
cd "$RUNNER_TEMP/autorun-handover"
if [ -d autorun-result-{lies} ]; then sed -i 's/"turns":/"turns":-/' autorun-result-{lies}/result.json; fi
if [ -d autorun-result-{dies} ]; then rm -r autorun-result-{dies}; fi
""".strip()
    ended = run(stage, sabotage)
    heads = {pull.head for pull in stage.repo.pull_requests}
    good = {f"autorun/github-{issues[name].number}" for name in ("alpha", "beta")}
    assert heads == good, ended.told[-6000:]
    for name in ("gamma", "delta"):
        assert "cannot be used" in (issues[name].comments[-1].body or "")
        assert not {label.name for label in issues[name].labels} & {"autorun:in-progress", "autorun:in-review"}
    assert ended.code == 0, ended.told[-6000:]
    assert ended.outputs["completed"] == "2"
    assert "| task | state |" in ended.told
    assert KEY not in ended.told
    assert "autorun:blocked" in {label.name for label in issues["epsilon"].labels}
    stage.hub.clock.advance(minutes=1)
    issues["epsilon"].comment("/autorun retry Any text.", by="ana")
    asked = len(stage.model.asked)
    ended = run(stage, "true", run_id=502)
    assert ended.code == 0, ended.told[-6000:]
    messages = stage.model.asked[asked].body["messages"]
    assert "Going on from run 501." in ended.told, ended.told[-6000:]
    assert any(message["role"] == "assistant" for message in messages)
    assert "Any text." in json.dumps(messages)
    assert KEY not in ended.told
    pull = stage.repo.pull_requests[-1]
    assert pull.head == f"autorun/github-{issues['epsilon'].number}"
    assert repos.git(stage.repo.git.path, "diff", "--name-only", "main", pull.head).split() == [
        "asked.txt",
        "epsilon.txt",
    ]
