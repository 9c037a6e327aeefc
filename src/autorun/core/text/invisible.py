"""Characters that nobody sees: taken out of foreign text, except where they join what is seen."""

import re
import unicodedata

_LINE_ENDS = re.compile("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_FLAGS = re.compile("\U0001f3f4\U000e0067\U000e0062[\U000e0061-\U000e007a]{3}\U000e007f")  # England, Scotland, Wales
# Letters and fillers that take no ink, beside the categories of control, format and unassigned surrogates.
_RANGES = ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0000, 0xE0FFF))
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0") | {
    chr(code) for first, last in _RANGES for code in range(first, last + 1)
}
_JOINERS = "\u200c\u200d"
_PRESENTATION = "\ufe0e\ufe0f"  # text or emoji, after a sign that comes as either
_KEYCAPS = frozenset("0123456789#*")
_SKIN = range(0x1F3FB, 0x1F400)
_JOINING_SCRIPTS = range(0x0600, 0x0E00)  # Arabic to Sinhala, where joiners are spelling


def visible(text: str) -> tuple[str, int]:
    """Return text without what nobody sees, and how many characters that was; line ends become plain ones."""
    text = _LINE_ENDS.sub("\n", text)
    if text.isascii() and not _CONTROL.search(text):
        return text, 0
    kept: list[str] = []
    removed = 0
    start = 0
    for flag in [*_FLAGS.finditer(text), None]:
        end = flag.start() if flag else len(text)
        for at in range(start, end):
            if _shown(text, at):
                kept.append(text[at])
            else:
                removed += 1
        if flag:
            kept.append(flag.group())
            start = flag.end()
    return "".join(kept), removed


def _shown(text: str, at: int) -> bool:
    character = text[at]
    if character.isascii():
        return character.isprintable() or character in "\n\t"
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if character in _PRESENTATION:
        return bool(before) and (before in _KEYCAPS or _pictorial(before))
    if character in _JOINERS:
        return _joins_emoji(character, text, at) or (_joining(before) and _joining(after))
    return character not in _BLANK and unicodedata.category(character) not in {"Cc", "Cf", "Cs"}


def _joins_emoji(character: str, text: str, at: int) -> bool:
    before = text[at - 1 : at]
    if before in _PRESENTATION and at > 1:
        before = text[at - 2]
    return character == "\u200d" and _pictorial(before) and _pictorial(text[at + 1 : at + 2])


def _pictorial(character: str) -> bool:
    if not character:
        return False
    return ord(character) in _SKIN or unicodedata.category(character) in {"So", "Sm", "Po", "Pd"}


def _joining(character: str) -> bool:
    return bool(character) and ord(character) in _JOINING_SCRIPTS and unicodedata.category(character)[0] in "LM"
