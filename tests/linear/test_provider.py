"""What the Linear provider reads, and what it writes where people look."""

from dataclasses import replace

import pytest

from autorun.core.errors import ConfigurationError, ProviderError, TaskGone
from autorun.core.ledger.record import Record
from autorun.core.model import Outcome, Priority, PullRequest, Reason, Task, TaskState
from kit.linear_double import LinearDouble
from kit.linear_graphql import Row
from kit.tasks_conformance import record_of
from linear.bench import SECRET, LinearBench, provider

URL = "https://github.com/acme/shop/pull/7"


def queued(linear: LinearDouble, title: str = "Do it", description: str | None = "", **more: object) -> Row:
    issue = linear.issue(title, description, **more)  # type: ignore[arg-type]  # fields by name
    linear.queue(issue)
    return issue


def reviewed(record: Record, url: str = URL) -> Record:
    outcome = Outcome(state=TaskState.IN_REVIEW, reason=Reason.PUBLISHED, sentence=f"It is open; {SECRET}.")
    return replace(
        record, outcome=outcome, pull_request=PullRequest(branch="autorun/linear-ENG-1", url=url, number=7)
    )


# ------------ reading


def test_only_labelled_issues_are_tasks(bench: LinearBench) -> None:
    """Without the opt-in label an issue is untouched and unseen."""
    queued(bench.linear, "Mine")
    bench.linear.queue(bench.linear.issue("Other"), "autorun-not")
    bench.linear.issue("None")
    assert [task.title for task in bench.tasks.backlog().tasks] == ["Mine"]


def test_the_label_is_configured(linear: LinearDouble) -> None:
    """Another label is another queue."""
    linear.queue(linear.issue("Mine"), "robots")
    queued(linear, "Not mine")
    assert [task.title for task in provider(linear, label="robots").backlog().tasks] == ["Mine"]


def test_250_issues_are_250_tasks(bench: LinearBench) -> None:
    """Every page is read, none twice, and no question is dearer than Linear allows."""
    for number in range(250):
        queued(bench.linear, f"Task {number}")
    assert {task.title for task in bench.tasks.backlog().tasks} == {f"Task {number}" for number in range(250)}
    assert bench.linear.queries.count("Issues") == 13
    assert 1000 < bench.linear.dearest <= 10_000


def test_long_lists_inside_an_issue_are_whole(bench: LinearBench) -> None:
    """Labels, blockers and comments beyond their first page are read too."""
    linear = bench.linear
    issue = queued(linear)
    for number in range(130):
        linear.queue(issue, f"label-{number}")
        linear.comment(issue, f"comment {number}")
        linear.blocks(linear.issue(f"Blocker {number}"), issue)
    task = bench.only()
    assert len(task.labels) == 131
    assert [each.body for each in task.comments] == [f"comment {number}" for number in range(130)]
    assert len({each.key for each in task.depends_on}) == 130


def test_an_issue_without_a_description_is_listed(bench: LinearBench) -> None:
    """Linear gives null there."""
    queued(bench.linear, description=None)
    assert bench.only().body == ""


@pytest.mark.parametrize(
    ("number", "priority"),
    [
        (0.0, Priority.MEDIUM),
        (1.0, Priority.CRITICAL),
        (2.0, Priority.HIGH),
        (3.0, Priority.MEDIUM),
        (4.0, Priority.LOW),
    ],
)
def test_priorities_are_linears(bench: LinearBench, number: float, priority: Priority) -> None:
    """No priority is a medium one."""
    queued(bench.linear, priority=number)
    assert bench.only().priority is priority


def test_a_blocker_is_done_by_the_type_of_its_state(bench: LinearBench) -> None:
    """Completed, cancelled and duplicate issues block nothing, nor do other relations and what lies in the bin."""
    linear = bench.linear
    issue = queued(linear)
    for state in ("Todo", "In Progress", "Done", "Canceled", "Duplicate"):
        linear.move(blocker := linear.issue(state), state)
        linear.blocks(blocker, issue)
    linear.blocks(linear.issue("Alike"), issue, "related")
    linear.blocks(linear.issue("Binned", trashed=True), issue)
    done = {linear.find(each.key)["title"]: each.done for each in bench.only().depends_on}
    assert done == {"Todo": False, "In Progress": False, "Done": True, "Canceled": True, "Duplicate": True}


