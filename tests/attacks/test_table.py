"""The table in docs/security.md tells the truth: no attack without a row, no row without its control and its test."""

import ast

import pytest

from attacks.controls import HERE, NO_ATTACKS, PAGE, TOP, Control, table
from attacks.rows import ROWS


def _tests() -> set[str]:
    found = set()
    for path in HERE.glob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        found |= {f"{path.name}::{name}" for name in names if name.startswith("test_")}
    return {name for name in found if not name.startswith("test_table.py::")}


def test_every_attack_has_a_row() -> None:
    """And what has none is named as no attack."""
    listed = {test.partition("[")[0] for row in ROWS for test in row.tests}
    assert _tests() == listed | NO_ATTACKS


def test_the_page_holds_what_was_seen() -> None:
    """A changed test or removal changes its digest: `python tests/attacks/controls.py` plays it again."""
    assert table(PAGE.read_text(encoding="utf-8")) == [row.row() for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_control_is_there(row: Control) -> None:
    """The text that a removal replaces stands in the source as it is."""
    for name, old, new in row.without:
        text = (TOP / "src/autorun" / name).read_text(encoding="utf-8")
        for earlier, before, after in row.without:
            if (earlier, before) == (name, old):
                break
            text = text.replace(before, after) if earlier == name else text
        assert old in text
        assert old != new
