"""Task files: read tolerantly, refused with a sentence, written only in their status."""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given, strategies as st

from autorun.core import tasktext
from autorun.core.model import Priority, Task, TaskState
from autorun.core.taskfile import MAX_BYTES, Malformed, parse, render, slug, with_status

LOGIN = """\
---
id: TASK-001
status: todo           # set by the runner
priority: high
depends_on: [TASK-000, 007]
labels:
  - auth
  - web
owner: Ada   # not ours
---
# Title: Let users log in

## Description
People sign in with e-mail address and password.

### Notes
- not a criterion

## Acceptance Criteria
- [ ] The form asks for e-mail address and password
- [x] A wrong password answers with status 401
- [ ] The session ends after 24 hours
* Logging out returns to the front page

## Test Steps
1. Open /login
2) Enter a wrong password
3. Enter the right one
"""


def read(text: str, key: str = "k") -> Task:
    return parse(text.encode(), key).task


def test_the_login_example_is_read_whole() -> None:
    """Front matter and sections arrive: four criteria, three steps, keys as written."""
    task = read(LOGIN)
    assert task.title == "Let users log in"
    assert [(each.text, each.ticked) for each in task.criteria] == [
        ("The form asks for e-mail address and password", False),
        ("A wrong password answers with status 401", True),
        ("The session ends after 24 hours", False),
        ("Logging out returns to the front page", False),
    ]
    assert task.steps == ("Open /login", "Enter a wrong password", "Enter the right one")
    assert (task.state, task.priority, task.labels) == (TaskState.TODO, Priority.HIGH, ("auth", "web"))
    assert [each.key for each in task.depends_on] == ["TASK-000", "007"]
    assert task.body == LOGIN.partition("owner: Ada   # not ours\n---\n")[2]
    assert task.warnings == ()
    assert parse(LOGIN.encode(), "k").identity == "TASK-001"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("## A", "#### a").replace("## T", "#### t").replace("Steps", "STEPS:"),
        lambda text: text.replace("## Acceptance Criteria", "## **acceptance criteria** ##"),
        lambda text: text.replace("# Title: ", "# "),
        lambda text: text.replace("# Title: ", "## TITLE:"),
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("## Test", "## Notes\n- [ ] no\n\n## Test") + "\n# Later\n4. no\n",
        lambda text: text.replace("* Logging", "+ Logging").replace("2)", " 2."),
        lambda text: text.replace("e-mail address and password\n-", "e-mail\n  address\nand password\n\n-"),
        lambda text: text.replace("## Test", "### More\n\n***\n\nProse.\n- [ ] \n\n## Test"),
        lambda text: text.replace(
            "## Test", "```md\n## Test Steps\n1. no\n~~~\n```\n<!-- off\n- [ ] no\n-->\n## Test"
        ),
    ],
)
def test_the_example_survives_other_hands(spoil: Callable[[str], str]) -> None:
    """Line ends, levels, case, bullets, wrapping, fences and comments change nothing of what is read."""
    plain, other = read(LOGIN), read(spoil(LOGIN))
    assert (other.title, other.criteria, other.steps) == (plain.title, plain.criteria, plain.steps)


def test_details_belong_to_their_criterion() -> None:
    """A nested bullet without a box is part of the item above; one with a box stands for itself."""
    text = tasktext.read(
        "## Acceptance Criteria\n- [ ] Log in\n  - by mail\n  - [x] by phone\n\nProse.\n\n- [ ] Log out"
    )
    assert [(each.text, each.ticked) for each in text.criteria] == [
        ("Log in - by mail", False),
        ("by phone", True),
        ("Log out", False),
    ]


@pytest.mark.parametrize(
    ("markdown", "title"),
    [
        ("# One\n## Title: Two\n", "Two"),
        ("# Description\nx\n## Detail\n# Notes\n", ""),
        ("## Description\n### Title: no\n", ""),
        ("# Port to C #\n", "Port to C"),
        ("#hashtag\n# Real", "Real"),
        ("```\n# code\n```\n# Real", "Real"),
        ("# Support <!-- in pages\n## Acceptance Criteria\n- [ ] x", "Support <!-- in pages"),
        ("# Hide <!-- this --> part", "Hide part"),
        ("#\n# ##\n# Real", "Real"),
    ],
)
def test_which_heading_is_the_title(markdown: str, title: str) -> None:
    """`Title:` wins, else the first heading before any known section."""
    assert tasktext.read(markdown).title == title


