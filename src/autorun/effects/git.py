"""Git, hardened: nothing that a repository or its owner configured is executed, no credential is visible.

Environment and configuration are ours by list. Filters are the exception that no setting can turn off: where a
work tree's content is read, use a repository of the runner's own (`effects.store`).
"""

import os
import re
import shlex
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from autorun.core.errors import ConfigurationError, GitFailed
from autorun.core.model import Command, Stop
from autorun.effects import process
from autorun.effects.process import Finished

OLDEST = (2, 31)  # the first that takes configuration, and so a credential, from the environment
NOWHERE = "/nonexistent"
_LIMIT = 512 * 1024 * 1024  # bytes of output

# Outside the repository, what a machine needs for git to start and to reach a server.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_INHERITED = (
    "PATH",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    *_PROXIES,
    *map(str.upper, _PROXIES),
)
_ENVIRONMENT = {
    "HOME": NOWHERE,
    "LANG": "C",
    "LC_ALL": "C",
    "GIT_ALLOW_PROTOCOL": "file:http:https",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
_HARDENED = (
    ("core.alternateRefsCommand", "true"),
    ("core.attributesFile", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.pager", "cat"),
    ("core.sshCommand", "false"),
    ("commit.gpgSign", "false"),
    ("credential.helper", ""),
    ("fetch.recurseSubmodules", "false"),
    ("gc.auto", "0"),
    ("http.followRedirects", "false"),  # a redirect would carry the credential to another server
    ("maintenance.auto", "false"),
    ("push.gpgSign", "false"),
    ("push.recurseSubmodules", "no"),
    ("receive.autogc", "false"),
    ("receive.denyCurrentBranch", "refuse"),
    ("safe.directory", "*"),
    ("submodule.recurse", "false"),
    ("tag.gpgSign", "false"),
)
# The serving side of a repository on this machine reads no configuration from the environment.
RECEIVE_PACK, UPLOAD_PACK = (
    shlex.join(["git", *(part for item in _HARDENED for part in ("-c", "=".join(item))), service])
    for service in ("receive-pack", "upload-pack")
)

_HINTS = (
    ("no space left on device", "free some disk space"),
    (".lock': file exists", "another git process works in this repository, or one died: remove the lock file"),
    ("permission denied", "give this user access to the repository's files"),
    ("not a git repository", "run this inside a git repository"),
    ("unable to read", "the checkout lacks objects: use a plain checkout without `filter:`"),
    ("returned error: 30", "the repository has moved: update the remote's URL"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who commits."""

    name: str
    email: str


AUTORUN = Identity(name="autorun", email="autorun@localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """Where branches and records live: a URL or an absolute path.

    `header` is a whole HTTP header (`Authorization: Basic …`) sent to that URL alone, empty for none.
    """

    url: str
    header: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Take a user and password out of a URL and into a header."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or "@" not in parts.netloc:
            return cls(url=url)
        userinfo, _, host = parts.netloc.rpartition("@")
        return cls(url=parts._replace(netloc=host).geturl(), header=basic(*unquote(userinfo).partition(":")[::2]))

    @property
    def local(self) -> bool:
        """It is a folder of this machine."""
        return self.url.startswith(("/", "file://"))


def basic(user: str, password: str) -> str:
    """Return the HTTP header that signs in as `user`; GitHub takes a token as the password of `x-access-token`."""
    return "Authorization: Basic " + b64encode(f"{user}:{password}".encode()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """Git bound to a repository, and where given to a work tree, an index file and the remote it signs in to."""

    git_dir: Path
    work_tree: Path | None = None
    index: Path | None = None
    identity: Identity = AUTORUN
    remote: Remote | None = None

    def with_(
        self, *, work_tree: Path | None = None, index: Path | None = None, remote: Remote | None = None
    ) -> "Git":
        """Return the same git bound to a work tree, an index or a remote as well."""
        return replace(
            self,
            work_tree=work_tree or self.work_tree,
            index=index or self.index,
            remote=remote or self.remote,
        )

    def __call__(self, *args: str, stdin: bytes = b"", timeout: float = 120.0) -> str:
        """Run `git ARGS` and return its output without the last line end; raise GitFailed if it fails.

        Names that are no UTF-8 survive as surrogate escapes.
        """
        return self.bytes(*args, stdin=stdin, timeout=timeout).decode("utf-8", "surrogateescape").rstrip("\n")

    def finished(
        self,
        *args: str,
        stdin: bytes = b"",
        timeout: float = 120.0,
        stop: Stop | None = None,
        sink: Callable[[bytes], object] | None = None,
    ) -> Finished:
        """Run `git ARGS` and return how it ended; for callers to whom a failure is an answer."""
        check_version()
        command = Command(argv=("git", *args), cwd=self.work_tree or self.git_dir, env=self._environment())
        try:
            return process.run(command, stdin=stdin, timeout=timeout, limit=_LIMIT, stop=stop, sink=sink)
        except OSError as error:
            raise GitFailed(f"git cannot be started in {command.cwd}: {error.strerror}") from error

    def failure(self, args: tuple[str, ...], finished: Finished) -> GitFailed:
        """Return the error that tells how `git ARGS` failed, without secrets."""
        said = finished.stderr.decode("utf-8", "replace").strip()
        command = shlex.join(["git", *args[:8]]) + (" …" if len(args) > 8 else "")  # noqa: PLR2004 (enough to know it)
        ended = finished.killed or f"status {finished.returncode}"
        hint = next((hint for sign, hint in _HINTS if sign in said.lower()), "")
        return GitFailed(self.redacted(f"`{command}` failed ({ended}): {said or 'it gave no reason'}"), hint=hint)

    def redacted(self, text: str) -> str:
        """Return `text` without the remote's credential."""
        if self.remote is None or not self.remote.header:
            return text
        secrets = (self.remote.header, self.remote.header.rpartition(" ")[2])
        for secret in secrets:
            text = text.replace(secret, "***")
        return text

    def _environment(self) -> dict[str, str]:
        env = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        env |= _ENVIRONMENT
        env["GIT_DIR"] = str(self.git_dir)
        if self.work_tree is not None:
            env["GIT_WORK_TREE"] = str(self.work_tree)
        if self.index is not None:
            env["GIT_INDEX_FILE"] = str(self.index)
        for role in ("AUTHOR", "COMMITTER"):
            env[f"GIT_{role}_NAME"] = self.identity.name
            env[f"GIT_{role}_EMAIL"] = self.identity.email
        config = [*_HARDENED]
        if self.remote is not None and self.remote.header:
            config.append((f"http.{self.remote.url}.extraHeader", self.remote.header))
        env["GIT_CONFIG_COUNT"] = str(len(config))
        for number, (key, value) in enumerate(config):
            env[f"GIT_CONFIG_KEY_{number}"] = key
            env[f"GIT_CONFIG_VALUE_{number}"] = value
        return env

    def bytes(self, *args: str, stdin: bytes = b"", timeout: float = 120.0) -> bytes:
        """Run `git ARGS` and return its output as it is; raise GitFailed if it fails."""
        finished = self.finished(*args, stdin=stdin, timeout=timeout)
        if not finished.ok:
            raise self.failure(args, finished)
        return finished.stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A user's repository: the top of its work tree, that work tree's git directory, and the common one."""

    top: Path
    git_dir: Path
    common_dir: Path


def find_repository(folder: Path) -> Repository:
    """Find the repository that `folder` lies in, without running git; raise ConfigurationError if there is none."""
    start = folder.resolve()
    for top in (start, *start.parents):
        entry = top / ".git"
        if entry.is_dir():
            return Repository(top=top, git_dir=entry, common_dir=_common(entry))
        if entry.is_file():
            target = entry.read_text(encoding="utf-8", errors="surrogateescape").removeprefix("gitdir:").strip()
            git_dir = (top / target).resolve()
            return Repository(top=top, git_dir=git_dir, common_dir=_common(git_dir))
    raise ConfigurationError(
        f"{folder} is not inside a git repository", hint="run autorun in a clone of your project"
    )


def _common(git_dir: Path) -> Path:
    pointer = git_dir / "commondir"
    if not pointer.is_file():
        return git_dir
    return (git_dir / pointer.read_text(encoding="utf-8", errors="surrogateescape").strip()).resolve()


def check_version() -> None:
    """Raise ConfigurationError unless git is there and new enough; asked once per process."""
    found = _version(os.environ.get("PATH", os.defpath))
    if found < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        have = ".".join(map(str, found))
        raise ConfigurationError(f"git {have} is too old", hint=f"install git {wanted} or newer")


@cache
def _version(path: str) -> tuple[int, ...]:
    command = Command(argv=("git", "--version"), cwd=Path("/"), env={"PATH": path, "LC_ALL": "C"})
    try:
        said = process.run(command).stdout.decode("utf-8", "replace")
    except OSError as error:
        raise ConfigurationError(f"git cannot be started: {error.strerror}", hint="install git") from error
    numbers = re.search(r"(\d+)\.(\d+)", said)
    if numbers is None:
        raise ConfigurationError(f"`git --version` says {said.strip()!r}", hint="install git")
    return tuple(int(number) for number in numbers.groups())
