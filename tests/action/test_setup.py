"""The action's set-up: checked against hashes each time, apart from the checkout, wherever its folders lie."""

import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from kit import tools
from kit.act import release_to

PLANTED = "raise SystemExit('a file of the checkout was run')\n"


class Job:
    """A job's folders, with spaces in their names, and the set-up as the action starts it."""

    def __init__(self, folder: Path) -> None:
        self.action = folder / "the action"
        release_to(self.action)
        self.workspace = folder / "the checkout"
        self.workspace.mkdir()
        self.temp = folder / "runner temp"
        self.temp.mkdir()
        self.tool_cache = folder / "tool cache"
        self.said = folder / "output"

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, dict[str, str], str]:
        """Run one step; return its exit code, its outputs and what it printed."""
        self.said.write_text("")
        argv = [sys.executable, "-I", f"{self.action}//tools/action/setup.py", *arguments]
        given = {
            **{name: os.environ[name] for name in os.environ if name in {"PATH", "HOME"} or name.startswith("PIP_")},
            "GITHUB_OUTPUT": str(self.said),
            "RUNNER_TEMP": str(self.temp),
            "RUNNER_TOOL_CACHE": str(self.tool_cache),
            **(env or {}),
        }
        done = subprocess.run(argv, cwd=self.workspace, env=given, capture_output=True, text=True, check=False)
        outputs = dict(line.split("=", 1) for line in self.said.read_text().splitlines())
        return done.returncode, outputs, done.stdout + done.stderr

    def autorun(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Start Autorun as the action does, in the checkout."""
        argv = [str(self.temp / "autorun/venv/bin/python"), "-I", "-m", "autorun", *arguments]
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(self.workspace), "HOME": str(self.workspace)}
        return subprocess.run(argv, cwd=self.workspace, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages, fetched once for this module."""
    job = Job(tmp_path_factory.mktemp("wheels"))
    code, outputs, printed = job.run("packages", "runtime")
    assert (code, outputs["fetched"]) == (0, "true"), printed
    return job.tool_cache


@pytest.fixture
def job(tmp_path: Path, wheels: Path) -> Job:
    """A job on a machine that has the packages."""
    made = Job(tmp_path)
    shutil.copytree(wheels, made.tool_cache)
    return made


def test_packages_that_are_there_are_not_fetched_again(job: Job) -> None:
    """A warm set-up fetches nothing and gives a working Autorun."""
    code, outputs, printed = job.run("packages", "runtime", env={"PIP_NO_INDEX": "1"})
    assert (code, outputs["fetched"]) == (0, "false"), printed
    assert job.autorun("--version").stdout.startswith("autorun, version")


def test_a_package_that_was_tampered_with_is_fetched_anew(job: Job) -> None:
    """What the lock file does not know is never unpacked, whoever put it into the cache."""
    wheel = next(job.tool_cache.glob("autorun/wheels-*/click-*.whl"))
    with zipfile.ZipFile(wheel, "a") as packed:
        packed.writestr("click/evil.py", PLANTED)
    code, _, printed = job.run("packages", "runtime", env={"PIP_NO_INDEX": "1"})
    assert code == 4
    assert "hint:" in printed
    code, outputs, printed = job.run("packages", "runtime")
    assert (code, outputs["fetched"]) == (0, "true"), printed
    assert not list(job.temp.rglob("evil.py"))


def test_packages_that_are_not_all_there_are_fetched_anew(job: Job) -> None:
    """A folder that lost a package, or that holds more than its packages, is none to set up from."""
    wheel = next(job.tool_cache.glob("autorun/wheels-*/click-*.whl"))
    stranger = wheel.with_name("stranger.whl")
    shutil.copy(wheel, stranger)
    assert job.run("packages", "runtime", env={"PIP_NO_INDEX": "1"})[0] == 4
    wheel.unlink()
    assert job.run("packages", "runtime", env={"PIP_NO_INDEX": "1"})[0] == 4
    code, outputs, printed = job.run("packages", "runtime")
    assert (code, outputs["fetched"]) == (0, "true"), printed
    assert not stranger.exists()
    assert job.autorun("--version").stdout.startswith("autorun, version")


def test_a_folder_that_another_job_is_writing_is_waited_for(job: Job) -> None:
    """Jobs at once on one machine share the folder: one reads while the other one unpacks the cache into it."""
    wheel = next(job.tool_cache.glob("autorun/wheels-*/click-*.whl"))
    whole = wheel.read_bytes()
    wheel.write_bytes(whole[:1000])
    other = threading.Timer(0.3, wheel.write_bytes, [whole])
    other.start()
    code, outputs, printed = job.run("packages", "runtime", env={"PIP_NO_INDEX": "1"})
    other.join()
    assert (code, outputs["fetched"]) == (0, "false"), printed
    assert job.autorun("--version").stdout.startswith("autorun, version")


def test_nothing_of_the_checkout_is_imported(job: Job) -> None:
    """Modules, packages and start-up files planted in the checkout stay unread, and so does the action's source."""
    for name in (
        "json.py",
        "click.py",
        "sitecustomize.py",
        "usercustomize.py",
        "autorun.py",
        "venv.py",
        "zipfile.py",
    ):
        (job.workspace / name).write_text(PLANTED)
    (job.workspace / "autorun").mkdir()
    (job.workspace / "autorun/__main__.py").write_text(PLANTED)
    (job.workspace / "x.pth").write_text("import os; os._exit(9)\n")
    for version in ("", f"3.{sys.version_info.minor}"):
        user = job.workspace / f".local/lib/python{version}/site-packages"
        user.mkdir(parents=True)
        (user / "x.pth").write_text("import os; os._exit(9)\n")
    code, _, printed = job.run("packages", "runtime", env={"PYTHONPATH": str(job.workspace)})
    assert code == 0, printed
    shutil.rmtree(job.action)  # as an agent could, where the action is `./`
    done = job.autorun("--version")
    assert done.stdout.startswith("autorun, version"), done.stderr


def test_places_depend_on_the_lock_file_and_the_run(job: Job) -> None:
    """Keys change with what they stand for; the state's key is new for every attempt, its prefix is not."""
    run = {"GITHUB_WORKFLOW": "Autorun", "GITHUB_JOB": "work", "GITHUB_RUN_ID": "7", "GITHUB_RUN_ATTEMPT": "1"}
    _, first, _ = job.run("place", env=run)
    _, second, _ = job.run("place", env={**run, "GITHUB_RUN_ATTEMPT": "2"})
    _, other, _ = job.run("place", env={**run, "JOB_INDEX": "1"})
    assert first["state-key"] != second["state-key"]
    assert first["state-prefix"] == second["state-prefix"] != other["state-prefix"]
    assert first["state-key"].startswith(first["state-prefix"])
    assert first["wheels-key"] == second["wheels-key"] != first["sdk-wheels-key"]
    with (job.action / "requirements/runtime.txt").open("a") as lock:
        lock.write("# changed\n")
    changed = job.run("place", env=run)[1]
    assert changed["wheels-key"] != first["wheels-key"]
    assert (first["wheels-here"], changed["wheels-here"], first["claude-here"]) == ("true", "false", "false")


@pytest.mark.parametrize(
    "version", ["latest", "2.1.x", "2.1.330; rm -rf /", "$(id)", "--version", "2.1.330\n::error::x"]
)
def test_a_cli_version_is_a_version(job: Job, version: str) -> None:
    """What is no version reaches neither npm nor the log."""
    code, outputs, printed = job.run("claude", "--", version)
    assert (code, outputs) == (4, {})
    assert version not in printed
    assert "hint: Write it as three numbers" in printed


def test_the_pinned_cli_is_known_by_its_hash(job: Job) -> None:
    """The CLI in the cache is used if it is the pinned one; a changed one is never named."""
    folder = Path(job.run("place")[1]["claude"])
    folder.mkdir(parents=True)
    try:
        (folder / "claude").hardlink_to(tools.claude().resolve())
    except OSError:  # another file system
        shutil.copy(tools.claude().resolve(), folder / "claude")
    code, outputs, printed = job.run("claude", "")
    assert (code, outputs) == (0, {"folder": str(folder), "fetched": "false"}), printed
    (folder / "claude").unlink()
    (folder / "claude").write_text("#!/bin/sh\n")
    git_only = job.temp / "bin"
    git_only.mkdir()
    code, outputs, printed = job.run("claude", "", env={"PATH": str(git_only)})
    assert (code, outputs) == (4, {})
    assert "actions/setup-node" in printed


def test_the_known_hashes_are_those_of_the_pinned_version(job: Job) -> None:
    """Whoever changes the version is reminded to hash the programs anew."""
    pinned = json.loads((job.action / "tools/claude/package.json").read_text())["dependencies"].values()
    assert all(f"of version {version}," in (job.action / "tools/claude/SHA256SUMS").read_text() for version in pinned)


def test_a_python_is_found_or_none_is_named(tmp_path: Path, job: Job) -> None:
    """The first Python that is able is taken; where none is, the answer is empty and the action sets one up."""
    script = f"{job.action}/tools/action/find-python.sh"
    good, bad, said = tmp_path / "good", tmp_path / "bad", tmp_path / "said"
    for folder, target in ((good, sys.executable), (bad, "/bin/false")):
        folder.mkdir()
        (folder / "python3").symlink_to(target)
        (folder / "bash").symlink_to("/bin/bash")
    for folder, expected in ((good, sys.executable), (bad, "")):
        env = {"PATH": str(folder), "GITHUB_OUTPUT": str(said)}
        said.write_text("")
        subprocess.run(["/bin/bash", script], env=env, check=True)
        assert Path(said.read_text().strip().removeprefix("path=")).resolve() == Path(expected).resolve()
