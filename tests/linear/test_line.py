"""An issue in Linear down the whole line: claimed in the repository, worked, proposed, shown where people look."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from autorun.core.model import Reason, TaskState
from autorun.session import Session
from kit.linear_double import KEY, LinearDouble
from kit.workshop import ActedAgent, Ran, Turn, Workshop, make_workshop, needs_input, says, writes
from linear.bench import provider

BODY = "Say hello.\n\n## Acceptance Criteria\n- [ ] hello.txt says hello\n"
DONE = {"hello.txt": "hello\n"}


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return make_workshop(tmp_path)


def run(shop: Workshop, linear: LinearDouble, turns: dict[str, Iterable[Turn]]) -> Ran:
    """A session over Linear instead of files."""
    agent = ActedAgent({key: list(each) for key, each in turns.items()})
    with shop.bench(agent) as bench:
        bench.world = replace(bench.world, tasks=provider(linear))
        report = Session(bench=bench).run()
    return Ran(report=report, agent=agent)


def test_an_issue_becomes_a_pull_request(linear: LinearDouble, shop: Workshop) -> None:
    """Branch and pull request in the repository; state, one comment and the way to it in Linear."""
    issue = linear.issue("Greet people", BODY)
    linear.queue(issue)
    linear.issue("Not for robots", BODY)
    ran = run(shop, linear, {"ENG-1": [writes(DONE)]})
    assert [one.outcome.state for one in ran.report.settled] == [TaskState.IN_REVIEW]
    assert shop.git("diff", "--name-only", "main", "autorun/linear-ENG-1") == "hello.txt"
    record = shop.record("ENG-1")
    assert (record.task.provider, record.state) == ("linear", TaskState.IN_REVIEW)
    assert record.pull_request is not None
    assert Path(record.pull_request.url).is_file()
    assert issue["state"]["name"] == "In Review"
    (ours,) = issue["comments"]
    assert record.pull_request.url in ours["body"]
    assert linear.names(issue) == {"autorun"}
    assert linear.issues[1]["comments"] == []
    assert "hello.txt says hello" in ran.agent.messages("ENG-1")[0]


def test_a_question_is_answered_by_a_comment(linear: LinearDouble, shop: Workshop) -> None:
    """Blocked with the question in plain sight; a guest's word moves nothing, a member's lets the talk go on."""
    issue = linear.issue("Greet people", BODY)
    linear.queue(issue)
    run(shop, linear, {"ENG-1": [says(needs_input("Hello or hi?"))]})
    assert (issue["state"]["name"], linear.names(issue)) == ("In Progress", {"autorun", "autorun:blocked"})
    assert "Hello or hi?" in issue["comments"][0]["body"]
    linear.comment(issue, "Howdy!", by=linear.user("gail", guest=True))
    assert run(shop, linear, {}).report.settled == ()
    linear.comment(issue, "Hello.", by=linear.user("max"))
    ran = run(shop, linear, {"ENG-1": [writes(DONE)]})
    (message,) = ran.agent.messages("ENG-1")
    assert "A maintainer answered (max):\n\nHello." in message
    assert "Howdy" not in message
    assert shop.record("ENG-1").state is TaskState.IN_REVIEW
    assert (issue["state"]["name"], linear.names(issue)) == ("In Review", {"autorun"})


def test_moving_an_issue_back_lets_it_go_on(linear: LinearDouble, shop: Workshop) -> None:
    """The column is an answer too; left where it is, a blocked issue is not touched again."""
    issue = linear.issue("Greet people", BODY)
    linear.queue(issue)
    run(shop, linear, {"ENG-1": [says(needs_input())]})
    orders = len(linear.mutations)
    assert run(shop, linear, {}).report.settled == ()
    assert len(linear.mutations) == orders
    linear.move(issue, "Todo")
    run(shop, linear, {"ENG-1": [writes(DONE)]})
    assert shop.record("ENG-1").state is TaskState.IN_REVIEW


def test_an_issue_that_is_taken_back_is_not_worked(linear: LinearDouble, shop: Workshop) -> None:
    """The label is looked at again after the claim."""
    issue = linear.issue("Greet people", BODY)
    linear.queue(issue)
    first = linear.issue("First", BODY)
    linear.queue(first)

    def interfering(assignment: object) -> object:
        issue["labels"].clear()
        return writes(DONE)(assignment)  # type: ignore[arg-type]  # passed through

    issue["priority"], first["priority"] = 4.0, 1.0
    ran = run(shop, linear, {"ENG-2": [interfering]})  # type: ignore[list-item]  # as above
    outcomes = {one.task.id.key: one.outcome for one in ran.report.settled}
    assert outcomes["ENG-1"].reason is Reason.WITHDRAWN
    assert "no longer bears the label" in outcomes["ENG-1"].sentence
    assert ran.agent.messages("ENG-1") == []


def test_finished_work_moves_on(linear: LinearDouble, shop: Workshop) -> None:
    """A merged pull request completes the issue, by the type of the state."""
    issue = linear.issue("Greet people", BODY)
    linear.queue(issue)
    run(shop, linear, {"ENG-1": [writes(DONE)]})
    shop.git("merge", "--quiet", "--no-edit", "autorun/linear-ENG-1")
    run(shop, linear, {})
    assert shop.record("ENG-1").state is TaskState.DONE
    assert issue["state"]["type"] == "completed"


# ------------ as a command


def command(root: Path, linear: LinearDouble, *args: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
    config = root / ".ai-agents/config.yml"
    config.parent.mkdir(exist_ok=True)
    config.write_text("state_provider:\n  type: linear\n  team_id: Engineering\n")
    environ = {"PATH": os.environ["PATH"], "HOME": str(root), "LINEAR_API_URL": linear.url, "LINEAR_API_KEY": key}
    return subprocess.run(
        [sys.executable, "-m", "autorun", *args], cwd=root, env=environ, capture_output=True, text=True, check=False
    )


def test_the_command_lists_the_queue_and_writes_nothing(linear: LinearDouble, shop: Workshop) -> None:
    """Read commands are read-only: no mutation is sent."""
    linear.queue(linear.issue("Greet people", BODY))
    linear.queue(linear.issue("Told by a guest", BODY), by=linear.user("gail", guest=True))
    for args in (("tasks", "--json"), ("status",), ("config",), ("start", "--dry-run")):
        done = command(shop.root, linear, *args)
        assert done.returncode == 0, done.stderr
    listed = command(shop.root, linear, "tasks", "--json").stdout
    assert "Greet people" in listed
    assert "gail, a guest" in json.dumps(json.loads(listed))
    assert linear.queries
    assert linear.mutations == []


@pytest.mark.parametrize(
    ("key", "code", "said"),
    [("", 2, "LINEAR_API_KEY is not set"), ("lin_api_wrong", 3, "Linear refuses the key in LINEAR_API_KEY")],
)
def test_the_command_says_what_is_wrong_with_the_key(
    linear: LinearDouble, shop: Workshop, key: str, code: int, said: str
) -> None:
    """With the contract's exit code, a hint and no traceback."""
    done = command(shop.root, linear, "tasks", key=key)
    assert done.returncode == code
    assert f"error: Could not initialize state provider linear: {said}" in done.stderr
    assert "hint:" in done.stderr
    assert "Traceback" not in done.stderr
