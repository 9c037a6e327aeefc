"""Set-up runs outside of the sandbox, with a network: nothing an agent wrote has a part in it."""

import os
from pathlib import Path

import pytest

from autorun.adapters.workspaces import GitWorkspaces
from autorun.core.model import Check, TaskId, WorkspaceKind
from autorun.effects.git import find_repository
from kit.repos import commit_all, git, make_repository, write_files

TASK = TaskId(provider="file", key="evil")
KINDS = pytest.mark.parametrize("kind", list(WorkspaceKind))


def workspaces(tmp_path: Path, kind: WorkspaceKind) -> GitWorkspaces:
    """Workspaces of a repository whose set-up is a script in it."""
    root = make_repository(
        tmp_path / "project", {"setup.sh": "echo base >> tools.txt\n", ".gitignore": "/tools.txt\n/.bin/\n"}
    )
    return GitWorkspaces(
        repository=find_repository(root),
        kind=kind,
        home=tmp_path / "worktrees",
        logs=tmp_path / "logs",
        environment={"PATH": f"{root}/.bin:{os.environ['PATH']}"},
        setup=(Check(run="sh setup.sh"),),
        discard=True,
    )


@KINDS
def test_set_up_of_an_earlier_attempt(tmp_path: Path, kind: WorkspaceKind) -> None:
    """Without set-up on the base: the second attempt at a task runs, unconfined, what the first one published."""
    opened = workspaces(tmp_path, kind)
    root = opened.repository.top
    write_files(root, {"setup.sh": f"touch {tmp_path}/escaped\n", "work.txt": "work\n"})
    git(root, "switch", "--quiet", "--create", "autorun/file-evil")
    head = commit_all(root, "By the agent")
    git(root, "switch", "--quiet", "main")
    with opened.opened(TASK, head) as workspace:
        assert workspace.base == head
        assert git(workspace.path, "rev-parse", "HEAD") == head
        assert (workspace.path / "work.txt").read_text() == "work\n"
        assert "escaped" in (workspace.path / "setup.sh").read_text()
        assert (workspace.path / "tools.txt").read_text() == "base\n"
        assert git(workspace.path, "status", "--porcelain") == ""
    assert not (tmp_path / "escaped").exists()


def test_set_up_after_an_agent_in_the_same_checkout(tmp_path: Path) -> None:
    """Without one set-up before all agents: ignored files of the first task's agent run unconfined for the second."""
    opened = workspaces(tmp_path, WorkspaceKind.CHECKOUT)
    with opened.opened(TASK, "main") as workspace:
        program = workspace.path / ".bin/sh"
        write_files(workspace.path, {".bin/sh": f'#!/bin/bash\ntouch {tmp_path}/escaped\nexec /bin/sh "$@"\n'})
        program.chmod(0o755)
    with opened.opened(TASK, "main") as workspace:
        assert (workspace.path / "tools.txt").read_text() == "base\n"
    assert not (tmp_path / "escaped").exists()
