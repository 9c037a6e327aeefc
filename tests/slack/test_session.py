"""Slack beside real sessions: told of them when it listens, without effect on them when it does not."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from autorun.adapters.notify.slack import Slack
from autorun.core.model import TaskState
from autorun.core.report.slack_blocks import Style
from autorun.session import Session
from github_double.server import Reply, Request, Server
from kit.repos import write_files
from kit.workshop import ActedAgent, Workshop, make_workshop, needs_input, says, writes


@dataclass
class Hook:
    """A webhook that always answers alike."""

    status: int = 200
    cut: bool = False
    bodies: list[str] = field(default_factory=list)

    @contextmanager
    def served(self) -> Iterator[str]:
        def answer(request: Request) -> Reply:
            self.bodies.append(request.body.decode())
            return Reply(status=self.status, body=b"ok", cut=self.cut)

        server = Server(answer)
        try:
            yield f"{server.origin}/hook"
        finally:
            server.close()


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return make_workshop(tmp_path)


def run(shop: Workshop, hook: Hook) -> list[TaskState]:
    """One task that is finished, one that asks."""
    shop.task("good", priority="high")
    shop.task("open")
    agent = ActedAgent({"good": [writes({"good.txt": "x\n"})], "open": [says(needs_input("Which <!here> one?"))]})
    with hook.served() as url, shop.bench(agent) as bench:
        slack = Slack(url, style=Style(), interval=None, pace=0.02, flush=1.0)
        bench.world = replace(bench.world, notifiers=(*bench.world.notifiers, slack))
        report = Session(bench=bench).run()
    return [one.outcome.state for one in report.settled]


def test_a_channel_reads_the_session(shop: Workshop) -> None:
    """Start, each task with what became of it, the end."""
    hook = Hook()
    run(shop, hook)
    start, good, asked, end = hook.bodies
    assert "2 to do, 0 skipped" in start
    assert "Ready for review" in good
    assert "file/good" in good
    assert "Needs an answer" in asked
    assert "Which &lt;" in asked
    assert "<!here>" not in asked
    assert "1 in review, 1 need you" in end


@pytest.mark.parametrize("hook", [Hook(status=500), Hook(status=404), Hook(cut=True)])
def test_a_failing_slack_changes_no_outcome(shop: Workshop, hook: Hook) -> None:
    """Every task ends as it would have without."""
    assert run(shop, hook) == [TaskState.IN_REVIEW, TaskState.BLOCKED]
    assert hook.bodies
    assert shop.record("good").state is TaskState.IN_REVIEW


def test_the_configured_webhook_is_told_and_never_shown(shop: Workshop) -> None:
    """As a command: a session that cannot start says so in the channel; output and state name no webhook."""
    shop.task("good")
    hook = Hook()
    with hook.served() as url:
        config = {".ai-agents/config.yml": "progress:\n  slack_webhook: ${HOOK}\n"}
        write_files(shop.root, config)
        done = subprocess.run(
            [sys.executable, "-m", "autorun", "start"],
            cwd=shop.root,
            env={"PATH": os.environ["PATH"], "HOME": str(shop.scratch), "HOOK": url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 4, done.stderr
        assert [json.loads(body)["text"].partition(":")[0] for body in hook.bodies] == ["Autorun failed"]
        kept = "".join(path.read_text() for path in (shop.root / ".ai-agents").rglob("*.log"))
        assert kept
        assert url not in done.stdout + done.stderr + kept
