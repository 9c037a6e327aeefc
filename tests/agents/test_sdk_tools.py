"""The agent's hands: a shell that seems to go on, an editor that cannot be led astray."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autorun.adapters.agents.sdk_tools import Hands, Tried
from autorun.core.model import Command, Confine, Room, Stop, Workspace
from kit.claude import ENVIRON
from kit.den import Den, git, make_den

EDITOR = "str_replace_based_edit_tool"
Given = Callable[..., Tried]


def hands(
    workspace: Workspace, *, confine: Confine | None = None, seconds: float = 20.0, stop: Stop | None = None
) -> Hands:
    return Hands(
        workspace,
        confine=confine or (lambda command, _: command),
        environ=ENVIRON,
        left=lambda: seconds,
        stop=stop or (lambda: None),
    )


@pytest.fixture
def here(tmp_path: Path) -> Hands:
    """Hands in an empty folder, without a sandbox."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    return hands(Workspace(path=folder, base="", git_dir=folder / ".git"))


def shell(of: Hands, command: str) -> str:
    return of.use("bash", {"command": command}).text


def edit(of: Hands, command: str, path: str, **more: object) -> Tried:
    return of.use(EDITOR, {"command": command, "path": path, **more})


# ------------ bash


def test_folder_and_exports_carry_over(here: Hands) -> None:
    """As in one shell; plain variables, functions and options do not, and a restart forgets everything."""
    shell(here, "mkdir -p 'x y' && cd 'x y' && export A=$'one\\ntwo \\'q\\'' B=b; plain=1; f() { :; }; set -e")
    assert shell(here, 'basename "$PWD"; echo "$A/$B/$plain"; false; type f') == (
        "x y\none\ntwo 'q'/b/\nbash: line 1: type: f: not found\n[exit status 1]"
    )
    assert here.use("bash", {"restart": True}) == Tried(text="A fresh shell is ready.")
    assert shell(here, 'basename "$PWD"; echo "[$B]"') == "a folder\n[]"


def test_a_command_that_exits_or_fails_keeps_the_folder(here: Hands) -> None:
    """`exit` and `set -e` end only that call."""
    assert shell(here, "mkdir d; cd d; exit 7") == "[exit status 7]"
    assert shell(here, 'set -e; basename "$PWD"; cd /; false; echo no') == "d\n[exit status 1]"
    assert shell(here, "pwd") == "/"


def test_a_folder_that_is_gone_is_said(here: Hands) -> None:
    """The shell begins in the working folder again."""
    shell(here, "mkdir d; cd d")
    assert shell(here, "cd ..; rmdir d; mkdir e; cd e; rmdir ../e") == ""
    said = shell(here, 'basename "$PWD"')
    assert "is gone" in said
    assert said.endswith("a folder")


def test_an_enormous_environment_is_not_carried_over(here: Hands) -> None:
    """What would not fit into the next command is left behind, the folder with it."""
    assert shell(here, "export BIG=$(head -c 70000 /dev/zero | tr '\\0' x)") == ""
    assert shell(here, "echo ${#BIG}") == "0"


def test_there_is_no_input_and_both_streams_are_one(here: Hands) -> None:
    """Nothing waits for a human, and errors stand where they happened."""
    assert shell(here, "cat; echo 1; echo 2 >&2; echo 3; [ -t 0 ] || echo no terminal") == "1\n2\n3\nno terminal"


def test_a_very_long_command_is_run(here: Hands) -> None:
    """Longer than an argument may be."""
    assert shell(here, f"cat <<'E' | wc -c\n{'x' * 300_000}\nE") == "300001"


@pytest.mark.parametrize("size", [40_000, 2_000_000])
def test_long_output_keeps_its_ends(here: Hands, size: int) -> None:
    """The first and the last part, and how much is missing, whatever its length."""
    said = shell(here, f"echo begin; head -c {size} /dev/zero | tr '\\0' x; echo; echo end; cd /")
    assert said.startswith("begin\nxxx")
    assert said.endswith("xxx\nend")
    assert len(said) < 30_200
    assert f"[{size + 11 - 30_000} characters" in said
    assert shell(here, "pwd") == "/"


