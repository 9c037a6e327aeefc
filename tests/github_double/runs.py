"""Workflows, their runs and the dispatches that were asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from github_double.home import Home
from github_double.site import Entity, Refused, User


@dataclass(kw_only=True, eq=False, repr=False)
class Workflow(Entity):
    """A workflow file of the default branch; `on` is what triggers it, parsed."""

    PREFIX: ClassVar[str] = "W"
    home: Home
    path: str
    name: str
    created_at: datetime
    on: dict[str, Any] = field(default_factory=dict)
    disabled: bool = False

    @property
    def file_name(self) -> str:
        """The name the API takes in place of the id."""
        return self.path.rsplit("/", 1)[-1]


@dataclass(kw_only=True, eq=False, repr=False)
class Run(Entity):
    """One attempt chain of a workflow run. `status` is queued, in_progress or completed."""

    PREFIX: ClassVar[str] = "WFR"
    home: Home
    workflow: Workflow
    number: int
    event: str
    branch: str
    sha: str
    actor: User
    created_at: datetime
    updated_at: datetime
    attempt: int = 1
    status: str = "queued"
    conclusion: str | None = None

    def start(self) -> "Run":
        """Begin."""
        self.status, self.conclusion, self.updated_at = "in_progress", None, self.site.clock.tick()
        return self

    def finish(self, conclusion: str = "success") -> "Run":
        """End with a conclusion."""
        self.status, self.conclusion, self.updated_at = "completed", conclusion, self.site.clock.tick()
        return self

    def rerun(self) -> "Run":
        """Begin the next attempt."""
        self.attempt += 1
        return self.start()

    def cancel(self) -> None:
        """End it as cancelled; a finished run refuses."""
        if self.status == "completed":
            raise Refused(409, "Cannot cancel a workflow run that is completed.")
        self.finish("cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """A workflow dispatch that was accepted."""

    workflow: str
    ref: str
    inputs: Mapping[str, str]
    by: str
    run: Run


def check_inputs(workflow: Workflow, given: Mapping[str, Any]) -> dict[str, str]:
    """Return the inputs as a run would see them, defaults filled in, or refuse them as GitHub does."""
    if "workflow_dispatch" not in workflow.on:
        raise Refused(422, "Workflow does not have 'workflow_dispatch' trigger")
    declared = (workflow.on["workflow_dispatch"] or {}).get("inputs") or {}
    strange = [name for name in given if name not in declared]
    if strange:
        raise Refused(422, f"Unexpected inputs provided: {strange}".replace("'", '"'))
    missing = [n for n, d in declared.items() if (d or {}).get("required") and n not in given and "default" not in d]
    if missing:
        raise Refused(422, f"Required input '{missing[0]}' not provided")
    defaults = {name: str(each["default"]) for name, each in declared.items() if "default" in (each or {})}
    return defaults | {name: str(value) for name, value in given.items()}
