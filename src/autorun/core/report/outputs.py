"""What a session tells the workflow around it: the action's outputs, from the journal."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autorun.core.model import TaskState, Usage
from autorun.core.report.journal import Entry, Happening

_COMPLETED = (TaskState.IN_REVIEW, TaskState.DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """An output of the action, and the step of action.yml that sets it."""

    name: str
    about: str
    step: str = "save"


OUTPUTS = (
    Output(name="completed", about="How many tasks have a pull request that is ready for review, or are done."),
    Output(name="blocked", about="How many tasks wait for an answer or an approval."),
    Output(name="failed", about="How many tasks failed."),
    Output(name="pull-requests", about="Pull requests as JSON: a list of objects with task, number and url."),
    Output(name="cost-usd", about="What the session cost in USD; an estimate on a subscription."),
    Output(name="session-id", about="The session's id."),
    Output(name="matrix", about="Phase plan: the tasks for a matrix of jobs, as JSON.", step="run"),
    Output(name="report", about="Path of the session's report, in Markdown."),
    Output(name="state", about="What the session came to: stopped or paused."),
    Output(name="reason", about="Why the session ended: empty, limit, checkpoint, signal or error."),
)


def session_outputs(tasks: Sequence[Entry], end: Entry | None, *, report: str) -> Mapping[str, str]:
    """Return the outputs. `tasks` are the ended tasks of this run, `end` closed its session: None if it died first.

    `report` is the path of the session's report.
    """
    ended = [(entry.task, entry.outcome) for entry in tasks if entry.what is Happening.TASK_ENDED]
    outcomes = [(task, outcome) for task, outcome in ended if outcome is not None]
    states = [outcome.state for _, outcome in outcomes]
    pulls = [
        {"task": str(task), "number": outcome.pull_request.number, "url": outcome.pull_request.url}
        for task, outcome in outcomes
        if outcome.pull_request is not None
    ]
    usage = sum((entry.usage for entry in tasks if entry.usage is not None), Usage())
    return {
        "completed": str(sum(state in _COMPLETED for state in states)),
        "blocked": str(sum(state in {TaskState.BLOCKED, TaskState.PAUSED} for state in states)),
        "failed": str(states.count(TaskState.FAILED)),
        "pull-requests": json.dumps(pulls),
        "cost-usd": f"{usage.cost_usd:.6f}",
        "session-id": end.session if end else "",
        "report": report,
        "state": "paused" if TaskState.PAUSED in states else "stopped",
        "reason": end.step if end else "error",
    }