def test_a_command_is_killed_when_time_is_up(tmp_path: Path) -> None:
    """And the model is told."""
    began = time.monotonic()
    tried = hands(Workspace(path=tmp_path, base="", git_dir=tmp_path), seconds=0.5).use(
        "bash", {"command": "echo before; sleep 30"}
    )
    assert tried == Tried(text="before\n[ended by force: no end after 0.5 s]", failed=True)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(("tool", "given"), [("bash", {}), ("bash", {"command": 7}), ("curl", {}), (EDITOR, {})])
def test_calls_that_fit_no_tool_fail(here: Hands, tool: str, given: dict[str, object]) -> None:
    """With words for the model."""
    tried = here.use(tool, given)
    assert tried.failed
    assert tried.text.endswith(".")


# ------------ editor


def test_files_are_made_shown_and_changed(here: Hands, tmp_path: Path) -> None:
    """All four commands, by relative and absolute paths; modes and line ends stay."""
    root = tmp_path / "a folder"
    assert edit(here, "create", "new/-f'ile", file_text="eins\r\nzwei\r\n") == Tried(text="Done.")
    (root / "new/-f'ile").chmod(0o755)
    assert edit(here, "str_replace", str(root / "new/-f'ile"), old_str="zwei", new_str="zwo") == Tried(text="Done.")
    assert edit(here, "insert", "new/../new/-f'ile", insert_line=1, insert_text="und") == Tried(text="Done.")
    assert (root / "new/-f'ile").read_bytes() == b"eins\r\nund\nzwo\r\n"
    assert os.access(root / "new/-f'ile", os.X_OK)
    assert edit(here, "view", "new/-f'ile", view_range=[2, 2]).text == "     2\tund"
    assert edit(here, "create", "empty", file_text="") == Tried(text="Done.")
    assert edit(here, "view", "empty").text == ""
    (root / ".hidden").mkdir()
    (root / "node_modules").mkdir()
    assert edit(here, "view", str(root)).text.split() == [".", "./empty", "./new", "./new/-f'ile"]


def test_a_large_file_is_cut_in_the_view(here: Hands, tmp_path: Path) -> None:
    """Both ends are shown; a range shows what is between."""
    (tmp_path / "a folder" / "big").write_text("".join(f"line {number}\n" for number in range(1, 20_001)))
    said = edit(here, "view", "big").text
    assert len(said) < 30_200
    assert "characters are left out" in said
    assert said.endswith("line 20000")
    assert edit(here, "view", "big", view_range=[9999, 9999]).text == "  9999\tline 9999"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/etc/hostname", "outside the working folder"),
        ("../x", "outside the working folder"),
        (".git/config", "belongs to git"),
        ("sub/.git/hooks/x", "belongs to git"),
        ("sub/../.git", "belongs to git"),
        ("link/x", "outside the working folder"),
        ("out", "outside the working folder"),
        ("git-alias/config", "belongs to git"),
        ("x" * 5000, ""),
        ("loop", ""),
        ("pipe", "no regular file"),
        ("", "path is missing"),
        ("nul\0", "path is missing"),
    ],
)
@pytest.mark.parametrize("command", ["view", "create"])
def test_an_edit_stays_in_the_workspace(here: Hands, tmp_path: Path, command: str, path: str, words: str) -> None:
    """Whatever a path or a planted link leads to, what lies outside or belongs to git is neither read nor written."""
    root = tmp_path / "a folder"
    (tmp_path / "outside").mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "loop").symlink_to("loop")
    (root / ".git").mkdir()
    (root / "git-alias").symlink_to(".git")
    os.mkfifo(root / "pipe")
    tried = edit(here, command, path, **({"file_text": "planted"} if command == "create" else {}))
    assert tried.failed
    assert words in tried.text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a folder", "outside"]
    assert list((tmp_path / "outside").iterdir()) == list((root / ".git").iterdir()) == []


def test_links_within_the_workspace_are_followed(here: Hands, tmp_path: Path) -> None:
    """A project may well link one of its files to another."""
    root = tmp_path / "a folder"
    (root / "real.md").write_text("a\n")
    (root / "CLAUDE.md").symlink_to("real.md")
    assert edit(here, "str_replace", "CLAUDE.md", old_str="a", new_str="b") == Tried(text="Done.")
    assert (root / "CLAUDE.md").is_symlink()
    assert (root / "real.md").read_text() == "b\n"


