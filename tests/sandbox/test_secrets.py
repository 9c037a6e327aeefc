"""Nothing in the sandbox can read a secret of the runner."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autorun.core.errors import ConfigurationError
from autorun.core.model import Command
from autorun.effects import process
from kit.den import Den, git, give

CANARY = "canary-5f1d7c"

PROBE = f"""
import os, pathlib, sys
found = []
def look(path, data):
    if b"{CANARY}" in data and str(path) not in ("/proc/self/cmdline", f"/proc/{{os.getpid()}}/cmdline"):
        found.append(str(path))
for process in pathlib.Path("/proc").iterdir():
    if process.name.isdigit():
        for name in ("environ", "cmdline"):
            try: text = (process / name).read_bytes()
            except OSError: continue
            if name == "cmdline" and b"def look" in text: continue
            look(process / name, text)
for top in sys.argv[1:]:
    for folder, _, names in os.walk(top):
        for name in names:
            path = pathlib.Path(folder, name)
            try:
                if path.is_file() and path.stat().st_size < 100_000: look(path, path.read_bytes())
            except OSError: continue
look("environment", repr(dict(os.environ)).encode())
print("found:", *sorted(set(found)), sep="\\n")
"""


def _plant(den: Den) -> list[Path]:
    runner_temp, other = den.base / "work" / "_temp", den.base / "work" / "other"
    places = [
        den.home / ".ssh" / "id_ed25519",
        den.home / ".aws" / "credentials",
        den.home / ".claude" / ".credentials.json",
        den.home / ".config" / "gh" / "hosts.yml",
        den.home / ".netrc",
        den.home / ".cargo" / "credentials.toml",
        runner_temp / "git-credentials.config",
        runner_temp / "_runner_file_commands" / "set_env",
        other / "secret.txt",
        den.workspace.path.parent / "sibling.txt",
    ]
    for place in places:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(CANARY)
    (den.home / ".cargo" / "bin").mkdir()
    git(den.workspace.path, "config", "http.https://github.com/.extraheader", f"AUTHORIZATION: basic {CANARY}")
    git(den.workspace.path, "remote", "add", "origin", f"https://x:{CANARY}@github.com/o/r")
    (den.workspace.path / ".git" / "description").write_text(CANARY)
    den.environ |= {
        "RUNNER_TEMP": str(runner_temp),
        "GITHUB_TOKEN": CANARY,
        "ANTHROPIC_API_KEY": CANARY,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": CANARY,
        "SOME_SETTING": CANARY,
    }
    give(den)
    return [*places, den.workspace.path / ".git" / "config", den.workspace.path / ".git" / "description"]


@contextmanager
def _neighbour() -> Iterator[int]:
    """Another process of the same user with the secret in its arguments and environment."""
    child = subprocess.Popen((sys.executable, "-c", "input()", CANARY), env={"TOKEN": CANARY}, stdin=subprocess.PIPE)
    try:
        yield child.pid
    finally:
        child.kill()
        child.communicate()


def test_a_probe_that_reads_everything_finds_no_secret(den: Den) -> None:
    """Environment, arguments, home, runner files, other checkouts, git's configuration stay unseen (A1, A5, A7)."""
    planted = _plant(den)
    everywhere = ("/etc", "/home", "/root", "/tmp", "/var", "/run", "/opt", "/srv", "/mnt")  # noqa: S108 -- read only
    base = str(den.base)
    with _neighbour() as neighbour:
        inside = den.python(PROBE, *everywhere, base)
        outside = process.run(
            Command(
                argv=("/usr/bin/python3", "-c", PROBE, base), cwd=den.workspace.path, env={"GITHUB_TOKEN": CANARY}
            )
        ).stdout.decode()
    assert inside == "found:\n"
    # The same probe finds every one of them outside, so it would have.
    assert {*map(str, planted), f"/proc/{neighbour}/environ", f"/proc/{neighbour}/cmdline"} <= set(
        outside.split("\n")
    )


def test_the_environment_is_the_allow_list(den: Den) -> None:
    """Only harmless names and the configured ones get in, into bubblewrap itself too; never the runner's files."""
    den.environ |= {
        "LANG": "C.UTF-8",
        "DATABASE_NAME": "test",
        "GITHUB_ENV": "/x",
        "LD_PRELOAD": "/evil.so",
        "MINE": "1",
    }
    den.names = ("DATABASE_NAME",)
    command = den.confined("/usr/bin/env", env={"GITHUB_OUTPUT": "/y", "ANTHROPIC_API_KEY": "k", "CI": "true"})
    inside = set(process.run(command).stdout.decode().split())
    assert inside - {f"PWD={den.workspace.path}"} == {f"{name}={value}" for name, value in command.env.items()}
    assert {"LANG=C.UTF-8", "DATABASE_NAME=test", "CI=true", "HOME=/home/agent"} <= inside
    assert not {"GITHUB_ENV", "GITHUB_OUTPUT", "LD_PRELOAD", "MINE", "ANTHROPIC_API_KEY"} & set(command.env)


