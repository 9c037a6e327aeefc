"""The provider itself: what an issue means as a task, by the rules of `core.trust`."""

import hashlib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import islice

from autorun.adapters.tasks.github.board import Board
from autorun.adapters.tasks.github.issue import Issue, said_dependencies
from autorun.adapters.tasks.github.labels import priority, shown
from autorun.adapters.tasks.github.people import People
from autorun.adapters.tasks.github.reader import PROVIDER, Reader, checked
from autorun.core import tasktext
from autorun.core.errors import TaskGone
from autorun.core.github import trust
from autorun.core.github.names import compare_page
from autorun.core.github.trust import Actor, Deed, Facts, Note, Rules
from autorun.core.ledger.record import Record
from autorun.core.model import (
    Answer,
    AnswerKind,
    Backlog,
    Comment,
    Dependency,
    Fault,
    Reason,
    Task,
    TaskId,
    TaskState,
)
from autorun.core.report import rendering
from autorun.core.text import hidden_text
from autorun.core.text.hidden_text import Cleaned
from autorun.core.text.secrets import redacted
from autorun.effects.github import SERVER_URL, GitHub
from autorun.effects.github_failures import Missing

_STRANGERS = 20  # authors of comments whose role is asked for, for one task
_NOT_PLANNED = frozenset({"NOT_PLANNED", "DUPLICATE"})


