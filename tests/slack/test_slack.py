"""Telling Slack: in time, in order, at its pace, and never in the way of the work."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from autorun.adapters.notify.slack import Slack
from autorun.core.config import Progress
from autorun.core.model import Outcome, PullRequest, Reason, TaskId, TaskState, Usage
from autorun.core.report.journal import Entry, Happening
from autorun.core.report.slack_blocks import Style
from github_double.server import Reply, Request, Server

PATH = "/services/T0123ABCD/B0123ABCD/aB3dE5gH7jK9mN1pQ4sT6vW8"
OK = Reply(body=b"ok")
SENT = Outcome(
    state=TaskState.IN_REVIEW,
    reason=Reason.PUBLISHED,
    sentence="It is open.",
    pull_request=PullRequest(branch="b", url="https://github.com/acme/shop/pull/1", number=1),
)


@dataclass
class Channel:
    """A webhook that keeps what it is sent; `replies` go out first. `delay` in seconds comes before every answer."""

    delay: float = 0.0
    replies: list[Reply] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    url: str = ""
    warnings: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Reply:
        assert request.target == PATH
        self.times.append(time.monotonic())
        time.sleep(self.delay)
        reply = self.replies.pop(0) if self.replies else OK
        if reply is OK:
            self.messages.append(json.loads(request.body))
        return reply

    def slack(self, **more: Any) -> Slack:
        settings = {"interval": None, "pace": 0.02, "flush": 2.0, "warn": self.warnings.append} | more
        return Slack(self.url, style=Style(own=(self.url,)), **settings)

    @property
    def heads(self) -> list[str]:
        return [message["text"].partition(":")[0] for message in self.messages]


@pytest.fixture
def channel() -> Iterator[Channel]:
    found = Channel()
    with served(found):
        yield found


@contextmanager
def served(channel: Channel) -> Iterator[None]:
    server = Server(channel.answer)
    channel.url = f"{server.origin}{PATH}"
    yield
    server.close()


def entry(what: Happening, text: str = "", outcome: Outcome | None = None, key: str = "1", step: str = "") -> Entry:
    task = None if what.value.startswith("session") or what is Happening.PLANNED else TaskId(provider="file", key=key)
    return Entry(
        at=datetime(2026, 11, 20, tzinfo=UTC),
        what=what,
        session="s1",
        text=text,
        task=task,
        title=f"Task {key}",
        step=step,
        outcome=outcome,
        usage=Usage(turns=1, cost_usd=0.5),
    )


def begin(slack: Slack) -> None:
    slack.tell(entry(Happening.PLANNED, "1 to do, 0 skipped"))
    slack.tell(entry(Happening.SESSION_STARTED, "ready"))


def work(slack: Slack, key: str = "1") -> None:
    slack.tell(entry(Happening.TASK_STARTED, "It starts", key=key))
    slack.tell(entry(Happening.TASK_ENDED, SENT.sentence, SENT, key=key))


def end(slack: Slack, step: str = "empty") -> float:
    """End the session; return how long that took."""
    begun = time.monotonic()
    slack.tell(entry(Happening.SESSION_ENDED, "No more tasks available", step=step))
    return time.monotonic() - begun


def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def test_a_session_is_told_in_order(channel: Channel) -> None:
    """Start, task, end; when the session has ended, everything is there and the thread is gone."""
    slack = channel.slack()
    begin(slack)
    work(slack)
    end(slack)
    assert channel.heads == ["Autorun starts", "Ready for review", "Autorun is done"]
    assert not any(thread.name == "slack" and thread.is_alive() for thread in threading.enumerate())
    assert channel.warnings == []


def test_an_idle_session_says_nothing(channel: Channel) -> None:
    """A schedule that finds nothing to do is no news; one that fails is."""
    slack = channel.slack()
    slack.tell(entry(Happening.PLANNED, "0 to do"))
    end(slack)
    assert channel.messages == []
    failing = channel.slack()
    end(failing, "error")
    assert channel.heads == ["Autorun failed"]


def test_the_options_are_the_configured_ones(channel: Channel) -> None:
    """The switches of the configuration reach the messages."""
    options = Progress(slack_webhook=channel.url, notification_interval=None, notify_on_complete=False)
    slack = Slack.configured(options, Style(), warn=channel.warnings.append)
    work(slack)
    end(slack, "error")
    assert channel.heads == ["Autorun failed"]


def test_updates_come_while_a_task_is_worked(channel: Channel) -> None:
    """Every interval, with what is in hand; none between tasks."""
    slack = channel.slack(interval=0.15)
    begin(slack)
    slack.tell(entry(Happening.TASK_STARTED, "It starts"))
    slack.tell(entry(Happening.ACTIVITY, "Editing login.py", step="tool"))
    until(lambda: channel.heads.count("Autorun is at work") == 2)
    assert "Editing login.py (tool)" in json.dumps(channel.messages[-1])
    slack.tell(entry(Happening.TASK_ENDED, SENT.sentence, SENT))
    time.sleep(0.3)
    end(slack)
    assert channel.heads[-2:] == ["Ready for review", "Autorun is done"]
    at_work = [at for at, head in zip(channel.times, channel.heads, strict=True) if head == "Autorun is at work"]
    assert at_work[1] - at_work[0] >= 0.14


def test_messages_keep_their_pace(channel: Channel) -> None:
    """However fast things happen."""
    slack = channel.slack(pace=0.2)
    begin(slack)
    for number in range(2):
        work(slack, str(number))
    end(slack)
    assert len(channel.messages) == 4
    assert all(later - earlier >= 0.19 for earlier, later in zip(channel.times, channel.times[1:], strict=False))


@pytest.mark.parametrize("trouble", [Reply(status=500), Reply(status=503), Reply(cut=True)])
def test_trouble_is_tried_again(channel: Channel, trouble: Reply) -> None:
    """A message survives a server that fails for a moment."""
    channel.replies = [trouble]
    slack = channel.slack()
    begin(slack)
    end(slack)
    assert channel.heads == ["Autorun starts", "Autorun is done"]


def test_slack_says_when_to_come_back(channel: Channel) -> None:
    """Its Retry-After is kept to."""
    channel.replies = [Reply(status=429, headers=[("Retry-After", "1")])]
    slack = channel.slack()
    begin(slack)
    until(lambda: len(channel.messages) == 1)
    assert channel.times[1] - channel.times[0] >= 1
    end(slack)


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_a_webhook_that_is_refused_is_left_alone(channel: Channel, status: int) -> None:
    """Said once at the end, without its address; nothing more is sent there."""
    channel.replies = [Reply(status=status, body=b"no_service")] * 9
    slack = channel.slack()
    begin(slack)
    until(lambda: len(channel.times) == 1)
    work(slack)
    end(slack)
    assert len(channel.times) == 1
    assert channel.warnings == [f"Slack was not told everything: it answers with status {status}"]


def test_a_slow_slack_holds_up_nothing(channel: Channel) -> None:
    """Telling takes no time, and the end of a session only the time of the flush."""
    channel.delay = 1.0
    slack = channel.slack(flush=0.4)
    begun = time.monotonic()
    begin(slack)
    for number in range(200):
        work(slack, str(number))
    assert time.monotonic() - begun < 0.5
    assert end(slack) < 0.7


def test_a_dead_slack_holds_up_nothing(channel: Channel) -> None:
    """Nobody answers, nobody listens: the end comes in time, and one warning names no address."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        channel.url = f"http://127.0.0.1:{deaf.getsockname()[1]}{PATH}"
        slack = channel.slack(flush=0.3)
        begin(slack)
        assert end(slack) < 0.6
    channel.url = f"http://127.0.0.1:9{PATH}"
    slack = channel.slack(flush=0.5)
    begin(slack)
    work(slack)
    time.sleep(0.1)
    assert end(slack) < 0.8
    assert channel.warnings[0] == "Slack was not told everything: it does not answer in time"
    assert len(channel.warnings) == 2
    assert all("127.0.0.1" not in warning and "services" not in warning for warning in channel.warnings)


def test_the_end_is_told_even_when_much_is_waiting(channel: Channel) -> None:
    """What no longer fits is dropped and counted; the last word gets through."""
    slack = channel.slack(pace=0.3, flush=2.0)
    begin(slack)
    for number in range(80):
        work(slack, str(number))
    end(slack)
    assert channel.heads[-1] == "Autorun is done"
    context = channel.messages[-1]["blocks"][-1]["elements"][0]["text"]
    assert "earlier messages could not be sent" in context
    assert len(channel.messages) <= 6
