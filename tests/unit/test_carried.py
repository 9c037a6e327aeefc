"""What may travel from one run to the next, told by its names and sizes alone."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from autorun.core.ledger.carried import (
    MOST_BYTES,
    MOST_FILE_BYTES,
    Item,
    Manifest,
    counters,
    lawful,
    objection,
    resumable,
    total,
)
from autorun.core.ledger.record import Holder
from autorun.core.model import TaskId, TaskState, Usage
from autorun.core.report.status import SessionState

TALK = "agent/projects/-home-work/01234567-89ab-cdef-0123-456789abcdef.jsonl"
OURS = [
    f"tasks/{task}/{name}"
    for task in ("7", "a_b-x1.2")
    for name in ("unfinished.json", "diff.patch", "transcript.jsonl", "result.json", "verify.log", "brief.md", TALK)
]


def item(path: str, size: int = 1) -> Item:
    return Item(path=path, size=size, sha256="0" * 64)


def manifest(*paths: str) -> Manifest:
    return Manifest(items=tuple(item(path) for path in paths))


@pytest.mark.parametrize("path", OURS)
def test_what_we_write_may_travel(path: str) -> None:
    assert lawful(path)
    assert objection(manifest(path)) == ""


@pytest.mark.parametrize(
    "path",
    [
        "",
        "session.json",
        "/tasks/7/diff.patch",
        "tasks/../diff.patch",
        "tasks/7/../../diff.patch",
        "tasks/7/diff.patch\n",
        "tasks/7/agent/.credentials.json",
        f"tasks/7/agent/projects/../{TALK}",
        f"tasks/7/agent/projects/.hidden/{TALK.rpartition('/')[2]}",
        "tasks/7/agent/settings.jsonl",
    ],
)
def test_what_an_agent_could_have_made_up_may_not(path: str) -> None:
    """And the objection to a manifest that lists it says which it is."""
    assert not lawful(path)
    assert f"({path[:80]!r})" in objection(manifest(OURS[0], path))


@given(
    st.text()
    | st.lists(st.sampled_from(["tasks", "7", "..", ".", "agent", "projects", "diff.patch", "/"])).map("".join)
)
def test_no_lawful_name_leaves_the_folder(path: str) -> None:
    """It starts below the tasks and never goes up."""
    if lawful(path):
        assert path.startswith("tasks/")
        assert ".." not in path.split("/")


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (Manifest(v=2), "version 2"),
        (Manifest(items=(item(OURS[0], MOST_FILE_BYTES + 1),)), "larger than any"),
        (Manifest(items=(item(OURS[0], MOST_FILE_BYTES),) * (MOST_BYTES // MOST_FILE_BYTES + 1)), "larger than any"),
        (Manifest(items=(item(OURS[0], MOST_FILE_BYTES),) * (MOST_BYTES // MOST_FILE_BYTES)), ""),
    ],
)
def test_a_manifest_is_refused_for_its_version_or_its_size(found: Manifest, why: str) -> None:
    """Of one file, and of all of them; at the limit it is taken."""
    said = objection(found)
    assert why in said
    assert bool(said) is bool(why)


def test_the_next_run_goes_on_from_unfinished_work_and_its_conversation() -> None:
    """Not from what was only told of it, and not from what is done."""
    open_ = ("tasks/7/unfinished.json", "tasks/7/diff.patch", f"tasks/7/{TALK}")
    told = ("tasks/7/transcript.jsonl", "tasks/7/brief.md")
    done = ("tasks/8/diff.patch", "tasks/8/result.json", f"tasks/8/{TALK}")
    whole = manifest(*open_, *told, *done)
    assert [found.path for found in resumable(whole)] == list(open_)
    assert total(whole) == len(whole.items)
    assert resumable(manifest(*done)) == ()


def test_what_lies_in_a_cache_repeats_nobodys_words() -> None:
    """Numbers, ids and the kind of end stay."""
    at = datetime(2026, 11, 20, tzinfo=UTC)
    state = SessionState(
        session="s",
        holder=Holder(nonce="n"),
        started_at=at,
        updated_at=at,
        planned="secret",
        task=TaskId(provider="file", key="7"),
        title="secret",
        activity="secret",
        sentence="secret",
        usage=Usage(turns=5),
        ended={TaskState.DONE: 2},
        reason="limit",
    )
    kept = counters(state)
    assert "secret" not in repr(kept)
    assert (kept.session, kept.task, kept.usage, kept.ended, kept.reason) == (
        *(state.session, state.task, state.usage, state.ended),
        "limit",
    )
