"""Making bubblewrap usable on a runner: the smallest remedy that helps, and none where it works already."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from autorun.adapters.bubblewrap_setup import make_usable
from autorun.core.sandbox.remedies import MISSING, Unusable, Usable

WORKS = Usable(program=Path("/usr/bin/bwrap"))
BLOCKED = Unusable(sentence="AppArmor keeps bubblewrap from making a sandbox.", remedy="Allow it.")


class Runner:
    """A machine whose tools are small programs that note what they are asked to do."""

    def __init__(self, folder: Path, *, installed: bool, restricted: bool, helps: str, broken: str = "") -> None:
        self.asked = folder / "asked"
        self.asked.write_text("")
        self._installed, self._restricted, self._helps = installed, restricted, helps
        for name in ("sudo", "apt-get", "tee", "apparmor_parser", "sysctl"):
            last = 'shift; exec "$@"' if name == "sudo" else ("exit 1" if name == broken else "cat > /dev/null")
            (folder / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "{self.asked}"\n{last}\n')
            (folder / name).chmod(0o755)
        self.environ: Mapping[str, str] = {"PATH": f"{folder}:/bin:/usr/bin", "ANTHROPIC_API_KEY": "sk-not-for-them"}
        self.told: list[str] = []

    def did(self, tool: str) -> bool:
        return any(line.startswith(tool) for line in self.asked.read_text().splitlines())

    def probe(self) -> Usable | Unusable:
        if not (self._installed or self.did("apt-get install")):
            return MISSING
        return WORKS if not self._restricted or self.did(self._helps) else BLOCKED

    def made(self, *, root: bool) -> Usable | Unusable:
        return make_usable(
            self.probe, self.environ, root=root, restricted=lambda: self._restricted, say=self.told.append
        )


@pytest.mark.parametrize("root", [True, False])
@pytest.mark.parametrize(
    ("installed", "restricted", "helps", "tools"),
    [
        (True, False, "-", []),
        (False, False, "-", ["apt-get"]),
        (True, True, "apparmor_parser", ["tee", "apparmor_parser"]),
        (False, True, "apparmor_parser", ["apt-get", "tee", "apparmor_parser"]),
        (True, True, "sysctl", ["tee", "apparmor_parser", "sysctl"]),
    ],
)
def test_the_smallest_remedy_is_taken(
    tmp_path: Path, installed: bool, restricted: bool, helps: str, tools: list[str], *, root: bool
) -> None:
    """Install what is missing, allow bubblewrap alone, and only then every program; say each before it is done."""
    runner = Runner(tmp_path, installed=installed, restricted=restricted, helps=helps)
    assert runner.made(root=root) == WORKS
    lines = [line.split() for line in runner.asked.read_text().splitlines()]
    assert [line[0] for line in lines if line[0] != "sudo"] == tools
    assert (["sudo", "--non-interactive"] in [line[:2] for line in lines]) is (not root and bool(tools))
    assert bool(runner.told) is bool(tools)


def test_what_does_not_help_leaves_the_reason(tmp_path: Path) -> None:
    """Where nothing may be changed, every remedy is tried once and the last word is what stands in the way."""
    runner = Runner(tmp_path, installed=True, restricted=True, helps="-", broken="tee")
    assert runner.made(root=False) == BLOCKED
    assert not runner.did("apparmor_parser")
    assert runner.did("sysctl")


def test_a_package_list_that_is_too_old_is_renewed(tmp_path: Path) -> None:
    """An installation that fails is tried once more behind an update."""
    runner = Runner(tmp_path, installed=False, restricted=False, helps="-", broken="apt-get")
    runner.made(root=True)
    assert [line.split()[1] for line in runner.asked.read_text().splitlines()] == ["install", "update", "install"]
