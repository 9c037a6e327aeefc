"""Hints for words we do not know."""

from hypothesis import given, strategies as st

from autorun.core.text.suggest import did_you_mean, quoted, task_hint


def test_a_task_that_is_nearly_known_is_named() -> None:
    """Whatever its case; where none is near, the way to all of them is."""
    assert task_hint("LOGIN", ["add-login", "login-x"]) == "did you mean `login-x`?"
    assert task_hint("zzz", ["add-login"]) == "`autorun tasks` lists the backlog"


def test_a_word_that_is_near_none_gets_all_that_are_known() -> None:
    assert did_you_mean("mdel", ["model", "mode"]) == "did you mean `model`?"
    assert did_you_mean("zzz", ["model", "mode"]) == "known are: model, mode"


@given(st.text())
def test_a_quoted_value_is_short_and_on_one_line(text: str) -> None:
    """Nothing of it moves a terminal."""
    found = quoted(text)
    assert found.isprintable()
    assert len(found) <= 85
