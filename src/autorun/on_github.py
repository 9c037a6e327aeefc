"""What a session has of GitHub: the remote its branches go to, forge, tasks and liveness, by one client.

A part of the wiring; it is imported where GitHub is used, because PyGithub takes its time to load.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from autorun.adapters.forges.github import GitHubForge
from autorun.adapters.liveness_github import ActionsLiveness
from autorun.adapters.tasks.github import GitHubTasks
from autorun.core.config import Config, Trust
from autorun.core.config.choices import Provider
from autorun.core.errors import ConfigurationError
from autorun.core.github.names import repository_at
from autorun.core.github.trust import Rules
from autorun.core.model import Stop
from autorun.effects.git import Remote, basic
from autorun.effects.github import API_URL, SERVER_URL, GitHub
from autorun.effects.place import Place
from autorun.quarters import Published, Quarters

_NOT_STARTED = "Could not initialize state provider github"
_TOKEN = "GITHUB_TOKEN"  # noqa: S105  the name of a variable
_MINUTES = 330.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The GitHub server around a place; `origin` is the repository that branches go to, empty if it is elsewhere."""

    place: Place
    config: Config
    hub: GitHub
    server_url: str
    origin: str

    def published(self, warn: Callable[[str], None]) -> Published:
        """Where branches, records and pull requests go; `warn` hears of what is no failure."""
        environ = self.place.environ
        run = environ.get("GITHUB_RUN_ID", "")
        attempt = int(environ.get("GITHUB_RUN_ATTEMPT") or 0) if run else 0
        home = environ.get("GITHUB_REPOSITORY") or self.origin
        return Published(
            remote=Remote(url=f"{self.server_url}/{self.origin}.git", header=basic("x-access-token", self.hub.token)),
            forge=GitHubForge(hub=self.hub, repository=self.origin, server_url=self.server_url, warn=warn),
            liveness=ActionsLiveness(self.hub, home, run_id=run, run_attempt=attempt),
            token_ends=lambda: self.hub.expires_at,
        )

    def tasks(self, secrets: Sequence[str]) -> GitHubTasks:
        """The issues; `secrets` may leave in no text. Raises ConfigurationError when no repository is known."""
        config, place = self.config, self.place
        return GitHubTasks(
            self.hub,
            repository=self.repository,
            label=config.state_provider.label,
            rules=rules(config.trust),
            wanted=config.run.tasks,
            comment_id=config.run.comment_id,
            server_url=self.server_url,
            run_url=place.run_url,
            secrets=secrets,
        )

    @property
    def repository(self) -> str:
        """The repository whose issues are the tasks. Raises ConfigurationError."""
        named = self.config.state_provider.repo or self.origin or self.place.environ.get("GITHUB_REPOSITORY", "")
        if not named:
            raise ConfigurationError(
                f"{_NOT_STARTED}: nothing says which repository it is",
                hint="set `state_provider.repo: owner/name`, or run in a clone whose `origin` is on GitHub",
            )
        return named


@contextmanager
def quarters(
    place: Place, config: Config, secrets: Sequence[str], *, stop: Stop, warn: Callable[[str], None]
) -> Iterator[Quarters]:
    """Open what GitHub has for this place. Raises ConfigurationError if tasks come from it and there is no token."""
    wanted = config.state_provider.type is Provider.GITHUB
    with ExitStack() as stack:
        try:
            there = stack.enter_context(site(place, config, stop))
        except ConfigurationError:
            if wanted:
                raise
            yield Quarters()
            return
        yield Quarters(
            tasks=there.tasks(secrets) if wanted else None,
            published=there.published(warn) if there.origin else None,
        )


@contextmanager
def site(place: Place, config: Config, stop: Stop = lambda: None) -> Iterator[Site]:
    """Open the GitHub server around a place. Raises ConfigurationError if there is no token for it."""
    wanted = config.state_provider.type is Provider.GITHUB
    name = (config.state_provider.api_key_env if wanted else None) or _TOKEN
    token = place.environ.get(name, "").strip()
    if not token:
        raise ConfigurationError(
            f"{_NOT_STARTED}: {name} is not set",
            hint=f"set {name} to a token with contents, issues and pull requests: write; in a workflow "
            "`github-token: ${{ github.token }}`",
        )
    server = place.environ.get("GITHUB_SERVER_URL", "").rstrip("/") or SERVER_URL
    hub = GitHub(
        token=token,
        api_url=place.environ.get("GITHUB_API_URL") or API_URL,
        graphql_url=place.environ.get("GITHUB_GRAPHQL_URL", ""),
        patience=60 * (config.autonomous.minutes_per_session or _MINUTES),
        stop=stop,
    )
    try:
        origin = repository_at(place.origin, server)
        yield Site(place=place, config=config, hub=hub, server_url=server, origin=origin)
    finally:
        hub.close()


def rules(trust: Trust) -> Rules:
    """Whose word counts, by the configuration."""
    return Rules(
        label_roles=frozenset(trust.label_roles),
        command_roles=frozenset(trust.command_roles),
        comment_roles=frozenset(trust.comment_roles),
        bots=frozenset(trust.bots),
    )
