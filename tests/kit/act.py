"""Runs workflows by real `act`, in host mode, with the action's own source in the place of a release.

GitHub's own actions cannot be had from a registry; what stands for them is described in tools/act/README.md.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from kit import tools

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "tools/act/node_modules"
OWN = "OWNER/autorun@" + "0" * 40
_USES = re.compile(r"uses: +(actions/[a-z-]+)(?:/[a-z]+)?@([0-9a-f]{40})")
# What a release holds that the action uses.
_RELEASED = ("action.yml", "src/autorun", "requirements", "tools/action")
_LINE_SECONDS = 240


def needed() -> Path:
    """Return the `act` program; skip, or under CI fail, without it or without the stand-ins' packages."""
    program = Path(sys.executable).parent / "act"
    missing = [str(path) for path in (program, MODULES / ".ready") if not path.exists()]
    if missing:
        message = f"{' and '.join(missing)} missing: `make test` installs them"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return program


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How an act run ended: its exit code, its lines as act told them, and what the job's steps printed."""

    code: int
    lines: tuple[dict[str, Any], ...]
    errors: str

    @cached_property
    def printed(self) -> str:
        """Everything that steps of the job printed."""
        return "".join(str(line["msg"]) for line in self.lines if line.get("raw_output"))

    @cached_property
    def told(self) -> str:
        """Everything, act's own words included."""
        return "".join(str(line.get("msg", "")).rstrip("\n") + "\n" for line in self.lines) + self.errors

    @cached_property
    def steps(self) -> list[str]:
        """The names of the steps that ran, nested ones included, in order."""
        found = re.findall(r"(?m)^.*(?:Success|Failure) - (?:Pre|Main|Post) (.*) \[.*\]$", self.told)
        return [str(name) for name in found]

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The outputs that were set in this job, the last value of each."""
        found = re.findall(r"(?m)::set-output:: ([a-z-]+)=(.*)$", self.told)
        return {str(name): str(value) for name, value in found}


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A runner that stays: one home, with act's caches and artifacts in it. `home` must be empty or one of ours."""

    home: Path
    program: Path = field(default_factory=needed)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        if not self.release.exists():
            release_to(self.release)
            shutil.copytree(ROOT / "tools/act/stand-ins", self.home / "stand-ins")

    @property
    def release(self) -> Path:
        """Our action, as a release would have it."""
        return self.home / "release"

    @property
    def tool_cache(self) -> Path:
        """What stays on the machine from job to job."""
        return self.home / ".cache/act/tool_cache"

    @property
    def artifacts(self) -> Path:
        """What was uploaded, by run."""
        return self.home / "artifacts"

    def seed_cli(self) -> None:
        """Put the pinned CLI where the action keeps it, so that a test need not fetch it."""
        program = tools.claude().resolve()
        names = self.place({"RUNNER_TEMP": str(self.home)})
        folder = Path(names["claude"])
        if not (folder / "claude").exists():
            folder.mkdir(parents=True)
            os.link(program, folder / "claude")

    def place(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the folders and keys that the action uses on this machine."""
        said = self.home / "said"
        said.write_text("")
        env = {"RUNNER_TOOL_CACHE": str(self.tool_cache), "GITHUB_OUTPUT": str(said), **environ}
        subprocess.run([sys.executable, "-I", self.release / "tools/action/setup.py", "place"], env=env, check=True)
        return dict(line.split("=", 1) for line in said.read_text().splitlines())

    def run(
        self,
        repository: Path,
        event: str,
        *,
        workflow: str,
        payload: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
        inputs: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        run_id: int = 101,
        actor: str = "octocat",
        jobs: int | None = None,
        seconds: float = _LINE_SECONDS,
    ) -> Ended:
        """Run one workflow file of a repository to its end, `jobs` at once: as many as there are cores if None."""
        given = {
            "GITHUB_RUN_ID": str(run_id),
            "GITHUB_RUN_ATTEMPT": "1",
            "STAND_IN_MODULES": str(MODULES),
            **(env or {}),
        }
        event_file = self.home / f"event-{run_id}.json"
        event_file.write_text(json.dumps({**(payload or {}), **({"inputs": dict(inputs)} if inputs else {})}))
        text = (repository / workflow).read_text() + (self.release / "action.yml").read_text()
        argv = [
            *(
                str(self.program),
                event,
                "--json",
                "--workflows",
                str(repository / workflow),
                "--eventpath",
                str(event_file),
            ),
            *("--platform", "ubuntu-24.04=-self-hosted", "--platform", "self-hosted=-self-hosted"),
            *("--container-daemon-socket", "-", "--action-offline-mode", "--actor", actor),
            *("--cache-server-addr", "127.0.0.1", "--cache-server-path", str(self.home / "cache")),
            *("--artifact-server-addr", "127.0.0.1", "--artifact-server-path", str(self.artifacts)),
            *("--artifact-server-port", str(_free_port())),
            *(() if jobs is None else ("--concurrent-jobs", str(jobs))),
            *_flags("--env", given),
            *_flags("--secret", secrets or {}),
            *_flags("--local-repository", self._mapped(text)),
        ]
        clean = {"PATH": _path(), "HOME": str(self.home), "ACT_DISABLE_VERSION_CHECK": "1", "LANG": "C.UTF-8"}
        done = subprocess.run(
            argv, cwd=repository, env=clean, capture_output=True, text=True, check=False, timeout=seconds
        )
        lines = tuple(json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
        return Ended(code=done.returncode, lines=lines, errors=done.stderr)

    def _mapped(self, text: str) -> dict[str, str]:
        stand_ins = {
            f"{name}@{ref}": str(self.home / "stand-ins" / name.split("/")[1]) for name, ref in _USES.findall(text)
        }
        return {OWN: str(self.release)} | {
            name: folder for name, folder in stand_ins.items() if not name.startswith("actions/checkout@")
        }


def release_to(folder: Path) -> None:
    for name in _RELEASED:
        source, place = ROOT / name, folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place)
    cli = folder / "tools/claude"
    cli.mkdir()
    for name in ("package.json", "package-lock.json", "SHA256SUMS"):
        shutil.copy(ROOT / "tools/claude" / name, cli)


def _flags(flag: str, values: Mapping[str, str]) -> list[str]:
    return [word for name, value in values.items() for word in (flag, f"{name}={value}")]


def _path() -> str:
    """The machine's own PATH, without our virtual environment and without the pinned CLI."""
    ours = (str(ROOT), str(Path(sys.executable).parent))
    return ":".join(folder for folder in os.environ["PATH"].split(":") if folder and not folder.startswith(ours))


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
