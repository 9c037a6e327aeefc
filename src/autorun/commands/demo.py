"""`autorun demo`: the whole line on a throw-away repository, with a scripted model on loopback."""

import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

import click

from autorun.commands.common import note, out
from autorun.commands.start import say
from autorun.core.config.choices import Backend
from autorun.core.config.layers import Effective, load
from autorun.core.errors import AgentUnavailable, ConfigurationError
from autorun.demo.project import ENDINGS, FILES
from autorun.demo.scripted_model import ScriptedModel
from autorun.demo.story import STORY
from autorun.effects.git import Git, find_repository
from autorun.effects.place import Place
from autorun.session import Report
from autorun.wiring import progress, session

_CONFIG = ".ai-agents/config.yml"
_KEPT = ("PATH", "LANG", "TERM", "TMPDIR", "CI", "GITHUB_ACTIONS")


@click.command("demo")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where to build the repository; by default a new folder."
)
def command(folder: Path | None) -> int:
    """Run the whole line on a throw-away repository: no credentials, no network, a scripted model."""
    top = folder.resolve() if folder else Path(tempfile.mkdtemp(prefix="autorun-demo-"))
    if (top / "greeter").exists():
        raise ConfigurationError(f"{top / 'greeter'} is there already", hint="name another folder, or remove it")
    try:
        return _play(top)
    except AgentUnavailable as error:
        shutil.rmtree(top if folder is None else top / "greeter")
        hint = f"the model is scripted, but the agent is the real one: {error.hint}"
        raise AgentUnavailable(str(error), hint=hint) from None


def _play(top: Path) -> int:
    backend = _backend()
    note(
        "This is a demonstration. The model is SCRIPTED: a server on this machine plays a story written in advance.\n"
        f"Everything else is real: the agent ({backend}), git, the checks, the policy, the records.\n"
        f"Repository: {top / 'greeter'}\n"
    )
    root = build(top / "greeter")
    with ScriptedModel(STORY) as model:
        place, found = _configured(root, top / "home", model.url, backend)
        with session(place, found, progress(place)) as running:
            report = running.run()
    say(report)
    return _explain(report, root)


def _backend() -> Backend:
    """The CLI, or where there is none the loop over the Anthropic SDK if that is installed."""
    without_cli = shutil.which("claude") is None and find_spec("anthropic") is not None
    return Backend.ANTHROPIC_SDK if without_cli else Backend.CLAUDE_CODE


def build(root: Path) -> Path:
    """Make the repository: one commit, tests green, five tasks. Return its folder."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git = Git(git_dir=root / ".git", work_tree=root)
    git("init", "--quiet", "--initial-branch=main", str(root))
    git("add", "--all")
    git("commit", "--quiet", "--message=A script that greets, its tests, and what is wanted next")
    return root


def _configured(root: Path, home: Path, url: str, backend: Backend) -> tuple[Place, Effective]:
    home.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environ = {**kept, "HOME": str(home), "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "placeholder-for-the-demo"}
    place = Place(repository=find_repository(root), environ=environ)
    overrides = {"autonomous.backend": backend}
    return place, load(place.read(Path(_CONFIG)), _CONFIG, environ, overrides, on_actions=False)


def _explain(report: Report, root: Path) -> int:
    ended = {one.task.id.key: one.outcome.state for one in report.settled}
    out(
        f"\nThe model was scripted. Look around:\n"
        f"  cd {root}\n"
        f"  ls .ai-agents/pull-requests         what waits for review\n"
        f"  git log --oneline --all --graph     the branches, one commit per task\n"
        f"  autorun tasks                       what is left, and why\n"
        f"  autorun show shout                  the record of the task that was repaired\n"
        f"  autorun logs --task shout           what the agent did"
    )
    if ended == ENDINGS:
        return 0
    note(f"error: the demo came to {ended}, it should have come to {ENDINGS}")
    return 1
