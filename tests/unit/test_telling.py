"""A session in words: lines for a log, a page for the workflow, outputs for the steps after it, its end for Slack."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from autorun.core.model import Blocker, Outcome, PullRequest, Reason, TaskId, TaskState, Usage
from autorun.core.report import slack_blocks
from autorun.core.report.journal import Entry, Happening
from autorun.core.report.outputs import OUTPUTS, session_outputs
from autorun.core.report.progress import plain, spent, told
from autorun.core.report.summary import job_summary

NOW = datetime(2026, 11, 20, 22, tzinfo=UTC)
PULL = PullRequest(branch="autorun/github-7", url="https://github.com/o/r/pull/12", number=12)
USAGE = Usage(turns=12, cost_usd=0.84)


def entry(what: Happening, text: str = "", *, step: str = "", usage: Usage | None = None) -> Entry:
    task = TaskId(provider="github", key="7")
    return Entry(at=NOW, what=what, session="s-1", text=text, task=task, title="Log in", step=step, usage=usage)


def ended(state: TaskState, pull: PullRequest | None = None, usage: Usage | None = USAGE) -> Entry:
    outcome = Outcome(state=state, reason=Reason.LIMIT, sentence="So it is.", pull_request=pull)
    return replace(entry(Happening.TASK_ENDED, usage=usage), outcome=outcome)


END = replace(entry(Happening.SESSION_ENDED, "Cost limit reached", step="limit", usage=USAGE), task=None)


# ------------ lines


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (entry(Happening.TASK_STARTED, "github/7 Log in"), "github/7 Log in"),
        (entry(Happening.STEP, "Verifying", step="verify"), "github/7: verify: Verifying"),
        (entry(Happening.WARNING, "Mind\nthis"), "warning: github/7: Mind this"),
        (entry(Happening.ACTIVITY, "Reading", usage=USAGE), "github/7: Reading (12 turns, $0.84)"),
        (entry(Happening.ACTIVITY, "Reading", usage=Usage()), "github/7: Reading"),
        (END, "Cost limit reached (12 turns, $0.84)"),
        (entry(Happening.TASK_ENDED, "It is over"), "github/7: It is over"),
    ],
)
def test_an_entry_is_one_line_with_its_task_step_and_cost(found: Entry, line: str) -> None:
    """Each named once, and nothing is said of a cost before there is one."""
    assert told(found) == plain(found) == line


def test_an_ended_task_says_what_it_waits_for() -> None:
    """State, sentence and cost first; then each blocker with what is known of it, then the remedy."""
    outcome = Outcome(
        state=TaskState.BLOCKED,
        reason=Reason.NEEDS_INPUT,
        sentence="Which login is meant?",
        remedy="Answer below.",
        blockers=(Blocker(what="Two logins", why="Both in use", needed="Say which"), Blocker(what="No key")),
    )
    found = replace(entry(Happening.TASK_ENDED, usage=USAGE), outcome=outcome)
    assert told(found).splitlines() == [
        "github/7 Log in: blocked. Which login is meant? (12 turns, $0.84)",
        "  Two logins: Both in use Needed: Say which",
        "  No key",
        "  Answer below.",
    ]
    assert told(ended(TaskState.DONE)) == "github/7 Log in: done. So it is. (12 turns, $0.84)"


def test_where_nothing_is_known_of_a_cost_nothing_is_said() -> None:
    assert spent(None) == ""


# ------------ the page


def test_the_page_has_a_row_for_each_task_and_what_was_told_beside() -> None:
    """A pull request is a link, anything else a sentence; warnings and skipped tasks have parts of their own."""
    page = job_summary(
        (
            ended(TaskState.IN_REVIEW, PULL),
            ended(TaskState.FAILED, usage=None),
            entry(Happening.WARNING, "Mind this."),
            entry(Happening.TASK_SKIPPED, "It waits for another."),
        ),
        END,
    )
    for part in (
        "## Autorun\n\nCost limit reached. 12 turns, $0.84.\n\n",
        f"| github/7 Log in | in_review | [pull request]({PULL.url}) | 12 | $0.84 |",
        "| github/7 Log in | failed | So it is. | 0 | $0.00 |",
        "### Warnings\n\n- Mind this.\n",
        "### Skipped\n\n- It waits for another.\n",
    ):
        assert part in page


def test_the_page_of_a_session_without_tasks_is_its_end() -> None:
    """On a subscription the cost is an estimate."""
    page = job_summary((), replace(END, usage=Usage(estimated=True)))
    assert page == "## Autorun\n\nCost limit reached. 0 turns, $0.00 (estimated).\n"


# ------------ outputs


def test_the_outputs_count_every_task_once() -> None:
    """In one of three, where it counts at all; pull requests and cost are there for the next step."""
    tasks = [ended(state, PULL if state is TaskState.IN_REVIEW else None) for state in TaskState]
    said = session_outputs([*tasks, entry(Happening.WARNING, "Mind this.")], END, report="/r.md")
    assert set(said) == {each.name for each in OUTPUTS} - {"matrix"}
    assert (said["completed"], said["blocked"], said["failed"]) == ("2", "2", "1")
    assert json.loads(said["pull-requests"]) == [{"task": "github/7", "number": 12, "url": PULL.url}]
    assert (said["cost-usd"], said["session-id"], said["report"]) == ("6.720000", "s-1", "/r.md")
    assert (said["state"], said["reason"]) == ("paused", "limit")


def test_a_session_that_died_ended_in_error() -> None:
    """Its end was never written."""
    said = session_outputs([ended(TaskState.DONE)], None, report="")
    assert (said["completed"], said["session-id"], said["state"], said["reason"]) == ("1", "", "stopped", "error")


# ------------ Slack


def test_slack_is_told_of_an_end_without_tasks() -> None:
    """Its reason and that nothing came of it, and no empty list."""
    message = slack_blocks.session_ended(END, (), slack_blocks.Style())
    assert [block["type"] for block in message["blocks"]] == ["header", "section", "context"]
    assert message["text"] == "Autorun met a limit: nothing finished"
