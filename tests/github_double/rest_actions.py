"""REST: workflows, their runs, and dispatching them."""

from github_double import render_git
from github_double.ask import Answer, Ask, route
from github_double.runs import Run
from github_double.site import Refused

READ, WRITE = "actions:read", "actions:write"


@route("actions/list-repo-workflows", needs=READ)
def workflows(ask: Ask) -> Answer:
    """List the workflows."""
    return Answer(rows=ask.repo.workflows, render=render_git.workflow, wrapped="workflows")


@route("actions/get-workflow", needs=READ)
def workflow(ask: Ask) -> Answer:
    """Read a workflow by id or file name."""
    return Answer(body=render_git.workflow(ask.repo.workflow(ask.path["workflow_id"])))


@route("actions/create-workflow-dispatch", needs=WRITE, role="write")
def dispatch(ask: Ask) -> Answer:
    """Start a workflow by hand; the run's addresses come back when asked for."""
    body = ask.body
    made = ask.repo.dispatch(
        ask.path["workflow_id"], ref=str(body["ref"]), inputs=body.get("inputs") or {}, by=ask.login
    )
    if not body.get("return_run_details"):
        return Answer(status=204)
    shown = render_git.run(made.run)
    details = {"workflow_run_id": made.run.id, "run_url": shown["url"], "html_url": shown["html_url"]}
    return Answer(body=details)


def _filtered(ask: Ask, runs: list[Run]) -> Answer:
    query = ask.query
    found = [
        each
        for each in reversed(runs)
        if query.get("status") in {None, each.status, each.conclusion}
        and query.get("event") in {None, each.event}
        and query.get("branch") in {None, each.branch}
        and query.get("actor") in {None, each.actor.login}
        and query.get("head_sha") in {None, each.sha}
    ]
    return Answer(rows=found, render=render_git.run, wrapped="workflow_runs")


@route("actions/list-workflow-runs-for-repo", needs=READ)
def runs(ask: Ask) -> Answer:
    """List the repository's runs, newest first."""
    return _filtered(ask, ask.repo.runs)


@route("actions/list-workflow-runs", needs=READ)
def workflow_runs(ask: Ask) -> Answer:
    """List one workflow's runs, newest first."""
    wanted = ask.repo.workflow(ask.path["workflow_id"])
    return _filtered(ask, [each for each in ask.repo.runs if each.workflow is wanted])


@route("actions/get-workflow-run", needs=READ)
def run(ask: Ask) -> Answer:
    """Read a run."""
    return Answer(body=render_git.run(ask.repo.find_run(ask.number("run_id"))))


@route("actions/get-workflow-run-attempt", needs=READ)
def attempt(ask: Ask) -> Answer:
    """Read one attempt of a run."""
    found, number = ask.repo.find_run(ask.number("run_id")), ask.number("attempt_number")
    if not 1 <= number <= found.attempt:
        raise Refused(404, "Not Found")
    return Answer(body=render_git.run(found, number))


@route("actions/cancel-workflow-run", needs=WRITE, role="write")
def cancel(ask: Ask) -> Answer:
    """Cancel a run."""
    ask.repo.find_run(ask.number("run_id")).cancel()
    return Answer(status=202, body={})
