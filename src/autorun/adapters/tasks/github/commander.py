"""Answers `/autorun …` comments: checks who speaks, says so by a reaction, and starts, stops or tells."""

from collections.abc import Callable
from dataclasses import dataclass, field

from autorun.adapters.tasks.github.people import People
from autorun.adapters.tasks.github.reader import PROVIDER, Reader
from autorun.core.errors import ProviderError
from autorun.core.github import commands_text, trust
from autorun.core.github.commands_text import HELP, Order
from autorun.core.github.events import Event, Said
from autorun.core.github.trust import Actor, Rules
from autorun.core.ledger.record import Record
from autorun.core.model import Task, TaskId
from autorun.core.report import rendering
from autorun.core.text.secrets import redacted
from autorun.effects.github import GitHub
from autorun.effects.github_failures import Refused

YES, NO = "eyes", "-1"


@dataclass(slots=True, kw_only=True)
class Commander:
    """Handles comments on `repository`. `workflow` is dispatched on `branch`; `record` looks a task's record up."""

    hub: GitHub
    repository: str
    label: str
    workflow: str
    branch: str
    record: Callable[[TaskId], Record | None]
    rules: Rules = field(default_factory=Rules)
    secrets: tuple[str, ...] = ()

    def handle(self, event: Event) -> str:
        """Do what a new comment commands, and say in a sentence what was done or why not. Raises ProviderError."""
        said = event.comment
        if said is None or event.issue is None or event.action != "created" or said.edited:
            return "Only a new comment can hold a command."
        spoken = commands_text.parse(said.body)
        if spoken is None:
            return "The comment holds no command."
        roles = People(self.hub).roles([said.author] if said.author else [], self.repository)
        if refusal := trust.refused_command(Actor(login=said.author), self.rules, roles):
            self._react(said, NO)
            return f"Refused: the command is from {Actor(login=said.author).called}, {refusal}."
        key = str(event.issue)
        if event.on_pull_request:
            key = Reader(self.hub, self.repository, self.label).task_of(event.issue)
        if not key or spoken.order is Order.UNKNOWN:
            self._react(said, NO)
            return "Refused: there is no such command." if key else "Refused: this pull request is none of ours."
        try:
            done = self._obey(spoken.order, TaskId(provider=PROVIDER, key=key), event.issue, said)
        except ProviderError:
            self._react(said, NO)
            raise
        self._react(said, YES)
        return done

    def _obey(self, order: Order, task: TaskId, number: int, said: Said) -> str:
        if order.answer is not None:
            return self._dispatch(task, said)
        if order is Order.HELP:
            return self._reply(number, HELP)
        record = self.record(task)
        if order is Order.STOP:
            return self._stop(number, record)
        if record is None:
            return self._reply(number, "Autorun has not begun this yet.\n")
        told = rendering.status_comment(Task(id=task, title=""), record)
        return self._reply(number, told.replace(rendering.task_marker(task), "").lstrip())

    def _dispatch(self, task: TaskId, said: Said) -> str:
        workflow = self.hub.repository(self.repository).get_workflow(self.workflow)
        inputs = {"task": task.key, "comment-id": str(said.id)}
        doing = f"Starting the workflow {self.workflow} of {self.repository}"
        try:
            run = self.hub.call(
                doing,
                lambda: workflow.create_dispatch(self.branch, inputs, throw=True, return_run_details=True).html_url,
                repeatable=False,
            )
        except Refused as error:
            if "return_run_details" not in error.said:
                raise
            self.hub.call(  # a server too old to tell which run it is
                doing, lambda: workflow.create_dispatch(self.branch, inputs, throw=True), repeatable=False
            )
            run = "a run of its own"
        return f"Started for {task}: {run}"

    def _stop(self, number: int, record: Record | None) -> str:
        run = record.holder.run_id if record is not None and record.holder is not None else ""
        if not run.isdecimal():
            return self._reply(number, "No run of Actions works on this now.\n")
        found = self.hub.repository(self.repository).get_workflow_run(int(run))
        if not self.hub.call(f"Stopping run {run} of {self.repository}", found.cancel, repeatable=True):
            raise ProviderError(
                f"Run {run} of {self.repository} was not stopped.",
                hint="it may have ended already; the token needs `actions: write`",
            )
        return f"Stopping run {run}."

    def _reply(self, number: int, text: str) -> str:
        issue = self.hub.repository(self.repository).get_issue(number)
        body = redacted(text, self.secrets)
        doing = f"Answering on {self.repository}#{number}"
        self.hub.call(doing, lambda: issue.create_comment(body), repeatable=False)
        return f"Answered on {self.repository}#{number}."

    def _react(self, said: Said, content: str) -> None:
        comment = self.hub.repository(self.repository).get_issue(1).get_comment(said.id)
        doing = f"Reacting to comment {said.id} of {self.repository}"
        self.hub.call(doing, lambda: comment.create_reaction(content), repeatable=True)
