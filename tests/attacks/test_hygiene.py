"""What a session on a runner leaves behind: secrets are masked, files private, children ignorant."""

import re
import stat
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

import pytest

from attacks.stage import Raid, Stage, commands, make_stage, plant_canaries, want
from autorun.effects.redaction import strike

TOOL = "#!/bin/sh\nenv > {folder}/env-$(basename $0)-$$\ntr '\\0' ' ' < /proc/$PPID/cmdline >> {folder}/parents\n"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A session on a runner full of secrets, with set-up and checks that write down what they can see."""

    stage: Stage
    raid: Raid
    seen: Path


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """One honest task; the set-up command, which is not confined, notes its environment."""
    base = tmp_path_factory.mktemp("hygiene")
    stage = make_stage(base, config={"workspace": {"setup": [f"env > {base}/setup-env"], "verify": ["true"]}})
    plant_canaries(stage)
    want(stage, "work")
    raid = stage.play(commands([]))
    return Kept(stage=stage, raid=raid, seen=base / "setup-env")


def test_every_secret_is_masked_first(kept: Kept) -> None:
    """Without masks: whatever later prints a secret by accident, in any step, shows it to all readers of the log."""
    log = kept.raid.log
    secret = kept.stage.canaries["environ"]
    masks = re.findall(r"^::add-mask ?::(.*)$", log, re.MULTILINE)
    assert secret in masks
    assert b64encode(f"x-access-token:{secret}".encode()).decode() in masks
    rest = re.sub(r"^::add-mask ?::.*$", "", log, flags=re.MULTILINE)
    assert "CANARY" not in rest
    assert log.index("::add-mask") < log.index("::group")


def test_set_up_inherits_no_secret(kept: Kept) -> None:
    """Without an environment by list: a dependency's install script, run with a network, reads the job's tokens."""
    text = kept.seen.read_text()
    assert "PATH=" in text
    assert "CANARY" not in text


def test_the_session_is_private(kept: Kept) -> None:
    """Without private modes: other users of the machine read transcripts and what was found in the repository."""
    paths = [kept.stage.session, *kept.stage.session.rglob("*")]
    assert any(path.name == "transcript.jsonl" for path in paths)
    loose = [
        (str(path), oct(stat.S_IMODE(path.lstat().st_mode)))
        for path in paths
        if not path.is_symlink() and path.lstat().st_mode & 0o077 and "agent" not in path.parts
    ]
    assert loose == []
    assert stat.S_IMODE(kept.stage.session.stat().st_mode) == 0o700


def test_secrets_are_struck_from_what_is_kept(tmp_path: Path) -> None:
    """Without the pass over transcripts: a secret that reached one after all leaves with the artifact."""
    secret, outside = "a-credential-of-ours-0123456789", tmp_path / "outside"
    outside.write_text(secret)
    folder = tmp_path / "task"
    (folder / "agent/projects").mkdir(parents=True)
    transcript = folder / "agent/projects/x.jsonl"
    transcript.write_text(f'{{"text": "{secret}"}}\n{{"text": "{b64encode(secret.encode()).decode()}"}}\n')
    (folder / "link").symlink_to(outside)
    (folder / "twin").hardlink_to(outside)
    strike(folder, (secret,))
    assert secret not in transcript.read_text()
    assert transcript.read_text().count("[removed: a credential of this runner]") == 2
    assert outside.read_text() == secret
