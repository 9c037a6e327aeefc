"""Real projects build and test inside, with the toolchains this machine has wherever they live."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from autorun.core.sandbox.confinement import visible
from kit.den import Den, make_den, require_sandbox

SOCKETS_AND_FORKS = """
import multiprocessing, os, socket, tempfile, threading

def test_sockets():
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: server.accept()[0].sendall(b"hello"), daemon=True).start()
        with socket.create_connection(server.getsockname()) as client:
            assert client.recv(5) == b"hello"

def test_unix_socket(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))

def test_temporary_files():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"x" * 1_000_000)

def test_forks():
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7

def test_pool():
    with multiprocessing.Pool(2) as pool:
        assert pool.map(abs, [-1, -2]) == [1, 2]
"""
NODE_TEST = """
const test = require("node:test"), assert = require("node:assert"), net = require("node:net");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs"), os = require("node:os"), path = require("node:path");
test("dependency", () => assert.equal(require("answer"), 42));
test("child", () => assert.equal(execFileSync("node", ["-p", "6 * 7"]).toString().trim(), "42"));
test("temporary file", () => fs.writeFileSync(path.join(os.tmpdir(), "x"), "x"));
test("socket", (t, done) => {
  const server = net.createServer((s) => s.end("hi")).listen(0, "127.0.0.1", () => {
    net.connect(server.address().port).on("data", (d) => { assert.equal(d.toString(), "hi"); server.close(done); });
  });
});
"""
MAKEFILE = "test: main\n\t./main\n\nmain: main.c\n\t$(CC) -O1 -o main main.c -lm\n"
MAIN_C = """
#include <math.h>
#include <stdio.h>
int main(void) { printf("%.0f\\n", sqrt(1764)); return 0; }
"""


@pytest.fixture
def here(tmp_path: Path) -> Den:
    """A den with this machine's real home and PATH."""
    require_sandbox()
    den = make_den(tmp_path)
    den.environ, den.real_home = {"PATH": os.environ["PATH"]}, Path.home()
    return den


def _need(program: str) -> str:
    if found := shutil.which(program):
        return found
    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{program} is not installed")
    raise AssertionError


def _write(den: Den, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = den.workspace.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_a_virtual_environment_made_by_setup_runs_its_tests(here: Den) -> None:
    """A venv of an interpreter in a home folder or tool cache starts at its own path and runs pytest."""
    root, site = here.workspace.path, Path(sysconfig.get_paths()["purelib"])
    ours = Path(sys.base_prefix) / "bin" / "python3"  # in a home folder or tool cache, if that is this user's
    interpreter = ours if visible(ours.resolve(), here.machine, here.room) else Path("/usr/bin/python3")
    subprocess.run((interpreter, "-m", "venv", "--without-pip", root / ".venv"), check=True)
    (target,) = (root / ".venv" / "lib").glob("python*/site-packages")
    for package in ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments"):
        shutil.copytree(site / package, target / package)
    shutil.copy(site / "py.py", target)
    _write(here, {"test_it.py": SOCKETS_AND_FORKS})
    done = here.run(".venv/bin/python", "-W", "ignore", "-m", "pytest", "-q")
    assert b"5 passed" in done.stdout, done


def test_a_node_project_runs_its_tests(here: Den) -> None:
    """`node --test` finds node_modules, opens sockets and starts children."""
    _need("node")
    modules = {
        "node_modules/answer/package.json": '{"main": "i.js"}',
        "node_modules/answer/i.js": "module.exports = 42",
    }
    _write(here, {"test/it.test.js": NODE_TEST, "package.json": "{}", **modules})
    done = here.run("node", "--test", "test/")
    assert done.ok, done
    assert b"pass 4" in done.stdout


def test_a_makefile_with_a_compiler_builds_and_runs(here: Den) -> None:
    """`make` finds the compiler, its headers, libraries and linker."""
    _need("gcc")
    _need("make")
    _write(here, {"Makefile": MAKEFILE, "main.c": MAIN_C})
    done = here.run("make", "test", "CC=gcc")
    assert done.ok, done
    assert done.stdout.endswith(b"42\n")


def _tool(folder: Path, name: str, text: str = "#!/bin/sh\ncat $(dirname $0)/../lib/word\n") -> Path:
    folder.mkdir(parents=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)
    return folder


def test_toolchains_on_path_are_there_and_their_neighbours_are_not(own_den: Den) -> None:
    """Tool cache, named home folder and toolchain on PATH are shown read-only; a checkout's bin stands alone."""
    cache, pyenv = own_den.base / "cache", own_den.home / ".pyenv"
    sdk, checkout = own_den.base / "opt" / "sdk", own_den.base / "opt" / "checkout"
    folders = [_tool(cache / "node" / "bin", "cached"), _tool(pyenv / "shims", "shim"), _tool(sdk / "bin", "builder")]
    for root in (cache / "node", pyenv, sdk):
        (root / "lib").mkdir()
        (root / "lib" / "word").write_text(root.name)
    folders.append(_tool(checkout / "bin", "script", "#!/bin/sh\ncat $(dirname $0)/../secret || echo alone\n"))
    (checkout / ".git").mkdir()
    (checkout / "secret").write_text("secret")
    (own_den.home / "notes").write_text("private")
    own_den.environ = {
        "PATH": ":".join([*map(str, folders), "/usr/bin", "/bin", "/gone/bin"]),
        "RUNNER_TOOL_CACHE": str(cache),
    }
    assert own_den.shell("cached; shim; builder") == "node.pyenvsdk"
    assert own_den.shell("script 2>/dev/null") == "alone\n"
    assert own_den.shell(f"ls -A {own_den.home}") == ".pyenv\n"
    assert "Read-only" in own_den.shell(f"touch {sdk}/bin/x")
    assert "/gone/bin" not in own_den.shell("echo $PATH")


def test_a_link_planted_in_the_workspace_exposes_nothing(own_den: Den) -> None:
    """A virtual environment on PATH whose programs lead elsewhere does not bring that place in."""
    elsewhere = own_den.base / "elsewhere" / "bin"
    _tool(elsewhere, "python3", "secret")
    bin_folder = own_den.workspace.path / ".venv" / "bin"
    bin_folder.mkdir(parents=True)
    (bin_folder / "python3").symlink_to(elsewhere / "python3")
    own_den.environ = {"PATH": f"{bin_folder}:/usr/bin:/bin"}
    assert "No such file" in own_den.shell(f"cat {elsewhere}/python3")


def test_a_single_program_elsewhere_is_shown_alone(own_den: Den) -> None:
    """The program of a command runs from wherever it is, and what lies beside it stays unseen."""
    folder = own_den.base / "tools"
    _tool(folder, "agent", '#!/bin/sh\nls -A "$(dirname "$0")"\n')
    (folder / "secret").write_text("secret")
    (own_den.base / "agent").symlink_to(folder / "agent")
    assert own_den.run(str(own_den.base / "agent")).stdout == b"agent\n"
