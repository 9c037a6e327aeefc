"""What Linear tells about an issue, read once into values."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from autorun.adapters.tasks.linear.board import Column

_GENERATIONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who did something: a user (`id` set), or something that is none (`bot` names its type, empty: unknown)."""

    id: str = ""
    name: str = ""
    active: bool = False
    guest: bool = False
    app: bool = False
    me: bool = False
    bot: str = ""

    @property
    def called(self) -> str:
        """What to call it."""
        return self.name or self.bot or "someone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry of an issue's history; `editors` changed its title or description in it."""

    at: datetime
    until: datetime
    actor: Actor
    added_labels: tuple[str, ...] = ()
    editors: tuple[Actor, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A comment; `at` is when its text was last written."""

    id: str
    body: str
    author: Actor
    created_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label on an issue."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocking:
    """An issue that stands before another; `type` is that of its workflow state."""

    key: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """An issue with everything that decides about it."""

    id: str
    key: str
    title: str
    body: str
    priority: int
    url: str
    created_at: datetime
    archived: bool
    trashed: bool
    column: Column
    project: str
    creator: Actor
    labels: tuple[Label, ...]
    blockers: tuple[Blocking, ...]
    notes: tuple[Note, ...]
    history: tuple[Event, ...]

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of its labels."""
        return tuple(label.name for label in self.labels)

    @property
    def revision(self) -> str:
        """A digest of what the task says."""
        return sha256(f"{self.title}\0{self.body}".encode("utf-8", "surrogatepass")).hexdigest()


def issue(node: Mapping[str, Any], rest: Mapping[str, Sequence[Mapping[str, Any]]]) -> Issue:
    """Read an issue; `rest` holds the further nodes of its lists. Raises KeyError, TypeError, ValueError."""

    def nodes(name: str) -> list[Mapping[str, Any]]:
        return [*node[name]["nodes"], *rest.get(name, ())]

    return Issue(
        id=str(node["id"]),
        key=str(node["identifier"]),
        title=str(node["title"]),
        body=str(node["description"] or ""),
        priority=int(node["priority"] or 0),
        url=str(node["url"]),
        created_at=moment(node["createdAt"]),
        archived=node["archivedAt"] is not None,
        trashed=bool(node["trashed"]),
        column=column(node["state"]),
        project=str((node["project"] or {}).get("id", "")),
        creator=actor(node["creator"], node["botActor"]),
        labels=tuple(Label(id=str(each["id"]), name=str(each["name"])) for each in nodes("labels")),
        blockers=tuple(
            Blocking(key=str(each["issue"]["identifier"]), type=str(each["issue"]["state"]["type"]))
            for each in nodes("inverseRelations")
            if each["type"] == "blocks" and not each["issue"]["trashed"]
        ),
        notes=tuple(_note(each) for each in nodes("comments")),
        history=tuple(_event(each) for each in nodes("history")),
    )


def column(node: Mapping[str, Any]) -> Column:
    """Read a workflow state."""
    return Column(
        id=str(node["id"]),
        name=str(node["name"]),
        type=str(node["type"]),
        position=float(node.get("position") or 0),
    )


def actor(user: Mapping[str, Any] | None, bot: Mapping[str, Any] | None = None) -> Actor:
    """Read who did something."""
    if user is None:
        return Actor(bot=str(bot["type"]) if bot else "")
    return Actor(
        id=str(user["id"]),
        name=str(user["displayName"] or user["name"]),
        active=bool(user["active"]),
        guest=bool(user["guest"]),
        app=bool(user["app"]),
        me=bool(user["isMe"]),
    )


def moment(text: Any) -> datetime:
    """Read a time with its zone. Raises ValueError."""
    found = datetime.fromisoformat(str(text))
    if found.tzinfo is None:
        raise ValueError(f"no zone: {text}")
    return found


def comment_ids(viewer: str, issue_id: str) -> tuple[str, ...]:
    """Return the ids our status comment on an issue may bear, the usual one first.

    We choose the id ourselves, so that an order sent twice makes no second comment, and so that the comment is found
    even where its hidden marker is lost: Linear keeps rich text, and gives Markdown back as it understood it.
    """
    digests = (sha256(f"autorun {viewer} {issue_id} {number}".encode()) for number in range(_GENERATIONS))
    return tuple(str(uuid.UUID(bytes=digest.digest()[:16], version=4)) for digest in digests)


def number(key: str, team: str) -> int | None:
    """Return the number in a key like ENG-12, None if it is none of the team's."""
    found = re.fullmatch(rf"{re.escape(team)}-([0-9]{{1,9}})", key)
    return int(found[1]) if found else None


def _note(node: Mapping[str, Any]) -> Note:
    outside = node["externalUser"] is not None
    created_at = moment(node["createdAt"])
    return Note(
        id=str(node["id"]),
        body=str(node["body"]),
        author=Actor() if outside else actor(node["user"], node["botActor"]),
        created_at=created_at,
        at=moment(node["editedAt"]) if node["editedAt"] else created_at,
    )


def _event(node: Mapping[str, Any]) -> Event:
    who = actor(node["actor"], node["botActor"])
    editors = [actor(each) for each in node["descriptionUpdatedBy"] or ()]
    if node["toTitle"] is not None or (node["updatedDescription"] and not editors):
        editors.append(who)
    return Event(
        at=moment(node["createdAt"]),
        until=moment(node["updatedAt"]),
        actor=who,
        added_labels=tuple(str(each) for each in node["addedLabelIds"] or ()),
        editors=tuple(editors),
    )