def test_what_is_archived_or_binned_is_left_alone(bench: LinearBench) -> None:
    """Neither is listed; found archived right before the launch it is held back, found in the bin it is gone."""
    linear = bench.linear
    archived, binned = queued(linear, "Archived"), queued(linear, "Binned")
    tasks = {task.title: task for task in bench.tasks.backlog().tasks}
    archived["archivedAt"] = linear.now()
    binned["trashed"] = True
    assert bench.tasks.backlog().tasks == ()
    assert "archived" in bench.tasks.refresh(tasks["Archived"]).objection
    with pytest.raises(TaskGone):
        bench.tasks.refresh(tasks["Binned"])


def test_a_duplicate_is_cancelled(bench: LinearBench) -> None:
    """So it does not run, and blocks nobody."""
    bench.linear.move(queued(bench.linear), "Duplicate")
    assert bench.only().state is TaskState.CANCELLED


def test_a_state_of_the_future_is_named(bench: LinearBench) -> None:
    """An unknown type of state is no reason to work an issue, nor to hide it."""
    state = {"id": "s", "name": "Orbit", "type": "interstellar", "position": 1.0}
    queued(bench.linear, state=state)
    assert "`Orbit` is of a type unknown here: interstellar" in bench.only().objection


def test_a_label_taken_off_before_the_launch_is_noticed(bench: LinearBench) -> None:
    """Refresh looks again at everything that lets a task run."""
    issue = queued(bench.linear)
    task = bench.only()
    issue["labels"].clear()
    assert "no longer bears the label `autorun`" in bench.tasks.refresh(task).objection


def test_a_task_of_another_team_is_gone(bench: LinearBench) -> None:
    """An issue that moved to another team has another key."""
    task = replace(bench_task(bench), id=replace(bench_task(bench).id, key="OPS-1"))
    with pytest.raises(TaskGone, match="OPS-1"):
        bench.tasks.refresh(task)


def bench_task(bench: LinearBench) -> Task:
    if not bench.linear.issues:
        queued(bench.linear)
    return bench.only()


# ------------ team and project


@pytest.mark.parametrize("wanted", ["OPS", "ops", "Operations", "operations"])
def test_a_team_goes_by_any_of_its_names(linear: LinearDouble, wanted: str) -> None:
    """Key or name, in any case."""
    queued(linear, "Theirs", team=linear.team("OPS", "Operations"))
    queued(linear, "Ours")
    assert [task.title for task in provider(linear, team=wanted).backlog().tasks] == ["Theirs"]


def test_a_team_goes_by_its_id(linear: LinearDouble) -> None:
    """As the seed's configuration has it."""
    other = linear.team("OPS", "Operations")
    queued(linear, "Theirs", team=other)
    assert [task.title for task in provider(linear, team=other["id"]).backlog().tasks] == ["Theirs"]


def test_a_wrong_team_is_answered_with_the_nearest(linear: LinearDouble) -> None:
    """The names there are decide the suggestion."""
    linear.team("OPS", "Operations")
    with pytest.raises(ConfigurationError, match="no team `Enginering`") as caught:
        provider(linear, team="Enginering").backlog()
    assert "did you mean `Engineering`?" in caught.value.hint
    assert "Could not initialize state provider linear" in str(caught.value)


def test_several_teams_need_a_choice(linear: LinearDouble) -> None:
    """Only the only team is taken unasked."""
    linear.team("OPS", "Operations")
    with pytest.raises(ConfigurationError, match=r"2 teams \(ENG, OPS\)") as caught:
        provider(linear).backlog()
    assert "state_provider.team_id" in caught.value.hint


def test_no_team_at_all_is_said(linear: LinearDouble) -> None:
    """A key of someone in no team sees nothing."""
    linear.teams.clear()
    with pytest.raises(ConfigurationError, match="0 teams"):
        provider(linear).backlog()