def test_vague_criteria_and_none_at_all_draw_warnings() -> None:
    """The author is told which word says nothing; a word that merely contains it is fine."""
    text = tasktext.read(
        "## Acceptance Criteria\n- [ ] It WORKS\n- [ ] Goods are listed in networks\n- [ ] Errors shown properly"
    )
    assert [re.findall(r'"([^"]*)"', warning) for warning in text.warnings] == [
        ["It WORKS", "works"],
        ["Errors shown properly", "properly"],
    ]
    assert "no acceptance criteria" in tasktext.read("# x").warnings[0]


@pytest.mark.parametrize(
    ("words", "priority"),
    [
        ("critical Urgent P0 p0 1 highest", Priority.CRITICAL),
        ("HIGH P1 2", Priority.HIGH),
        ("medium P2 3 normal", Priority.MEDIUM),
        ("low P3 P4 4", Priority.LOW),
    ],
)
def test_priorities_have_many_names(words: str, priority: Priority) -> None:
    """Words, numbers from 1 and marks from P0 mean the same."""
    for word in words.split():
        assert read(f"---\npriority: {word}\n---\n# x").priority is priority


def test_an_unknown_priority_or_date_is_a_warning() -> None:
    """The task runs with medium priority and no age, and its author is told."""
    task = read("---\npriority: soonish\ncreated: last week\n---\n# x\n")
    assert (task.priority, task.created_at) == (Priority.MEDIUM, None)
    assert 'priority "soonish"' in task.warnings[0]
    assert '"last week"' in task.warnings[1]


@pytest.mark.parametrize(
    ("written", "state"),
    [
        ("", TaskState.TODO),
        ("~", TaskState.TODO),
        ("To Do", TaskState.TODO),
        ("in progress", TaskState.IN_PROGRESS),
        ("In-Progress", TaskState.IN_PROGRESS),
        ("'in_review'", TaskState.IN_REVIEW),
        ('"Done"  # at last', TaskState.DONE),
        ("won't fix", TaskState.CANCELLED),
        ("canceled", TaskState.CANCELLED),
    ],
)
def test_a_status_may_be_written_as_people_do(written: str, state: TaskState) -> None:
    """Case, spaces, dashes, quotes and comments do not matter."""
    assert read(f"---\nstatus: {written}\n---\n# x").state is state


