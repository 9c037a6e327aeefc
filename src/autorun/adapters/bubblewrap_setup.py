"""Makes bubblewrap usable on a machine that is thrown away after the job: installs it, lets AppArmor allow it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from autorun.core.model import Command
from autorun.core.sandbox.remedies import APPARMOR_PROFILE, MISSING, Unusable, Usable
from autorun.effects import process

_PROFILE = "/etc/apparmor.d/autorun-bwrap"
_SWITCH = "kernel.apparmor_restrict_unprivileged_userns"
_INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends", "-qq", "bubblewrap")
_SECONDS = 300.0


def make_usable(
    probe: Callable[[], Usable | Unusable],
    environ: Mapping[str, str],
    *,
    root: bool,
    restricted: Callable[[], bool],
    say: Callable[[str], object],
) -> Usable | Unusable:
    """Try one remedy after the other until `probe` is content, the smallest first; return what it says in the end.

    `root`: we are; else `sudo` is asked, and never for a password. `restricted` tells whether AppArmor stands in
    the way. `say` is told each remedy in a sentence before it is tried.
    """
    prefix = () if root else ("sudo", "--non-interactive")
    env = {name: environ[name] for name in ("PATH", "LANG") if name in environ} | {
        "DEBIAN_FRONTEND": "noninteractive"
    }

    def do(*argv: str, stdin: str = "") -> bool:
        try:
            command = Command(argv=(*prefix, *argv), cwd=Path("/"), env=env)
            return process.run(command, stdin=stdin.encode(), timeout=_SECONDS).ok
        except OSError:
            return False

    found = probe()
    if found == MISSING:
        say("Installing bubblewrap.")
        if not do(*_INSTALL):
            do("apt-get", "update", "-qq")
            do(*_INSTALL)
        found = probe()
    if isinstance(found, Unusable) and restricted():
        say("Letting AppArmor allow user namespaces to bubblewrap alone.")
        if do("tee", _PROFILE, stdin=APPARMOR_PROFILE):
            do("apparmor_parser", "--replace", _PROFILE)
        found = probe()
    if isinstance(found, Unusable) and restricted():
        say("Letting AppArmor allow user namespaces to every program.")
        do("sysctl", "--quiet", "--write", f"{_SWITCH}=0")
        found = probe()
    return found
