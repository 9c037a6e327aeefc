"""The sandbox as a value: what its arguments and environment say, for any machine and room."""

import configparser
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from autorun.core.model import Room, Workspace
from autorun.core.sandbox.confinement import (
    Caps,
    GitFolder,
    Machine,
    Repository,
    arguments,
    caps_for,
    clean_config,
    environment,
    forbidden_names,
    limited,
    refusal,
    too_wide,
    tool_root,
    unless_orphaned,
)
from autorun.core.sandbox.known_places import HOME_SECRETS, HOME_TOOLS

USER = Path("/home/runner")
WORK = USER / "work" / "repo" / "repo"
MACHINE = Machine(
    home=USER,
    links=((Path("/bin"), "usr/bin"),),
    tools=(USER / ".nvm", USER / ".rustup", USER / ".cargo/bin"),
    hidden=(USER / ".ssh", USER / "work" / "_temp"),
)


def _room(**places: tuple[Path, ...]) -> Room:
    return Room(workspace=Workspace(path=WORK, base="b", git_dir=WORK / ".git"), **places)


def _arguments(
    machine: Machine = MACHINE, room: Room | None = None, repository: Repository | None = None
) -> list[str]:
    found = arguments(
        machine, room or _room(), repository or Repository(), papers=Path("/p"), program=None, caps=Caps()
    )
    return list(found)


def _pairs(argv: list[str], option: str) -> list[str]:
    return [argv[place + 1] for place, word in enumerate(argv) if word == option]


def test_the_isolation_is_whole() -> None:
    """Every namespace is new, by name for the user's, no capability stays, and it dies with its parent."""
    assert _arguments()[:12] == [
        *("--unshare-all", "--unshare-user", "--disable-userns", "--cap-drop", "ALL", "--die-with-parent"),
        *("--new-session", "--uid", "1000", "--gid", "1000", "--hostname"),
    ]


def test_only_the_workspace_and_named_folders_are_writable() -> None:
    """Nothing else is bound writable, and what is mounted over is made read-only last."""
    argv = _arguments(room=_room(writable=(Path("/s/agent"),), readable=(Path("/s/brief"),), sockets=(Path("/g/m"),)))
    assert _pairs(argv, "--bind") == [str(WORK), "/s/agent"]
    assert {"/s/brief", "/g/m"} <= {*_pairs(argv, "--ro-bind"), *_pairs(argv, "--ro-bind-try")}
    assert _pairs(argv, "--remount-ro") == ["/proc", "/dev", "/"]
    assert argv[-1] == "/"


def test_hidden_folders_in_the_workspace_are_covered_and_held_in_place() -> None:
    """A cover cannot be moved away with the folder above it."""
    session = WORK / "a" / "b" / "session"
    argv = _arguments(Machine(home=USER, hidden=(session,)))
    assert _pairs(argv, "--bind") == [str(WORK), str(WORK / "a"), str(WORK / "a" / "b")]
    assert str(session) in _pairs(argv, "--tmpfs")
    assert str(session) in _pairs(argv, "--remount-ro")


def test_of_a_git_folder_only_named_entries_are_there_and_configurations_are_copies() -> None:
    """The folder itself is empty and read-only, so an entry nobody thought of is not shown."""
    folder = GitFolder(path=WORK / ".git", shown=("HEAD", "objects"), configs=(("config", Path("/p/clean")),))
    argv = _arguments(repository=Repository(folders=(folder,), marker=WORK / "x", objects=(Path("/o"),)))
    place = argv.index("--tmpfs", argv.index(str(WORK)))
    assert argv[place : place + 11] == [
        *("--tmpfs", f"{WORK}/.git"),
        *("--ro-bind", f"{WORK}/.git/HEAD", f"{WORK}/.git/HEAD"),
        *("--ro-bind", f"{WORK}/.git/objects", f"{WORK}/.git/objects"),
        *("--ro-bind", "/p/clean", f"{WORK}/.git/config"),
    ]
    assert f"{WORK}/.git" in _pairs(argv, "--remount-ro")
    assert {f"{WORK}/x", "/o"} <= set(_pairs(argv, "--ro-bind"))


def test_scratch_folders_have_a_size() -> None:
    """No folder in memory is without bounds."""
    argv = _arguments()
    scratch = [place for place, word in enumerate(argv) if word == "--tmpfs"]
    assert all(argv[place - 2] == "--size" for place in scratch)
    assert len(scratch) == 4


def test_a_single_program_is_shown() -> None:
    """What runs is there though its folder is not."""
    argv = arguments(MACHINE, _room(), Repository(), papers=Path("/p"), program=Path("/x/claude"), caps=Caps())
    assert "/x/claude" in _pairs(list(argv), "--ro-bind-try")


def test_limits_stand_before_the_command() -> None:
    """The kernel's limits hold for the command and what it starts; no core dump leaves the sandbox."""
    wrapped = limited(("make", "test"), Caps(tasks=7, file_bytes=9))
    assert wrapped == ("/usr/bin/prlimit", "--core=0", "--fsize=9", "--nproc=7", "--", "make", "test")


@given(st.lists(st.text(min_size=1), min_size=1).map(tuple))
def test_a_command_asks_first_whether_its_runner_lives(command: tuple[str, ...]) -> None:
    """By the lock that is shown inside; its own words stay words, whatever a shell would make of them."""
    shell, _, script, lock, *rest = unless_orphaned(command)
    argv = arguments(
        MACHINE, _room(), Repository(), papers=Path("/p"), program=None, caps=Caps(), alive=Path("/r/runner.lock")
    )
    assert argv[argv.index("/r/runner.lock") - 1 :][:3] == ("--ro-bind", "/r/runner.lock", lock)
    assert (shell, tuple(rest)) == ("/bin/sh", command)
    assert script.endswith('exec "$@"')


