"""What the tests of the GitHub adapters share."""

from github_double.fixtures import hub

__all__ = ["hub"]
