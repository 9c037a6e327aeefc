"""The policy on what really lies on a disk: work done in a workspace, seen through git, judged."""

from collections.abc import Callable
from pathlib import Path

import pytest

from autorun.adapters.changes import TreeChanges
from autorun.adapters.workspaces import GitWorkspaces
from autorun.core.model import TaskId, WorkspaceKind
from autorun.core.policy import PATCH_LIMIT, Finding, PolicyRules, Rule, Tier, judge_change
from autorun.effects.git import find_repository
from autorun.effects.store import Store
from kit.repos import git, make_repository, write_files
from kit.secret_samples import SAMPLES

Work = Callable[[Path], object]
FILES = {
    "README.md": "# Example\n",
    "src/app.py": "x = 1\n",
    ".github/workflows/ci.yml": "on: push\n",
    "run.sh": "true\n",
}


def judged(tmp_path: Path, work: Work) -> set[tuple[Tier, Rule, str]]:
    """What the policy says of work done in a real worktree."""
    repository = find_repository(make_repository(tmp_path / "repo", FILES))
    changes = TreeChanges(store=Store.create(tmp_path / "store", borrowed=repository))
    workspaces = GitWorkspaces(
        repository=repository,
        kind=WorkspaceKind.WORKTREE,
        home=tmp_path / "trees",
        logs=tmp_path / "logs",
        environment={},
    )
    base = workspaces.base()
    with workspaces.opened(TaskId(provider="file", key="x"), base) as workspace:
        before = changes.snapshot(workspace)
        work(workspace.path)
        change = changes.change(base, changes.overlay(base, before, changes.snapshot(workspace)))
        patch = changes.patch(change, max_bytes=PATCH_LIMIT)
    findings: tuple[Finding, ...] = judge_change(
        change, PolicyRules(), patch=patch, texts={}, base_paths=tuple(FILES)
    )
    return {(finding.tier, finding.rule, finding.path) for finding in findings}


def nested_repository(folder: Path) -> None:
    make_repository(folder / "vendored")


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (lambda top: write_files(top, {"src/app.py": "x = 2\n", "new/ä.py": "y = 1\n"}), set()),
        (lambda top: (top / "link").symlink_to("/etc/passwd"), {(Tier.BLOCK, Rule.MODE, "link")}),
        (nested_repository, {(Tier.BLOCK, Rule.MODE, "vendored")}),
        (lambda top: (top / "run.sh").chmod(0o755), {(Tier.WARN, Rule.EXECUTABLE, "run.sh")}),
        (
            lambda top: (top / ".github/workflows/ci.yml").rename(top / "ci.yml"),
            {(Tier.BLOCK, Rule.PROTECTED, ".github/workflows/ci.yml")},
        ),
        (
            lambda top: write_files(top, {".GitHub/workflows/x.yml": "on: push\n"}),
            {
                (Tier.BLOCK, Rule.PROTECTED, ".GitHub/workflows/x.yml"),
                (Tier.BLOCK, Rule.COLLISION, ".GitHub/workflows/x.yml"),
            },
        ),
        (lambda top: write_files(top, {"readme.MD": "x"}), {(Tier.BLOCK, Rule.COLLISION, "readme.MD")}),
        (lambda top: write_files(top, {"a\nb": "x"}), {(Tier.BLOCK, Rule.PATH, "a\\nb")}),
        (lambda top: write_files(top, {"blob": b"\0" * 10}), {(Tier.WARN, Rule.BINARIES, "blob")}),
        (lambda top: write_files(top, {"big": "x" * 1048577}), {(Tier.BLOCK, Rule.FILE_SIZE, "big")}),
        (lambda top: write_files(top, {"long": "x\n" * 5001}), {(Tier.BLOCK, Rule.LINES, "the change")}),
    ],
)  # fmt: skip
def test_work_on_disk_is_judged_as_it_is(tmp_path: Path, work: Work, expected: set[tuple[Tier, Rule, str]]) -> None:
    """Each kind of file system trick arrives at the policy as what it is."""
    assert judged(tmp_path, work) == expected


def test_attributes_in_the_change_hide_no_secret(tmp_path: Path) -> None:
    """A change that declares everything binary, or quoted by a driver of its own, is scanned all the same."""

    def work(top: Path) -> None:
        write_files(top, {".gitattributes": "* -diff -text binary\n", "src/app.py": SAMPLES["an npm token"] + "\n"})

    assert judged(tmp_path, work) == {
        (Tier.WARN, Rule.PROTECTED, ".gitattributes"),
        (Tier.BLOCK, Rule.SECRET, "src/app.py"),
    }


def test_local_files_of_ours_are_no_part_of_a_change(tmp_path: Path) -> None:
    """Session, logs and pull requests stay out; tasks and the configuration are pointed out."""

    def work(top: Path) -> None:
        names = ("session/s.json", "logs/a.log", "pull-requests/7.md", "state/new.md", "config.yml")
        write_files(top, {f".ai-agents/{name}": "x\n" for name in names})
        assert ".ai-agents" in git(top, "status", "--porcelain")

    assert judged(tmp_path, work) == {
        (Tier.WARN, Rule.PROTECTED, ".ai-agents/state/new.md"),
        (Tier.WARN, Rule.PROTECTED, ".ai-agents/config.yml"),
    }