@given(st.integers(min_value=1 << 30, max_value=1 << 42))
def test_caps_leave_the_machine_its_share(memory: int) -> None:
    """Processes and the four folders in memory together stay below the machine's memory."""
    caps = caps_for(memory)
    assert caps.memory_bytes + 4 * caps.scratch_bytes < memory


@pytest.mark.parametrize("path", ["/", "/home", "/home/runner"])
def test_what_holds_the_home_is_too_wide(path: str) -> None:
    """The home is never shown as a whole."""
    assert "whole of /home/runner" in too_wide(Path(path), MACHINE)


@given(st.sampled_from(HOME_TOOLS))
def test_no_named_toolchain_is_or_holds_a_folder_of_secrets(tool: str) -> None:
    """The two tables never meet."""
    machine = Machine(home=USER, hidden=tuple(USER / name for name in HOME_SECRETS))
    assert refusal(USER / tool, machine) == ""


def test_a_path_in_or_around_a_secret_is_refused() -> None:
    """Neither a secret's folder, nor one in it, nor one around it may be named."""
    assert refusal(USER / ".ssh" / "id", MACHINE) == "lies in /home/runner/.ssh"
    assert refusal(USER / "work", MACHINE) == "holds /home/runner/work/_temp"
    assert refusal(Path("/opt/sdk"), MACHINE) == ""


@pytest.mark.parametrize(
    ("folder", "root"),
    [
        ("/home/runner/.nvm/versions/node/v22/bin", "/home/runner/.nvm"),
        ("/home/runner/.cargo/bin", "/home/runner/.cargo/bin"),
        ("/home/runner/private/bin", "/home/runner/private/bin"),
        ("/home/runner/bin", "/home/runner/bin"),
        ("/opt/hostedtoolcache/Python/3.12.1/x64/bin", "/opt/hostedtoolcache"),
        ("/opt/sdk/bin", "/opt/sdk"),
        ("/opt/sdk", "/opt/sdk"),
        ("/opt/bin", "/opt/bin"),
    ],
)
def test_a_toolchain_is_shown_by_its_name(folder: str, root: str) -> None:
    """Known toolchains whole, others with what lies beside their programs, in a home nothing but the folder named."""
    assert tool_root(Path(folder), USER) == Path(root)


def test_the_environment_has_its_own_home_and_finds_toolchains() -> None:
    """Tools that look in their user's home are told where theirs is; PATH names only what is there."""
    runner = {"PATH": "/home/runner/.nvm/bin:/home/runner/secret/bin:relative:/usr/bin", "NVM_DIR": "/elsewhere"}
    env = environment({"HOME": "/home/runner"}, runner, (), MACHINE, _room())
    assert env["HOME"] == "/home/agent"
    assert env["PATH"] == "/home/runner/.nvm/bin:/usr/bin:/usr/local/bin:/bin"
    assert env["NVM_DIR"] == "/home/runner/.nvm"
    assert env["RUSTUP_HOME"] == "/home/runner/.rustup"
    assert env["CARGO_HOME"] == "/home/runner/.cargo"


@given(st.dictionaries(st.from_regex(r"[A-Z][A-Z_]{0,20}", fullmatch=True), st.just("canary")))
def test_no_variable_passes_unless_it_is_known_to_be_harmless(runner: dict[str, str]) -> None:
    """A name nobody listed never gets in, whatever the runner's environment holds."""
    shown = {name for name, value in environment({}, runner, (), MACHINE, _room()).items() if value == "canary"}
    assert all(name.startswith(("LC_", "JAVA_HOME", "GOROOT")) or name in _HARMLESS for name in shown)


_HARMLESS = {"CI", "LANG", "LANGUAGE", "TZ", "NO_COLOR", "FORCE_COLOR", "VIRTUAL_ENV", "DOTNET_ROOT"} | {
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
}


def test_names_that_no_configuration_lets_in_are_dropped_even_if_asked_for() -> None:
    """The check at the start and the environment agree."""
    names = ("GITHUB_TOKEN", "MINE", "INPUT_X", "LD_PRELOAD", "ANTHROPIC_API_KEY", "HOME")
    assert forbidden_names(names) == tuple(name for name in names if name != "MINE")
    env = environment({}, dict.fromkeys(names, "x"), names, MACHINE, _room())
    assert {name for name, value in env.items() if value == "x"} == {"MINE"}


KEYS = (
    *("core.bare", "core.sshcommand", "core.hookspath", "core.fsmonitor", "filter.x.clean", "http.u.extraheader"),
    *("remote.origin.url", "credential.helper", "include.path", "extensions.objectformat", "url.x.insteadof"),
)


@given(
    st.lists(
        st.tuples(st.sampled_from(KEYS), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
    )
)
def test_a_clean_configuration_only_describes_the_repository(entries: list[tuple[str, str]]) -> None:
    """No remote, header, helper, include or command survives, and no value can end its line."""
    text = clean_config("".join(f"{key}\n{value}\0" for key, value in entries))
    kept = [(key, value) for key, value in entries if key in {"core.bare", "extensions.objectformat"}]
    names = [line.strip().split(" ")[0] for line in text.split("\n")[1::2]]
    assert names == [key.partition(".")[2] for key, _ in kept]
    assert {line for line in text.split("\n")[0::2] if line} <= {"[core]", "[extensions]"}


def test_a_key_without_a_value_stays_one() -> None:
    """`bare` alone means true."""
    parser = configparser.ConfigParser(allow_no_value=True)
    parser.read_string(clean_config("core.bare\0"))
    assert dict(parser["core"]) == {"bare": None}
