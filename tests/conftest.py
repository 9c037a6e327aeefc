"""What every test has: failures of the kit's shared suites that show their values, and its turn."""

import pytest

pytest.register_assert_rewrite("kit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow ones: what is left at the end is short, and every worker has some of it."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
