"""Which hosts a confined command may reach: exact names, one port, no address inside anyone's network."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from autorun.core.errors import ConfigurationError

PORT = 443
# The runner alone speaks to the forge: what an agent could write there would be a way around every check.
NEVER = frozenset({"github.com", "api.github.com"})
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.[a-z][a-z0-9-]*[a-z0-9]")
_REQUEST = re.compile(rb"CONNECT ([^\s:]{1,253}):([0-9]{1,5}) HTTP/1\.[01]\r\n")
# Addresses that carry an IPv4 address inside, whose gateway would unwrap it.
_WRAPPING = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """An attempt to reach what is not allowed; `port` is 0 and `host` what was asked if it was no CONNECT.

    `during` is what was being done at that moment, as far as it is known.
    """

    host: str
    port: int
    at: datetime
    why: str
    during: str = ""

    def __str__(self) -> str:
        """Return a sentence for people; host and command are foreign text."""
        where = f"{self.host}:{self.port}" if self.port else f"`{self.host}`"
        return f"A connection to {where} was refused: {self.why}." + (
            f" Made by: {self.during}" if self.during else ""
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom a CONNECT asks for."""

    host: str
    port: int


def allowed_names(names: Sequence[str]) -> frozenset[str]:
    """Return the names in lower case. Raises ConfigurationError for one that is no exact public host name."""
    for name in names:
        if not _NAME.fullmatch(name.lower()):
            raise ConfigurationError(
                f"sandbox.allow_domains: {name!r:.100} is no exact host name",
                hint="name each host in full, without scheme, port, path or wildcard, as in `packages.example.org`",
            )
        if name.lower() in NEVER:
            raise ConfigurationError(
                f"sandbox.allow_domains: {name} can never be reached from the sandbox",
                hint="take it out; Autorun itself reads and writes there, the agent has no need to",
            )
    return frozenset(name.lower() for name in names)


def asked(head: bytes) -> Target | None:
    """Read the head of a proxy request; None if it is no plain CONNECT."""
    found = _REQUEST.match(head)
    if found is None or not found[1].isascii():
        return None
    return Target(host=found[1].decode().lower(), port=int(found[2]))


def objection(target: Target, names: frozenset[str]) -> str:
    """Tell why a target may not be reached, empty if it may be looked up."""
    if target.host not in names or target.host in NEVER:
        return "the host is not in `sandbox.allow_domains`"
    return "" if target.port == PORT else f"only port {PORT} is open"


def is_public(address: str) -> bool:
    """Tell whether an address lies in the open internet: not private, link-local, loopback, wrapped or reserved."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    wrapped = any(ip in network for network in _WRAPPING)
    return ip.is_global and not ip.is_multicast and not wrapped
