"""Verification: the configured commands, run on what an agent wrote, as confined as the agent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autorun.core.model import Check, CheckResult, Confine, Guard, Stop, Workspace
from autorun.effects.commands import run_check

KEEP_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandVerifier:
    """Runs checks by a shell. `environ` is all they inherit; `keep_bytes` of each output's end are kept.

    `guard` makes a watch over the processes of one check, which are killed when it raises an alarm.
    """

    confine: Confine
    environ: Mapping[str, str]
    keep_bytes: int = KEEP_BYTES
    guard: Callable[[Workspace], Guard] | None = None

    def run(self, checks: Sequence[Check], workspace: Workspace, *, log: Path, stop: Stop) -> tuple[CheckResult, ...]:
        """Run every check in order and append the whole output to `log`; after `stop` the rest is left out.

        Raises nothing for a red check, WorkspaceFailed if a shell cannot be started.
        """
        results: list[CheckResult] = []
        for check in checks:
            if stop() is not None:
                break
            result = run_check(
                check,
                workspace,
                env=self.environ,
                log=log,
                keep_bytes=self.keep_bytes,
                confine=self.confine,
                stop=stop,
                guard=self.guard(workspace) if self.guard else None,
            )
            if result.exit_code is None and stop() is not None:
                break  # interrupted: that says nothing about the change
            results.append(result)
        return tuple(results)
