"""Folders to work in: a worktree for each task outside the checkout, or the checkout itself.

Git runs hardened, so no hook and no filter of the repository runs: what Git LFS keeps stays a pointer.
"""

import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from autorun.core.errors import GitFailed, WorkspaceFailed
from autorun.core.model import Check, CheckResult, Confine, Stop, TaskId, Workspace, WorkspaceKind
from autorun.core.naming import component
from autorun.effects import files
from autorun.effects.commands import run_check
from autorun.effects.git import Git, Remote, Repository, find_repository

_OURS = ".ai-agents"
_PRIVATE = ("session", "logs", "pull-requests")
_KEEP_BYTES = 16 * 1024
_SHOWN_LINES = 20
_CHECKOUT_SECONDS = 1800.0
_NOTES_SECONDS = 60.0


def _never() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class GitWorkspaces:
    """Opens workspaces in, or beside, the user's repository.

    `base_ref` is the branch (or any revision) work starts from; `remote` the remote whose view of it counts, None
    where work is published to this repository itself. `home` is an absolute folder outside the checkout for
    worktrees; `environment` is all that setup commands inherit, `logs` the folder of their logs. `discard`: the
    checkout is a throw-away (a runner's), changes found in it may be dropped. `source` is where a commit that is not
    here is fetched from.
    """

    repository: Repository
    kind: WorkspaceKind
    home: Path
    logs: Path
    environment: Mapping[str, str]
    base_ref: str = ""
    remote: str | None = None
    setup: tuple[Check, ...] = ()
    confine: Confine | None = None
    discard: bool = False
    stop: Stop = _never
    source: Remote | None = None
    _set_up_once: set[Path] = field(default_factory=set, init=False, repr=False)

    def base_branch(self) -> str:
        """Return the name of the branch that work starts from and goes to; empty if HEAD is detached."""
        if self.base_ref:
            return self.base_ref
        prefix = f"refs/remotes/{self.remote}/"
        default = self._symbolic(f"{prefix}HEAD") if self.remote else ""
        return default.removeprefix(prefix) or self._symbolic("HEAD").removeprefix("refs/heads/")

    def base(self) -> str:
        """Return the commit that work starts from. Raises WorkspaceFailed."""
        name = self.base_branch()
        candidates = [f"refs/remotes/{self.remote}/{name}"] if self.remote and name else []
        candidates += [f"refs/heads/{name}", *([self.base_ref] if self.base_ref else ["HEAD"])]
        for candidate in candidates:
            found = self._git.finished(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{candidate}^{{commit}}"
            )
            if found.ok:
                return found.stdout.decode().strip()
        if self.base_ref:
            raise WorkspaceFailed(
                f"there is no branch or revision {self.base_ref!r} in {self.repository.top}",
                hint="fetch it, or correct `workspace.base_branch`",
            )
        raise WorkspaceFailed(
            f"the repository in {self.repository.top} has no commit to start from",
            hint="commit something first, for example `git commit --allow-empty -m Start`",
        )

    def opened(self, task: TaskId, base: str) -> AbstractContextManager[Workspace]:
        """Open a clean folder at `base`, set up; leave nothing behind but ignored files. Raises WorkspaceFailed."""
        return self._opened(task, base)

    @contextmanager
    def _opened(self, task: TaskId, base: str) -> Iterator[Workspace]:
        with _as_workspace_failure():
            commit = self._commit(base)
        settled = self._settled(commit)
        place = self._worktree(task, settled) if self.kind is WorkspaceKind.WORKTREE else self._checkout(settled)
        with place as workspace:
            self._set_up(workspace, self.logs / f"setup-{task.provider}-{component(task.key)}.log")
            if settled != commit:
                with _as_workspace_failure():
                    self._move(workspace.path, commit)
            yield replace(workspace, base=commit)

    def _settled(self, commit: str) -> str:
        """Return where set-up runs: on the base branch, whose commands may be trusted, not on what an agent wrote."""
        if not self.setup or self._git.finished("merge-base", "--is-ancestor", commit, base := self.base()).ok:
            return commit
        return base

    def _move(self, path: Path, commit: str) -> None:
        """Go on to a commit with everything that set-up left."""
        git = self._git if path == self.repository.top else Git(git_dir=find_repository(path).git_dir, work_tree=path)
        git("update-ref", "--no-deref", "HEAD", commit)
        spared = self._spared() if path == self.repository.top else (".",)
        arguments = ("restore", "--source=HEAD", "--staged", "--worktree", "--", *spared)
        _unfiltered(git, "--no-literal-pathspecs", *arguments)

    @property
    def _git(self) -> Git:
        return Git(git_dir=self.repository.git_dir, work_tree=self.repository.top)

    def _commit(self, name: str) -> str:
        """Return a commit by name; its objects are fetched if they are not here, no ref is made for them."""
        asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if self.source is not None and not self._git.finished(*asked).ok:
            plain = ("--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no")
            git = self._git.with_(remote=self.source)
            git("fetch", *plain, self.source.url, name, timeout=_CHECKOUT_SECONDS)
        return self._git(*asked)

    # ------------ a worktree per task

    @contextmanager
    def _worktree(self, task: TaskId, base: str) -> Iterator[Workspace]:
        path = self.home.resolve() / f"{task.provider}-{component(task.key)}"
        if path.is_relative_to(self.repository.top):
            raise WorkspaceFailed(f"the folder for worktrees, {self.home}, lies inside the checkout")
        with _as_workspace_failure():
            files.private_folder(path.parent)
            self._remove(path)  # what a killed run left behind: the claim says nobody else works there
            with self._notes_held():
                self._git("-c", "worktree.useRelativePaths=false", "worktree", "add", "--quiet", "--no-checkout",
                          "--detach", str(path), base)  # fmt: skip
            _unfiltered(Git(git_dir=find_repository(path).git_dir, work_tree=path), "reset", "--quiet", "--hard")
        try:
            yield Workspace(path=path, base=base, git_dir=self.repository.common_dir)
        finally:
            with suppress(OSError):  # the next run at this place removes it, or says why it cannot
                self._remove(path)

    def _remove(self, path: Path) -> None:
        """Remove a worktree and git's note of it; unlike `git worktree prune`, touch nobody else's."""
        if path.is_dir() and not path.is_symlink():
            _make_removable(path)
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        with self._notes_held():
            for note in (self.repository.common_dir / "worktrees").glob("*/gitdir"):
                if note.read_text(encoding="utf-8", errors="surrogateescape").strip() == str(path / ".git"):
                    shutil.rmtree(note.parent)

    def _notes_held(self) -> AbstractContextManager[None]:
        """Hold off other runners: git fails on a note that another one is just making or removing."""
        return files.locked(self.repository.common_dir / "autorun-worktrees", timeout=_NOTES_SECONDS)

    # ------------ the checkout itself

    @contextmanager
    def _checkout(self, base: str) -> Iterator[Workspace]:
        place = self.repository.git_dir / "autorun-head"
        with _only_runner(place):
            with _as_workspace_failure():
                if not self.discard:
                    self._refuse_dirty(place)
                branch = self._symbolic("HEAD")
                if branch or not place.exists():  # else a killed run noted where the user was
                    files.replace(place, branch or self._git("rev-parse", "HEAD"))
            try:
                with _as_workspace_failure():
                    self._go_to(base)
                yield Workspace(path=self.repository.top, base=base, git_dir=self.repository.common_dir)
            finally:
                with _as_workspace_failure():
                    self._return(place)

    def _refuse_dirty(self, place: Path) -> None:
        arguments = ("status", "--porcelain", "--ignore-submodules=all", "--untracked-files=normal", "--")
        dirty = _unfiltered(self._git, "--no-literal-pathspecs", *arguments, *self._spared()).splitlines()
        if not dirty:
            return
        names = ", ".join(line[3:] for line in dirty[:5]) + (" …" if len(dirty) > 5 else "")  # noqa: PLR2004 (a few)
        if place.exists():
            was = place.read_text(encoding="utf-8").strip()
            target = was.removeprefix("refs/heads/") if was.startswith("refs/") else f"--detach {was}"
            raise WorkspaceFailed(
                f"a run was killed in this checkout and left changes: {names}",
                hint=f"look at them, drop them and go back: `git switch -f {target} && git clean -fd -e {_OURS}`",
            )
        raise WorkspaceFailed(
            f"the checkout has changes that are not committed: {names}",
            hint="commit or stash them, or let Autorun work elsewhere: `workspace.kind: worktree`",
        )

    def _go_to(self, commit: str) -> None:
        self._git("update-ref", "--no-deref", "HEAD", commit)
        self._restore()

    def _return(self, place: Path) -> None:
        """Go back to the branch or commit that was checked out before."""
        was = place.read_text(encoding="utf-8").strip()
        if was.startswith("refs/"):
            self._git("symbolic-ref", "HEAD", was)
        else:
            self._git("update-ref", "--no-deref", "HEAD", was)
        self._restore()
        place.unlink()

    def _restore(self) -> None:
        """Make index and tree what HEAD says, and drop untracked files but not ignored ones."""
        try:
            arguments = ("restore", "--source=HEAD", "--staged", "--worktree", "--", *self._spared())
            _unfiltered(self._git, "--no-literal-pathspecs", *arguments)
        except GitFailed as error:
            if "did not match any file" not in str(error):  # neither here nor there is anything: done
                raise
        kept = _PRIVATE if self.discard else ("",)
        _unfiltered(self._git, "clean", "-ffdq", *(f"--exclude=/{_OURS}/{name}" for name in kept))

    def _spared(self) -> tuple[str, ...]:
        """Return the pathspecs of all but what is ours: locally tasks, which change while we work, are left alone."""
        folders = [f"{_OURS}/{name}" for name in _PRIVATE] if self.discard else [_OURS]
        return (".", *(f":(exclude){folder}" for folder in folders))

    # ------------ both

    def _set_up(self, workspace: Workspace, log: Path) -> None:
        # What an agent left in the ignored files of a checkout would run here, outside of the sandbox.
        if self.kind is WorkspaceKind.CHECKOUT and workspace.path in self._set_up_once:
            return
        self._set_up_once.add(workspace.path)
        for check in self.setup:
            result = run_check(
                check,
                workspace,
                env=self.environment,
                log=log,
                keep_bytes=_KEEP_BYTES,
                confine=self.confine,
                stop=self.stop,
            )
            if not result.passed:
                raise _setup_failed(result, log)

    def _symbolic(self, ref: str) -> str:
        found = self._git.finished("symbolic-ref", "--quiet", ref)
        return found.stdout.decode("utf-8", "surrogateescape").strip() if found.ok else ""


