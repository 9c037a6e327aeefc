"""Who may do what here: each account's role, asked for once in a session."""

from collections.abc import Iterable

from autorun.core.github.trust import UNKNOWN
from autorun.effects.github import GitHub
from autorun.effects.github_failures import Missing, Refused, Unreached

_OWN_WORDS = frozenset({"none", "read", "triage", "write", "maintain", "admin"})


class People:
    """The roles of accounts in a repository. What GitHub did not tell is UNKNOWN, and asked again the next time."""

    def __init__(self, hub: GitHub) -> None:
        self._hub = hub
        self._known: dict[str, str] = {}

    def roles(self, logins: Iterable[str], repository: str) -> dict[str, str]:
        """Return the role of each login. Raises RateLimited, ProviderError if the token is refused."""
        return {login: self._role(login, repository) for login in sorted(set(logins))}

    def known(self, login: str) -> bool:
        """Tell whether a role was told already."""
        return login in self._known

    def _role(self, login: str, repository: str) -> str:
        if login in self._known:
            return self._known[login]
        doing = f"Reading the role of {login} in {repository}"
        home = self._hub.repository(repository)
        try:
            role = self._hub.call(doing, lambda: home.get_collaborator_role_name(login), repeatable=True)
            if role not in _OWN_WORDS:  # an organisation's own role: what it is built on counts
                role = self._hub.call(doing, lambda: home.get_collaborator_permission(login), repeatable=True)
        except Missing:
            role = "none"
        except (Refused, Unreached):
            return UNKNOWN
        self._known[login] = role
        return role
