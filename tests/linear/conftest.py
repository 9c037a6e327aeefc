"""A workspace in Linear, served, and the provider over it."""

from collections.abc import Iterator

import pytest

from kit.linear_double import LinearDouble, serving
from linear.bench import LinearBench


@pytest.fixture
def linear() -> Iterator[LinearDouble]:
    """A workspace with one team."""
    double = LinearDouble()
    double.team()
    with serving(double):
        yield double


@pytest.fixture
def bench(linear: LinearDouble) -> LinearBench:
    """The provider, and people's hands."""
    return LinearBench(linear)