@pytest.mark.parametrize("name", ["My Project", 'The "best" {project} $after', "Füße & Köpfe"])
def test_a_project_narrows_the_queue(linear: LinearDouble, name: str) -> None:
    """Whatever its name is made of: values are variables, never text of a query."""
    project = linear.project(linear.teams[0], name)
    queued(linear, "Inside", project=project)
    queued(linear, "Elsewhere", project=linear.project(linear.teams[0], "Other"))
    queued(linear, "Nowhere")
    for wanted in (name, name.upper(), project["id"], project["slugId"]):
        assert [task.title for task in provider(linear, project=wanted).backlog().tasks] == ["Inside"]


def test_a_wrong_project_is_answered_with_the_nearest(linear: LinearDouble) -> None:
    """And one that exists twice with the ids."""
    twice = [linear.project(linear.teams[0], "Website") for _ in range(2)]
    with pytest.raises(ConfigurationError) as caught:
        provider(linear, project="Web site").backlog()
    assert "did you mean `Website`?" in caught.value.hint
    with pytest.raises(ConfigurationError, match="2 projects are called `Website`") as caught:
        provider(linear, project="Website").backlog()
    assert all(each["id"] in caught.value.hint for each in twice)


def test_an_issue_that_left_the_project_is_held_back(linear: LinearDouble) -> None:
    """Refresh looks at the project too."""
    issue = queued(linear, project=linear.project(linear.teams[0], "Website"))
    tasks = provider(linear, project="Website")
    (task,) = tasks.backlog().tasks
    issue["project"] = None
    assert "no longer in the project" in tasks.refresh(task).objection


# ------------ writing


def test_reading_sends_no_mutation(bench: LinearBench) -> None:
    """Whatever there is to read."""
    queued(bench.linear)
    bench.tasks.refresh(bench.only())
    assert bench.linear.queries
    assert bench.linear.mutations == []


def test_there_is_one_status_comment(bench: LinearBench) -> None:
    """Every further showing edits it in place; what people said stays theirs."""
    linear = bench.linear
    issue = queued(linear)
    linear.comment(issue, "Hello.")
    task = bench.only()
    for state in (TaskState.IN_PROGRESS, TaskState.BLOCKED, TaskState.IN_PROGRESS, TaskState.IN_REVIEW):
        bench.tasks.show(task, record_of(task.id, state))
    people, ours = issue["comments"]
    assert people["body"] == "Hello."
    assert ours["body"].startswith("<!-- autorun:task=linear/ENG-1 -->")
    assert "### Autorun: in review" in ours["body"]


def test_a_lost_marker_makes_no_second_comment(bench: LinearBench) -> None:
    """Rich text may lose a hidden comment; the comment is found by its id then."""
    bench.linear.drops_html = True
    issue = queued(bench.linear)
    task = bench.only()
    for state in (TaskState.IN_PROGRESS, TaskState.BLOCKED):
        bench.tasks.show(task, record_of(task.id, state))
    (ours,) = issue["comments"]
    assert "autorun:task" not in ours["body"]
    assert "### Autorun: blocked" in ours["body"]


def test_a_lost_reply_makes_no_second_comment(bench: LinearBench) -> None:
    """An order sent again after its answer was lost is recognised by the comment's id."""
    bench.linear.lost = 1
    issue = queued(bench.linear)
    task = bench.only()
    bench.tasks.show(task, record_of(task.id, TaskState.BLOCKED))
    assert bench.linear.mutations.count("commentCreate") == 2
    assert len(issue["comments"]) == 1
    assert bench.only().state is TaskState.BLOCKED


def test_a_deleted_comment_comes_back(bench: LinearBench) -> None:
    """Linear does not give the id of a deleted comment out again: the next one is taken."""
    issue = queued(bench.linear)
    task = bench.only()
    for _ in range(2):
        bench.tasks.show(task, record_of(task.id, TaskState.BLOCKED))
        bench.linear.deleted_comments.add(issue["comments"].pop()["id"])
    bench.tasks.show(task, record_of(task.id, TaskState.BLOCKED))
    bench.tasks.show(task, record_of(task.id, TaskState.PAUSED))
    (ours,) = issue["comments"]
    assert "### Autorun: paused" in ours["body"]


