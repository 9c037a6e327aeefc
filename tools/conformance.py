"""The table of what the seed asks for, from its data to a page: each row with its state and what holds it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

DATA = Path("tests/seed/conformance.yml")
PAGE = "docs/conformance.md"
_STATES = ("tested", "otherwise by contract", "not applicable", "missing")
_HEAD = """\
# Conformance

What the guide that this project began from asks for, row by row, and the tests that hold the product to it. Where the
product decides differently on purpose, the row says so and why: *contract* is what users touch, as
[commands](commands.md), [configuration](configuration.md) and [the action](github-action.md) describe it, *decisions*
are [these](decisions.md). Generated from `{data}` by `make generate`; a test collects every test that
is named here.

{counts}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is asked for, the tests that hold it (node ids), and why it is done otherwise, not at all or not yet."""

    section: str
    id: str
    says: str
    tests: tuple[str, ...] = ()
    otherwise: str = ""
    not_applicable: str = ""
    missing: str = ""

    @property
    def state(self) -> str:
        """One of four words."""
        reasons = zip(_STATES[1:], (self.otherwise, self.not_applicable, self.missing), strict=True)
        return next((state for state, reason in reasons if reason), _STATES[0])


def rows(root: Path) -> tuple[Row, ...]:
    """Read the table. Raises KeyError, TypeError for a row of another form."""
    return tuple(_rows(yaml.safe_load((root / DATA).read_text())))


def _rows(sections: list[dict[str, object]]) -> Iterator[Row]:
    for section in sections:
        listed = section["rows"]
        assert isinstance(listed, list)
        for row in listed:
            texts = {str(key): " ".join(str(value).split()) for key, value in row.items()}
            tests = tuple(f"tests/{each}" for each in texts.pop("tested", "").split())
            yield Row(section=str(section["section"]), tests=tests, **texts)


def page(root: Path) -> str:
    """Return the page."""
    found = rows(root)
    counted = Counter(row.state for row in found)
    counts = f"{len(found)} rows: " + ", ".join(f"{counted[state]} {state}" for state in _STATES) + "."
    lines = [_HEAD.format(data=DATA, counts=counts)]
    section = ""
    for row in found:
        if row.section != section:
            section = row.section
            lines += [f"\n## {section}\n", "| row | asks for | state | held by |", "|---|---|---|---|"]
        reason = row.otherwise or row.not_applicable or row.missing
        state = f"{row.state}: {reason}" if reason else row.state
        name = row.id.partition(" ")[2] or row.id
        lines.append(f"| {name} | {row.says} | {state} | {_links(row.tests)} |")
    return "\n".join(lines) + "\n"


def _links(tests: tuple[str, ...]) -> str:
    return "<br>".join(f"[{test.rpartition('::')[2]}](../{test.partition('::')[0]})" for test in tests)
