"""Finds which of a repository's own files git needs for reading, with every configuration cleaned of secrets."""

import os
from hashlib import sha256
from pathlib import Path

from autorun.core.errors import WorkspaceFailed
from autorun.core.model import Command, Workspace
from autorun.core.sandbox.confinement import GitFolder, Repository, clean_config
from autorun.effects import files, process

_SHOWN = ("HEAD", "ORIG_HEAD", "index", "packed-refs", "shallow", "objects", "refs", "reftable", "logs", "info")
_SHOWN_OF_WORKTREE = ("commondir", "gitdir")
_CONFIGS = ("config", "config.worktree")
_CLEAN = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1"}
_ALTERNATES_DEPTH = 5
_LARGEST_POINTER = 64 * 1024


def repository(workspace: Workspace, copies: Path) -> Repository:
    """Return what git needs for reading in a workspace whose paths are free of links.

    Cleaned configurations are written to the private folder `copies`. Raises WorkspaceFailed if git's files cannot
    be understood, since then they could not be kept from the agent.
    """
    marker = workspace.path / ".git"
    own, common = _own(marker), workspace.git_dir
    folders = tuple(dict.fromkeys((common, own, *_modules(common))))
    return Repository(
        folders=tuple(_folder(folder, copies) for folder in folders),
        marker=marker if marker.is_file() else None,
        objects=tuple(dict.fromkeys(path for folder in folders for path in _alternates(folder / "objects"))),
    )


def _own(marker: Path) -> Path:
    """Return the git directory that a workspace's `.git` is or names."""
    if marker.is_dir() and not marker.is_symlink():
        return marker
    try:
        text = files.read(marker, limit=_LARGEST_POINTER).decode("utf-8", "surrogateescape")
    except (OSError, ValueError) as error:
        raise WorkspaceFailed(f"{marker} is no git directory: {error}.", hint="Check it out again.") from error
    own = (marker.parent / text.removeprefix("gitdir:").strip()).resolve()
    if marker.is_symlink() or not (own / "HEAD").is_file():
        raise WorkspaceFailed(f"{marker} leads to {own}, which is no git directory.", hint="Check it out again.")
    return own


def _folder(folder: Path, copies: Path) -> GitFolder:
    wanted = (*_SHOWN, *_SHOWN_OF_WORKTREE, *(path.name for path in folder.glob("sharedindex.*")))
    return GitFolder(
        path=folder,
        shown=tuple(name for name in wanted if (folder / name).exists()),
        configs=tuple((name, _clean(folder / name, copies)) for name in _CONFIGS if (folder / name).is_file()),
    )


def _clean(config: Path, copies: Path) -> Path:
    argv = ("git", "config", "--file", str(config), "--no-includes", "--list", "-z")
    listed = process.run(Command(argv=argv, cwd=Path("/"), env=_CLEAN))
    if not listed.ok:
        raise WorkspaceFailed(f"git cannot read {config}.", hint=listed.stderr.decode("utf-8", "replace").strip())
    data = clean_config(listed.stdout.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    copy = copies / f"git-{sha256(data).hexdigest()[:16]}"
    if not copy.exists():
        files.replace(copy, data, mode=0o644)
    return copy


def _modules(git_dir: Path) -> list[Path]:
    """Return the git directories of submodules, which git looks into for the status of the whole."""
    found: list[Path] = []
    for folder, names, entries in os.walk(git_dir / "modules"):
        if "HEAD" in entries and "objects" in names:
            found.append(Path(folder))
            names[:] = [name for name in names if name == "modules"]
    return found


def _alternates(objects: Path, depth: int = _ALTERNATES_DEPTH) -> list[Path]:
    """Return the object folders of other repositories that this one borrows from."""
    try:
        text = (objects / "info" / "alternates").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return []
    named = ((objects / line).resolve() for line in text.splitlines() if line and not line.startswith("#"))
    lent = [path for path in named if path.is_dir()]
    return [*lent, *(path for folder in lent if depth for path in _alternates(folder, depth - 1))]