def test_what_is_no_text_is_not_damaged(here: Hands, tmp_path: Path) -> None:
    """Binary files and folders can be looked at, not edited; what is absent is said to be."""
    (tmp_path / "a folder" / "binary").write_bytes(b"a\xff")
    (tmp_path / "a folder" / "sub").mkdir()
    for path, words in (("binary", "no UTF-8 text"), ("sub", "a folder"), ("none", "no such file")):
        tried = edit(here, "str_replace", path, old_str="a", new_str="b")
        assert tried.failed
        assert words in tried.text
    assert edit(here, "view", "binary").text == "     1\ta\ufffd"
    assert edit(here, "create", "sub", file_text="").failed
    assert (tmp_path / "a folder" / "binary").read_bytes() == b"a\xff"


def test_what_the_machine_refuses_is_passed_on(tmp_path: Path) -> None:
    """A read-only file system is a failed call, with the system's own words."""

    def confine(command: Command, _: Room) -> Command:
        script = command.argv[4].replace("cat >", "echo 'disk is full' >&2; false; true ")
        return Command(
            argv=(*command.argv[:4], script + "\nexit 1", *command.argv[5:]), cwd=command.cwd, env=command.env
        )

    tried = edit(
        hands(Workspace(path=tmp_path, base="", git_dir=tmp_path), confine=confine), "create", "a", file_text="x"
    )
    assert (tried.failed, tried.text) == (True, "disk is full")


# ------------ in the sandbox


@pytest.fixture
def den(tmp_path: Path) -> Den:
    """A sandbox around a repository."""
    return make_den(tmp_path)


@pytest.fixture
def inside(den: Den) -> Hands:
    """Hands in that sandbox."""

    def confine(command: Command, _: Room) -> Command:
        return den.confined(*command.argv, env=command.env, cwd=command.cwd)

    return hands(den.workspace, confine=confine)


def test_the_hands_work_in_the_sandbox(inside: Hands, den: Den) -> None:
    """Commands and edits do what they do outside, git's reading included."""
    assert edit(inside, "create", str(den.workspace.path / "a.txt"), file_text="a\n") == Tried(text="Done.")
    assert shell(inside, "mkdir d; cd d; export X=1; git status --short") == "?? ../a.txt"
    assert shell(inside, "echo $X; cat ../a.txt; pwd").split() == ["1", "a", str(den.workspace.path / "d")]
    assert edit(inside, "view", "a.txt").text == "     1\ta"


def test_nothing_of_the_machine_is_in_reach(inside: Hands, den: Den, tmp_path: Path) -> None:
    """No secret beside the workspace by either tool, no network, no write to git, no scratch file that stays."""
    secret = tmp_path / "home" / "secret"
    secret.write_text("canary")
    assert "canary" not in shell(inside, f"cat {secret}; ls -la {tmp_path}; cat /proc/1/environ; env")
    shell(inside, f"ln -s {secret} link; ln -s {tmp_path}/home folder; ln -s .git alias")
    for path in ("link", "folder/secret", "alias/config", str(secret)):
        assert edit(inside, "view", path).failed
        assert edit(inside, "create", path, file_text="planted").failed
    assert secret.read_text() == "canary"
    assert "Read-only" in shell(inside, "echo x > .git/hooks/pre-commit; git commit --allow-empty -m x")
    assert shell(inside, "timeout 2 bash -c ': > /dev/tcp/127.0.0.1/80' 2>/dev/null || echo cut off") == "cut off"
    shell(inside, "echo x > /tmp/kept; cd /tmp")
    assert shell(inside, "ls /tmp/kept").endswith("[exit status 2]")
    assert "planted" not in git(den.workspace.path, "config", "--list")


def test_nothing_outlives_a_command_in_the_sandbox(inside: Hands, den: Den) -> None:
    """A daemon that hides in a session of its own is gone when the call is."""
    shell(inside, "setsid -f bash -c 'while :; do date +%N > beat; done'; until [ -s beat ]; do :; done")
    beat = den.workspace.path / "beat"
    before = beat.read_text()
    time.sleep(0.2)
    assert beat.read_text() == before
