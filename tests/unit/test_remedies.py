"""Where no sandbox can be made the words of bubblewrap and the kernel's settings tell why, and what to do."""

from pathlib import Path

import pytest

from autorun.core.sandbox.confinement import FORWARDED_BY, PROXY_PORT, forwarded
from autorun.core.sandbox.remedies import APPARMOR_PROFILE, diagnose

DENIED = "bwrap: setting up uid map: Permission denied"


@pytest.mark.parametrize(
    ("complaint", "restrictions", "sentence", "remedy"),
    [
        ("bwrap: Unknown option --disable-userns", {"apparmor"}, "too old", "bubblewrap 0.8.0"),
        (DENIED, {"apparmor", "max_user_namespaces"}, "AppArmor keeps", APPARMOR_PROFILE),
        (
            DENIED,
            {"unprivileged_userns_clone", "max_user_namespaces"},
            "The kernel's settings",
            "`sudo sysctl --write user.max_user_namespaces=15000 kernel.unprivileged_userns_clone=1`",
        ),
        (f"a warning\n{DENIED}\n", set(), f"here ({DENIED})", "--cap-add SYS_ADMIN"),
        (" \n", set(), "(it ended without a word)", "--cap-add SYS_ADMIN"),
    ],
)
def test_each_hindrance_has_its_remedy(complaint: str, restrictions: set[str], sentence: str, remedy: str) -> None:
    """An old program comes before a restriction, AppArmor before the kernel's settings, a container last."""
    found = diagnose(complaint, frozenset(restrictions))
    assert sentence in found.sentence
    assert remedy in found.remedy


def test_a_command_with_a_way_out_is_run_by_the_forwarder() -> None:
    """The command stands last and whole; the forwarder reads no code of the workspace."""
    argv = forwarded(("npm", "ci", "--x=y z"), Path("/run/proxy.sock"))
    assert argv[-3:] == ("npm", "ci", "--x=y z")
    assert argv[:3] == (str(FORWARDED_BY), "-I", "-S")
    assert argv[4:6] == ("/run/proxy.sock", str(PROXY_PORT))
