"""Verification in the sandbox: what an agent wrote runs as confined as the agent, and with no way to the model."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from autorun.adapters.sandbox import Bubblewrap
from autorun.adapters.verifier import CommandVerifier
from autorun.core.config.layers import load
from autorun.core.model import Check, CheckResult
from autorun.crew import crew
from autorun.effects.git import find_repository
from autorun.effects.place import Place
from autorun.effects.watchdog import Watchdog
from kit.den import SMALL, Den, make_den, require_sandbox

CANARY = "canary-7f3a91"


@pytest.fixture
def den(tmp_path: Path) -> Den:
    require_sandbox()
    return make_den(tmp_path)


def verify(den: Den, *runs: str) -> tuple[CheckResult, ...]:
    """Run commands as the product does: confined, watched, the runner's environment left behind."""
    caps = replace(SMALL, tasks=60)
    box = Bubblewrap(
        require_sandbox(), folder=den.base / "papers", machine=den.machine, environ=den.environ, caps=caps
    )
    verifier = CommandVerifier(
        confine=box, environ={"PATH": "/usr/bin:/bin"}, guard=lambda workspace: Watchdog(caps, workspace.path)
    )
    checks = [Check(run=run, timeout=60) for run in runs]
    return verifier.run(checks, den.workspace, log=den.base / "session/verify.log", stop=lambda: None)


def test_honest_checks_pass_and_write_only_where_they_may(den: Den) -> None:
    """The workspace is there, writable, and git can be read."""
    results = verify(den, "echo 1 > made && cat made", "git log --oneline | grep Begin", "exit 4", "kill -9 $$")
    assert [result.exit_code for result in results[:3]] == [0, 0, 4]
    assert not results[3].passed
    assert (den.workspace.path / "made").read_text() == "1\n"


def test_a_check_that_steals_escapes_or_edits_git_fails(den: Den, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets of the runner, listeners of the machine and git's own files are out of reach."""
    (den.home / ".netrc").write_text(CANARY)
    monkeypatch.setenv("GITHUB_TOKEN", CANARY)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        results = verify(
            den,
            f"grep -r {CANARY} /proc/*/environ {den.home} 2>/dev/null",
            f"echo x > /dev/tcp/127.0.0.1/{port}",
            "git -c user.name=x -c user.email=x@example.org commit --allow-empty -m evil",
            "echo evil > .git/hooks/pre-commit",
            f"touch {den.base}/outside; false",  # where it lands, if anywhere, is memory of the sandbox
        )
    assert [result.run for result in results if result.passed] == []
    assert CANARY not in (den.base / "session/verify.log").read_text().replace(f"grep -r {CANARY}", "")
    assert not (den.base / "outside").exists()
    assert not (den.workspace.git_dir / "hooks/pre-commit").exists()


def test_the_lock_of_a_living_runner_is_held(den: Den) -> None:
    """By this a command sees whether its runner died while the sandbox was set up."""
    environ = {**den.environ, "HOME": str(den.home), "ANTHROPIC_API_KEY": "sk-ant-fake"}
    place = Place(repository=find_repository(den.workspace.path), environ=environ)
    config = load("sandbox: {mode: required}", "config.yml", environ, {}, on_actions=False).config
    lock = "/etc/autorun-alive"
    check = Check(run=f"test -e {lock} && ! flock --nonblock {lock} true", timeout=60)
    with crew(place, config, secrets=(), cover=lambda *_: None, warn=str) as staff:
        (result,) = staff.verifier.run([check], den.workspace, log=den.base / "verify.log", stop=lambda: None)
    assert result.exit_code == 0


def test_nothing_a_check_starts_outlives_it(den: Den) -> None:
    """A daemon in a session of its own ends with the sandbox."""
    (result,) = verify(
        den, "(setsid sh -c 'while :; do date > beat; sleep 0.1; done' >/dev/null 2>&1 &); sleep 0.5; test -s beat"
    )
    assert result.passed
    beat = den.workspace.path / "beat"
    beat.unlink()
    (after,) = verify(den, "sleep 0.5; test ! -e beat")
    assert after.passed


def test_a_fork_bomb_is_ended_and_the_next_check_runs(den: Den) -> None:
    """It has no exit code, and its output says what was too much."""
    bomb, after = verify(den, "for i in $(seq 200); do sleep 60 & done; wait", "true")
    assert bomb.exit_code is None
    assert "more than 60 processes" in bomb.output
    assert after.passed
