"""The grammar of `/autorun`, and names on a GitHub server."""

import pytest
from hypothesis import given, strategies as st

from autorun.core.github.commands_text import Order, Spoken, parse
from autorun.core.github.names import compare_page, repository_at, task_of_branch
from autorun.core.model import AnswerKind, TaskId
from autorun.core.naming import branch, next_branch


@pytest.mark.parametrize(
    ("comment", "order", "text"),
    [
        ("/autorun", Order.WORK, ""),
        ("/autorun  ", Order.WORK, ""),
        ("/autorun\r\nonly the first part", Order.WORK, "only the first part"),
        ("/Autorun Retry", Order.RETRY, ""),
        ("/autorun retry use PostgreSQL", Order.RETRY, "use PostgreSQL"),
        ("/autorun retry\n\nuse\nPostgreSQL", Order.RETRY, "use\nPostgreSQL"),
        ("/autorun approve go on\nslowly", Order.APPROVE, "go on\nslowly"),
        ("/autorun stop", Order.STOP, ""),
        ("/autorun status", Order.STATUS, ""),
        ("/autorun help", Order.HELP, ""),
        ("/autorun work", Order.UNKNOWN, ""),
        ("/autorun dance", Order.UNKNOWN, ""),
        ("/autorun stop it", Order.UNKNOWN, ""),
        ("/autorun !", Order.UNKNOWN, ""),
    ],
)
def test_commands(comment: str, order: Order, text: str) -> None:
    """A word we know, and text only where it means something."""
    assert parse(comment) == Spoken(order=order, text=text)


@pytest.mark.parametrize(
    "comment",
    ["", "> /autorun", "`/autorun`", "```\n/autorun\n```", "    /autorun", " /autorun", "\n/autorun", "do /autorun",
     "/autorunner", "/autorun-x", "\u200b/autorun", "<!-- -->/autorun", "/ autorun"],
)  # fmt: skip
def test_other_comments(comment: str) -> None:
    """Quoted, in code, indented, later or glued: no command."""
    assert parse(comment) is None


@pytest.mark.parametrize("order", list(Order))
def test_three_commands_let_a_stopped_task_go_on(order: Order) -> None:
    """Each as the answer of its own name; the others answer nothing."""
    answers = {Order.WORK: AnswerKind.WORK, Order.RETRY: AnswerKind.RETRY, Order.APPROVE: AnswerKind.APPROVE}
    assert order.answer is answers.get(order)


@given(st.text())
def test_no_text_breaks_the_grammar(text: str) -> None:
    """A command needs its very first characters."""
    assert (parse(text) is not None) <= text.lower().startswith("/autorun")


@pytest.mark.parametrize(
    ("url", "server", "name"),
    [
        ("https://github.com/octo/app.git", "https://github.com", "octo/app"),
        ("https://github.com/octo/app", "https://github.com/", "octo/app"),
        ("https://GitHub.com:443/octo/app/", "https://github.com", "octo/app"),
        ("git@github.com:octo/app.git", "https://github.com", "octo/app"),
        ("ssh://git@github.com/octo/app.git", "https://github.com", "octo/app"),
        ("ssh://git@github.com:22/octo/app.git", "https://github.com", "octo/app"),
        ("http://127.0.0.1:3000/octo/app.git", "http://127.0.0.1:3000", "octo/app"),
        ("http://127.0.0.1:3001/octo/app.git", "http://127.0.0.1:3000", ""),
        ("https://gitlab.com/octo/app.git", "https://github.com", ""),
        ("https://github.com.evil.org/octo/app", "https://github.com", ""),
        ("https://github.com/octo", "https://github.com", ""),
        ("https://github.com/a/b/c", "https://github.com", ""),
        ("/srv/git/app.git", "https://github.com", ""),
        ("../app", "https://github.com", ""),
        ("https://[bad/octo/app", "https://github.com", ""),
        ("", "https://github.com", ""),
    ],
)
def test_where_a_clone_comes_from(url: str, server: str, name: str) -> None:
    """Only the very server counts, however its URL is written."""
    assert repository_at(url, server) == name


@given(st.integers(1, 10**9), st.integers(1, 30))
def test_a_work_branch_names_its_task(number: int, generation: int) -> None:
    """Every generation leads back to the issue."""
    task = TaskId(provider="github", key=str(number))
    name = branch(task, generation)
    assert task_of_branch(name) == str(number)
    assert task_of_branch(next_branch(task, name)) == str(number)


@pytest.mark.parametrize(
    "name", ["main", "autorun/github-", "autorun/github-07", "autorun/file-7", "autorun/github-7x"]
)
def test_other_branches_name_none(name: str) -> None:
    """What we would not have called so is not ours."""
    assert task_of_branch(name) == ""


def test_the_page_to_open_a_pull_request() -> None:
    """With and without a base."""
    assert compare_page("https://h/", "o/r", "a+2", "main") == "https://h/o/r/compare/main...a%2B2?expand=1"
    assert compare_page("https://h", "o/r", "autorun/x") == "https://h/o/r/compare/autorun/x?expand=1"
