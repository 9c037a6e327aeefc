"""The action as a user has it: the examples' own workflow files, run by act, on a GitHub and a model of our own."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from autorun.demo.project import BLOCKED, COMPLETES, REPAIRED
from autorun.demo.script import run, say, state, write
from kit.act import ROOT
from kit.action_stage import KEY, Stage

pytestmark = pytest.mark.slow
DEAR = 500_000  # tokens of one answer: more than a session may cost


def test_a_scheduled_run_works_the_backlog(stage: Callable[..., Stage]) -> None:
    """Two issues become draft pull requests, a third gets a comment that asks; no credential is in the log."""
    on = stage()
    done = on.repo.issue(COMPLETES, "`sh greet.sh --bye Ada` says goodbye.", by="ana").label("autorun", by="ana")
    mended = on.repo.issue(REPAIRED, "`sh greet.sh --loud Ada` shouts.", by="ana").label("autorun", by="ana")
    asks = on.repo.issue(BLOCKED, "Greet people in their own language.", by="ana").label("autorun", by="ana")
    ended = on.runs("scheduled-backlog/autorun.yml", "schedule")
    assert ended.code == 0, ended.told
    pulls = {pull.head: pull for pull in on.repo.pull_requests}
    assert set(pulls) == {f"autorun/github-{done.number}", f"autorun/github-{mended.number}"}
    assert all(pull.draft and "Closes #" in (pull.body or "") for pull in pulls.values())
    assert "autorun:blocked" in {label.name for label in asks.labels}
    assert "Where does the language come from?" in (asks.comments[-1].body or "")
    outputs = ended.outputs
    assert (outputs["completed"], outputs["blocked"], outputs["failed"]) == ("2", "1", "0")
    assert (outputs["state"], outputs["reason"]) == ("stopped", "empty")
    named = {each["number"] for each in json.loads(outputs["pull-requests"])}
    assert named == {pull.number for pull in pulls.values()}
    assert "| task | state |" in ended.told
    assert KEY not in ended.told
    assert not (on.machine.artifacts / "101").exists(), "on a public repository everybody could read it"


def test_a_second_run_goes_on_where_the_first_one_stopped(stage: Callable[..., Stage]) -> None:
    """State travels by cache and artifact: the next run continues the same conversation on the same work."""
    story = [
        run("cat greet.sh"),
        (say("This was dear.") + write("tests/bye.sh", "true\n")).costing(output=DEAR),
        write("bye.sh", "echo Goodbye\n"),
        state(completed="It says goodbye.", title="Say goodbye"),
    ]
    on = stage(scripts={COMPLETES: story}, private=True)
    issue = on.repo.issue(COMPLETES, "Say goodbye.", by="ana").label("autorun", by="ana")
    first = on.runs("scheduled-backlog/autorun.yml", "schedule", run_id=201)
    assert first.code == 0, first.told
    assert first.outputs["reason"] == "limit", first.told
    assert on.repo.pull_requests == []
    asked = len(on.model.asked)
    second = on.runs("scheduled-backlog/autorun.yml", "schedule", run_id=202)
    assert second.code == 0, second.told
    assert "Going on from run 201, unfinished tasks: 1." in second.printed
    assert any(message["role"] == "assistant" for message in on.model.asked[asked].body["messages"])
    assert on.repo.pull_requests, second.told
    (pull,) = on.repo.pull_requests
    assert pull.head == f"autorun/github-{issue.number}"


def test_a_manual_dry_run_writes_nothing(stage: Callable[..., Stage]) -> None:
    """The button with `dry-run` shows what would be done, needs no agent, and changes nothing."""
    on = stage()
    issue = on.repo.issue(COMPLETES, "Say goodbye.", by="ana").label("autorun", by="ana")
    inputs = {"task": str(issue.number), "dry-run": "true", "cost-limit": "5"}
    ended = on.runs("manual-dispatch/autorun.yml", "workflow_dispatch", inputs=inputs, run_id=301)
    assert ended.code == 0, ended.told
    assert f"Would start github/{issue.number}" in ended.printed
    assert "Set up Claude Code" not in ended.steps
    assert on.repo.pull_requests == []
    assert on.model.asked == []


def test_inputs_are_values_and_nothing_else(stage: Callable[..., Stage], tmp_path: Path) -> None:
    """Shell, workflow commands and expressions in an input end as a sentence about that input."""
    on = stage()
    evil = f"$(touch {tmp_path}/ran)\n::error::planted\n${{{{ github.token }}}}`touch {tmp_path}/ran`"
    inputs = {"model": evil, "task": evil, "cost-limit": "5"}
    ended = on.runs("manual-dispatch/autorun.yml", "workflow_dispatch", inputs=inputs, run_id=302)
    assert ended.code == 1, ended.told
    assert "there is no task" in ended.told
    assert not (tmp_path / "ran").exists()
    assert not [line for line in ended.told.splitlines() if re.match(r"\W*::error::planted", line)]


def test_a_command_starts_the_worker(stage: Callable[..., Stage]) -> None:
    """`/autorun` in a comment is acknowledged and dispatches; the worker, given its inputs, works that issue."""
    on = stage({".github/workflows/autorun.yml": (ROOT / "examples/comment-command/autorun.yml").read_text()})
    issue = on.repo.issue(COMPLETES, "Say goodbye.", by="ana")
    other = on.repo.issue(REPAIRED, "Shout.", by="ana").label("autorun", by="ana")
    comment = issue.comment("/autorun", by="ana")
    event = on.hub.event("issue_comment", on.repo, action="created", sender="ana", issue=issue, comment=comment)
    ended = on.runs("comment-command/autorun-comment.yml", "issue_comment", payload=event, run_id=401)
    assert ended.code == 0, ended.told
    (dispatch,) = on.repo.dispatches
    assert dispatch.inputs == {"task": str(issue.number), "comment-id": str(comment.id)}
    worked = on.runs("comment-command/autorun.yml", "workflow_dispatch", inputs=dispatch.inputs, run_id=402)
    assert worked.code == 0, worked.told
    assert [pull.head for pull in on.repo.pull_requests] == [f"autorun/github-{issue.number}"]
    assert not other.comments
