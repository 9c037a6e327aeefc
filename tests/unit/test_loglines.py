"""Foreign text in a log is one that neither the runner nor a terminal obeys."""

import pytest
from hypothesis import given, strategies as st

from autorun.core.text.loglines import inert, one_line
from kit.workflow_commands import obeyed

PIECES = [
    "::",
    ":",
    "#",
    "##[",
    "[",
    "error",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\v",
    "\x85",
    "\u200b",
    "\xad",
    "\x1b[31m",
    "\u2028",
]
FOREIGN = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join)


@given(FOREIGN)
def test_no_text_is_obeyed(text: str) -> None:
    """By the runner's own rules, read widely; a second time changes nothing."""
    assert obeyed(inert(text)) == []
    assert inert(inert(text)) == inert(text)
    assert obeyed(one_line(text)) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("fine: a::b # [x]", "fine: a::b # [x]"),
        ("::error::no", ": :error: :no"),
        ("\u200b::error::no", ": :error: :no"),
        ("##[error]no", "## [error]no"),
        ("two\nlines\t here", "two lines here"),
        ("\x1b[31mred", "[31mred"),
    ],
)
def test_what_could_be_obeyed_is_broken_up_and_the_rest_stays(text: str, line: str) -> None:
    assert one_line(text) == line


def test_a_line_is_cut_where_it_is_too_long() -> None:
    """And says so by its last sign."""
    assert one_line("x" * 20, 20) == "x" * 20
    assert one_line("x" * 21, 20) == "x" * 19 + "…"
