"""What a task's Markdown says: title, acceptance criteria, test steps, and what is vague about them.

Read tolerantly: any heading level and case, any bullet, either line ending. Headings and bullets inside code
fences and HTML comments are text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from autorun.core.model import Criterion, Priority

_HEADING = re.compile(r" {0,3}(#{1,6})(?:\s(.*))?$")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})([^`]*)$")
_ITEM = re.compile(r"(\s*)(?:[-*+]|[0-9]{1,9}[.)])(?:\s+(.*))?$")
_RULE = re.compile(r"\s*([-*_])(?:\s*\1){2,}\s*$")
_CHECKBOX = re.compile(r"\[([ xX])\](?:\s+(.*))?$")
_COMMENT_MARK = re.compile(r"(<!--|-->)")
_TITLE = re.compile(r"title\s*:\s*(.*)$", re.IGNORECASE)
_VAGUE = re.compile(r"\b(properly|correctly|good|works)\b", re.IGNORECASE)
_CRITERIA = "acceptance criteria"
_STEPS = "test steps"
_SECTIONS = frozenset({_CRITERIA, _STEPS, "description"})
_NESTED = 2  # columns further in than the item above: part of that item

_PRIORITIES = {
    Priority.CRITICAL: ("1", "p0", "critical", "urgent", "highest", "blocker"),
    Priority.HIGH: ("2", "p1", "high"),
    Priority.MEDIUM: ("3", "p2", "medium", "normal"),
    Priority.LOW: ("4", "p3", "p4", "low", "lowest"),
}
_PRIORITY_OF = {word: priority for priority, words in _PRIORITIES.items() for word in words}

NO_CRITERIA = (
    "The task has no acceptance criteria, so nobody can tell when it is done: "
    "add a section `## Acceptance Criteria` with one `- [ ]` line for each."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskText:
    """What was found in a task's Markdown; `title` is empty if no heading is one."""

    title: str
    criteria: tuple[Criterion, ...]
    steps: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for the task's author: criteria are missing, or say nothing that can be observed."""
        if not self.criteria:
            return (NO_CRITERIA,)
        return tuple(
            f'The criterion "{criterion.text}" says "{vague[0].lower()}": say what can be observed instead.'
            for criterion in self.criteria
            if (vague := _VAGUE.search(criterion.text))
        )


def read(markdown: str) -> TaskText:
    """Read a task's Markdown; never raises."""
    title = first = section = ""
    depth = 0
    lists = {_CRITERIA: _Items(), _STEPS: _Items()}
    for line in _outside_code(markdown):
        if heading := _HEADING.match(line):
            for items in lists.values():
                items.close()
            level, text = len(heading[1]), _heading_text(heading[2] or "")
            if (name := _name(text)) in _SECTIONS:
                section, depth = name, level
            elif level <= depth or not section:
                section = ""
                named = _TITLE.match(text)
                title = title or (named[1] if named else "")
                first = first or ("" if named or depth else text)
        elif section in lists:
            lists[section].add(line)
    return TaskText(
        title=title or first,
        criteria=tuple(item for item in lists[_CRITERIA].read() if item.text),
        steps=tuple(item.text for item in lists[_STEPS].read() if item.text),
    )


def priority(word: str) -> Priority | None:
    """Return the priority a word, a number from 1 or a mark like `P0` stands for; None for any other text."""
    return _PRIORITY_OF.get(word.strip().casefold())


class _Items:
    """The items of a list in the making, each with the lines that continue it."""

    def __init__(self) -> None:
        self._items: list[list[str]] = []
        self._indent = 0
        self._open = False
        self._gap = False

    def read(self) -> Iterator[Criterion]:
        return (_criterion(" ".join(" ".join(lines).split())) for lines in self._items)

    def close(self) -> None:
        self._open = False

    def add(self, line: str) -> None:
        line = line.expandtabs(4)
        item = None if _RULE.match(line) else _ITEM.match(line)
        if not line.strip():
            self._gap = True
        elif item and not self._continues(item):
            self._items.append([item[2] or ""])
            self._indent, self._open, self._gap = len(item[1]), True, False
        elif self._open and (line.startswith(" ") or not self._gap):
            self._items[-1].append(line)
            self._gap = False
        else:
            self._open = False

    def _continues(self, item: re.Match[str]) -> bool:
        """Tell whether a bullet is a detail of the item above; one with a box of its own never is."""
        return self._open and len(item[1]) >= self._indent + _NESTED and not _CHECKBOX.match(item[2] or "")


def _criterion(item: str) -> Criterion:
    box = _CHECKBOX.match(item)
    if box is None:
        return Criterion(text=item)
    return Criterion(text=box[2] or "", ticked=box[1] != " ")


def _heading_text(raw: str) -> str:
    """Return a heading without its optional closing hashes."""
    text = raw.strip()
    opened = text.rstrip("#")
    return " ".join((opened if not opened or opened[-1].isspace() else text).split())


def _name(heading: str) -> str:
    return heading.casefold().strip(" \t:*_").strip()


def _outside_code(markdown: str) -> Iterator[str]:
    fence = ""
    comment = False
    for line in markdown.splitlines():
        mark = None if comment else _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                fence = ""
        elif mark:
            fence = mark[1]
        elif comment or "<!--" in line:
            visible, comment = _uncommented(line, inside=comment)
            yield visible
        else:
            yield line


def _uncommented(line: str, *, inside: bool) -> tuple[str, bool]:
    """Return what of a line is outside HTML comments, and whether one stays open after it.

    Only a comment that starts its line may reach beyond it: elsewhere an open mark is text.
    """
    may_stay = inside or line.lstrip().startswith("<!--")
    visible: list[str] = []
    hidden: list[str] = []
    for part in _COMMENT_MARK.split(line):
        if part == ("-->" if inside else "<!--"):
            inside = not inside
            hidden = [part]
        else:
            (hidden if inside else visible).append(part)
    if inside and not may_stay:
        return "".join((*visible, *hidden)), False
    return "".join(visible), inside
