"""Whether commands can be confined on this machine, and what to do where they cannot."""

from dataclasses import dataclass
from pathlib import Path

# For `/usr/bin/bwrap` alone: the smaller hole. Loaded beside a profile that a distribution ships (Ubuntu 26.04),
# neither would attach, so it is never named where a sandbox already works.
APPARMOR_PROFILE = """\
abi <abi/4.0>,
include <tunables/global>

profile autorun-bwrap /usr/bin/bwrap flags=(unconfined) {
  userns,
}
"""
_ALLOWING = {
    "unprivileged_userns_clone": "kernel.unprivileged_userns_clone=1",
    "max_user_namespaces": "user.max_user_namespaces=15000",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Usable:
    """Commands can be confined here, with `program`."""

    program: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """Commands cannot be confined here: what stands in the way, and how to remove it."""

    sentence: str
    remedy: str


MISSING = Unusable(
    sentence="bubblewrap, the program that confines the agent, is not installed.",
    remedy="Install it: `sudo apt-get install --yes bubblewrap`.",
)


def diagnose(complaint: str, restrictions: frozenset[str]) -> Unusable:
    """Explain what bubblewrap said by what the kernel restricts.

    `restrictions` may hold `apparmor`, `unprivileged_userns_clone` and `max_user_namespaces`.
    """
    said = complaint.strip().splitlines()[-1] if complaint.strip() else "it ended without a word"
    if "nknown option" in said:
        return Unusable(
            sentence=f"bubblewrap is too old to confine the agent ({said}).",
            remedy="Install bubblewrap 0.8.0 or newer, as Debian 12 and Ubuntu 24.04 have it.",
        )
    if "apparmor" in restrictions:
        return Unusable(
            sentence=f"AppArmor keeps bubblewrap from making a sandbox ({said}).",
            remedy="Allow it for bubblewrap alone:\n"
            f"sudo tee /etc/apparmor.d/autorun-bwrap > /dev/null <<'END'\n{APPARMOR_PROFILE}END\n"
            "sudo apparmor_parser --replace /etc/apparmor.d/autorun-bwrap\n"
            "or, where that does not help, for every program: "
            "`sudo sysctl --write kernel.apparmor_restrict_unprivileged_userns=0`.",
        )
    if restrictions:
        settings = " ".join(_ALLOWING[name] for name in sorted(restrictions))
        return Unusable(
            sentence=f"The kernel's settings forbid user namespaces, which bubblewrap needs ({said}).",
            remedy=f"Allow them: `sudo sysctl --write {settings}`.",
        )
    return Unusable(
        sentence=f"bubblewrap cannot make a sandbox here ({said}).",
        remedy="A container must allow namespaces: run the job on the machine itself, or start the container with "
        "`--security-opt seccomp=unconfined --security-opt apparmor=unconfined --cap-add SYS_ADMIN`.",
    )