def test_a_label_of_ours_is_made_once(bench: LinearBench) -> None:
    """In the team, when it is first needed; there is at most one on an issue."""
    linear = bench.linear
    issues = [queued(linear, str(number)) for number in range(2)]
    for task in bench.tasks.backlog().tasks:
        for state in (TaskState.BLOCKED, TaskState.PAUSED, TaskState.BLOCKED):
            bench.tasks.show(task, record_of(task.id, state))
    assert [linear.names(issue) for issue in issues] == [{"autorun", "autorun:blocked"}] * 2
    assert linear.mutations.count("issueLabelCreate") == 2
    assert linear.label("autorun:blocked", linear.teams[0]) in linear.labels
    LinearBench(linear).tasks.show(task, record_of(task.id, TaskState.PAUSED))
    assert linear.mutations.count("issueLabelCreate") == 2


def test_a_state_already_shown_is_not_set_again(bench: LinearBench) -> None:
    """Nothing but what differs is written."""
    queued(bench.linear)
    task = bench.only()
    bench.tasks.show(task, record_of(task.id, TaskState.BLOCKED))
    before = list(bench.linear.mutations)
    bench.tasks.show(task, record_of(task.id, TaskState.BLOCKED))
    assert bench.linear.mutations == before


def test_the_pull_request_is_linked_once(bench: LinearBench) -> None:
    """However often the record is shown; no secret of ours leaves with it."""
    issue = queued(bench.linear, f"Hide {SECRET}")
    task = bench.only()
    record = reviewed(record_of(task.id, TaskState.IN_REVIEW))
    for _ in range(2):
        bench.tasks.show(task, record)
    (link,) = issue["attachments"]
    assert link["url"] == URL
    assert link["title"].startswith("Pull request #7: Hide")
    assert bench.linear.mutations.count("attachmentLinkURL") == 1
    assert SECRET not in str(issue["attachments"]) + str(issue["comments"])
    assert f"[Pull request #7]({URL})" in issue["comments"][0]["body"]


def test_a_path_is_no_link(bench: LinearBench) -> None:
    """The local forge's pull request is a file: told in the comment, not attached."""
    issue = queued(bench.linear)
    task = bench.only()
    bench.tasks.show(task, reviewed(record_of(task.id, TaskState.IN_REVIEW), ".ai-agents/pull-requests/x.md"))
    assert issue["attachments"] == []
    assert ".ai-agents/pull-requests/x.md" in issue["comments"][0]["body"]


def test_a_human_who_moves_the_issue_back_is_seen(bench: LinearBench) -> None:
    """The column wins over the label we left, and the backlog says that this lets the task go on."""
    issue = queued(bench.linear)
    task = bench.only()
    bench.tasks.show(task, record_of(task.id, TaskState.BLOCKED))
    bench.linear.move(issue, "Todo")
    assert bench.only().state is TaskState.TODO
    backlog = bench.tasks.backlog()
    assert (backlog.edits_answer, backlog.resets_answer) == (True, True)


def test_a_team_with_names_of_its_own_shows_everything(linear: LinearDouble) -> None:
    """Ready and no Blocked: finished work leaves the queue, and a blocker is in plain sight."""
    states = (("Ready", "unstarted"), ("Baking", "started"), ("Served", "completed"), ("Binned", "canceled"))
    issue = queued(linear, team=linear.team("PIE", "Bakery", states))
    tasks = provider(linear, team="PIE")
    (task,) = tasks.backlog().tasks
    assert task.state is TaskState.TODO
    seen = []
    for state in (TaskState.IN_PROGRESS, TaskState.BLOCKED, TaskState.DONE):
        tasks.show(task, record_of(task.id, state))
        seen.append((issue["state"]["name"], linear.names(issue) - {"autorun"}))
        assert tasks.backlog().tasks[0].state is state
    assert seen == [("Baking", set()), ("Baking", {"autorun:blocked"}), ("Served", set())]


def test_what_can_be_shown_is_shown(linear: LinearDouble) -> None:
    """A workflow without a place for a state still gets the comment, and the error says what is missing."""
    issue = queued(linear, team=linear.team("PIE", "Bakery", (("Ready", "unstarted"), ("Baking", "started"))))
    tasks = provider(linear, team="PIE")
    (task,) = tasks.backlog().tasks
    with pytest.raises(ProviderError, match="no workflow state that means done"):
        tasks.show(task, record_of(task.id, TaskState.DONE))
    assert "### Autorun: done" in issue["comments"][0]["body"]
