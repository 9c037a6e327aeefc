"""Which team and which project: by id or by name, with a suggestion where neither fits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autorun.core.errors import ConfigurationError
from autorun.core.text.suggest import did_you_mean, quoted

_NOT_STARTED = "Could not initialize state provider linear"
Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where tasks are taken from; an empty project is all of them."""

    team_id: str
    team_key: str
    project_id: str = ""


def choose_team(teams: Sequence[Node], wanted: str | None) -> Scope:
    """Return the team of that id, key or name; without a wish, the only one. Raises ConfigurationError."""
    if wanted:
        node = _chosen(teams, wanted, "team", "state_provider.team_id", ("id", "key", "name"))
    elif len(teams) == 1:
        node = teams[0]
    else:
        keys = ", ".join(sorted(str(team["key"]) for team in teams)) or "none"
        raise ConfigurationError(
            f"{_NOT_STARTED}: the key sees {len(teams)} teams ({keys})",
            hint="set `state_provider.team_id` to one of them" if teams else "use the key of a member of a team",
        )
    return Scope(team_id=str(node["id"]), team_key=str(node["key"]))


def choose_project(projects: Sequence[Node], wanted: str, scope: Scope) -> Scope:
    """Return the team's scope narrowed to the project of that id, slug or name. Raises ConfigurationError."""
    key = "state_provider.project_name"
    return replace(scope, project_id=str(_chosen(projects, wanted, "project", key, ("id", "slugId", "name"))["id"]))


def _chosen(nodes: Sequence[Node], wanted: str, what: str, key: str, fields: Sequence[str]) -> Node:
    """Return the only node with a field equal to the wish; an exact match wins over one in another case."""
    ways: tuple[Callable[[str], str], ...] = (str, str.casefold)
    for spelt in ways:
        for field in fields:
            found = [node for node in nodes if spelt(str(node[field])) == spelt(wanted)]
            if len(found) == 1:
                return found[0]
            if found:
                ids = ", ".join(str(node["id"]) for node in found)
                raise ConfigurationError(
                    f"{_NOT_STARTED}: {len(found)} {what}s are called {quoted(wanted)}",
                    hint=f"set `{key}` to the id of one: {ids}",
                )
    known = [str(node[field]) for node in nodes for field in fields[1:]]
    raise ConfigurationError(
        f"{_NOT_STARTED}: there is no {what} {quoted(wanted)}, or the key may not see it",
        hint=f"`{key}`: {did_you_mean(wanted, known)}" if known else f"the key sees no {what} at all",
    )
