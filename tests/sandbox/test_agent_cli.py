"""The real claude CLI works in the sandbox and reaches the model by a unix socket alone."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from autorun.demo.script import run, say
from autorun.demo.scripted_model import ScriptedModel
from autorun.effects import process
from autorun.effects.doors import Door
from kit import tools
from kit.den import Den, make_den

PROMPT = {
    "type": "user",
    "client_composed": True,
    "message": {"role": "user", "content": [{"type": "text", "text": "work"}]},
    "parent_tool_use_id": None,
    "session_id": "",
}


@contextmanager
def _on_a_socket(path: Path, url: str) -> Iterator[Path]:
    """Offer a loopback server at a unix socket, as a gateway is."""
    host, port = url.removeprefix("http://").split(":")

    def serve(client: socket.socket) -> None:
        with socket.create_connection((host, int(port))) as model:
            answering = threading.Thread(target=_copy, args=(model, client))
            answering.start()
            _copy(client, model)
            answering.join()

    with Door(serve) as door:
        door.on_path(path)
        yield path


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def cli_den(tmp_path: Path) -> Den:
    """A den with an agent folder beside the workspace."""
    den = make_den(tmp_path)
    (tmp_path / "agent").mkdir()
    den.writable = (tmp_path / "agent",)
    return den


def test_the_cli_works_and_its_session_survives(cli_den: Den, tmp_path: Path) -> None:
    """It runs a command in the workspace, speaks to the model through the socket, and leaves its transcript."""
    script = [run("pwd; echo made > made.txt; git commit --allow-empty -m x || echo refused"), say("done")]
    with ScriptedModel(script) as model, _on_a_socket(tmp_path / "model.sock", model.url) as path:
        cli_den.sockets = (path,)
        env = {
            "ANTHROPIC_API_KEY": "placeholder",
            "ANTHROPIC_BASE_URL": "http://127.0.0.1:8080",  # only its scheme and path matter
            "ANTHROPIC_UNIX_SOCKET": str(path),
            "CLAUDE_CONFIG_DIR": str(tmp_path / "agent"),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        }
        modes = ("--permission-mode=dontAsk", "--tools=Bash", "--allowedTools=Bash", "--setting-sources=")
        streams = ("--input-format=stream-json", "--output-format=stream-json", "--verbose")
        command = cli_den.confined(str(tools.claude()), "-p", *streams, *modes, "--strict-mcp-config", env=env)
        ended = process.run(command, stdin=json.dumps(PROMPT).encode() + b"\n", timeout=60)
        asked = model.asked
    assert ended.ok, ended
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert events[-1]["result"] == "done"
    assert len(asked) == 2
    assert {request.headers["x-api-key"] for request in asked} == {"placeholder"}
    tool_result = json.dumps(asked[1].body["messages"])
    assert str(cli_den.workspace.path) in tool_result
    assert "refused" in tool_result
    assert (cli_den.workspace.path / "made.txt").read_text() == "made\n"
    assert list((tmp_path / "agent" / "projects").rglob("*.jsonl"))


def test_without_the_socket_the_cli_reaches_nothing(cli_den: Den, tmp_path: Path) -> None:
    """With the model on a port of the machine and no socket in the room, no request arrives."""
    with ScriptedModel([say("done")]) as model:
        env = {
            "ANTHROPIC_API_KEY": "placeholder",
            "ANTHROPIC_BASE_URL": model.url,
            "CLAUDE_CODE_MAX_RETRIES": "0",
            "CLAUDE_CONFIG_DIR": str(tmp_path / "agent"),
        }
        (tmp_path / "other.sock").touch()
        cli_den.sockets = (tmp_path / "other.sock",)
        command = cli_den.confined(str(tools.claude()), "-p", "--setting-sources=", env=env)
        ended = process.run(command, stdin=b"work", timeout=60)
        assert not ended.ok
        assert model.requests == []
