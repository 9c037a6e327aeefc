"""Paths as every file system reads them: case, Unicode forms, invisible characters, Windows' spellings folded away.

A change is made on one system and checked out on others; what two systems take for the same file, or for git's own,
must not slip through as something else.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

import pathspec

from autorun.core.errors import ConfigurationError

# Characters that HFS+ and renderers ignore beyond Unicode's format class.
_IGNORED = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
_SHORT_NAME = re.compile(r"[^./~]{1,6}~[0-9]{1,3}(\.[^./~]{0,3})?")
_GITS_SHORT_NAME = re.compile(r"git~[0-9]+(\..*)?")


class Pattern:
    """One path pattern with the meaning it has in `.gitignore`. Raises ConfigurationError if it is none."""

    def __init__(self, text: str) -> None:
        try:
            spec = pathspec.GitIgnoreSpec.from_lines([text])
        except ValueError as error:
            raise ConfigurationError(f"{text!r} is no path pattern: {error}") from None
        if not any(pattern.include for pattern in spec.patterns):
            raise ConfigurationError(
                f"{text!r} matches no path",
                hint="write it as in .gitignore, without a leading `!` or `#`: `docs/`, `*.sql`, `/deploy/**`",
            )
        self._spec = spec

    def matches(self, path: str) -> bool:
        """Tell whether the pattern covers `path`, itself or through a folder above it."""
        return self._spec.match_file(path)


def folded(path: str) -> str:
    """Return what case-insensitive, Unicode-normalising file systems make of `path`; equal means the same file."""
    return "/".join(map(_folded_component, path.split("/")))


def undisguised(path: str) -> str:
    """Return `path` folded as hard as any system does: backslashes separate, alternate streams are cut off."""
    components = path.replace("\\", "/").split("/")
    return "/".join(_folded_component(component.partition(":")[0] or component) for component in components)


def is_git_file(path: str) -> bool:
    """Tell whether any system takes a component of `path` for git's own folder."""
    return any(c == ".git" or _GITS_SHORT_NAME.fullmatch(c) for c in undisguised(path).split("/"))


def is_short_name(path: str) -> bool:
    """Tell whether a component has the form that Windows gives to longer names (`CODEOW~1`)."""
    return any(_SHORT_NAME.fullmatch(component) for component in undisguised(path).split("/"))


def objection(path: str) -> str:
    """Return why no repository should hold `path`, as the end of a sentence; empty if it may."""
    categories = {unicodedata.category(character) for character in path}
    faults = {
        "is taken for git's own folder": is_git_file(path),
        "is no path inside the repository": path.startswith(("/", "\\")) or re.match(r"[A-Za-z]:[/\\]", path),
        "leads through `.`, `..` or an empty component": {"", ".", ".."} & set(re.split(r"[/\\]", path)),
        "is no valid UTF-8": "Cs" in categories,
        "contains control characters": {"Cc", "Zl", "Zp"} & categories,
        "contains invisible characters": "Cf" in categories or _IGNORED.search(path),
        "contains a backslash, which separates folders on Windows": "\\" in path,
    }
    return next((fault for fault, found in faults.items() if found), "")


def collisions(base: Iterable[str], gone: Iterable[str], new: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each new path with the other path, or folder, that some systems take for the same.

    `base` are the paths that were there, `gone` those the change removes.
    """
    seen: dict[str, str] = {}
    for path in sorted(set(base) - set(gone)):
        for place in _places(path):
            seen.setdefault(folded(place), place)
    for path in sorted(set(new)):
        for place in _places(path):
            other = seen.setdefault(folded(place), place)
            if other != place:
                yield path, other
                break


def shown(path: str) -> str:
    """Return `path` so that a person sees every character of it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path)


def _places(path: str) -> Iterator[str]:
    """Yield every folder above `path`, then the path itself."""
    for position, character in enumerate(path):
        if character == "/":
            yield path[:position]
    yield path


@cache
def _folded_component(name: str) -> str:
    visible = "".join(c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf")
    visible = _IGNORED.sub("", visible)
    # Up, then down: systems that compare in upper case take a dotless i for an i. Down alone would not.
    lowered = visible.upper().lower().replace("i\u0307", "i")
    return unicodedata.normalize("NFKC", lowered).casefold().rstrip(". ") or lowered