class GitHubTasks:
    """The issues of `repository` (`owner/name`) that bear `label`. Nothing is asked before the first use.

    `wanted` are keys of issues that are read whatever they bear; `comment_id` is the comment that asked for this run.
    `secrets` are exact values that may leave in no text.
    """

    def __init__(
        self,
        hub: GitHub,
        *,
        repository: str,
        label: str,
        rules: Rules | None = None,
        wanted: Sequence[str] = (),
        comment_id: int | None = None,
        server_url: str = SERVER_URL,
        run_url: str = "",
        secrets: Sequence[str] = (),
    ) -> None:
        self._hub = hub
        self._reader = Reader(hub, repository, label)
        self._people = People(hub)
        self._board = Board(hub, self._reader, label)
        self._label = label
        self._rules = rules or Rules()
        self._wanted = tuple(int(key) for key in wanted if key.isdecimal())
        self._comment_id = comment_id
        self._asked: tuple[str, Note] | None = None
        self._server_url = server_url
        self._run_url = run_url
        self._secrets = tuple(secrets)
        self._known: dict[str, Issue] = {}

    # ------------ reading

    def backlog(self) -> Backlog:
        """Read every issue of the queue. Raises ProviderError, ConfigurationError."""
        found = self._reader.backlog()
        room = self._reader.room
        checked(room)
        there = {one.number for one in found}
        extra = (self._reader.one(number) for number in dict.fromkeys(self._wanted) if number not in there)
        found += [one for one in extra if one is not None]
        self._known = {one.key: one for one in found}
        faults = [*self._asked_for()]
        if not room.queue_label:
            reason = f"There is no such label in {room.name}: create it, and put it on the issues to be worked."
            faults.append(Fault(place=f"label {self._label}", reason=reason))
        done = self._done(found)
        return Backlog(tasks=tuple(self._task(one, done) for one in found), faults=tuple(faults))

    def refresh(self, task: Task, *, patient: bool = True) -> Task:
        """Read one issue again, with its comments. Raises TaskGone, ProviderError."""
        with nullcontext() if patient else self._hub.at_once():
            return self._refreshed(task)

    def _refreshed(self, task: Task) -> Task:
        found = self._reader.one(int(task.id.key)) if task.id.key.isdecimal() else None
        if found is None:
            raise TaskGone(
                f"The issue {task.url or task.id} is not there any more: it was deleted, transferred or converted."
            )
        self._known[found.key] = found
        fresh = self._task(found, self._done([found]), whole=True)
        return replace(fresh, answer=fresh.answer or task.answer)

    # ------------ showing

    def show(self, task: Task, record: Record) -> None:
        """Set the status label and the one comment, in one call; none if nothing changes.

        Raises TaskGone, ProviderError.
        """
        found = self._known.get(task.id.key) or self._reader.one(int(task.id.key))
        if found is None:
            raise TaskGone(f"The issue {task.url or task.id} is not there any more.")
        self._known[found.key] = self._board.show(found, record.state, self._comment(task, record))

    def _comment(self, task: Task, record: Record) -> str:
        text = rendering.status_comment(task, record, run_url=self._run_url)
        refused = record.outcome is not None and record.outcome.reason is Reason.PUBLISHING
        if refused and record.branch and record.pull_request is None:
            page = compare_page(self._server_url, self._reader.room.name, record.branch)
            text += f"\n[Open the pull request yourself]({page}): the work is on that branch.\n"
        return redacted(text, self._secrets)

    # ------------ the comment that asked

    def _asked_for(self) -> list[Fault]:
        """Read the comment that asked for this run, again: only what GitHub says of it counts."""
        if self._comment_id is None or self._asked is not None:
            return []
        home, number = self._hub.repository(self._reader.room.name), self._comment_id
        doing = f"Reading comment {number} of {self._reader.room.name}"
        try:
            said = self._hub.call(doing, lambda: home.get_issue(1).get_comment(number).complete(), repeatable=True)
        except Missing:
            reason = "The comment that asked for this run is not there any more, so it counts for nothing."
            return [Fault(place=f"comment {number}", reason=reason)]
        note = Note(
            id=number,
            at=said.created_at,
            by=Actor(login=said.user.login),
            body=said.body,
            edited_at=said.updated_at if said.updated_at != said.created_at else None,
        )
        on = int(said.issue_url.rpartition("/")[2])
        key = str(on) if str(on) in self._known else self._reader.task_of(on)
        self._asked = (key, note)
        return []

    # ------------ what it means

    def _task(self, found: Issue, done: frozenset[str], *, whole: bool = False) -> Task:
        title, body = hidden_text.cleaned_line(found.title), hidden_text.cleaned(found.body)
        text = tasktext.read(body.text)
        names = tuple(found.labels)
        status = shown(names)
        warnings = [*text.warnings, *_hidden("issue", title, body)]
        facts = self._facts(found)
        approval, objection, answer = None, "", None
        if not found.closed:
            roles = self._people.roles(trust.whom_to_ask(facts), self._reader.room.name)
            judged = trust.verdict(facts, self._rules, roles)
            approval, objection = judged.approval, judged.objection or _locked(found)
            answer = self._answer(found, facts, roles)
        comments: tuple[Comment, ...] = ()
        if whole and approval is not None:
            comments = self._comments(facts, approval, answer, warnings)
        return Task(
            id=TaskId(provider=PROVIDER, key=found.key),
            title=title.text,
            body=body.text,
            criteria=text.criteria,
            steps=text.steps,
            state=_state(found, status),
            priority=priority(names),
            labels=names,
            depends_on=_dependencies(found, body.text, done),
            comments=comments,
            created_at=found.created_at,
            revision=hashlib.sha256(f"{title.text}\n{body.text}".encode()).hexdigest(),
            url=found.url,
            answer=answer,
            objection=objection,
            warnings=tuple(warnings),
            shows=status if found.closed else None,
        )

    def _facts(self, found: Issue) -> Facts:
        notes, asked_by = found.notes, None
        if self._asked is not None and self._asked[0] == found.key:
            asked_by = self._asked[1].id
            if asked_by not in {note.id for note in notes}:  # said on the pull request, or long ago
                notes = tuple(sorted((*notes, self._asked[1]), key=lambda note: (note.at, note.id)))
        return Facts(
            label=self._label,
            labelled=found.bears(self._label),
            labelling=found.labelling,
            changes=found.changes,
            edited_at=found.edited_at,
            notes=notes,
            asked_by=asked_by,
        )

    def _answer(self, found: Issue, facts: Facts, roles: trust.Roles) -> Answer | None:
        since = found.own.at if found.own else None
        said = list(trust.commands(facts, self._rules, roles, since=since))
        if not said:
            return None
        kinds = [spoken.order.answer for _, spoken in said]
        last = said[-1][0]
        texts = (hidden_text.cleaned(spoken.text).text.strip() for _, spoken in said)
        kind = AnswerKind.APPROVE if AnswerKind.APPROVE in kinds else kinds[-1]
        assert kind is not None
        return Answer(kind=kind, text="\n\n".join(filter(None, texts)), author=last.by.login, at=last.at)

    def _comments(
        self, facts: Facts, approval: Deed, answer: Answer | None, warnings: list[str]
    ) -> tuple[Comment, ...]:
        asked = list(islice(trust.commenters(facts, approval), _STRANGERS))
        roles = self._people.roles(asked, self._reader.room.name)
        notes = trust.shown(facts, approval, self._rules, roles)
        clean = [(note, hidden_text.cleaned(note.body)) for note in notes if answer is None or note.at != answer.at]
        warnings += _hidden("comments", *(body for _, body in clean))
        return tuple(Comment(author=note.by.login, body=body.text, at=note.at) for note, body in clean)

    def _done(self, found: list[Issue]) -> frozenset[str]:
        """Return which issues, named as dependencies in texts, are closed."""
        open_ones = {one.key for one in self._known.values() if not one.closed}
        closed = {one.key for one in self._known.values() if one.closed}
        named = {number for one in found if not one.closed for number in said_dependencies(one.body)}
        unknown = sorted(number for number in named if str(number) not in open_ones | closed)
        return frozenset(closed) | (self._reader.closed(unknown) if unknown else frozenset())


def _state(found: Issue, status: TaskState | None) -> TaskState:
    if found.closed:
        return TaskState.CANCELLED if found.reason in _NOT_PLANNED else TaskState.DONE
    return status or TaskState.TODO


def _locked(found: Issue) -> str:
    return "Its conversation is locked: unlock it to let Autorun work on it." if found.locked else ""


def _dependencies(found: Issue, body: str, done: frozenset[str]) -> tuple[Dependency, ...]:
    known = {each.key: each.closed for each in found.blockers}
    said = {str(number): str(number) in done for number in said_dependencies(body)}
    return tuple(Dependency(key=key, done=closed) for key, closed in {**said, **known}.items())


def _hidden(where: str, *texts: Cleaned) -> list[str]:
    removed = hidden_text.told(texts)
    unseen = list(dict.fromkeys(each for text in texts for each in text.unseen))
    said = [f"Hidden text was left out of the {where}: {', '.join(removed)}."] if removed else []
    if unseen:
        said.append(f"The {where} holds tags that no reader sees: {', '.join(unseen)}.")
    return said
