"""Lines of JSON out of a stream of bytes, with bounded memory: a line too long keeps its shape, not its strings."""

import re
from typing import Final

LONGEST: Final = 1024 * 1024
STRING: Final = 16 * 1024

_PLAIN: Final = re.compile(rb'[^"\\]+')
_SKIPPED: Final = re.compile(rb'(?:[^"\\]++|\\.)++', re.DOTALL)


class Lines:
    """Cuts what is fed into lines. A line of more than `longest` bytes has its strings cut to `string` bytes.

    What is still too long after that is cut off hard: such a line no longer reads as JSON.
    """

    def __init__(self, *, longest: int = LONGEST, string: int = STRING) -> None:
        self._longest = longest
        self._string = string
        self._buffer = bytearray()
        self._clip: _Clip | None = None

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take more bytes and return the lines they complete, without their line ends."""
        *ended, rest = chunk.split(b"\n")
        lines = []
        for piece in ended:
            self._add(piece)
            lines.append(self.rest())
        self._add(rest)
        return lines

    def rest(self) -> bytes:
        """Return, and forget, the line that has begun."""
        line = self._clip.value() if self._clip else bytes(self._buffer)
        self._buffer.clear()
        self._clip = None
        return line

    def _add(self, piece: bytes) -> None:
        if self._clip is None and len(self._buffer) + len(piece) > self._longest:
            self._clip = _Clip(self._longest, self._string)
            self._clip.add(bytes(self._buffer))
            self._buffer.clear()
        if self._clip is None:
            self._buffer += piece
        else:
            self._clip.add(piece)


class _Clip:
    """A line whose strings are shortened while it passes through."""

    def __init__(self, longest: int, string: int) -> None:
        self._longest = longest
        self._limit = string
        self._kept = bytearray()
        self._inside = False
        self._full = False
        self._begun = 0
        self._escape = b""

    def add(self, piece: bytes) -> None:
        piece = self._escape + piece
        self._escape = b""
        at = 0
        while at < len(piece) and len(self._kept) <= self._longest:
            if self._full and (skipped := _SKIPPED.match(piece, at)):
                at = skipped.end()
            elif plain := _PLAIN.match(piece, at):
                self._keep(piece[at : min(plain.end(), at + self._limit + 1)] if self._inside else plain[0])
                at = plain.end()
            elif piece[at : at + 1] == b'"':
                self._turn()
                at += 1
            else:
                size = 6 if piece[at + 1 : at + 2] == b"u" else 2
                if at + size > len(piece):
                    self._escape = piece[at:]
                    return
                self._keep(piece[at : at + size])
                at += size

    def value(self) -> bytes:
        return bytes(self._kept[: self._longest])

    def _turn(self) -> None:
        self._kept += b'"'
        self._inside = not self._inside
        self._full = False
        self._begun = len(self._kept)

    def _keep(self, data: bytes) -> None:
        if not self._inside:
            self._kept += data
        else:
            room = self._limit - (len(self._kept) - self._begun)
            self._full = len(data) > room
            if not self._full:
                self._kept += data
            elif not data.startswith(b"\\"):
                self._kept += data[:room]
                whole = self._kept[self._begun :].decode("utf-8", "ignore")  # no half of a character at the end
                self._kept[self._begun :] = whole.encode()