def _unfiltered(git: Git, *arguments: str) -> str:
    """Run git with every filter of the repository's configuration emptied: an empty command is none."""
    configured = git.finished("config", "--null", "--name-only", "--get-regexp", r"^filter\.").stdout
    names = configured.decode("utf-8", "surrogateescape").split("\0")
    off = (part for name in names if name for part in ("-c", f"{name}="))
    return git(*off, *arguments, timeout=_CHECKOUT_SECONDS)


def _setup_failed(result: CheckResult, log: Path) -> WorkspaceFailed:
    how = "had to be ended" if result.exit_code is None else f"failed with status {result.exit_code}"
    tail = "\n".join(result.output.rstrip().splitlines()[-_SHOWN_LINES:])
    return WorkspaceFailed(
        f"the setup command `{result.run}` {how}" + (f":\n{tail}" if tail else ""),
        hint=f"its whole output is in {log}; correct `workspace.setup`, or what it needs on this machine",
    )


def _make_removable(top: Path) -> None:
    """Let the owner enter and empty every folder, whatever modes an agent gave them."""
    pending = [top]
    while pending:
        folder = pending.pop()
        folder.chmod(folder.stat().st_mode | stat.S_IRWXU)
        pending += [entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink()]


@contextmanager
def _only_runner(place: Path) -> Iterator[None]:
    with ExitStack() as held:
        try:
            held.enter_context(files.locked(place, timeout=0))
        except TimeoutError as error:
            raise WorkspaceFailed(
                "another runner works in this checkout",
                hint="wait for it, or let each have its own folder: `workspace.kind: worktree`",
            ) from error
        yield


@contextmanager
def _as_workspace_failure() -> Iterator[None]:
    try:
        yield
    except GitFailed as error:
        raise WorkspaceFailed(f"the workspace cannot be prepared: {error}", hint=error.hint) from error
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        raise WorkspaceFailed(
            f"the workspace cannot be prepared: {reason}",
            hint="make the folder writable for this user, and check that the disk is not full",
        ) from error
