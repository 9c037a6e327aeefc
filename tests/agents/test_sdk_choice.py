"""The anthropic-sdk backend as it is chosen: by a flag, with its package and a credential, or with a clear word."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit.den import repository


def doctor(repo: Path, **environ: str) -> str:
    """What `autorun doctor` says of the agent, with nothing of this process's environment but PATH."""
    env = {"PATH": os.environ["PATH"], "HOME": str(repo.parent), **environ}
    argv = (sys.executable, "-m", "autorun", "doctor", "--backend", "anthropic-sdk", "--sandbox", "off")
    return subprocess.run(argv, cwd=repo, env=env, capture_output=True, text=True, check=False).stdout


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "project")


def test_it_is_ready_with_package_and_key(repo: Path) -> None:
    """Version, model and the name of the credential stand in one line; the credential itself does not."""
    said = doctor(repo, ANTHROPIC_API_KEY="sk-canary")
    assert "ok  agent" in said
    assert "model claude-opus-5-5, ANTHROPIC_API_KEY" in said
    assert "canary" not in said


def test_a_missing_key_is_named(repo: Path) -> None:
    """The variable to set, and the other ways to pay."""
    said = doctor(repo)
    assert "API key not found: ANTHROPIC_API_KEY is not set" in said
    assert "CLAUDE_CODE_OAUTH_TOKEN" in said


def test_a_missing_package_is_named(repo: Path, tmp_path: Path) -> None:
    """With the command that installs it."""
    absent = tmp_path / "absent"
    absent.mkdir()
    (absent / "anthropic.py").write_text("raise ModuleNotFoundError('No module', name='anthropic')\n")
    said = doctor(repo, ANTHROPIC_API_KEY="sk-canary", PYTHONPATH=str(absent))
    assert "needs the package anthropic, which is not installed" in said
    assert "pip install 'autorun-action[anthropic]'" in said


def test_the_other_backend_does_not_wait_for_the_package() -> None:
    """Neither the wiring nor the crew imports it: that takes a second."""
    script = "import sys, autorun.wiring, autorun.crew; sys.exit('anthropic' in sys.modules)"
    subprocess.run((sys.executable, "-c", script), check=True)
