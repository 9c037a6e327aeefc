"""The action's set-up before Autorun itself can run; by the standard library alone, with `python -I`.

What is fetched is kept in folders that the action caches, and checked against hashes of this repository each time:
a cache can be written by others. What runs lies under the job's temporary folder, out of the checkout's reach.
"""

import argparse
import hashlib
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_SOURCE = Path(__file__).resolve().parents[2]
_PIP = ("-I", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:")
_NPM = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
_PACKAGE = "@anthropic-ai/claude-code"
_ARCHITECTURES = {"x86_64": "x64", "aarch64": "arm64"}
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_PIECE = 1 << 20
_LIST = "wheels.json"  # names every wheel that has to be there, and comes last
_PAUSES = (0.5, 1.0)  # seconds to look again after, where another job of this machine may be writing


class Refused(Exception):
    """What cannot be set up, as a sentence, and what to do about it."""

    def __init__(self, sentence: str, hint: str) -> None:
        super().__init__(sentence)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Job:
    """The folders of one job: what it keeps for the next one, and what is its own."""

    environ: Mapping[str, str]

    @property
    def kept(self) -> Path:
        """What later jobs find again, by the cache or because the machine stays."""
        tools = Path(self.environ.get("RUNNER_TOOL_CACHE") or self.environ["RUNNER_TEMP"])
        nearest = next(folder for folder in (tools, *tools.parents) if folder.exists())
        return (tools if os.access(nearest, os.W_OK) else Path(self.environ["RUNNER_TEMP"])) / "autorun"

    @property
    def own(self) -> Path:
        """What ends with the job."""
        return Path(self.environ["RUNNER_TEMP"]) / "autorun"

    def tell(self, **outputs: str) -> None:
        """Set outputs of this step; none of ours holds a line end."""
        with Path(self.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
            file.writelines(f"{name.replace('_', '-')}={value}\n" for name, value in outputs.items())


# ------------ places


def place(job: Job) -> None:
    """Name every folder and every cache key."""
    named = [job.environ.get(name, "") for name in ("GITHUB_WORKFLOW", "GITHUB_JOB", "JOB_INDEX")]
    line = _short("\0".join(named).encode())
    run = f"{job.environ.get('GITHUB_RUN_ID', '0')}-{job.environ.get('GITHUB_RUN_ATTEMPT', '1')}"
    job.tell(
        venv=str(job.own / "venv"),
        artifacts=str(job.own / "artifacts"),
        wheels=str(_wheels(job, "runtime")),
        wheels_key=f"autorun-{_wheels(job, 'runtime').name}",
        wheels_here=_said((_wheels(job, "runtime") / _LIST).is_file()),
        sdk_wheels=str(_wheels(job, "anthropic")),
        sdk_wheels_key=f"autorun-{_wheels(job, 'anthropic').name}",
        sdk_wheels_here=_said((_wheels(job, "anthropic") / _LIST).is_file()),
        claude=str(_claude(job)),
        claude_key=f"autorun-{_claude(job).name}",
        claude_here=_said((_claude(job) / "claude").is_file()),
        state=str(job.kept / "state" / line),
        state_key=f"autorun-state-1-{line}-{run}",
        state_prefix=f"autorun-state-1-{line}-",
        artifact=f"autorun-{line}-{run.rpartition('-')[2]}",
    )


def _wheels(job: Job, lock: str) -> Path:
    python = f"{sys.version_info.major}.{sys.version_info.minor}-{platform.machine()}-{_libc()}"
    return job.kept / f"wheels-{lock}-{python}-{_short(_lock(lock).read_bytes())}"


def _claude(job: Job) -> Path:
    return job.kept / f"claude-{_flavour()}-{_short(_sums().encode())}"


def _lock(name: str) -> Path:
    return _SOURCE / "requirements" / f"{name}.txt"


def _sums() -> str:
    return (_SOURCE / "tools/claude/SHA256SUMS").read_text(encoding="ascii")


def _libc() -> str:
    return platform.libc_ver()[0] or "musl"


def _flavour() -> str:
    architecture = _ARCHITECTURES.get(platform.machine(), platform.machine())
    return f"linux-{architecture}" + ("" if _libc() == "glibc" else "-musl")


# ------------ packages


def packages(job: Job, lock: str) -> None:
    """Make the virtual environment, or add to it, from checked wheels, and put Autorun itself into it."""
    folder = _wheels(job, lock)
    allowed = frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})", _lock(lock).read_text(encoding="utf-8")))
    wheels = _awaited(folder, allowed)
    fetched = not wheels
    if fetched:
        wheels = _download(folder, _lock(lock), allowed)
    site = _environment(job.own / "venv")
    for name, wheel in wheels.items():
        # The other lock files hold all that this one does, and it comes first.
        if lock == "runtime" or not (site / f"{'-'.join(name.split('-')[:2])}.dist-info").is_dir():
            with zipfile.ZipFile(io.BytesIO(wheel)) as packed:
                packed.extractall(site)
    shutil.copytree(
        _SOURCE / "src/autorun", site / "autorun", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    job.tell(fetched=_said(fetched))


def _awaited(folder: Path, allowed: frozenset[str]) -> dict[str, bytes]:
    """Return the wheels of a folder, none if it is not as it must be, even after a moment."""
    for pause in _PAUSES:
        if (wheels := _checked(folder, allowed)) or not folder.is_dir():
            return wheels
        time.sleep(pause)
    return _checked(folder, allowed)


def _checked(folder: Path, allowed: frozenset[str]) -> dict[str, bytes]:
    """Return the wheels of a folder that holds all that it lists, nothing else, and none unknown to the lock file.

    What is checked is what is unpacked: another job may change the folder meanwhile.
    """
    try:
        listed = json.loads((folder / _LIST).read_bytes())
        names = sorted(file.name for file in folder.iterdir() if file.name != _LIST)
        wheels = {name: (folder / name).read_bytes() for name in names}
    except (OSError, ValueError):
        return {}
    known = all(name.endswith(".whl") and _hashed(wheel) in allowed for name, wheel in wheels.items())
    return wheels if listed == names and known else {}


def _download(folder: Path, lock: Path, allowed: frozenset[str]) -> dict[str, bytes]:
    """Fetch the wheels and return them; each comes to its place whole, for other jobs may be reading."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        _run([sys.executable, *_PIP, "--require-hashes", "--requirement", str(lock), "--dest", temporary], folder)
        fetched = {wheel.name: wheel.read_bytes() for wheel in Path(temporary).iterdir()}
        if not all(_hashed(wheel) in allowed for wheel in fetched.values()):
            raise Refused("The packages that were fetched are not those of the lock file.", "Run the job again.")
        Path(temporary, _LIST).write_text(json.dumps(sorted(fetched)), encoding="utf-8")
        for other in folder.iterdir():
            if other.is_dir() or other.name not in {*fetched, _LIST}:
                _remove(other)
        for name in (*fetched, _LIST):
            Path(temporary, name).replace(folder / name)
    return fetched


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)


def _environment(folder: Path) -> Path:
    """Make the virtual environment if it is not there yet; return where its packages lie."""
    if not (folder / "pyvenv.cfg").exists():
        venv.create(folder, with_pip=False, symlinks=True)
    return folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


# ------------ the CLI


def claude(job: Job, version: str) -> None:
    """Have the pinned CLI, or the version asked for, and name its folder."""
    if version and not _VERSION.fullmatch(version):
        raise Refused("The input `claude-version` is no version.", "Write it as three numbers, e.g. 2.1.330.")
    expected = {flavour: digest for digest, flavour in re.findall(r"(\w{64})  claude-code-(\S+)/claude", _sums())}
    if version and version != _tested():
        folder, fetched = job.own / "claude", False
        _install(folder, "", "install", "--no-save", f"{_PACKAGE}@{version}", *_NPM)
    else:
        folder, digest = _claude(job), expected.get(_flavour(), "")
        fetched = not (folder / "claude").is_file() or _digest(folder / "claude") != digest
        if fetched:
            _install(folder, digest, "ci", *_NPM)
    job.tell(folder=str(folder), fetched=_said(fetched))


def _tested() -> str:
    wanted = json.loads((_SOURCE / "tools/claude/package.json").read_text(encoding="utf-8"))["dependencies"]
    return str(wanted[_PACKAGE])


def _install(folder: Path, digest: str, *npm: str) -> None:
    """Let npm fetch the CLI by the lock file's hashes; of it all, only the program for this machine is kept."""
    program = shutil.which("npm")
    if program is None:
        raise Refused(
            "npm, which fetches the Claude Code command line, is not on this runner.",
            "Put a step with actions/setup-node before this action.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        Path(temporary, "package.json").write_text("{}")  # else npm would look for one in the folders above
        for name in ("package.json", "package-lock.json") if npm[0] == "ci" else ():
            shutil.copy(_SOURCE / "tools/claude" / name, temporary)
        _run([program, *npm], Path(temporary))
        found = Path(temporary, "node_modules", f"{_PACKAGE}-{_flavour()}", "claude")
        if not found.is_file() or (digest and _digest(found) != digest):
            raise Refused(
                f"There is no Claude Code command line for this machine ({_flavour()}) that we know.",
                "Use a runner with Linux on x86_64 or arm64.",
            )
        if (folder / "claude").is_dir():
            _remove(folder / "claude")
        found.replace(folder / "claude")


# ------------ little things


def _run(argv: list[str], folder: Path) -> None:
    if subprocess.run(argv, cwd=folder, stdin=subprocess.DEVNULL, check=False).returncode != 0:
        raise Refused(
            f"`{Path(argv[0]).name}` could not fetch what the action needs.",
            "Its own words stand above. Check the runner's network, then run the job again.",
        )


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _said(fact: bool) -> str:
    return str(fact).lower()


def _hashed(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _short(data: bytes) -> str:
    return _hashed(data)[:16]


def main() -> int:
    """Do one step. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("place", "packages", "claude"))
    parser.add_argument("what", nargs="?", default="", help="a lock file's name, or a version of the CLI")
    given = parser.parse_args()
    job = Job(os.environ)
    try:
        match given.step:
            case "place":
                place(job)
            case "packages":
                packages(job, given.what or "runtime")
            case _:
                claude(job, given.what)
    except Refused as error:
        sys.stderr.write(f"error: {error}\nhint: {error.hint}\n::error title=Autorun::{error} {error.hint}\n")
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
