"""What a server of code offers a session: a part of the wiring that costs nothing to import."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from autorun.effects.git import Remote
from autorun.ports import Forge, Liveness, Tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Where branches and records go, where pull requests are opened, and who of other runners there is dead.

    `token_ends` tells when the credential for all that expires, as far as it is known.
    """

    remote: Remote
    forge: Forge
    liveness: Liveness
    token_ends: Callable[[], datetime | None] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarters:
    """What is there: tasks if they are taken from there, the rest if `origin` lies there."""

    tasks: Tasks | None = None
    published: Published | None = None