def test_what_concerns_the_model_enters_only_a_room_with_a_way_to_it(own_den: Den) -> None:
    """A placeholder credential reaches the agent, never a verification command (A11)."""
    placeholder = {"ANTHROPIC_API_KEY": "placeholder", "CLAUDE_CODE_MAX_RETRIES": "1"}
    assert placeholder.items().isdisjoint(own_den.confined("true", env=placeholder).env.items())
    socket = own_den.base / "model.sock"
    socket.touch()
    own_den.sockets = (socket,)
    assert placeholder.items() <= own_den.confined("true", env=placeholder).env.items()


def test_a_command_that_would_show_a_secret_is_refused(own_den: Den) -> None:
    """A known secret in an environment value or an argument starts nothing (A15)."""
    own_den.secrets = (CANARY,)
    own_den.environ["SOME_SETTING"] = f"x{CANARY}y"
    assert own_den.run("true").ok
    with pytest.raises(ConfigurationError, match="command line"):
        own_den.confined("echo", CANARY)
    own_den.names = ("SOME_SETTING",)
    with pytest.raises(ConfigurationError, match="SOME_SETTING"):
        own_den.confined("true")


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "GITHUB_ENV", "ACTIONS_RUNTIME_TOKEN", "LD_PRELOAD", "BASH_ENV"])
def test_no_configuration_lets_a_runner_variable_in(own_den: Den, name: str) -> None:
    """`sandbox.env` cannot name what would hand over the runner."""
    own_den.names = (name,)
    with pytest.raises(ConfigurationError, match=name):
        own_den.confined("true")


@pytest.mark.parametrize("path", ["home", "home/.ssh", "home/.config/gh", "work/_temp/x", ""])
def test_no_configuration_shows_home_or_secrets(own_den: Den, path: str) -> None:
    """`sandbox.read_paths` cannot name the home, a folder of secrets or anything that holds one."""
    _plant(own_den)
    own_den.exposed = (own_den.base / path,)
    with pytest.raises(ConfigurationError, match="cannot be shown"):
        own_den.confined("true")


def test_a_named_path_can_be_read_and_not_written(own_den: Den) -> None:
    """`sandbox.read_paths` shows a folder at its own path, read-only."""
    extra = own_den.base / "sdk"
    extra.mkdir()
    (extra / "tool").write_text("here")
    own_den.exposed = (extra,)
    assert own_den.shell(f"cat {extra}/tool") == "here"
    assert "Read-only" in own_den.shell(f"echo x > {extra}/tool")


def test_the_runners_own_folder_in_a_checkout_is_covered(own_den: Den) -> None:
    """A session folder in the workspace is empty inside and cannot be moved away, its agent folder still works."""
    session = own_den.workspace.path / ".ai-agents" / "session"
    agent = session / "tasks" / "1" / "agent"
    agent.mkdir(parents=True)
    (session / "session.json").write_text(CANARY)
    (agent.parent / "instructions.md").write_text("be good")
    own_den.hidden, own_den.writable = (session,), (agent,)
    own_den.readable = (agent.parent / "instructions.md",)
    said = own_den.shell(
        "find .ai-agents; mv .ai-agents x; rm -r .ai-agents/session; echo kept > .ai-agents/session/tasks/1/agent/log"
    )
    assert "session.json" not in said
    assert own_den.shell(f"cat {agent.parent}/instructions.md; echo x > {agent.parent}/instructions.md").startswith(
        "be good"
    )
    assert (agent.parent / "instructions.md").read_text() == "be good"
    assert said.count("Device or resource busy") >= 1
    assert (session / "session.json").read_text() == CANARY
    assert (agent / "log").read_text() == "kept\n"


def test_canaries_of_the_real_user_stay_outside(own_den: Den) -> None:
    """Run with this machine's real facts, no file of the real home is there but toolchains."""
    home = Path.home()
    own_den.environ = {"PATH": os.environ["PATH"]}
    shown = own_den.shell(f"ls -A {home} 2>/dev/null; ls -A /home /root /run /mnt /srv 2>/dev/null")
    assert not {".ssh", ".aws", ".claude", ".config", ".netrc", ".npmrc", ".gitconfig"} & set(shown.split())
