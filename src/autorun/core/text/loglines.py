"""Foreign text made inert for a log that obeys commands and for terminals that obey escapes."""

import re

# `::name::` counts at the start of a line, `##[name` anywhere; \r and the Unicode line ends start lines too.
_LINE_ENDS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Controls, and all that has no width of its own: a comparison by language rules looks past it.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff]"
)
# Signs of other kinds (accents without a letter, marks of a script) may be looked past as well.
_PAIR = re.compile(r":[^\w\s!-~]*:")
_COMMAND = re.compile(rf"[^\w!-~]*{_PAIR.pattern}")
_OLD_COMMAND = re.compile(r"#[^\w\s!-~]*#[^\w\s!-~]*\[")


def one_line(text: str, limit: int = 300) -> str:
    """Return `text` as one inert line of at most `limit` characters."""
    flat = " ".join(inert(text).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def inert(text: str) -> str:
    """Return `text` with no line in it that a runner would take for a command, and no terminal control in it."""
    lines = (_UNSEEN.sub("", line) for line in _LINE_ENDS.split(text))
    return "\n".join(_disarmed(line) for line in lines)


def _disarmed(line: str) -> str:
    line = _OLD_COMMAND.sub("## [", line)
    return _PAIR.sub(": :", line) if _COMMAND.match(line) else line
