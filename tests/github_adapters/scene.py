"""A repository on the double with people, and our adapters on it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from autorun.adapters.forges.github import GitHubForge
from autorun.adapters.tasks.github import GitHubTasks
from autorun.core.model import Priority, TaskId, TaskState
from autorun.effects.github import GitHub
from github_double.hub import GitHubDouble
from github_double.issues import Issue
from github_double.repository import Repository
from kit.tasks_conformance import Draft

MARK = "<!-- autorun:task=github/{} -->"
HEADLINES = {
    "waiting": TaskState.TODO,
    "in progress": TaskState.IN_PROGRESS,
    "in review": TaskState.IN_REVIEW,
    "blocked, needs an answer": TaskState.BLOCKED,
    "paused, needs approval": TaskState.PAUSED,
    "failed": TaskState.FAILED,
    "done": TaskState.DONE,
    "cancelled": TaskState.CANCELLED,
}
WORKFLOW = """\
name: Autorun
on:
  schedule: [{cron: "17 1 * * *"}]
  workflow_dispatch:
    inputs:
      task: {default: ""}
      comment-id: {default: ""}
jobs: {}
"""


@dataclass
class Scene:
    """`ana` may write, `tom` may triage, `eve` may read; issues are opened by eve and labelled by ana."""

    hub: GitHubDouble
    repo: Repository
    token: str
    waits: list[float] = field(default_factory=list)

    def client(self, **more: Any) -> GitHub:
        """A client whose waits pass on the double's clock."""

        def wait(seconds: float, _stop: object) -> None:
            self.waits.append(seconds)
            self.hub.clock.advance(seconds=seconds)

        urls = self.hub.env()
        given: dict[str, Any] = {"timeout": 60, "wait": wait} | more
        return GitHub(
            token=self.token, api_url=urls["GITHUB_API_URL"], graphql_url=urls["GITHUB_GRAPHQL_URL"], **given
        )

    def tasks(self, *, client: GitHub | None = None, **more: Any) -> GitHubTasks:
        """The provider, fresh."""
        given: dict[str, Any] = {"repository": "octo/app", "label": "autorun", "server_url": self.hub.origin} | more
        return GitHubTasks(client or self.client(), **given)

    def forge(self, *, warn: Callable[[str], None] = lambda _: None) -> GitHubForge:
        """The forge, fresh."""
        return GitHubForge(hub=self.client(), repository=self.repo.full_name, server_url=self.hub.origin, warn=warn)

    def issue(self, title: str = "Let people log in", body: str = "Please.", *labels: str, by: str = "eve") -> Issue:
        """An issue opened by eve and put into the queue by ana."""
        return self.repo.issue(title, body, by=by).label("autorun", *labels, by="ana")

    def ours(self, issue: Issue) -> list[str]:
        """The status comments of an issue."""
        mark = MARK.format(issue.number)
        return [each.body or "" for each in issue.comments if (each.body or "").startswith(mark)]


def make_scene(hub: GitHubDouble) -> Scene:
    """Build the repository."""
    repo = hub.repository("octo/app", files={"README.md": "# App\n", ".github/workflows/autorun.yml": WORKFLOW})
    for login, role in (("ana", "write"), ("tom", "triage"), ("eve", "read"), ("max", "maintain"), ("ada", "admin")):
        repo.user(login, role=role)
    repo.create_label("autorun")
    return Scene(hub=hub, repo=repo, token=hub.token())


@dataclass
class TasksBench:
    """The provider on the bench of the conformance suite."""

    scene: Scene

    def __post_init__(self) -> None:
        self.tasks = self.scene.tasks()

    def put(self, draft: Draft) -> TaskId:
        """Open and label an issue."""
        named = {Priority.MEDIUM: ()}.get(draft.priority, (f"priority:{draft.priority.name.lower()}",))
        issue = self.scene.issue(draft.title, draft.body, *named)
        for other in draft.depends_on:
            issue.depend_on(self.scene.repo.issues[int(other.key)])
        return TaskId(provider="github", key=str(issue.number))

    def rewrite(self, task: TaskId, body: str) -> None:
        """Someone who may write edits the text."""
        self.scene.repo.issues[int(task.key)].edit(body=body, by="ana")

    def remove(self, task: TaskId) -> None:
        """Delete the issue."""
        self.scene.repo.issues[int(task.key)].delete()

    def seen(self, task: TaskId) -> TaskState:
        """Read labels and comment, which agree."""
        issue = self.scene.repo.issues[int(task.key)]
        (comment,) = self.scene.ours(issue)
        headline = comment.partition("### Autorun: ")[2].partition("\n")[0]
        state = HEADLINES[headline]
        labels = [name for name in issue.label_names if name.startswith("autorun:")]
        wanted = f"autorun:{state.replace('_', '-')}"
        assert labels == ([wanted] if wanted in SHOWN else [])
        assert ("autorun" in issue.label_names) == (state is not TaskState.DONE)
        return state


SHOWN = {f"autorun:{each}" for each in ("in-progress", "in-review", "blocked", "paused", "failed")}
