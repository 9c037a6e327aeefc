"""Where this process runs: the repository, the environment, and the folders that follow from them."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autorun.core.errors import ConfigurationError
from autorun.core.github.events import Event, parse
from autorun.core.model import Command
from autorun.effects import process
from autorun.effects.git import Git, Identity, Remote, Repository, find_repository

_OURS = Path(".ai-agents")
# What a child may inherit of our environment: nothing that could be a secret.
_HARMLESS = ("PATH", "LANG", "LC_ALL", "TZ", "TERM", "TMPDIR", "CI", "GITHUB_ACTIONS", "RUNNER_OS", "RUNNER_ARCH")
# What `git config` needs to find the user's settings.
_GIT_READS = ("HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The repository we work for, and the environment as it was at the start."""

    repository: Repository
    environ: Mapping[str, str]

    @property
    def root(self) -> Path:
        """Top folder of the checkout; every configured path starts here."""
        return self.repository.top

    @property
    def on_actions(self) -> bool:
        """Whether GitHub Actions runs us."""
        return self.environ.get("GITHUB_ACTIONS") == "true"

    @property
    def session_folder(self) -> Path:
        """Where the session keeps its state: on Actions out of the agent's reach."""
        if self.on_actions and (temp := self.environ.get("RUNNER_TEMP")):
            return Path(temp) / "autorun" / "session"
        return self.root / _OURS / "session"

    @property
    def log(self) -> Path:
        """The log of every session."""
        return self.root / _OURS / "logs" / "autonomous.log"

    @property
    def worktrees(self) -> Path:
        """Where worktrees are made: outside the checkout, the same place for every run on this machine."""
        cache = self.environ.get("XDG_CACHE_HOME") or str(self.home / ".cache")
        digest = hashlib.sha256(os.fsencode(self.repository.common_dir)).hexdigest()[:12]
        return Path(cache) / "autorun" / f"{self.root.name}-{digest}"

    @property
    def home(self) -> Path:
        """The user's home folder."""
        return Path(self.environ.get("HOME") or Path("~").expanduser())

    @property
    def child_environment(self) -> dict[str, str]:
        """What set-up and verification inherit: by list, and a home like the user's."""
        return {name: self.environ[name] for name in _HARMLESS if name in self.environ} | {"HOME": str(self.home)}

    @property
    def search_path(self) -> str:
        """The PATH on which the runner finds programs of its own: no folder on it lies where an agent can write."""
        reach = tuple(path.resolve() for path in (self.root, self.worktrees))
        folders = [folder for folder in self.environ.get("PATH", "").split(":") if folder.startswith("/")]
        return ":".join(f for f in folders if not any(Path(f).resolve().is_relative_to(path) for path in reach))

    @property
    def covered(self) -> tuple[Path, ...]:
        """Folders of the runner that may lie in the checkout: no agent sees or moves them."""
        return (self.session_folder, self.log.parent, self.root / _OURS / "pull-requests")

    @property
    def git_identity(self) -> Identity | None:
        """The user's own name and address as git knows them; None if it does not."""
        env = {name: self.environ[name] for name in _GIT_READS if name in self.environ} | {"PATH": self.search_path}
        asked = Command(argv=("git", "config", "--get-regexp", r"^user\.(name|email)$"), cwd=self.root, env=env)
        lines = process.run(asked).stdout.decode(errors="replace").splitlines()
        said = dict(line.partition(" ")[::2] for line in lines)
        name, email = said.get("user.name", ""), said.get("user.email", "")
        return Identity(name=name, email=email) if name and email else None

    @property
    def public(self) -> bool:
        """Whether GitHub says that the repository is public; False where nothing says so."""
        try:
            event = json.loads(Path(self.environ.get("GITHUB_EVENT_PATH", "")).read_text(encoding="utf-8"))
            return event["repository"]["private"] is False
        except (OSError, ValueError, KeyError, TypeError):
            return False

    @property
    def origin(self) -> str:
        """The URL that `git fetch origin` reads from; empty if there is no such remote."""
        asked = Git(git_dir=self.repository.common_dir).finished("config", "--get", "remote.origin.url")
        return Remote.parse(asked.stdout.decode(errors="replace").strip()).url if asked.ok else ""

    @property
    def event(self) -> Event:
        """The event that started this job; an empty one elsewhere. Raises ConfigurationError."""
        name, path = self.environ.get("GITHUB_EVENT_NAME", ""), self.environ.get("GITHUB_EVENT_PATH", "")
        try:
            return parse(name, json.loads(Path(path).read_bytes()) if path else {})
        except (OSError, ValueError, RecursionError) as error:
            raise ConfigurationError(
                f"the event in {path} cannot be read: {error}",
                hint="GITHUB_EVENT_PATH is set by the runner: leave it",
            ) from None

    @property
    def run_url(self) -> str:
        """Web page of this Actions run; empty elsewhere."""
        values = [self.environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
        return "{}/{}/actions/runs/{}".format(*values) if all(values) else ""

    def read(self, path: Path, *, required: bool = False) -> str | None:
        """Return the text of a file named relative to the root; None if it is absent. Raises ConfigurationError."""
        try:
            return (self.root / path).read_text(encoding="utf-8")
        except FileNotFoundError:
            if not required:
                return None
            raise ConfigurationError(
                f"there is no file {path}",
                hint="create it, or name another with --config; docs/configuration.md has examples",
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path} cannot be read: {error}", hint="make it a UTF-8 text file") from None


def here() -> Place:
    """This process's place. Raises ConfigurationError outside a repository."""
    try:
        folder = Path.cwd()
    except FileNotFoundError:
        raise ConfigurationError(
            "the current folder is not there any more", hint="change to a clone of your project"
        ) from None
    place = Place(repository=find_repository(folder), environ=dict(os.environ))
    os.environ["PATH"] = place.search_path  # git, above all, is started by its name
    return place
