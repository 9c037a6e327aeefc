"""Throw-away repositories, made by real git with a home of their own."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_ENV = {
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "LC_ALL": "C",
    **{f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in
       (("NAME", "Human"), ("EMAIL", "human@example.org"))},
}  # fmt: skip


def git(folder: Path, *args: str, stdin: bytes = b"") -> str:
    """Run git as a person would, with the repository's own settings; return its output without the last line end."""
    env = {"PATH": os.environ["PATH"], **_ENV}
    done = subprocess.run(["git", *args], cwd=folder, env=env, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, f"git {args}: {done.stderr.decode(errors='replace')}"
    return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")


def make_repository(folder: Path, files: Mapping[str, str | bytes] | None = None) -> Path:
    """Create a repository with one commit on `main` and return its folder."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    write_files(folder, files or {"README.md": "# Example\n"})
    commit_all(folder, "Begin")
    return folder


def make_origin(clone: Path, folder: Path) -> Path:
    """Create a bare repository with everything `clone` has, make it `clone`'s origin, and return its folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    git(clone, "clone", "--quiet", "--bare", str(clone), str(folder))
    git(clone, "remote", "add", "origin", str(folder))
    return folder


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below `folder`, creating the folders they need."""
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)


def commit_all(folder: Path, message: str) -> str:
    """Commit everything in `folder` and return the commit's id."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")


def add_hook(repository: Path, name: str, script: str) -> None:
    """Install an executable hook in a bare repository or a git directory."""
    hook = repository / "hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{script}\n")
    hook.chmod(0o755)
