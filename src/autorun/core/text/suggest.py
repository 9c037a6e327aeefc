"""Words for error sentences: the nearest known word to one we do not know, and a value in quotes."""

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 80


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return the known word most like `word`, empty if none is near (`cutoff` 0 to 1: 1 is equal)."""
    spellings = {candidate.casefold(): candidate for candidate in known}
    return next((spellings[match] for match in get_close_matches(word.casefold(), spellings, n=1, cutoff=cutoff)), "")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint: the nearest known word as a question, or else all of them."""
    choices = tuple(known)
    match = nearest(word, choices)
    return f"did you mean `{match}`?" if match else f"known are: {', '.join(choices)}"


def task_hint(key: str, known: Iterable[str]) -> str:
    """Return a hint about a task's key that nobody knows."""
    match = nearest(key, known)
    return f"did you mean `{match}`?" if match else "`autorun tasks` lists the backlog"


def quoted(value: object) -> str:
    """Return a value on one short line, between backticks."""
    text = str(value)
    text = text if text.isprintable() else ascii(text)
    return f"`{text if len(text) <= _LONGEST else text[:_LONGEST] + '...'}`"
