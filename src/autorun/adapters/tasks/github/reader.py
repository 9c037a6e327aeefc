"""Reads issues: every page, and the further pages of their lists."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from autorun.adapters.tasks.github import queries
from autorun.adapters.tasks.github.issue import Issue, Node, issue, labellings
from autorun.adapters.tasks.github.labels import STATUS
from autorun.core.errors import ConfigurationError, ProviderError
from autorun.core.github.names import task_of_branch
from autorun.core.model import TaskId, TaskState
from autorun.core.report import rendering
from autorun.effects.github import GitHub, parsing
from autorun.effects.github_failures import Missing

PROVIDER = "github"
_ALIASES = 100  # issues asked for by number in one query


@dataclass(slots=True, kw_only=True)
class Room:
    """What a repository is like, as last read: its present name, and the ids of our labels that are there."""

    name: str
    archived: bool = False
    has_issues: bool = True
    queue_label: bool = True
    labels: dict[TaskState, str] = field(default_factory=dict)


class Reader:
    """The issues of one repository, whatever it is called by now."""

    def __init__(self, hub: GitHub, repository: str, label: str) -> None:
        self._hub = hub
        self._label = label
        self.room = Room(name=repository)

    def backlog(self) -> list[Issue]:
        """Return the open issues of the queue, and closed ones that show a status. Raises ProviderError."""
        found: dict[int, Issue] = {}
        ends: dict[str, str | None] = dict.fromkeys(queries.LISTS)
        while ends:
            repository = self._asked(f"Reading the issues of {self.room.name}", queries.backlog(ends), ends)
            with parsing("issues"):
                pages = {name: repository[name] for name in ends}
                for page in pages.values():
                    found |= {one.number: one for one in map(self._issue, page["nodes"])}
                ends = {
                    name: page["pageInfo"]["endCursor"]
                    for name, page in pages.items()
                    if page["pageInfo"]["hasNextPage"]
                }
        return sorted(found.values(), key=lambda one: one.number)

    def one(self, number: int) -> Issue | None:
        """Return an issue with all its comments; None if it is not there any more. Raises ProviderError."""
        try:
            doing = f"Reading issue {self.room.name}#{number}"
            repository = self._asked(doing, queries.ONE, {"number": number}, partial=True)
            with parsing("an issue"):
                node = repository["issue"]
                if node is None:
                    return None
                found = self._issue(node, every_note=True)
        except Missing:
            return None
        return found if found.repository == self.room.name else None

    def closed(self, numbers: list[int]) -> frozenset[str]:
        """Return, as keys, which of these issues and pull requests are closed. Raises ProviderError."""
        closed: list[str] = []
        for start in range(0, len(numbers), _ALIASES):
            wanted = numbers[start : start + _ALIASES]
            owner, _, name = self.room.name.partition("/")
            doing = f"Reading what issues of {self.room.name} wait for"
            asked = self._hub.ask(doing, queries.closed_ones(wanted), partial=True, owner=owner, name=name)
            with parsing("issues"):
                there = asked.data["repository"]
                closed += [str(number) for number in wanted if there[f"n{number}"] and there[f"n{number}"]["closed"]]
        return frozenset(closed)

    def task_of(self, number: int) -> str:
        """Return the key of the task that an issue, or a pull request of ours, is about; else an empty one."""
        owner, _, name = self.room.name.partition("/")
        doing = f"Reading {self.room.name}#{number}"
        asked = self._hub.ask(doing, queries.PULL_REQUEST, owner=owner, name=name, number=number)
        with parsing("a pull request"):
            found = asked.data["repository"]["issueOrPullRequest"]
            if found["__typename"] != "PullRequest":
                return str(number)
            return "" if found["isCrossRepository"] else task_of_branch(str(found["headRefName"]))

    def _asked(
        self, doing: str, query: str, variables: Mapping[str, object], *, partial: bool = False
    ) -> Mapping[str, Any]:
        owner, _, name = self.room.name.partition("/")
        asked = self._hub.ask(doing, query, partial=partial, owner=owner, name=name, label=self._label, **variables)
        with parsing("a repository"):
            repository: Mapping[str, Any] = asked.data["repository"]
            self.room = _room(repository)
        return repository

    def _issue(self, node: Node, *, every_note: bool = False) -> Issue:
        deeds, notes, edits = node["timelineItems"], node["comments"], node["userContentEdits"]
        all_deeds = list(deeds["nodes"])
        pages = self._pages(node, queries.MORE_DEEDS, deeds["pageInfo"])
        while not any(labellings(all_deeds, self._label)) and (more := next(pages, None)) is not None:
            all_deeds += more
        all_notes = list(notes["nodes"])
        if every_note:
            for more in self._pages(node, queries.MORE_NOTES, notes["pageInfo"]):
                all_notes += more
        all_edits = list(edits["nodes"])
        for more in self._pages(node, queries.MORE_EDITS, edits["pageInfo"]):
            all_edits += more
        return issue(
            node,
            label=self._label,
            marker=rendering.task_marker(TaskId(provider=PROVIDER, key=str(node["number"]))),
            deeds=all_deeds,
            edits=all_edits,
            notes=all_notes,
            all_notes=every_note or not notes["pageInfo"]["hasPreviousPage"],
        )

    def _pages(self, node: Node, query: str, info: Node) -> Iterator[list[Node]]:
        """Yield the pages of a list beyond its first one."""
        while info.get("hasNextPage") or info.get("hasPreviousPage"):
            at = info.get("endCursor") or info.get("startCursor")
            doing = f"Reading issue {self.room.name}#{node['number']}"
            page = self._hub.ask(doing, query, id=node["id"], at=at).data["node"]["page"]
            info = page["pageInfo"]
            yield list(page["nodes"])


def _room(repository: Mapping[str, Any]) -> Room:
    return Room(
        name=str(repository["nameWithOwner"]),
        archived=bool(repository["isArchived"]),
        has_issues=bool(repository["hasIssuesEnabled"]),
        queue_label=repository["queue"] is not None,
        labels={
            state: str(found["id"])
            for number, state in enumerate(STATUS)
            if (found := repository[f"s{number}"]) is not None
        },
    )


def checked(room: Room) -> None:
    """Raise ProviderError or ConfigurationError where nothing can be worked."""
    if room.archived:
        raise ProviderError(
            f"{room.name} is archived, so nothing can be published there",
            hint="take it out of the archive, or name another repository: `state_provider.repo`",
        )
    if not room.has_issues:
        raise ConfigurationError(
            f"{room.name} has its issues switched off",
            hint="switch them on under Settings > General > Features, or take tasks from elsewhere: "
            "`state_provider.type`",
        )
