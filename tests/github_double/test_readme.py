"""The double's documentation does what it says."""

import re
from pathlib import Path

from github_double import failures
from github_double.contract import schemas_ready
from github_double.hub import GitHubDouble

README = (Path(__file__).parent / "README.md").read_text("utf-8")


def test_the_story_runs(hub: GitHubDouble) -> None:
    """The example is executed as it stands."""
    assert schemas_ready()
    assert hub.origin.startswith("http://127.0.0.1:")
    story = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(story) == 1
    exec(compile(story[0], "README.md", "exec"), {})  # noqa: S102 (our own documentation)


def test_every_failure_is_named() -> None:
    """No way to fail goes undocumented."""
    public = [
        name
        for name, value in vars(failures).items()
        if callable(value) and value.__module__ == failures.__name__ and name[0].islower()
    ]
    assert public
    assert [name for name in public if f"`{name}`" not in README] == []
