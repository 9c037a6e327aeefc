"""The action's surface: the inputs and outputs that users write against, and how they reach the process."""

import subprocess
import sys
from typing import Any

import yaml

from autorun.core.config.surface import inputs
from kit.act import ROOT

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
INPUTS = """
anthropic-api-key claude-code-oauth-token github-token linear-api-key slack-webhook config provider label task
comment-id workflow backend model mode max-tasks max-turns cost-limit resume dry-run fail-on sandbox phase handover
claude-version setup verify
"""
OUTPUTS = "completed blocked failed pull-requests cost-usd session-id matrix report state reason"


def step(name: str) -> dict[str, Any]:
    (found,) = [step for step in ACTION["runs"]["steps"] if step["name"] == name]
    return dict(found)


def test_inputs_and_outputs_are_those_of_the_contract() -> None:
    """No input or output may vanish or be renamed."""
    assert set(ACTION["inputs"]) == set(INPUTS.split())
    assert set(ACTION["outputs"]) == set(OUTPUTS.split())


def test_no_input_is_required_and_only_the_jobs_token_has_a_default() -> None:
    """An input that is not given is empty, and the configuration decides."""
    assert not any(each["required"] for each in ACTION["inputs"].values())
    assert {name: each["default"] for name, each in ACTION["inputs"].items() if each["default"]} == {
        "github-token": "${{ github.token }}"
    }


def test_every_input_reaches_the_run() -> None:
    """The run's step hands over each input by the variable that the option table names."""
    environment = step("Run")["env"]
    for each in inputs():
        if each.environment:
            assert f"inputs.{each.name} " in environment[each.environment]
    assert (
        ACTION["outputs"]["completed"]["value"]
        == "${{ steps.save.outputs.completed || steps.run.outputs.completed }}"
    )


def test_the_signals_of_the_runner_reach_autorun() -> None:
    """The last thing that the run's script does is to become Autorun, isolated from everything around it."""
    assert step("Run")["run"].splitlines()[-1] == 'exec "$VENV/bin/python" -I -m autorun "$@"'


def test_generated_parts_are_fresh() -> None:
    """`make generate` would change nothing in action.yml."""
    argv = [sys.executable, str(ROOT / "tools/generate.py"), "--check"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
