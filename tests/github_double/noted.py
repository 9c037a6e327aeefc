"""A mapping that remembers what was read, so that what a handler overlooks does not pass in silence."""

from collections.abc import Iterator, Mapping
from typing import Any


class Noted(Mapping[str, Any]):
    """Behaves as the mapping it was given; `unread` names the keys nobody asked for."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self._read: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self._read.add(key)
        return self._given[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)

    @property
    def unread(self) -> list[str]:
        """The keys that were never looked up, sorted."""
        return sorted(set(self._given) - self._read)
