"""Lines from a stream: whole when short, of the same shape when long, bounded whatever comes."""

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from autorun.core.text.lines import Lines
from kit.chunks import chunked

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
documents = st.dictionaries(
    texts.map(lambda text: text[:5]),
    st.recursive(texts | st.integers() | st.none() | st.booleans(), lambda inner: st.lists(inner, max_size=3)),
    max_size=4,
)


def _read(lines: Lines, pieces: list[bytes]) -> list[bytes]:
    return [line for piece in pieces for line in lines.feed(piece)]


@settings(max_examples=settings().max_examples // 2)
@given(st.lists(documents, max_size=5), st.integers(1, 40), st.booleans())
def test_short_lines_arrive_as_they_were_sent(sent: list[dict[str, Any]], size: int, ascii_only: bool) -> None:
    stream = "".join(json.dumps(document, ensure_ascii=ascii_only) + "\n" for document in sent).encode()
    assert [json.loads(line) for line in _read(Lines(), chunked(stream, size))] == sent


def _shortened(whole: Any, cut: Any, limit: int) -> bool:
    match whole, cut:
        case str(), str():
            return whole.startswith(cut) and (
                whole == cut or len(json.dumps(cut, ensure_ascii=False).encode()) <= limit + 2
            )
        case list(), list():
            return len(whole) == len(cut) and all(_shortened(a, b, limit) for a, b in zip(whole, cut, strict=True))
        case dict(), dict():
            return all(_shortened(whole[key], cut[key], limit) for key in whole) and whole.keys() == cut.keys()
        case _:
            return bool(whole == cut)


@pytest.mark.parametrize(("limit", "kept"), [(4, "abcd"), (5, "abcd"), (6, "abcd\n"), (8, "abcd\n"), (9, "abcd\n€")])
def test_no_string_is_cut_through_a_character(limit: int, kept: str) -> None:
    """One that is escaped or takes more than one byte is kept whole or not at all; bytes count, not characters."""
    line = json.dumps({"text": "abcd\n€", "rest": "x" * 100}, ensure_ascii=False).encode()
    (cut,) = Lines(longest=60, string=limit).feed(line + b"\n")
    assert json.loads(cut) == {"text": kept, "rest": "x" * limit}


@given(documents, st.integers(1, 40))
def test_a_long_line_keeps_its_shape_and_the_beginning_of_its_strings(sent: dict[str, Any], size: int) -> None:
    limit = 30
    sent = {**sent, "filler": "é\n" * 800}
    stream = (json.dumps(sent, ensure_ascii=False) + '\n{"next": 1}\n').encode()
    long, following = _read(Lines(longest=3000, string=limit), chunked(stream, size))
    assert _shortened(sent, json.loads(long), limit)
    assert json.loads(following) == {"next": 1}


@given(st.binary(max_size=3000), st.integers(1, 100))
def test_no_line_is_longer_than_allowed_whatever_comes(noise: bytes, size: int) -> None:
    lines = Lines(longest=100, string=10)
    assert all(len(line) <= 100 for line in [*_read(lines, chunked(noise, size)), lines.rest()])
