"""The local forge: a pull request is a branch and a rendered file beside the user's files.

Merging the branch merges the pull request; deleting the branch, or writing `state: closed` into the file, closes it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from autorun.core.errors import GitFailed, ProviderError
from autorun.core.model import Proposal, PullRequest, PullRequestState
from autorun.core.naming import BRANCH_PREFIX, component
from autorun.effects import files
from autorun.effects.git import Git

_LONGEST = 1 << 20  # bytes of a file that are read; only its front matter counts
_SEARCHED = 300  # commits of the base branch that are searched for a squashed one


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalForge:
    """Keeps pull requests as `<key>.md` in `folder`, an absolute path; branches live in `repository`."""

    folder: Path
    repository: Git

    def pull_requests(self, branches: Sequence[str]) -> Mapping[str, PullRequest]:
        """Find the pull request of each branch that has one. Raises ProviderError."""
        wanted = set(branches)
        noted = {note.branch: note for note in self._notes() if note.branch in wanted}
        return {branch: self._present(note) for branch, note in noted.items()}

    def propose(self, proposal: Proposal) -> PullRequest:
        """Write the pull request's file, or rewrite the one of that branch. Raises ProviderError."""
        taken = {note.branch: note.path for note in self._notes()}
        path = taken.get(proposal.branch) or self.folder / f"{component(proposal.task.key)}.md"
        if path in taken.values() and proposal.branch not in taken:  # an earlier branch of this task, or a namesake
            path = self.folder / f"{proposal.branch.removeprefix(BRANCH_PREFIX).replace('/', '_')}.md"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with files.locked(self.folder):
                files.sweep(self.folder)
                files.replace(path, _rendered(proposal), mode=0o644)
        except OSError as error:
            raise ProviderError(
                f"the pull request cannot be written to {path}: {error.strerror or error}",
                hint="make the folder writable for this user",
            ) from error
        return PullRequest(branch=proposal.branch, url=str(path), head=proposal.head)

    def _notes(self) -> list["_Note"]:
        try:
            return [note for path in sorted(self.folder.glob("*.md")) if (note := _read(path)) is not None]
        except OSError as error:
            raise ProviderError(
                f"the pull requests in {self.folder} cannot be read: {error.strerror}",
                hint="make the folder readable for this user",
            ) from error

    def _present(self, note: "_Note") -> PullRequest:
        head = self._commit(f"refs/heads/{note.branch}")
        base = self._commit(f"refs/heads/{note.base}")
        found = PullRequest(branch=note.branch, url=str(note.path), head=head or note.head)
        if base and self._merged(found.head, base):
            return replace(found, state=PullRequestState.MERGED)
        if note.closed or not head:
            return replace(found, state=PullRequestState.CLOSED)
        return found

    def _commit(self, name: str) -> str:
        found = self.repository.finished("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        return found.stdout.decode().strip() if found.ok else ""

    def _merged(self, head: str, base: str) -> bool:
        """Tell whether the base holds the head: its commits, or one commit with the same difference.

        A squash that was edited, or made on a base that had changed the same lines, is not recognised.
        """
        git = self.repository
        fork = git.finished("merge-base", head, base)
        if not fork.ok:
            return False
        start = fork.stdout.decode().strip()
        if start == git("rev-parse", f"{head}^{{commit}}"):
            return True
        plain = ("--no-ext-diff", "--no-textconv", "--no-renames", "--full-index", "--binary")
        try:
            ours = git.bytes("diff-tree", "-p", *plain, start, head)
            theirs = git.bytes("log", "-p", *plain, f"--max-count={_SEARCHED}", "--no-merges", f"{start}..{base}")
            wanted = git("patch-id", "--stable", stdin=ours).partition(" ")[0]
            ids = {line.partition(" ")[0] for line in git("patch-id", "--stable", stdin=theirs).splitlines()}
        except GitFailed as error:
            raise ProviderError(str(error), hint=error.hint) from error
        return bool(wanted) and wanted in ids


@dataclass(frozen=True, slots=True, kw_only=True)
class _Note:
    path: Path
    branch: str
    base: str
    head: str
    closed: bool


def _rendered(proposal: Proposal) -> str:
    front: dict[str, str | bool | list[str]] = {
        "branch": proposal.branch,
        "base": proposal.base_branch,
        "head": proposal.head,
        "state": PullRequestState.OPEN.value,
        "draft": proposal.draft,
    }
    if proposal.labels:
        front["labels"] = list(proposal.labels)
    if proposal.reviewers:
        front["reviewers"] = list(proposal.reviewers)
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
    return f"---\n{head}---\n\n# {proposal.title}\n\n{proposal.body.rstrip()}\n"


def _read(path: Path) -> _Note | None:
    """Return what a file notes of its pull request; None if people wrote something else there."""
    try:
        text = files.read(path, limit=_LONGEST).decode("utf-8", "replace")
        front_matter = re.match(r"---\r?\n(.*?)^---\s*$", text, re.DOTALL | re.MULTILINE)
        front: Any = yaml.safe_load(front_matter[1]) if front_matter else None
    except (FileNotFoundError, IsADirectoryError, ValueError, yaml.YAMLError):
        return None
    if not isinstance(front, dict) or not isinstance(front.get("branch"), str):
        return None
    return _Note(
        path=path,
        branch=front["branch"],
        base=str(front.get("base", "")),
        head=str(front.get("head", "")),
        closed=front.get("state") == PullRequestState.CLOSED.value,
    )
