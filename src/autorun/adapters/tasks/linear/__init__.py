"""Tasks that live in Linear."""

from collections.abc import Collection, Mapping, Sequence

from autorun.adapters.tasks.linear.client import LinearClient
from autorun.adapters.tasks.linear.tasks import LinearTasks
from autorun.core.config import StateProvider
from autorun.core.errors import ConfigurationError
from autorun.core.model import Stop
from autorun.effects.http import JsonDoor

__all__ = ["LinearTasks", "linear_tasks"]

_PUBLIC = "https://api.linear.app/graphql"
_OAUTH = "lin_oauth_"


def linear_tasks(
    options: StateProvider,
    environ: Mapping[str, str],
    *,
    bots: Collection[str] = (),
    run_url: str = "",
    secrets: Sequence[str] = (),
    stop: Stop = lambda: None,
) -> LinearTasks:
    """Return the provider for a configuration; nothing is asked yet. Raises ConfigurationError without a key."""
    key_name = options.api_key_env or "LINEAR_API_KEY"
    key = environ.get(key_name, "").strip()
    if not key:
        raise ConfigurationError(
            f"Could not initialize state provider linear: {key_name} is not set",
            hint=f"set {key_name} to a personal API key (Linear: Settings, Security & access)",
        )
    credential = f"Bearer {key}" if key.startswith(_OAUTH) else key
    door = JsonDoor(
        environ.get("LINEAR_API_URL") or _PUBLIC, name="Linear", headers={"Authorization": credential}, stop=stop
    )
    own = (key, *secrets)
    return LinearTasks(
        LinearClient(door, key_name=key_name, secrets=own),
        label=options.label,
        team=options.team_id,
        project=options.project_name,
        bots=bots,
        run_url=run_url,
        secrets=own,
    )
