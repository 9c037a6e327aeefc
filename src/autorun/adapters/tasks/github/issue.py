"""An issue as GitHub's answer describes it, parsed once."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autorun.core.github.trust import Actor, Deed, Note

Node = Mapping[str, Any]
_NUMBERS = r"#[1-9][0-9]{0,9}\b"
_DEPENDS = re.compile(
    rf"\b(?:depends\s+on|blocked\s+by):?\s+({_NUMBERS}(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*){_NUMBERS})*)",
    re.IGNORECASE,
)
_CODE = re.compile(r"(?ms)^\s*(`{3,}|~{3,}).*?(?:^\s*\1|\Z)|`[^`\n]*`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """Our status comment: its node id, its text, and when we last wrote it."""

    id: str
    body: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """Another issue this one waits for; `key` is its number, with `owner/name` before it if it is elsewhere."""

    key: str
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """An issue, its lists whole but for `notes`, where `all_notes` says so.

    `labels` maps names to node ids. `own` is our status comment; the first, should there be more, whose ids are
    `strays`: a runner that slept between its look and its write has made them.
    """

    node_id: str
    number: int
    title: str
    body: str
    url: str
    repository: str
    created_at: datetime
    edited_at: datetime | None
    closed: bool
    reason: str
    locked: bool
    labels: Mapping[str, str]
    labelling: Deed | None
    changes: tuple[Deed, ...]
    notes: tuple[Note, ...]
    all_notes: bool
    own: Own | None
    blockers: tuple[Blocker, ...]
    strays: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The task's key."""
        return str(self.number)

    def bears(self, label: str) -> bool:
        """Tell whether it carries a label, in whatever case."""
        return label.lower() in {name.lower() for name in self.labels}


def issue(node: Node, *, label: str, marker: str, deeds: Sequence[Node], edits: Sequence[Node], notes: Sequence[Node],
          all_notes: bool) -> Issue:  # fmt: skip
    """Read an issue; `deeds`, `edits` and `notes` are its lists as far as they were read."""
    repository = str(node["repository"]["nameWithOwner"])
    created_at = moment(node["createdAt"])
    ours = [each for each in notes if each["viewerDidAuthor"] and str(each["body"]).startswith(marker)]
    return Issue(
        node_id=str(node["id"]),
        number=int(node["number"]),
        title=str(node["title"]),
        body=str(node["body"] or ""),
        url=str(node["url"]),
        repository=repository,
        created_at=created_at,
        edited_at=moment(node["lastEditedAt"]) if node["lastEditedAt"] else None,
        closed=bool(node["closed"]),
        reason=str(node["stateReason"] or ""),
        locked=bool(node["locked"]),
        labels={str(each["name"]): str(each["id"]) for each in node["labels"]["nodes"]},
        labelling=max(labellings(deeds, label), key=lambda deed: deed.at, default=None),
        changes=tuple(sorted((*_renames(deeds), *_edits(edits, created_at)), key=lambda deed: deed.at)),
        notes=tuple(sorted((note(each) for each in notes), key=lambda one: (one.at, one.id))),
        all_notes=all_notes,
        own=_own(ours[0]) if ours else None,
        blockers=tuple(_blocker(each, repository) for each in node["blockedBy"]["nodes"] if each),
        strays=tuple(str(each["id"]) for each in ours[1:]),
    )


def note(node: Node) -> Note:
    """Read a comment."""
    return Note(
        id=int(node["databaseId"]),
        at=moment(node["createdAt"]),
        by=actor(node["author"]),
        body=str(node["body"]),
        edited_at=moment(node["lastEditedAt"]) if node["lastEditedAt"] else None,
        ours=bool(node["viewerDidAuthor"]),
    )


def actor(node: Node | None) -> Actor:
    """Read an account. GraphQL calls an app by its name alone; people cannot have brackets in theirs."""
    if node is None:
        return Actor()
    login = str(node["login"])
    app = node["__typename"] == "Bot" and not login.endswith("[bot]")
    return Actor(login=f"{login}[bot]" if app else login)


def moment(text: object) -> datetime:
    """Read a time of GitHub's."""
    return datetime.fromisoformat(str(text))


def labellings(deeds: Sequence[Node], label: str) -> Iterator[Deed]:
    """Yield each time the label was put on."""
    for each in deeds:
        if each["__typename"] == "LabeledEvent" and str(each["label"]["name"]).lower() == label.lower():
            yield Deed(at=moment(each["createdAt"]), by=actor(each["actor"]))


def said_dependencies(body: str) -> tuple[int, ...]:
    """Return the issues of this repository that a text names as `Depends on #12` or `Blocked by #12, #13`."""
    found = (each[1] for each in _DEPENDS.finditer(_CODE.sub(" ", body)))
    return tuple(dict.fromkeys(int(number) for numbers in found for number in re.findall(r"[0-9]+", numbers)))


def _renames(deeds: Sequence[Node]) -> Iterator[Deed]:
    for each in deeds:
        if each["__typename"] == "RenamedTitleEvent":
            yield Deed(at=moment(each["createdAt"]), by=actor(each["actor"]))


def _edits(edits: Sequence[Node], created_at: datetime) -> Iterator[Deed]:
    """Yield the edits; the history's first entry, as old as the issue, is the original."""
    oldest_first = sorted(edits, key=lambda each: str(each["editedAt"]))
    original = bool(oldest_first) and moment(oldest_first[0]["editedAt"]) <= created_at
    for each in oldest_first[1:] if original else oldest_first:
        yield Deed(at=moment(each["editedAt"]), by=actor(each["editor"]))


def _own(node: Node) -> Own:
    return Own(id=str(node["id"]), body=str(node["body"]), at=moment(node["lastEditedAt"] or node["createdAt"]))


def _blocker(node: Node, repository: str) -> Blocker:
    there, number = str(node["repository"]["nameWithOwner"]), str(node["number"])
    return Blocker(key=number if there == repository else f"{there}#{number}", closed=bool(node["closed"]))
