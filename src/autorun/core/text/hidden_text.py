"""What a reader of an issue does not see is taken out before an agent reads it; code stays as it is.

A CommonMark parser tells code from prose, as the forge's own does. In prose go comments, images, titles and
attributes that hold words, definitions and footnotes nobody refers to. A JSX tag that was left outside a code block
is shown to nobody either, but people mean it: it stays, and is mentioned.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from markdown_it import MarkdownIt

from autorun.core.text.invisible import visible

_ATTRIBUTE = r"""\s+[A-Za-z_:@][\w:.@-]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|\{(?:[^{}]|\{[^{}]*\})*\}|[^\s"'=<>`{}]+))?"""
_SPREAD = r"\s*\{\s*\.\.\.[^{}]*\}"
_TAG = re.compile(rf"</?([A-Za-z][\w.-]*)((?:{_ATTRIBUTE}|{_SPREAD})*)\s*/?>")
_ATTRIBUTES = re.compile(rf"({_SPREAD})|({_ATTRIBUTE})")
# What a browser shows nothing of: how it begins, and how it ends.
_UNSEEN = (("<!-->", ""), ("<!--->", ""), ("<!--", "-->"), ("<?", "?>"), ("<![CDATA[", "]]>"))
_DECLARATION = re.compile(r"<![A-Za-z]")
_DESTINATION = r"(?:<[^<>\n]*>|[^\s()<]*(?:\([^\s()]*\)[^\s()]*)*)"
_TITLE = r"""(?:\s+(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\((?:\\.|[^()\\])*\)))?"""
_LINK = re.compile(rf"\]\(\s*({_DESTINATION})({_TITLE})\s*\)")
_LABEL = r"\[((?:\\.|[^\[\]\\]){0,999})\]"
_IMAGE = re.compile(rf"!\[(?:\\.|[^\[\]\\]|\[[^\[\]]*\])*\](?:\(\s*{_DESTINATION}{_TITLE}\s*\)|{_LABEL})?")
_REFERENCE = re.compile(rf"{_LABEL}(?:{_LABEL})?(?![(\[:])")
_EMPTY_LINK = re.compile(rf"\[\s*\]\(\s*{_DESTINATION}{_TITLE}\s*\)")
_FOOTNOTE = re.compile(r" {0,3}\[\^([^\]\s]+)\]:")
_INFO = re.compile(r"(\s*(?:[>*+-]\s+|[0-9]{1,9}[.)]\s+)*(?:`{3,}|~{3,}))([^`\n]*)$")
_INFO_WORD = re.compile(r"""\{[\w,.: -]{0,40}\}|[\w-]+(?:=(?:"[^"\s]{0,60}"|'[^'\s]{0,60}'|[^\s"']{1,60}))?""")
_WORDY = frozenset({"alt", "title", "placeholder", "content", "summary", "label", "value", "style", "hidden"})
_MOST_WORDS = 3  # an attribute that holds more of them is read as prose
_NAMES = {
    "comment": ("HTML comment", "HTML comments"),
    "image": ("image", "images"),
    "title": ("title of a link", "titles of links"),
    "attribute": ("attribute", "attributes"),
    "definition": ("definition of a link", "definitions of links"),
    "footnote": ("footnote nobody refers to", "footnotes nobody refers to"),
    "link": ("link without a text", "links without a text"),
    "info": ("remark behind a code fence", "remarks behind code fences"),
    "character": ("invisible character", "invisible characters"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """Text as a reader sees it, and how much of what kind was hidden in it; `unseen` names tags that were left."""

    text: str
    counts: Mapping[str, int]
    unseen: tuple[str, ...] = ()


def told(texts: Iterable[Cleaned]) -> tuple[str, ...]:
    """Say in words what was hidden in some texts: `2 images`, `1 HTML comment`."""
    counts = sum((Counter(text.counts) for text in texts), Counter[str]())
    return tuple(f"{counts[kind]} {names[counts[kind] != 1]}" for kind, names in _NAMES.items() if counts[kind])


def cleaned_line(text: str) -> Cleaned:
    """Return a title without what nobody sees."""
    kept, characters = visible(text)
    return Cleaned(text=" ".join(kept.split()), counts={"character": characters})


def cleaned(markdown: str) -> Cleaned:
    """Return Markdown without what its reader does not see; never raises."""
    text, characters = visible(markdown)
    counts = Counter(character=characters)
    env: dict[str, Any] = {}
    lines = text.split("\n")
    kinds = _kinds(text, len(lines), env)
    links = {key: one["href"] for key, one in env.get("references", {}).items() if not key.startswith("^")}
    scan = _Scan(counts=counts, links=links)
    cited = set(re.findall(r"\[\^([^\]\s]+)\](?!:)", text))
    kept: list[str] = []
    in_dead_footnote = False
    for kind, block in _blocks(lines, kinds):
        footnote = _FOOTNOTE.match(block[0])
        if in_dead_footnote and (not block[0].strip() or block[0].startswith(("    ", "\t"))):
            continue
        in_dead_footnote = kind != _CODE and footnote is not None and footnote[1] not in cited
        if in_dead_footnote:
            counts["footnote"] += 1
        elif kind == _DEFINITION:
            counts["definition"] += 1
        elif kind == _CODE:
            kept += [_fence_line(block[0], counts), *block[1:]]
        else:
            kept.append(scan.prose("\n".join(block), html=kind == _HTML))
    return Cleaned(text="\n".join(kept), counts=counts, unseen=tuple(dict.fromkeys(scan.unseen)))


# ------------ blocks

_CODE, _HTML, _PROSE, _DEFINITION = "code", "html", "prose", "definition"
_Kind = tuple[str, int]


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table").disable("inline")  # only the blocks are asked for


def _kinds(text: str, count: int, env: dict[str, Any]) -> list[_Kind]:
    """Tell for every line what it belongs to: its kind, and the first line of its block."""
    kinds: list[_Kind] = [(_PROSE, line) for line in range(count)]
    for token in _parser().parse(text, env):
        kind = {"fence": _CODE, "code_block": _CODE, "html_block": _HTML, "inline": _PROSE}.get(token.type)
        if kind and token.map:
            for line in range(token.map[0], min(token.map[1], count)):
                kinds[line] = (kind, token.map[0])
    for first, last in _definitions(env):
        for line in range(first, min(last, count)):
            kinds[line] = (_DEFINITION, first)
    return kinds


def _definitions(env: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """Yield the lines of every definition of a link; a footnote looks like one, and is shown."""
    for label, one in env.get("references", {}).items():
        if not label.startswith("^"):
            yield one["map"][0], one["map"][1]
    for one in env.get("duplicate_refs", ()):
        if not one["label"].startswith("^"):
            yield one["map"][0], one["map"][1]


def _blocks(lines: list[str], kinds: list[_Kind]) -> Iterator[tuple[str, list[str]]]:
    start = 0
    for at in range(1, len(lines) + 1):
        if at == len(lines) or kinds[at] != kinds[start]:
            yield kinds[start][0], lines[start:at]
            start = at


def _fence_line(line: str, counts: Counter[str]) -> str:
    """Return the line that opens a fence with its language and its settings, without what else stands there."""
    found = _INFO.match(line)
    if found is None:
        return line
    words = _INFO_WORD.findall(found[2])
    first, *settings = words or [""]
    kept = [first, *(word for word in settings if word.startswith("{") or "=" in word)]
    info = found[2].strip()
    if "".join(kept) == "".join(info.split()) or info.startswith("{"):
        return line
    if len(info.split()) == 1:
        return line
    counts["info"] += 1
    return f"{found[1]}{' '.join(kept)}"


# ------------ prose


@dataclass(slots=True, kw_only=True)
class _Scan:
    counts: Counter[str]
    links: Mapping[str, str]
    unseen: list[str] = field(default_factory=list)

    def prose(self, text: str, *, html: bool) -> str:
        """Return a block of prose without what is hidden in it."""
        kept: list[str] = []
        at = 0
        while at < len(text):
            piece, at = self._next(text, at, html=html)
            kept.append(piece)
        return "".join(kept)

    def _next(self, text: str, at: int, *, html: bool) -> tuple[str, int]:
        character = text[at]
        if character == "\\" and not html:
            return text[at : at + 2], at + 2
        if character == "`" and not html:
            return _code_span(text, at)
        if character == "<":
            return self._angle(text, at, html=html)
        if character in "![]" and not html:
            return self._bracket(text, at)
        return character, at + 1

    def _angle(self, text: str, at: int, *, html: bool) -> tuple[str, int]:
        if (end := _unseen_until(text, at, html=html)) is not None:
            self.counts["comment"] += 1
            return "", end
        tag = _TAG.match(text, at)
        if tag is None:
            return "<", at + 1
        name = tag[1]
        if name.lower() == "img":
            self.counts["image"] += 1
            return "(image)", tag.end()
        if (name[0].isupper() and name != name.upper()) or "." in name:
            self.unseen.append(f"<{name}>")
            return tag.group(), tag.end()
        return self._plain_tag(tag), tag.end()

    def _plain_tag(self, tag: re.Match[str]) -> str:
        kept = []
        for found in _ATTRIBUTES.finditer(tag[2]):
            if found[1] or not _wordy(found[2]):
                kept.append(found.group())
            else:
                self.counts["attribute"] += 1
        return tag.group().replace(tag[2], "".join(kept), 1) if tag[2] else tag.group()

    def _bracket(self, text: str, at: int) -> tuple[str, int]:
        if found := _IMAGE.match(text, at):
            if found.group().endswith(")") or self._known(found.group()[1:]):
                self.counts["image"] += 1
                return "(image)", found.end()
            return "!", at + 1
        if found := _EMPTY_LINK.match(text, at):
            self.counts["link"] += 1
            return "", found.end()
        if found := _LINK.match(text, at):
            destination = found[1]
            if found[2]:
                self.counts["title"] += 1
            if len(destination.split()) > 1:
                self.counts["link"] += 1
                destination = ""
            return f"]({destination})", found.end()
        reference = _REFERENCE.match(text, at)
        if reference is not None and (href := self._href(reference[2] or reference[1])) is not None:
            return f"[{reference[1]}]({href})", reference.end()
        return text[at], at + 1

    def _known(self, image: str) -> bool:
        found = _REFERENCE.match(image)
        return found is not None and self._href(found[2] or found[1]) is not None

    def _href(self, label: str) -> str | None:
        return self.links.get(" ".join(label.split()).lower().upper())


def _unseen_until(text: str, at: int, *, html: bool) -> int | None:
    """Return where a comment, instruction or declaration ends that begins at `at`; None if there is none.

    An unclosed one hides the rest of an HTML block; anywhere else it is text, and shown.
    """
    marks = (
        [("<!", ">")] if _DECLARATION.match(text, at) else [each for each in _UNSEEN if text.startswith(each[0], at)]
    )
    if not marks:
        return None
    opening, closing = marks[0]
    found = text.find(closing, at + len(opening))
    if found >= 0:
        return found + len(closing)
    return len(text) if html else None


def _code_span(text: str, at: int) -> tuple[str, int]:
    """Return a code span as it is; backticks that open none are text."""
    run = re.compile("`+").match(text, at)
    assert run is not None
    closing = re.compile(rf"(?<!`){run.group()}(?!`)").search(text, run.end())
    end = closing.end() if closing else run.end()
    return text[at:end], end


def _wordy(attribute: str) -> bool:
    name, _, value = attribute.strip().partition("=")
    name, value = name.strip().lower(), value.strip()
    if name in _WORDY or name.startswith(("aria-", "data-")):
        return True
    return not value.startswith("{") and len(value.split()) > _MOST_WORDS
