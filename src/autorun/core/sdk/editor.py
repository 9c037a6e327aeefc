"""The editor's part that needs no disk: what a call asks for, what a file looks like, what becomes of its text."""

from collections.abc import Mapping
from dataclasses import dataclass

_TAB = "\t"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Show a file, or what lies in a folder; `first` and `last` are line numbers, `last` None for the end."""

    path: str
    first: int = 1
    last: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Write a file, over an old one too."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    """Put `new` in the place of the only `old`."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """Put text behind a line; 0 is the beginning."""

    path: str
    line: int
    text: str


Edit = View | Create | Replace | Insert


class EditRefused(ValueError):
    """The edit cannot be made; its text is for the model."""


def wanted(given: Mapping[str, object]) -> Edit:
    """Read a call's input. Raises EditRefused with what is wrong with it."""
    match given:
        case {"command": "view", "path": str(path), "view_range": [int(first), int(last)]}:
            if first < 1 or (last != -1 and last < first):
                raise EditRefused(f"view_range [{first}, {last}] is no range: lines begin at 1, -1 means the end.")
            return View(path=path, first=first, last=None if last == -1 else last)
        case {"command": "view", "path": str(path)} if given.get("view_range") is None:
            return View(path=path)
        case {"command": "create", "path": str(path), "file_text": str(text)}:
            return Create(path=path, text=text)
        case {"command": "str_replace", "path": str(path), "old_str": str(old)}:
            new = given.get("new_str")
            return Replace(path=path, old=old, new=new if isinstance(new, str) else "")
        case {"command": "insert", "path": str(path), "insert_line": int(line), "insert_text": str(text)}:
            return Insert(path=path, line=line, text=text)
        case {"command": "view" | "create" | "str_replace" | "insert" as command}:
            raise EditRefused(f"The parameters do not fit the command {command}.")
        case _:
            raise EditRefused("command must be one of view, create, str_replace, insert.")


def numbered(text: str, view: View) -> str:
    """Return the lines of a view, each behind its number. Raises EditRefused beyond the end."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if view.first > max(len(lines), 1):
        raise EditRefused(f"The file has {len(lines)} lines; the view would begin at {view.first}.")
    shown = lines[view.first - 1 : view.last]
    return "\n".join(f"{number:6}{_TAB}{line}" for number, line in enumerate(shown, start=view.first))


def replaced(text: str, edit: Replace) -> str:
    """Return the text after a replacement. Raises EditRefused unless `old` stands there exactly once."""
    if not edit.old:
        raise EditRefused("old_str is empty: use insert, or create.")
    count = text.count(edit.old)
    if count == 1:
        return text.replace(edit.old, edit.new)
    if count == 0:
        raise EditRefused("old_str does not stand in the file; look at the file, its white space included.")
    raise EditRefused(f"old_str stands in the file {count} times; give more of what is around it.")


def inserted(text: str, edit: Insert) -> str:
    """Return the text with a text behind a line. Raises EditRefused for a line that is not there."""
    lines = _lines(text)
    if not 0 <= edit.line <= len(lines):
        raise EditRefused(f"There is no line {edit.line}: the file has {len(lines)}.")
    before, behind = "".join(lines[: edit.line]), "".join(lines[edit.line :])
    if before and not before.endswith("\n"):
        before += "\n"
    new = edit.text if not behind or edit.text.endswith("\n") else f"{edit.text}\n"
    return before + new + behind


def _lines(text: str) -> list[str]:
    """Split at line feeds only, as the view does; the ends stay."""
    *ended, rest = text.split("\n")
    return [*(f"{line}\n" for line in ended), *([rest] if rest else [])]


def clipped(text: str, limit: int, *, unseen: int = 0) -> str:
    """Return at most about `limit` characters: the first half, how many are left out, the last half.

    `unseen` counts what is missing from the text already, between its halves.
    """
    if len(text) <= limit and not unseen:
        return text
    half = limit // 2
    left_out = max(len(text) - 2 * half, 0) + unseen
    note = f"\n[{left_out} characters are left out here; look at a part at a time]\n"
    return text[:half] + note + text[-half:]
