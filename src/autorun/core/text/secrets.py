"""Secrets in text: found by their known formats and by the exact values of our own, never repeated.

The formats are few and exact on purpose: a guess by entropy would block honest changes (hashes, fixtures, lock
files), and what blocks a night's work must be right.
"""

import base64
import re
from collections.abc import Iterable, Iterator
from functools import cache
from urllib.parse import quote, quote_plus

_SHORTEST_OWN = 8  # characters; anything shorter occurs by chance
_FEWEST_DISTINCT = 8  # characters of a real secret; `ghp_xxxxxxxx` is a placeholder
OWN = "a credential of this runner"

_FORMATS: tuple[tuple[str, str], ...] = (
    ("a GitHub token", r"(?:gh[pousr]_[A-Za-z0-9_.-]{36,}|github_pat_[A-Za-z0-9_]{22,})"),
    ("a GitLab token", r"glpat-[A-Za-z0-9_-]{20,}"),
    ("an Anthropic key", r"sk-ant-[A-Za-z0-9_-]{20,}"),
    ("an OpenAI key", r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}"),
    ("an AWS access key", r"A(?:KIA|SIA|BIA|CCA)[A-Z2-7]{16}(?![A-Za-z0-9])"),
    ("an AWS secret key", r"(?i:aws_?secret_?(?:access_?)?key)\W{1,6}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"),
    ("a Slack token", r"xox[abceoprs]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,}"),
    ("a Slack webhook", r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,}"),
    ("an npm token", r"npm_[A-Za-z0-9]{36}"),
    ("a PyPI token", r"pypi-AgE[A-Za-z0-9_-]{40,}"),
    ("a Google credential", r"AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{24,}|ya29\.[A-Za-z0-9_-]{20,}"),
    ("a Linear key", r"lin_(?:api|oauth|wh)_[A-Za-z0-9]{32,}"),
    ("a Stripe key", r"[rs]k_live_[A-Za-z0-9]{16,}"),
    (
        "a private key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[^-]{0,16384}-----END[A-Z0-9 ]{0,60}-----)?",
    ),
    ("a JSON web token", r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
)
_COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in _FORMATS)
_WORD = re.compile(r"[A-Za-z0-9_]")


def find(text: str, own: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the kinds of secrets in `text` ("a GitHub token"), each once; `own` are exact values of ours."""
    return tuple(dict.fromkeys(kind for kind, _, _ in _spans(text, own)))


def redacted(text: str, own: Iterable[str] = ()) -> str:
    """Return `text` with every secret replaced by the name of its kind."""
    parts = []
    position = 0
    for kind, start, end in sorted(_spans(text, own), key=lambda span: span[1:]):
        if end <= position:
            continue
        parts += [text[position : max(start, position)], f"[removed: {kind}]" if start >= position else ""]
        position = end
    return "".join((*parts, text[position:]))


def own_struck(data: bytes, own: Iterable[str]) -> bytes:
    """Return `data` with every spelling of our own secrets replaced; other formats are left alone."""
    for form in (form for value in own for form in _forms(value)):
        data = data.replace(form.encode("utf-8", "surrogateescape"), f"[removed: {OWN}]".encode())
    return data


def _spans(text: str, own: Iterable[str]) -> Iterator[tuple[str, int, int]]:
    for value in own:
        for form in _forms(value):
            start = text.find(form)
            while start >= 0:
                yield OWN, start, start + len(form)
                start = text.find(form, start + 1)
    for kind, pattern in _COMPILED:
        for match in pattern.finditer(text):
            if not _placeholder(match.group()) and not _inside_word(text, match.start()):
                yield kind, match.start(), match.end()


def _placeholder(match: str) -> bool:
    return len(set(match)) < _FEWEST_DISTINCT or "EXAMPLE" in match


def _inside_word(text: str, start: int) -> bool:
    # Checked here, not in the pattern: a pattern that begins with its literal is searched many times faster.
    return start > 0 and _WORD.match(text[start]) is not None and _WORD.match(text[start - 1]) is not None


@cache
def _forms(value: str) -> tuple[str, ...]:
    """Return the spellings under which a secret of ours could leave: plain, escaped, hexadecimal, base64."""
    secret = value.strip()
    if len(secret) < _SHORTEST_OWN:
        return ()
    raw = secret.encode("utf-8", "surrogateescape")
    forms = [secret, quote(raw, safe=""), quote_plus(raw), raw.hex(), raw.hex().upper()]
    for shift in range(3):  # inside a longer text its base64 depends on where it begins
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        inner = encoded[(0, 2, 3)[shift] : -1]
        forms += [inner, inner.translate(str.maketrans("+/", "-_"))]
    return tuple(dict.fromkeys(forms))
