"""The page on running workflows locally: its commands, word for word, in a project like a user's."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from autorun.demo.project import COMPLETES
from kit import repos
from kit.act import ROOT, needed
from kit.action_stage import Stage

PAGE = (ROOT / "docs/local-testing.md").read_text()


def test_the_pages_commands_do_what_it_says(stage: Callable[..., Stage], tmp_path: Path) -> None:
    """The dry run shows the queue and starts nothing; the comment's run answers to the command."""
    needed()
    on = stage()
    issue = on.repo.issue(COMPLETES, "Say goodbye.", by="ana").label("autorun", by="ana")
    for name in ("scheduled-backlog/autorun.yml", "comment-command/autorun-comment.yml"):
        text = (ROOT / "examples" / name).read_text()
        repos.write_files(on.clone, {f".github/workflows/{Path(name).name}": text})
    home = tmp_path / "home"
    home.mkdir()
    (home / "autorun").symlink_to(ROOT)
    addresses = {**on.hub.env(), "GITHUB_REPOSITORY": on.repo.full_name}
    (home / ".actrc").write_text("".join(f"--env {name}={value}\n" for name, value in addresses.items()))
    dry_run, command = re.findall(r"(?ms)^```bash\n(.*?)^```", PAGE)
    env = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "USER": "ana",
        "GITHUB_TOKEN": on.hub.token(repository=on.repo),
    }

    def done(script: str) -> str:
        script = script.replace("you/your-project", on.repo.full_name)
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=on.clone,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    assert f"Would start github/{issue.number} {COMPLETES}" in done(dry_run)
    assert on.repo.pull_requests == []
    comment = issue.comment("/autorun status", by="ana")
    shown = command.replace('"number": 7', f'"number": {issue.number}').replace('"id": 1', f'"id": {comment.id}')
    assert "Job succeeded" in done(shown)
