"""Fixtures of the double; a conftest takes them over by importing them."""

import os
from collections.abc import Iterator

import github
import pytest

from github_double.contract import schemas_ready
from github_double.hub import GitHubDouble


def need_descriptions() -> None:
    """Skip a test that cannot do without GitHub's descriptions; fail it where they must be there."""
    if not schemas_ready():
        reason = "GitHub's descriptions are not here: run `make tools/dev/.schemas/.ready`"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture
def hub() -> Iterator[GitHubDouble]:
    """A GitHub of one's own; at the end nothing may have happened that GitHub's descriptions do not allow."""
    need_descriptions()
    with GitHubDouble() as double:
        yield double
    if double.violations:
        pytest.fail("against GitHub's descriptions:\n" + "\n".join(double.violations))


def client(double: GitHubDouble, token: str, *, timeout: int = 5) -> github.Github:
    """Return PyGithub on the double: no waits, no retries."""
    return github.Github(
        auth=github.Auth.Token(token),
        base_url=double.env()["GITHUB_API_URL"],
        timeout=timeout,
        retry=None,
        seconds_between_requests=0,
        seconds_between_writes=0,
    )
