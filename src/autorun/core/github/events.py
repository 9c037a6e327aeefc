"""The event that started us, as GitHub Actions tells it: whatever is missing is empty."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The comment of an `issue_comment` event."""

    id: int
    body: str = ""
    author: str = ""
    edited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened: `name` as in GITHUB_EVENT_NAME, `action` as `created` or `labeled`, `sender` a login.

    `issue` is the number of an issue, or of a pull request if `on_pull_request`. `inputs` are those of a dispatch.
    """

    name: str = ""
    action: str = ""
    sender: str = ""
    repository: str = ""
    default_branch: str = ""
    issue: int | None = None
    on_pull_request: bool = False
    label: str = ""
    comment: Said | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)


def parse(name: str, payload: object) -> Event:
    """Read a payload; never raises, whatever it is."""
    repository, issue = _part(payload, "repository"), _part(payload, "issue")
    inputs = {str(key): str(value) for key, value in _part(payload, "inputs").items() if value is not None}
    return Event(
        name=name,
        action=_text(payload, "action"),
        sender=_text(_part(payload, "sender"), "login"),
        repository=_text(repository, "full_name"),
        default_branch=_text(repository, "default_branch"),
        issue=_number(issue, "number"),
        on_pull_request=bool(_part(issue, "pull_request")),
        label=_text(_part(payload, "label"), "name"),
        comment=_comment(_part(payload, "comment")),
        inputs=inputs,
    )


def _comment(found: Mapping[str, Any]) -> Said | None:
    number = _number(found, "id")
    if number is None:
        return None
    return Said(
        id=number,
        body=_text(found, "body"),
        author=_text(_part(found, "user"), "login"),
        edited=_text(found, "updated_at") != _text(found, "created_at"),
    )


def _part(value: object, key: str) -> Mapping[str, Any]:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _text(value: object, key: str) -> str:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else ""


def _number(value: Mapping[str, Any], key: str) -> int | None:
    found = value.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) else None
