"""The stage for whole runs of the action: a GitHub, a runner that stays, a model that plays the demo's story."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autorun.demo.project import CHECKS, GREET, GREETS_BY_NAME, GREETS_THE_WORLD
from autorun.demo.scripted_model import ScriptedModel
from github_double import GitHubDouble
from github_double.repository import Repository
from kit import repos
from kit.act import ROOT, Ended, Machine

CONFIG = "workspace:\n  verify:\n    - sh check.sh\n  max_repair_attempts: 1\n"
FILES = {
    "greet.sh": GREET,
    "check.sh": CHECKS,
    "tests/world.sh": GREETS_THE_WORLD,
    "tests/name.sh": GREETS_BY_NAME,
    ".ai-agents/config.yml": CONFIG,
}
KEY = "sk-ant-a-key-made-for-this-test"


def cloned(hub: GitHubDouble, repo: Repository, clone: Path) -> Path:
    """Clone a repository of the double; the clone keeps no credential."""
    address = repo.web(".git").replace("://", f"://x-access-token:{hub.token(repository=repo)}@")
    repos.git(clone.parent, "clone", "--quiet", address, str(clone))
    repos.git(clone, "remote", "set-url", "origin", repo.web(".git"))
    return clone


@dataclass
class Stage:
    """A repository on the double, its clone on a runner, and the model."""

    hub: GitHubDouble
    repo: Repository
    machine: Machine
    clone: Path
    model: ScriptedModel

    def runs(
        self,
        example: str,
        event: str,
        *,
        run_id: int = 101,
        payload: Mapping[str, object] | None = None,
        inputs: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run the workflow file of an example on an event."""
        place = f".github/workflows/{Path(example).name}"
        text = (ROOT / "examples" / example).read_text()
        repos.write_files(
            self.clone, {place: text.replace("  queue: max\n", "")}
        )  # act refuses it, and queues nothing
        return self.machine.run(
            self.clone,
            event,
            workflow=place,
            payload=payload,
            inputs=inputs,
            secrets=self.secrets,
            env={**self.env, **(env or {})},
            run_id=run_id,
        )

    @property
    def secrets(self) -> dict[str, str]:
        """What the repository keeps for its workflows, and the job's token."""
        return {"ANTHROPIC_API_KEY": KEY, "GITHUB_TOKEN": self.hub.token(repository=self.repo)}

    @property
    def env(self) -> dict[str, str]:
        """Where this GitHub and this model are."""
        return {**self.hub.env(self.repo), "ANTHROPIC_BASE_URL": self.model.url}
