"""What benchmarks of a whole backlog share: tasks of eight answers, a queue of issues, and how busy the cores are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from autorun.adapters.tasks.github.labels import STATUS
from autorun.demo.script import Answer, run, state, write
from autorun.demo.scripted_model import ScriptedModel
from github_double import GitHubDouble
from github_double.repository import Repository

CALLS = 8
LABEL = "autorun"


def keys(count: int) -> list[str]:
    """Name so many tasks."""
    return [f"t{number:03}" for number in range(count)]


def script(key: str) -> list[Answer]:
    """Eight answers: look five times, write, check, report."""
    looks = [run(f"ls; echo {number}") for number in range(5)]
    report = state(completed="Done.", title=f"Add {key}")
    return [*looks, write(f"{key}.txt", f"{key}\n"), run(f"cat {key}.txt"), report]


def title(key: str) -> str:
    """Return the title of a task, by which the model knows it."""
    return f"Marker-{key}-"


def model(tasks: list[str], latency: float) -> ScriptedModel:
    """Return a model that knows what to do for each task, and takes its time."""
    return ScriptedModel({title(key): script(key) for key in tasks}, latency=latency)


def queue(hub: GitHubDouble, tasks: list[str]) -> Repository:
    """Create a repository with a labelled issue per task, and with our status labels, as after a first run."""
    repo = hub.repository("octo/app", files={"README.md": "# A project\n"})
    repo.user("ana", role="write")
    for label in STATUS.values():
        repo.create_label(label.name, color=label.colour, description=label.description)
    for key in tasks:
        repo.issue(title(key), f"Add {key}.\n\n- [ ] it is there\n", by="ana").label(LABEL, by="ana")
    return repo


@dataclass(frozen=True, slots=True)
class Cores:
    """The time that all cores of the machine were busy, and were there, until a moment."""

    busy: int
    there: int

    @classmethod
    def now(cls) -> Self:
        """Look at the machine's own count."""
        counted = [int(word) for word in Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]]
        idle, waiting = counted[3:5]
        return cls(busy=sum(counted) - idle - waiting, there=sum(counted))

    def share(self) -> float:
        """Return how busy they have been since, by whatever: 1 is all of them, all the time."""
        now = Cores.now()
        return (now.busy - self.busy) / max(1, now.there - self.there)
