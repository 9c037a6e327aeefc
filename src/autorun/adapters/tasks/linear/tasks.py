"""The Linear provider: labelled issues of one team as tasks; the issue shows what became of them.

A task's key is the issue's identifier (`ENG-12`). Claims live in the repository, never in Linear, which has no
compare-and-swap. Reading sends no mutation. Whose word counts: see `trust`.

A stopped task goes on when its issue is edited, moved back to the start of the workflow, or answered: by a comment
newer than our status comment, of someone whose word counts (see `answer`).
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any

from autorun.adapters.tasks.linear import queries
from autorun.adapters.tasks.linear.answer import answer
from autorun.adapters.tasks.linear.board import STATUS_LABELS, Column, place, shown
from autorun.adapters.tasks.linear.client import LinearClient, Refused, next_page
from autorun.adapters.tasks.linear.issue import Actor, Issue, Note, actor, column, comment_ids, issue, number
from autorun.adapters.tasks.linear.team import Scope, choose_project, choose_team
from autorun.adapters.tasks.linear.trust import objection, trusted
from autorun.core import tasktext
from autorun.core.errors import AutorunError, ProviderError, TaskGone
from autorun.core.ledger.record import Record
from autorun.core.model import (
    Answer,
    Backlog,
    Comment,
    Dependency,
    Priority,
    Task,
    TaskId,
    TaskState,
)
from autorun.core.report import rendering
from autorun.core.text.secrets import redacted
from autorun.core.text.suggest import quoted

PROVIDER = "linear"
_OVER = frozenset({"completed", "canceled", "duplicate"})
_COLOUR = "#8a8f98"
_LISTS = {
    "labels": queries.MORE_LABELS,
    "inverseRelations": queries.MORE_RELATIONS,
    "comments": queries.MORE_COMMENTS,
    "history": queries.MORE_HISTORY,
}


class LinearTasks:
    """The issues of a team that bear `label`, of one project if `project` names it.

    `team` and `project` are ids or names; without a team the only one is taken. `bots` are trusted like members.
    `secrets` are exact values that may leave in no text. Nothing is asked before the first use.
    """

    def __init__(
        self,
        client: LinearClient,
        *,
        label: str,
        team: str | None = None,
        project: str | None = None,
        bots: Collection[str] = (),
        run_url: str = "",
        secrets: Sequence[str] = (),
    ) -> None:
        self._client = client
        self._label = label
        self._wanted_team = team
        self._wanted_project = project
        self._bots = frozenset(bots)
        self._run_url = run_url
        self._secrets = tuple(secrets)
        self._label_ids: dict[str, str] = {}

    # ------------ reading

    def backlog(self) -> Backlog:
        """Read every labelled issue. Raises ProviderError, ConfigurationError."""
        wanted: dict[str, Any] = {
            "team": {"id": {"eq": self._scope.team_id}},
            "labels": {"some": {"name": {"eq": self._label}}},
        }
        if self._scope.project_id:
            wanted["project"] = {"id": {"eq": self._scope.project_id}}
        found = [self._read(node) for node in self._client.pages(queries.ISSUES, "issues", filter=wanted)]
        tasks = tuple(self._task(each) for each in found if not each.trashed)
        return Backlog(tasks=tasks, edits_answer=True, resets_answer=True)

    def refresh(self, task: Task, *, patient: bool = True) -> Task:
        """Read one issue again; the answer that lets the task go on stays with it. Raises TaskGone, ProviderError."""
        del patient  # no request of ours waits for more than a minute
        found = self._issue(task.id.key)
        fresh = self._task(found)
        return replace(fresh, answer=task.answer or fresh.answer)

    # ------------ showing

    def show(self, task: Task, record: Record) -> None:
        """Move the issue, write the one status comment and link the pull request. Raises TaskGone, ProviderError."""
        found = self._issue(task.id.key)
        failed: AutorunError | None = None
        for step in (self._say, self._move, self._link):
            try:
                step(found, task, record)
            except ProviderError as error:  # what can be shown is shown
                failed = failed or error
        if failed is not None:
            raise failed

    def _move(self, found: Issue, task: Task, record: Record) -> None:
        del task
        target = place(record.state, found.column, self._columns)
        change: dict[str, Any] = {}
        if target.column.id != found.column.id:
            change["stateId"] = target.column.id
        stale = [
            each.id for each in found.labels if each.name in STATUS_LABELS.values() and each.name != target.label
        ]
        if stale:
            change["removedLabelIds"] = stale
        if target.label and target.label not in found.label_names:
            change["addedLabelIds"] = [self._status_label(target.label)]
        if change:
            self._client.order(queries.UPDATE_ISSUE, id=found.id, input=change)

    def _say(self, found: Issue, task: Task, record: Record) -> None:
        text = rendering.status_comment(task, record, run_url=self._run_url)
        body = redacted(text, self._secrets)
        for new_id in comment_ids(self._viewer.id, found.id):
            ours = self._ours(found)
            try:
                if ours is None:
                    order = {"id": new_id, "issueId": found.id, "body": body, "doNotSubscribeToIssue": True}
                    self._client.order(queries.CREATE_COMMENT, input=order)
                elif ours.body.strip() != body.strip():
                    self._client.order(queries.UPDATE_COMMENT, id=ours.id, input={"body": body})
            except Refused as error:
                # Taken, because an earlier order arrived after all, or because someone deleted the comment.
                refusal = error
                found = self._issue(found.key)
            else:
                return
        raise refusal

    def _link(self, found: Issue, task: Task, record: Record) -> None:
        if record.pull_request is None or not re.match(r"https?://", url := record.pull_request.url):
            return
        linked = self._client.pages(queries.ATTACHMENTS, "issue", "attachments", issue=found.id)
        with _understood():
            if any(each["url"] == url for each in linked):
                return
        name = f"#{record.pull_request.number}" if record.pull_request.number else record.pull_request.branch
        title = redacted(f"Pull request {name}: {task.title}", self._secrets)[:200]
        self._client.order(queries.LINK, issue=found.id, url=url, title=title)

    def _status_label(self, name: str) -> str:
        """Return the id of one of our labels; create it in the team if it is not there."""
        if name not in self._label_ids:
            team = self._scope.team_id
            usable = {"name": {"eq": name}, "or": [{"team": {"id": {"eq": team}}}, {"team": {"null": True}}]}
            found = self._client.pages(queries.STATUS_LABELS, "issueLabels", filter=usable)
            with _understood():
                there = next((str(each["id"]) for each in found), "")
            if not there:
                order = {"name": name, "teamId": team, "color": _COLOUR, "description": "Set by Autorun"}
                with _understood():
                    there = str(self._client.order(queries.CREATE_LABEL, input=order)["issueLabel"]["id"])
            self._label_ids[name] = there
        return self._label_ids[name]

    # ------------ what is there

    @cached_property
    def _viewer(self) -> Actor:
        with _understood():
            return actor(self._client.ask(queries.VIEWER)["viewer"])

    @cached_property
    def _scope(self) -> Scope:
        with _understood():
            team = choose_team(list(self._client.pages(queries.TEAMS, "teams")), self._wanted_team)
            if not self._wanted_project:
                return team
            projects = list(self._client.pages(queries.PROJECTS, "team", "projects", team=team.team_id))
            return choose_project(projects, self._wanted_project, team)

    @cached_property
    def _columns(self) -> tuple[Column, ...]:
        with _understood():
            found = self._client.pages(queries.STATES, "team", "states", team=self._scope.team_id)
            return tuple(column(each) for each in found)

    def _issue(self, key: str) -> Issue:
        """Read one issue by its key. Raises TaskGone if there is none, or if it lies in the bin."""
        wanted = number(key, self._scope.team_key)
        which = {"team": {"id": {"eq": self._scope.team_id}}, "number": {"eq": wanted}}
        with _understood():
            nodes = self._client.ask(queries.ISSUE, filter=which)["issues"]["nodes"] if wanted is not None else []
        found = self._read(nodes[0]) if nodes else None
        if found is None or found.trashed:
            raise TaskGone(f"The Linear issue {key} is not there any more.")
        return found

    def _read(self, node: Mapping[str, Any]) -> Issue:
        with _understood():
            return issue(node, self._rest(node))

    def _rest(self, node: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
        """Return what an issue's lists hold beyond their first page."""
        return {
            name: list(self._client.pages(query, "issue", name, after=after, issue=node["id"]))
            for name, query in _LISTS.items()
            if (after := next_page(node[name])) is not None
        }

    # ------------ what it means

    def _task(self, found: Issue) -> Task:
        state = shown(found.column, found.label_names) or TaskState.TODO
        text = tasktext.read(found.body)
        known = {each.value for each in Priority}
        return Task(
            id=TaskId(provider=PROVIDER, key=found.key),
            title=found.title,
            body=found.body,
            criteria=text.criteria,
            steps=text.steps,
            state=state,
            priority=Priority(found.priority) if found.priority in known else Priority.MEDIUM,
            labels=found.label_names,
            depends_on=tuple(Dependency(key=each.key, done=each.type in _OVER) for each in found.blockers),
            comments=tuple(
                Comment(author=note.author.called, body=note.body, at=note.at) for note in self._people(found)
            ),
            created_at=found.created_at,
            revision=found.revision,
            url=found.url,
            answer=self._answer(found, state),
            objection=self._objection(found),
            warnings=text.warnings,
        )

    def _objection(self, found: Issue) -> str:
        if self._scope.project_id not in {"", found.project}:
            return "The issue is no longer in the project that tasks are taken from."
        if shown(found.column, ()) is None:
            return f"Its workflow state {quoted(found.column.name)} is of a type unknown here: {found.column.type}."
        return objection(found, self._label, self._bots)

    def _people(self, found: Issue) -> list[Note]:
        """Return the comments of those whose word counts, oldest first."""
        ours = self._ours(found)
        notes = [note for note in found.notes if note is not ours and trusted(note.author, self._bots)]
        return sorted(notes, key=lambda note: (note.created_at, note.id))

    def _ours(self, found: Issue) -> Note | None:
        """Return our status comment."""
        marker = rendering.task_marker(TaskId(provider=PROVIDER, key=found.key))
        ids = comment_ids(self._viewer.id, found.id)
        mine = [note for note in found.notes if note.author.me and (note.id in ids or marker in note.body)]
        return min(mine, key=lambda note: note.created_at, default=None)

    def _answer(self, found: Issue, state: TaskState) -> Answer | None:
        ours = self._ours(found)
        if ours is None:
            return None
        return answer([note for note in self._people(found) if note.created_at > ours.at], state)


@contextmanager
def _understood() -> Iterator[None]:
    """Say it in a sentence where Linear's reply has not the form of its schema."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProviderError(
            f"Linear's reply is not as expected ({type(error).__name__}).",
            hint="look for a newer version of Autorun",
        ) from error
