"""Foreign text made inert: what a model or an issue says reaches people as text and does nothing.

Each live form is broken by one invisible character, wherever it stands: whether Markdown would take a place for code
is too subtle a question to hang safety on.
"""

import re
import unicodedata

LONGEST = 60_000  # characters; GitHub refuses bodies above 65,536
_BREAK = "\u200b"
_SEEN = 8  # times the characters that will be shown: enough, whatever is dropped on the way
_KEYWORD = (
    r"(?:clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|complet(?:e[sd]?|ing)|implement(?:s|ed|ing)?)"
)
# Each pattern matches up to the point where the break goes.
_LIVE = re.compile(
    "|".join((
        r"<(?=[A-Za-z/!?])",  # HTML, comments, autolinks
        r"&(?=#?[A-Za-z0-9]+;)",  # entities, which would spell any of the others
        r"@(?=\S)",  # mentions, e-mail links
        r"#(?=[0-9])",  # issue references
        r"GH-(?=[0-9])",
        rf"{_KEYWORD}:?\s+[A-Z][A-Z0-9]*-(?=[0-9])",  # Linear's and Jira's closing words
        r"!(?=\[)",  # images
        r"\](?=[(\[:])",  # links, link definitions, footnotes
        r"\[(?=!)",  # alerts
        r"\[(?=\s*(?:skip|no|ci|actions)[ -])",  # words that switch off workflows
        r"skip-checks(?=\s*:)",
        r":(?=//)",  # bare links
        r"www(?=\.)",
        r"(?:```+|~~~+)[ \t]*(?=(?:mermaid|geojson|topojson|stl|math)\b)",  # diagrams, which are drawn
    )),
    re.IGNORECASE,
)  # fmt: skip
_TRAILER = re.compile(r"^(?=[A-Za-z0-9-]+-by\s*:|Autorun-|Change-Id\s*:)", re.IGNORECASE | re.MULTILINE)


def inert(text: str) -> str:
    """Return foreign text without mention, reference, closing word, link, image, HTML or hidden character."""
    visible = "".join(
        c for c in _unix_lines(text) if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cf", "Cs"}
    )
    return _LIVE.sub(lambda match: match.group() + _BREAK, visible)


def line(text: str, limit: int) -> str:
    """Return foreign text inert, on one line of at most `limit` characters."""
    return _shortened(inert(" ".join(text[: _SEEN * limit].split())), limit)


def quoted(text: str, limit: int = 20_000) -> str:
    """Return foreign text inert in a block quote, from which no heading, table or fence of its own breaks out."""
    lines = cut(inert(text).strip(), limit).split("\n")
    return "\n".join(f"> {line}".rstrip() for line in lines)


def cell(text: str, limit: int = 400) -> str:
    """Return foreign text inert as one cell of a Markdown table."""
    return _escaped_bars(line(text, limit))


def code(text: str, limit: int = 200) -> str:
    """Return text as inline code, safe in a table."""
    plain = _shortened(" ".join(inert(text).split()), limit) or " "
    fence = "`" * (max((len(run) for run in re.findall("`+", plain)), default=0) + 1)
    pad = " " if plain.startswith("`") or plain.endswith("`") else ""
    return _escaped_bars(f"{fence}{pad}{plain}{pad}{fence}")


def link(text: str, url: str) -> str:
    """Return a link to an address of ours, as code if it is no web address."""
    return f"[{text}]({url})" if re.fullmatch(r"https?://[^\s()<>\[\]`]+", url) else f"{text} {code(url)}"


def prose(text: str) -> str:
    """Return foreign text inert for a commit message: no line of it is a trailer."""
    return _TRAILER.sub("  ", inert(text).strip())


def cut(text: str, limit: int = LONGEST) -> str:
    """Return text of at most `limit` characters, saying so where it was cut."""
    note = f"\n\n(cut: {len(text)} characters)"
    return text if len(text) <= limit else text[: max(limit - len(note), 0)].rstrip() + note


def _unix_lines(text: str) -> str:
    return re.sub("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]", "\n", text)


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _escaped_bars(text: str) -> str:
    return re.sub(r"\\*\|", lambda match: "\\" * (2 * (len(match.group()) - 1)) + "\\|", text)
