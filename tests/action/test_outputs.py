"""What the action tells the workflow around it, and who may read what it keeps."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autorun.adapters.visibility import private
from autorun.core.model import Outcome, PullRequest, Reason, TaskId, TaskState, Usage
from autorun.core.report.journal import Entry, Happening
from autorun.core.report.outputs import OUTPUTS, session_outputs
from github_double import GitHubDouble

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
PULL = PullRequest(number=12, url="https://github.com/o/r/pull/12", branch="autorun/github-7", head="a" * 40)


def ended(key: str, state: TaskState, pull: PullRequest | None = None) -> Entry:
    outcome = Outcome(state=state, reason=next(iter(Reason)), sentence="So it is.", pull_request=pull)
    usage = Usage(turns=2, cost_usd=0.25)
    task = TaskId(provider="github", key=key)
    return Entry(at=NOW, what=Happening.TASK_ENDED, session="s-1", text="", task=task, outcome=outcome, usage=usage)


def closed(step: str = "empty") -> Entry:
    return Entry(at=NOW, what=Happening.SESSION_ENDED, session="s-1", text="No more", step=step)


def test_a_session_is_told_in_outputs() -> None:
    """Every task counts once, in one of three; pull requests and cost are there for the next step."""
    tasks = [
        ended("7", TaskState.IN_REVIEW, PULL),
        ended("8", TaskState.DONE),
        ended("9", TaskState.BLOCKED),
        ended("10", TaskState.PAUSED),
        ended("11", TaskState.FAILED),
        ended("12", TaskState.TODO),
        Entry(at=NOW, what=Happening.WARNING, session="s-1", text="mind"),
    ]
    said = session_outputs(tasks, closed("limit"), report="/r.md")
    assert (said["completed"], said["blocked"], said["failed"]) == ("2", "2", "1")
    assert json.loads(said["pull-requests"]) == [{"task": "github/7", "number": 12, "url": PULL.url}]
    assert (said["cost-usd"], said["session-id"], said["report"]) == ("1.500000", "s-1", "/r.md")
    assert (said["state"], said["reason"]) == ("paused", "limit")
    assert set(said) == {each.name for each in OUTPUTS} - {"matrix"}
    assert all("\n" not in value for value in said.values())


def test_a_session_that_died_ended_in_error() -> None:
    """A run that was killed is told as one, with what it had done by then."""
    said = session_outputs([ended("7", TaskState.IN_REVIEW, PULL)], None, report="")
    assert (said["completed"], said["state"], said["reason"]) == ("1", "stopped", "error")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"repository": {"private": True}}, True),
        ({"repository": {"private": False}}, False),
        ({"repository": {"private": "true"}}, False),
        ({"repository": None}, False),
        ({}, False),
        ([], False),
    ],
)
def test_an_event_tells_who_can_read(tmp_path: Path, event: object, *, expected: bool) -> None:
    """The event's word counts; in doubt everybody can read."""
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event))
    assert private({"GITHUB_EVENT_PATH": str(file)}, "") is expected


@pytest.mark.parametrize("is_private", [True, False])
def test_a_schedule_asks_github_who_can_read(hub: GitHubDouble, *, is_private: bool) -> None:
    """An event without a repository costs one question; a token that may not ask leaves it public."""
    repo = hub.repository("octo/app", files={"README.md": "# App\n"})
    repo.private = is_private
    environ: Mapping[str, str] = hub.env(repo)
    assert private(environ, hub.token(repository=repo)) is is_private
    assert private(environ, "no-token-of-this-site") is False
    assert private({}, "x") is False
