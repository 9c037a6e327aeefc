"""The event that started us: read as GitHub writes it, and without a failure whatever it is."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from autorun.core.github.events import Event, Said, parse
from kit.values import JSON

COMMENTED: dict[str, Any] = {
    "action": "created",
    "sender": {"login": "ana"},
    "repository": {"full_name": "octo/app", "default_branch": "trunk"},
    "issue": {"number": 7, "pull_request": {"url": "https://api.github.com/repos/octo/app/pulls/7"}},
    "comment": {
        "id": 9,
        "body": "/autorun",
        "user": {"login": "max"},
        "created_at": "2026-11-20T10:00:00Z",
        "updated_at": "2026-11-20T10:00:00Z",
    },
}
KEYS = [
    "action",
    "sender",
    "repository",
    "issue",
    "label",
    "comment",
    "inputs",
    "login",
    "number",
    "id",
    "body",
    "user",
]
STRANGE = st.recursive(JSON, lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, max_size=6), max_leaves=12)


def test_a_comment_tells_who_said_what_where() -> None:
    """On a pull request too, which GitHub calls an issue with one more part."""
    assert parse("issue_comment", COMMENTED) == Event(
        name="issue_comment",
        action="created",
        sender="ana",
        repository="octo/app",
        default_branch="trunk",
        issue=7,
        on_pull_request=True,
        comment=Said(id=9, body="/autorun", author="max"),
    )


def test_a_comment_that_was_changed_since_is_an_edited_one() -> None:
    comment = COMMENTED["comment"] | {"updated_at": "2026-11-20T10:00:01Z"}
    said = parse("issue_comment", COMMENTED | {"comment": comment}).comment
    assert said is not None
    assert said.edited


def test_a_label_is_told_by_its_name() -> None:
    found = parse("issues", {"action": "labeled", "label": {"name": "autorun"}, "issue": {"number": 7}})
    assert (found.label, found.issue, found.on_pull_request) == ("autorun", 7, False)


def test_the_inputs_of_a_dispatch_are_texts() -> None:
    """As the form sends them or as an API call does; one that was left out is none."""
    found = parse("workflow_dispatch", {"inputs": {"issue": 7, "dry-run": "true", "model": None}})
    assert found.inputs == {"issue": "7", "dry-run": "true"}


@pytest.mark.parametrize("number", [True, "7", 7.0, None, [7]])
def test_what_is_no_whole_number_is_no_number(number: object) -> None:
    """Neither an issue's nor a comment's."""
    found = parse("issue_comment", {"issue": {"number": number}, "comment": {"id": number}})
    assert (found.issue, found.comment) == (None, None)


@given(STRANGE)
def test_no_payload_is_too_strange(payload: object) -> None:
    """Whatever is missing or of another kind is empty."""
    found = parse("push", payload)
    assert found.name == "push"
    if not isinstance(payload, dict):
        assert found == Event(name="push")