@pytest.mark.parametrize(
    ("word", "moment"),
    [
        ("2026-11-02", datetime(2026, 11, 2, tzinfo=UTC)),
        ("2026-11-02 10:00:00", datetime(2026, 11, 2, 10, tzinfo=UTC)),
        ("2026-11-02T10:00:00+02:00", datetime(2026, 11, 2, 8, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_the_age_is_in_the_front_matter(word: str, moment: datetime | None) -> None:
    """`created` is a date or a moment, UTC where it does not say."""
    assert read(f"---\ncreated: {word}\n---\n# x").created_at == moment


def test_lists_are_lists_or_words_with_commas() -> None:
    """Both spellings give the same keys, without repeats or file suffixes."""
    assert [each.key for each in read("---\ndepends_on: a, b.md,, a\n---\n# x").depends_on] == ["a", "b"]
    assert read("---\nlabels: [a, ' b', a]\n---\n# x").labels == ("a", "b")
    assert read("---\nlabels:\n---\n# x").labels == ()


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \r\n", "is empty"),
        (b"# x\n\xff", "not UTF-8 (byte 4)"),
        (b"Just text", "no title"),
        (b"---\nstatus: todo\n---\n", "no title"),
        (b"# x\n" + b"y" * MAX_BYTES, "larger than 1024 KiB"),
        (b"---\nid: x\n# x\n", "never closed"),
        (b"---\na: [\n---\n# x", "no valid YAML (line 3)"),
        (b"---\na: \x07\n---\n# x", "no valid YAML"),
        (b"---\na: &x [*x]\n---\n# x", "no valid YAML"),
        (b"---\na: " + b"[" * 8000 + b"]" * 100 + b"\n---\n# x", "no valid YAML"),
        (b"---\na: " + b"[" * 3000 + b"]" * 3000 + b"\n---\n# x", "no valid YAML: RecursionError"),
        (b"---\na: " + b"[" * 500000 + b"\n---\n# x", "longer than 8 KiB"),
        (b"---\n- a\n---\n# x", "`key: value` lines"),
        (b"---\n{id: a}\n---\n# x", "`key: value` lines"),
        (b"---\n  id: a\n---\n# x", "`key: value` lines"),
        (b"---\nstatus: later\n---\n# x", 'status "later" is unknown: use one of todo, in_progress,'),
        (b"---\nstatus: todo\nstatus: done\n---\n# x", "`status` once"),
        (b"---\nstatus: |\n  todo\n---\n# x", "`status` once"),
        (b"---\nstatus: [todo]\n---\n# x", "`status` once"),
        (b"---\nid: {a: b}\n---\n# x", "`id` in the front matter must be one word"),
        (b"---\nlabels: {a: b}\n---\n# x", "`labels` in the front matter must be a list"),
        (b"---\ndepends_on: [[a]]\n---\n# x", "`depends_on` in the front matter must be a list"),
    ],
)
def test_what_is_no_task_is_refused_with_a_sentence(data: bytes, complaint: str) -> None:
    """Every malformed file says what is wrong with it, and where possible what to do."""
    with pytest.raises(Malformed) as refusal:
        parse(data, "k")
    assert complaint in str(refusal.value)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# x", "---\nstatus: done\n---\n# x"),
        ("# x\r\ny", "---\r\nstatus: done\r\n---\r\n# x\r\ny"),
        ("\ufeff# x", "\ufeff---\nstatus: done\n---\n# x"),
        ("---\n---\n# x", "---\nstatus: done\n---\n# x"),
        ("---\r\nid: x\r\n...\r\n# x\n", "---\r\nid: x\r\nstatus: done\r\n...\r\n# x\n"),
        ("---\nnote: |+\n  a\n\n---\n# x", "---\nnote: |+\n  a\n\nstatus: done\n---\n# x"),
        (
            "---\nb: 1 # c\nStatus:   'To do'  # d\na: 2\n---\n# x",
            "---\nb: 1 # c\nStatus:   done  # d\na: 2\n---\n# x",
        ),
        ("---\nstatus:\n---\n# x", "---\nstatus: done\n---\n# x"),
        ("---\nstatus: # c\n---\n# x", "---\nstatus: done # c\n---\n# x"),
        ("---\nstatus: Completed\n---\n# x", "---\nstatus: Completed\n---\n# x"),
    ],
)
def test_only_the_status_is_written(before: str, after: str) -> None:
    """Line ends, comments, order of keys and a missing last newline stay; a status that fits stays as it is."""
    assert with_status(before.encode(), TaskState.DONE).decode() == after


def test_front_matter_without_room_is_refused() -> None:
    """Where a status line would not be read back, nothing is written."""
    with pytest.raises(Malformed, match="no room for a status"):
        with_status(b"---\n&a\n  id: x\n---\n# x", TaskState.DONE)


BLOCKS = st.lists(
    st.sampled_from(
        [
            "# Title: x",
            "## Description",
            "## Acceptance Criteria",
            "- [ ] a",
            "status: todo",
            "```",
            "",
            "---",
            "é ü",
            "...",
            "<!--",
        ]
    ),
    max_size=8,
)
FRONT = st.none() | st.lists(
    st.sampled_from(
        ["id: a", "status: todo", "status: 'Blocked' # hm", "# status: x", "labels: [a, b]", "x:\n  status: y"]
    ),
    unique=True,
    max_size=5,
)


