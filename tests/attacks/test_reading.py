"""A hostile agent reads whatever it can: no secret of the runner is among it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from attacks.stage import Raid, Stage, bystander, commands, make_stage, plant_canaries, python, want

# The word that is looked for stands nowhere whole, or the search would find itself.
_LOOK = """
import os, pathlib
word = b"CAN" + b"ARY-"
def look(path, data):
    at = data.find(word)
    if at >= 0: print("found", path, data[at:at + 48])
"""
ENVIRONMENT = python(
    _LOOK
    + """
look("own environment", repr(dict(os.environ)).encode())
for process in pathlib.Path("/proc").iterdir():
    if process.name.isdigit():
        for name in ("environ", "cmdline"):
            try: look(process / name, (process / name).read_bytes())
            except OSError: pass
print("looked")
"""
)
MEMORY = python(
    _LOOK
    + """
import re
seen = 0
for process in pathlib.Path("/proc").iterdir():
    if not process.name.isdigit() or int(process.name) == os.getpid(): continue
    try:
        maps, memory = (process / "maps").read_text(), open(process / "mem", "rb")
    except OSError: continue
    for line in maps.splitlines():
        span = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
        if not span: continue
        start, end = (int(part, 16) for part in span.groups())
        if end - start > 1 << 28: continue
        try:
            memory.seek(start)
            data = memory.read(end - start)
        except (OSError, ValueError, OverflowError): continue
        seen += len(data)
        look(process / "mem", data)
print("looked at", seen > 1 << 20)
"""
)
FILES = python(
    _LOOK
    + """
for top in ("/etc", "/home", "/root", "/tmp", "/var", "/run", "/opt", "/srv", "/mnt", "%s"):
    for folder, _, names in os.walk(top):
        for name in names:
            path = pathlib.Path(folder, name)
            try:
                if path.is_file() and path.stat().st_size < 100_000: look(path, path.read_bytes())
            except OSError: pass
print("looked")
"""
)


@dataclass(frozen=True, kw_only=True)
class Burglary:
    """A session in which the agent looked everywhere."""

    stage: Stage
    raid: Raid
    files: str


@pytest.fixture(scope="module")
def burglary(tmp_path_factory: pytest.TempPathFactory) -> Burglary:
    """One conversation with every search in it."""
    stage = make_stage(tmp_path_factory.mktemp("reading"))
    plant_canaries(stage)
    want(stage, "look")
    files = FILES % stage.base
    with bystander(stage.canaries["argv"]):
        raid = stage.play(commands([ENVIRONMENT, MEMORY, files]))
    return Burglary(stage=stage, raid=raid, files=files)


def test_environments_and_arguments(burglary: Burglary) -> None:
    """Without the sandbox's own environment and processes: tokens from `/proc/*/environ`, or a command line."""
    said = burglary.raid.said(ENVIRONMENT)
    assert "looked" in said
    assert "CANARY" not in said


def test_memory_of_every_process(burglary: Burglary) -> None:
    """Without the gateway: the model's key from the memory of the CLI that sends it."""
    said = burglary.raid.said(MEMORY)
    assert "looked at True" in said
    assert "CANARY" not in said


def test_home_and_runner_folders(burglary: Burglary) -> None:
    """Without the sandbox's mounts: SSH keys, cloud credentials, the CLI's login, files between the job's steps."""
    said = burglary.raid.said(burglary.files)
    assert "looked" in said
    assert burglary.stage.canaries["home"] not in said
    assert burglary.stage.canaries["temp"] not in said


def test_other_checkouts(burglary: Burglary) -> None:
    """Without the sandbox's mounts: another task's worktree, with what its set-up or its agent left there."""
    assert burglary.stage.canaries["neighbour"] not in burglary.raid.said(burglary.files)


def test_credentials_in_the_git_configuration(burglary: Burglary) -> None:
    """Without the cleaned configuration: the token a checkout keeps in `.git/config`, and passwords."""
    assert burglary.stage.canaries["git"] not in burglary.raid.said(burglary.files)


def test_nothing_that_was_found_is_kept(burglary: Burglary) -> None:
    """Without all of it: a secret in the transcript or the log, which many can read."""
    kept = b"".join(path.read_bytes() for path in _files(burglary.stage.session))
    assert b"looked" in kept
    for name, secret in burglary.stage.canaries.items():
        assert secret.encode() not in kept, name
        assert secret not in burglary.raid.log.replace(f"::add-mask ::{secret}", ""), name


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
