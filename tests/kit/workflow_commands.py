"""What the runner of GitHub Actions obeys in a log: its rules, read as widely as its comparisons may be."""

import re
import unicodedata

_IGNORED = {"Cf", "Mn", "Me", "Cc"}  # comparison by language rules looks past these


def obeyed(log: str) -> list[str]:
    """Return every line of a log that the runner would take for a command."""
    found = []
    for line in re.split(r"\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", log):
        visible = "".join(c for c in line if unicodedata.category(c) not in _IGNORED).lstrip()
        if visible.startswith("::") or "##[" in visible:
            found.append(visible)
    return found
