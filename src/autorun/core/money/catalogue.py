"""The models we know: aliases, context windows, and the successors of retired ids."""

from dataclasses import dataclass

from autorun.core.errors import ConfigurationError
from autorun.core.text.suggest import nearest

ALIASES = {
    "opus": "claude-opus-5-5",
    "sonnet": "claude-sonnet-5-5",
    "haiku": "claude-haiku-5-5",
    "fable": "claude-fable-5-2",
}

_MILLION = 1_000_000
_SMALL = 200_000

CONTEXT_WINDOWS = {
    "claude-fable-5-2": _MILLION,
    "claude-mythos-5-2": _MILLION,
    "claude-fable-5-1": _MILLION,
    "claude-mythos-5-1": _MILLION,
    "claude-fable-5": _MILLION,
    "claude-opus-5-5": _MILLION,
    "claude-opus-5": _MILLION,
    "claude-opus-4-8": _MILLION,
    "claude-opus-4-7": _MILLION,
    "claude-opus-4-6": _SMALL,
    "claude-opus-4-5": _SMALL,
    "claude-sonnet-5-5": _MILLION,
    "claude-sonnet-5": _MILLION,
    "claude-sonnet-4-6": _SMALL,
    "claude-sonnet-4-5": _SMALL,
    "claude-haiku-5-5": _MILLION,
    "claude-haiku-4-5": _SMALL,
}

_DATED = {
    "claude-opus-4-5-20251101": "claude-opus-4-5",
    "claude-sonnet-4-5-20250929": "claude-sonnet-4-5",
    "claude-haiku-4-5-20251001": "claude-haiku-4-5",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retirement:
    """What runs in the place of a retired id, and the day it ended (ISO date, empty: not known to us)."""

    successor: str
    ended: str = ""


def _retired(successor: str, ended: str, *ids: str) -> dict[str, Retirement]:
    return {name: Retirement(successor=ALIASES.get(successor, successor), ended=ended) for name in ids}


RETIRED = {
    **_retired("sonnet", "2026-11-30", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
    **_retired("claude-mythos-5-2", "2026-06-30", "claude-mythos-preview"),
    **_retired("opus", "2026-06-15", "claude-opus-4", "claude-opus-4-0", "claude-opus-4-20250514"),
    **_retired("sonnet", "2026-06-15", "claude-sonnet-4", "claude-sonnet-4-0", "claude-sonnet-4-20250514"),
    **_retired("sonnet", "2026-02-19", "claude-3-7-sonnet-latest", "claude-3-7-sonnet-20250219"),
    **_retired("haiku", "2026-02-19", "claude-3-5-haiku-latest", "claude-3-5-haiku-20241022"),
    **_retired("opus", "2026-01-05", "claude-3-opus-latest", "claude-3-opus-20240229"),
    **_retired("sonnet", "2025-07-21", "claude-3-sonnet-20240229", "claude-2.1", "claude-2.0"),
    **_retired("sonnet", "", "claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022", "claude-3-5-sonnet-20240620"),
    **_retired("haiku", "", "claude-3-haiku-20240307"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The id a model's name stands for, and a sentence if the user should know something about it."""

    id: str
    warning: str = ""


def undated(name: str) -> str:
    """Return the id without alias or date stamp, as the tables know it."""
    known = ALIASES.get(name.lower(), name)
    return _DATED.get(known, known)


def identify(name: str) -> Resolved:
    """Return the id that `name` (an alias or an id) stands for.

    A retired id gives its successor, an unknown one passes through, both with a warning. Raises
    ConfigurationError for a misspelt alias.
    """
    if alias := ALIASES.get(name.lower()):
        return Resolved(id=alias)
    if gone := RETIRED.get(name):
        ended = f" (end of life {gone.ended})" if gone.ended else ""
        return Resolved(
            id=gone.successor,
            warning=f"the model {name} is retired{ended}; its successor {gone.successor} runs instead",
        )
    if undated(name) in CONTEXT_WINDOWS:
        return Resolved(id=name)
    if "-" not in name and (alias := nearest(name, ALIASES, cutoff=0.7)):
        raise ConfigurationError(f"there is no model `{name}`", hint=f"did you mean `{alias}`?")
    return Resolved(
        id=name,
        warning=f"the model {name} is not known to this version: it is priced like the dearest known one",
    )


def context_window(model: str) -> int:
    """Return how many tokens fit into the model's context; the smallest known window for an unknown model."""
    return CONTEXT_WINDOWS.get(undated(model), min(CONTEXT_WINDOWS.values()))
