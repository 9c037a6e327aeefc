"""What the double's own tests share."""

import pytest

from github_double.fixtures import hub
from github_double.hub import GitHubDouble
from github_double.repository import Repository

__all__ = ["hub", "repo"]

WORKFLOW = """\
name: Autorun
on:
  schedule: [{cron: "17 1 * * *"}]
  workflow_dispatch:
    inputs:
      task: {default: ""}
      comment-id: {default: ""}
jobs: {}
"""


@pytest.fixture
def repo(hub: GitHubDouble) -> Repository:
    """A repository with a writer ana, a triager tom and a workflow."""
    made = hub.repository("octo/app", files={"README.md": "# App\n", ".github/workflows/autorun.yml": WORKFLOW})
    made.user("ana", role="write")
    made.user("tom", role="triage")
    made.user("max", role="maintain")
    return made
