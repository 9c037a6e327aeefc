"""The Python API: a runner that a program starts, watches and stops."""

import os
from pathlib import Path
from typing import Any

from autorun.adapters.journal import running
from autorun.commands.status import as_data, look
from autorun.commands.stop import ask
from autorun.core.config import DEFAULT_FILE
from autorun.core.config.layers import Effective, from_keywords
from autorun.effects.git import find_repository
from autorun.effects.place import Place
from autorun.session import Report
from autorun.wiring import session


class RunnerConfig:
    """Settings by flat name (`model`, `max_tasks_per_session`, ...); everything else keeps its default.

    `file` names a configuration file below these settings: by default `.ai-agents/config.yml` if it is there.
    """

    def __init__(self, *, file: Path | None = None, **settings: Any) -> None:
        self.file = file
        self.settings = settings

    def effective(self, place: Place) -> Effective:
        """Return the configuration that holds at `place`. Raises ConfigurationError, also for an unknown name."""
        path = self.file or Path(DEFAULT_FILE)
        text = place.read(path, required=self.file is not None)
        return from_keywords(
            self.settings, place.environ, on_actions=place.on_actions, file_text=text, file_name=str(path)
        )


class AutonomousRunner:
    """Works the backlog of the repository that `folder` (by default the current one) lies in."""

    def __init__(self, config: RunnerConfig | None = None, *, folder: Path | None = None) -> None:
        self._config = config or RunnerConfig()
        self._place = Place(repository=find_repository(folder or Path.cwd()), environ=dict(os.environ))

    def start(self, *, resume: bool = False) -> Report:
        """Work until the backlog is empty or a limit is met, on any thread. Raises AutorunError."""
        settings = RunnerConfig(file=self._config.file, **{**self._config.settings, "resume": resume})
        with session(self._place, settings.effective(self._place)) as running:
            return running.run()

    def get_status(self) -> dict[str, Any]:
        """Return what `autorun status --json` prints: `state`, `tasks_completed`, `total_cost`, and more."""
        return as_data(look(self._place, self._config.effective(self._place)))

    def stop(self) -> None:
        """Ask what runs in this repository, of whatever process, to finish its task and end; does not wait."""
        self._ask(now=False)

    def pause(self) -> None:
        """Ask what runs in this repository to save the task in hand and end; does not wait."""
        self._ask(now=True)

    def _ask(self, *, now: bool) -> None:
        for folder, _ in running(self._place.session_folder):
            ask(folder, now=now)


def create_runner(path: str | Path | None = None) -> AutonomousRunner:
    """Return a runner configured by the file at `path`, or by the default file."""
    return AutonomousRunner(RunnerConfig(file=Path(path)) if path else None)
