"""Agent and checks under watch: refused connections are put down to a command, secrets struck from what is kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autorun.adapters.domains import DomainProxy
from autorun.core.model import (
    Activity,
    ActivityKind,
    AgentResult,
    Assignment,
    Check,
    CheckResult,
    Stop,
    Watch,
    Workspace,
)
from autorun.core.text.loglines import one_line
from autorun.core.text.secrets import redacted
from autorun.effects.redaction import strike
from autorun.ports import Agent, Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedAgent:
    """An agent whose refused connections stand in its result, and whose files hold none of `secrets`."""

    agent: Agent
    proxy: DomainProxy | None
    secrets: tuple[str, ...]

    def ready(self) -> str:
        """Return one line saying what would run and with which credential. Raises AgentUnavailable."""
        return self.agent.ready()

    def work(self, assignment: Assignment, *, stop: Stop, watch: Watch) -> AgentResult:
        """Work until done, a limit or `stop`. Never raises once money may have been spent."""
        before = _refused(self.proxy)

        def seen(activity: Activity) -> None:
            if self.proxy is not None and activity.kind is ActivityKind.TOOL:
                self.proxy.during(one_line(activity.text))
            watch(activity)

        try:
            result = self.agent.work(assignment, stop=stop, watch=seen)
        finally:
            strike(assignment.folder, self.secrets)
        new = _refused(self.proxy)[len(before) :]
        return replace(result, blocked=tuple(redacted(text, self.secrets) for text in new))


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedVerifier:
    """A verifier whose checks' refused connections are warned of, and whose log holds none of `secrets`."""

    verifier: Verifier
    proxy: DomainProxy | None
    secrets: tuple[str, ...]
    warn: Callable[[str], object]

    def run(self, checks: Sequence[Check], workspace: Workspace, *, log: Path, stop: Stop) -> tuple[CheckResult, ...]:
        """Run every check in order and append the whole output to `log`. Raises nothing for a red check."""
        results: list[CheckResult] = []
        for check in checks:
            before = _refused(self.proxy)
            if self.proxy is not None:
                self.proxy.during(one_line(check.run))
            results += self.verifier.run((check,), workspace, log=log, stop=stop)
            for text in _refused(self.proxy)[len(before) :]:
                self.warn(redacted(text, self.secrets))
        strike(log.parent, self.secrets)
        return tuple(replace(one, output=redacted(one.output, self.secrets)) for one in results)


def _refused(proxy: DomainProxy | None) -> tuple[str, ...]:
    return tuple(map(str, proxy.blocked())) if proxy is not None else ()