@given(
    FRONT, BLOCKS, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.lists(st.sampled_from(TaskState), max_size=4)
)
def test_writing_the_status_keeps_everything_else(
    front: list[str] | None,
    blocks: list[str],
    newline: str,
    mark: bool,
    states: list[TaskState],
) -> None:
    """Whatever states follow one another: text, revision and other lines stay, and the last state is read."""
    lines = [*(["---", *front, "---"] if front is not None else []), "# First", *blocks]
    before = ("\ufeff" * mark + newline.join(line.replace("\n", newline) for line in lines)).encode()
    try:
        task = parse(before, "k").task
    except Malformed:
        assume(False)
    data = before
    for state in states:
        data = with_status(data, state)
        again = parse(data, "k").task
        assert (again.state, again.body, again.revision) == (state, task.body, task.revision)
    without = [line for line in before.decode("utf-8-sig").splitlines() if not re.match(r"---|status:", line)]
    kept = [line for line in data.decode("utf-8-sig").splitlines() if not re.match(r"---|status:", line)]
    assert kept == without
    assert data.startswith(b"\xef\xbb\xbf") == mark


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode) | BLOCKS.map("\n".join).map(str.encode))
def test_any_bytes_are_a_task_or_malformed(data: bytes) -> None:
    """Nothing but Malformed ever leaves the parser."""
    with suppress(Malformed):
        assert parse(data, "k").task.title


def test_line_ends_are_no_edit_but_words_are() -> None:
    """The revision survives git's conversion of line ends and our status; any other change alters it."""
    revision = read(LOGIN).revision
    assert read(LOGIN.replace("\n", "\r\n")).revision == revision
    assert read(LOGIN.replace("status: todo           # set by the runner", "status: done")).revision == revision
    assert read(LOGIN.replace("24 hours", "48 hours")).revision != revision
    assert read(LOGIN.replace("owner: Ada", "owner: Bob")).revision != revision


def test_a_rendered_task_holds_what_is_set_and_nothing_else() -> None:
    """Moments are written in one zone, whatever zone they were told in; empty lines around the body go."""
    moment = datetime(2026, 11, 20, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert render("Plain", "") == "---\nstatus: todo\npriority: medium\n---\n# Title: Plain\n"
    full = render(
        "Learn\n C#", "\nBody.\n\n", priority=Priority.HIGH, labels=["a"], depends_on=["7"], created_at=moment
    )
    assert full == (
        "---\nstatus: todo\npriority: high\nlabels:\n- a\ndepends_on:\n- '7'\n"
        "created: '2026-11-19T23:30:00+00:00'\n---\n# Title: Learn C# #\n\nBody.\n"
    )
    assert read(full).title == "Learn C#"


WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), min_size=1, max_size=30).filter(
    lambda text: text.strip() and "<!--" not in text and "," not in text
)


@given(
    WORDS,
    st.sampled_from(Priority),
    st.lists(WORDS.map(str.strip), max_size=3, unique=True),
    st.none() | st.datetimes(),
)
def test_a_rendered_task_reads_back(
    title: str, priority: Priority, labels: list[str], created: datetime | None
) -> None:
    """What a new file was made from is what is read from it, however odd the words."""
    moment = created.replace(microsecond=0, tzinfo=UTC) if created else None
    body = "## Acceptance Criteria\n- [ ] a"
    keys = ["a-1", "007"] if labels else []
    task = read(render(title, body, priority=priority, labels=labels, depends_on=keys, created_at=moment))
    assert task.title == " ".join(title.split())
    assert (task.priority, task.labels, task.created_at, task.state) == (
        priority,
        tuple(labels),
        moment,
        TaskState.TODO,
    )
    assert [each.key for each in task.depends_on] == keys
    assert len(task.criteria) == 1


@given(st.text(max_size=100))
def test_a_slug_is_a_plain_file_name(title: str) -> None:
    """Never empty, never long, never anything but lower case, digits and dashes."""
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug(title))
    assert len(slug(title)) <= 60


def test_a_slug_is_readable() -> None:
    """Accents are dropped, not whole letters."""
    assert slug("  Überprüfe: Käse & Co. ") == "uberprufe-kase-co"
    assert slug("日本語") == "task"


@pytest.mark.parametrize(
    "text",
    [
        "# " + " " * 500_000 + "x",
        "<!---->" * 100_000,
        "<!--" * 100_000,
        "- " * 300_000,
        "## Acceptance Criteria\n- a\n" + " b\n" * 100_000,
        "## Acceptance Criteria\n" + " " * 500_000 + "-x",
        "#" * 500_000,
        "`" * 500_000,
    ],
)
def test_hostile_text_costs_no_time(text: str) -> None:
    """A text made to be slow to read is read at once."""
    started = time.process_time()
    tasktext.read(text)
    assert time.process_time() - started < 2
