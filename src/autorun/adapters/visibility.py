"""Whether the repository of this run is private: told by the event, else asked of GitHub; public when in doubt."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autorun.core.errors import AutorunError
from autorun.effects import files
from autorun.effects.http import JsonDoor

_EVENT_BYTES = 32 << 20
_QUERY = "query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { isPrivate } }"
_SECONDS = 10.0


def private(environ: Mapping[str, str], token: str) -> bool:
    """Tell whether only people with access see what this run leaves. False when it cannot be known."""
    told = _told(environ.get("GITHUB_EVENT_PATH", ""))
    return told if told is not None else _asked(environ, token)


def _told(path: str) -> bool | None:
    try:
        event: dict[str, Any] = json.loads(files.read(Path(path), limit=_EVENT_BYTES)) if path else {}
        found = event["repository"]["private"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, bool) else None


def _asked(environ: Mapping[str, str], token: str) -> bool:
    owner, _, name = environ.get("GITHUB_REPOSITORY", "").partition("/")
    url = environ.get("GITHUB_GRAPHQL_URL", "")
    if not (owner and name and url and token):
        return False
    door = JsonDoor(
        url, name="GitHub", headers={"Authorization": f"bearer {token}"}, timeout=_SECONDS, patience=_SECONDS
    )
    try:
        reply = door.post({"query": _QUERY, "variables": {"owner": owner, "name": name}}).json()
        return reply["data"]["repository"]["isPrivate"] is True
    except (AutorunError, KeyError, TypeError):
        return False
