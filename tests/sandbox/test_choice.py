"""Whether a sandbox is used follows from what was asked and what the machine can do; in doubt nothing starts."""

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from autorun.adapters.sandbox import choose, probe, unconfined
from autorun.core.config.choices import SandboxMode
from autorun.core.errors import AgentUnavailable
from autorun.core.model import Command, Confine, Room, Workspace
from autorun.core.sandbox.remedies import APPARMOR_PROFILE, MISSING, Unusable, Usable, diagnose
from kit.den import require_sandbox

BWRAP = Path("/usr/bin/bwrap")
BROKEN = Unusable(sentence="It is broken.", remedy="Mend it.")


def _marking(program: Path) -> Confine:
    def confine(command: Command, room: Room) -> Command:
        return Command(argv=(str(program), *command.argv), cwd=room.workspace.path, env={})

    return confine


def _argv(confine: Confine) -> tuple[str, ...]:
    workspace = Workspace(path=Path("/w"), base="b", git_dir=Path("/w/.git"))
    return confine(Command(argv=("true",), cwd=Path("/"), env={}), Room(workspace=workspace)).argv


def _unasked() -> Usable:
    raise AssertionError("nothing is tried when the sandbox is off")


def test_a_working_sandbox_is_used_without_a_word() -> None:
    """`required` and `auto` confine with the program that was found."""
    for mode in (SandboxMode.REQUIRED, SandboxMode.AUTO):
        said: list[str] = []
        chosen = choose(mode, lambda: Usable(program=BWRAP), _marking, warn=said.append)
        assert _argv(chosen) == (str(BWRAP), "true")
        assert said == []


def test_required_starts_nothing_where_none_works() -> None:
    """The error says why and how to mend it (A15)."""
    with pytest.raises(AgentUnavailable, match=r"It is broken\. Nothing was started") as refused:
        choose(SandboxMode.REQUIRED, lambda: BROKEN, _marking, warn=print)
    assert refused.value.hint == "Mend it."


def test_auto_warns_once_and_goes_on() -> None:
    """The warning names the cause, what it means, and the remedy."""
    said: list[str] = []
    assert choose(SandboxMode.AUTO, lambda: BROKEN, _marking, warn=said.append) is unconfined
    (warning,) = said
    assert warning.startswith("It is broken.")
    assert "without a sandbox" in warning
    assert warning.endswith("Mend it.")


def test_off_is_loud_and_tries_nothing() -> None:
    """Doing without is said every time."""
    said: list[str] = []
    chosen = choose(SandboxMode.OFF, _unasked, _marking, warn=said.append)
    assert _argv(chosen) == ("true",)
    assert "sandbox is off" in said[0]


def test_this_machine_is_found_usable() -> None:
    """The probe starts a real sandbox."""
    assert probe({"PATH": str(require_sandbox().parent)}) == Usable(program=require_sandbox())


def test_without_bubblewrap_the_remedy_is_to_install_it(tmp_path: Path) -> None:
    """A PATH without the program, relative entries ignored, is said to lack it."""
    assert probe({"PATH": f"{tmp_path}:relative::"}) == MISSING


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo 'bwrap: Unknown option --disable-userns' >&2; exit 1", "too old"),
        ("echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1", "setting up uid map"),
        ("exit 1", "without a word"),
        ("kill -9 $$", "without a word"),
    ],
)
def test_a_bubblewrap_that_fails_is_unusable(tmp_path: Path, script: str, expected: str) -> None:
    """Whatever the probe's program does but succeed, it is not used (A15)."""
    (tmp_path / "bwrap").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "bwrap").chmod(0o755)
    found = probe({"PATH": str(tmp_path)})
    assert isinstance(found, Unusable)
    assert expected in found.sentence
    assert found.remedy


@pytest.mark.parametrize(
    ("restrictions", "remedy"),
    [
        ({"apparmor", "max_user_namespaces"}, APPARMOR_PROFILE),
        ({"apparmor"}, "kernel.apparmor_restrict_unprivileged_userns=0"),
        ({"unprivileged_userns_clone"}, "kernel.unprivileged_userns_clone=1"),
        ({"max_user_namespaces"}, "user.max_user_namespaces=15000"),
        (set(), "container"),
    ],
)
def test_the_remedy_fits_what_the_kernel_restricts(restrictions: set[str], remedy: str) -> None:
    """AppArmor's profile comes before its switch, sysctl names the setting that is in the way."""
    said = "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted\n"
    found = diagnose(said, frozenset(restrictions))
    assert remedy in found.remedy
    assert "RTM_NEWADDR" in found.sentence


@given(st.text(), st.frozensets(st.sampled_from(["apparmor", "unprivileged_userns_clone", "max_user_namespaces"])))
def test_every_complaint_has_a_sentence_and_a_remedy(said: str, restrictions: frozenset[str]) -> None:
    """No output of bubblewrap leaves the user without a next step."""
    found = diagnose(said, restrictions)
    assert found.sentence
    assert found.remedy
