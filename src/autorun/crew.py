"""Who works and how they are confined: agent, checks, sandbox and gateway, put together from the configuration.

A part of the wiring: like it, it knows every adapter of its kind and imports late.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from autorun.adapters.domains import DomainProxy
from autorun.adapters.gateway import PUBLIC, Gateway
from autorun.adapters.sandbox import Bubblewrap, choose, probe, unconfined
from autorun.adapters.verifier import CommandVerifier
from autorun.core.config import Config
from autorun.core.config.choices import Backend, SandboxMode
from autorun.core.credential import Credential
from autorun.core.errors import AgentUnavailable, ConfigurationError
from autorun.core.model import (
    AgentResult,
    Assignment,
    Check,
    CheckResult,
    Confine,
    Guard,
    Stop,
    TaskId,
    Watch,
    Workspace,
)
from autorun.core.sandbox.confinement import Caps, caps_for
from autorun.effects import credentials, files
from autorun.effects.machine import survey, total_memory
from autorun.effects.place import Place
from autorun.effects.watchdog import Watchdog
from autorun.oversight import WatchedAgent, WatchedVerifier
from autorun.ports import Agent, Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """The agent and the checks of one session. `cost_estimated`: a subscription pays."""

    agent: Agent
    verifier: Verifier
    cost_estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """How commands are confined, and what watches over their processes; neither where there is no sandbox."""

    confine: Confine = unconfined
    guard: Callable[[Workspace], Guard] | None = None
    proxy: DomainProxy | None = None


class _Absent:
    """An agent, and a verifier, that cannot start, and says why when it is asked to."""

    def __init__(self, why: AgentUnavailable) -> None:
        self._why = why

    def ready(self) -> str:
        raise self._why

    def work(self, assignment: Assignment, *, stop: Stop, watch: Watch) -> AgentResult:
        del assignment, stop, watch
        raise self._why

    def run(self, checks: Sequence[Check], workspace: Workspace, *, log: Path, stop: Stop) -> tuple[CheckResult, ...]:
        del checks, workspace, log, stop
        raise self._why


@contextmanager
def crew(
    place: Place,
    config: Config,
    *,
    secrets: tuple[str, ...],
    cover: Callable[[TaskId, float], object],
    warn: Callable[[str], object],
) -> Iterator[Crew]:
    """Put the crew together; it lives as long as the block.

    `secrets` are the values that may appear in nothing the agent sees, `cover` is called before money is spent,
    `warn` is given sentences. An agent that cannot start says so when it is asked whether it is ready.
    """
    with ExitStack() as stack:
        try:
            cell = _cell(place, config, stack, secrets, warn)
            credential = _credential(place, config)
            agent = _agent(place, config, cell, _gateway(place, config, cell, credential, stack, cover, warn), warn)
        except AgentUnavailable as error:
            yield Crew(agent=_Absent(error), verifier=_Absent(error))
            return
        yield Crew(
            agent=WatchedAgent(agent=agent, proxy=cell.proxy, secrets=secrets),
            verifier=WatchedVerifier(verifier=_verifier(place, cell), proxy=cell.proxy, secrets=secrets, warn=warn),
            cost_estimated=credential.subscription,
        )


@contextmanager
def nobody(place: Place, config: Config, **_: object) -> Iterator[Crew]:
    """Put together a crew that works nothing, for the phases that need none: no CLI, no credential, no sandbox."""
    del place, config
    refusal = AgentUnavailable("no agent works in this phase", hint="`autorun execute` works the tasks of a plan")
    yield Crew(agent=_Absent(refusal), verifier=_Absent(refusal))


def confined(place: Place, config: Config) -> str:
    """Say how agent and checks would be confined here. Raises AgentUnavailable, ConfigurationError."""
    said: list[str] = []
    with ExitStack() as stack:
        cell = _cell(place, config, stack, (), said.append)
    return f"bubblewrap ({config.sandbox.mode})" if cell.guard else f"none ({config.sandbox.mode}): {' '.join(said)}"


def _cell(
    place: Place, config: Config, stack: ExitStack, secrets: tuple[str, ...], warn: Callable[[str], object]
) -> _Cell:
    options = config.sandbox
    if options.mode is SandboxMode.OFF and place.public:
        raise ConfigurationError(
            "the sandbox cannot be off on a public repository: the job's token would be in the agent's reach",
            hint="set `sandbox.mode: required`",
        )
    caps = caps_for(total_memory())
    proxy = DomainProxy(options.allow_domains) if options.allow_domains else None

    def sandbox(program: Path) -> Confine:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="autorun-sandbox-")))
        stack.enter_context(files.locked(folder / "runner"))
        for path in place.covered:
            path.mkdir(parents=True, exist_ok=True)  # what is not there cannot be covered
        return Bubblewrap(
            program,
            folder=folder,
            machine=survey(place.environ, home=place.home, hidden=place.covered),
            environ=place.environ,
            names=options.env,
            exposed=tuple(Path(path).expanduser() for path in options.read_paths),
            secrets=secrets,
            caps=caps,
            proxy=stack.enter_context(proxy.opened()) if proxy else None,
            alive=folder / "runner.lock",
        )

    confine = choose(options.mode, partial(probe, {"PATH": place.search_path}), sandbox, warn=warn)
    if confine is unconfined:
        return _Cell()
    return _Cell(confine=confine, guard=partial(_watchdog, caps), proxy=proxy)


def _watchdog(caps: Caps, workspace: Workspace) -> Guard:
    return Watchdog(caps, workspace.path)


def _credential(place: Place, config: Config) -> Credential:
    try:
        return credentials.find(place.environ)
    except AgentUnavailable as error:
        if config.autonomous.backend is Backend.CLAUDE_CODE:
            raise
        raise AgentUnavailable("API key not found: ANTHROPIC_API_KEY is not set", hint=error.hint) from error


def _gateway(
    place: Place,
    config: Config,
    cell: _Cell,
    credential: Credential,
    stack: ExitStack,
    cover: Callable[[TaskId, float], object],
    warn: Callable[[str], object],
) -> Gateway:
    by_cli = config.autonomous.backend is Backend.CLAUDE_CODE
    models = (config.autonomous.model, config.autonomous.fallback_model if by_cli else None)
    gateway = Gateway(
        credential,
        tuple(model for model in models if model),
        upstream=place.environ.get("ANTHROPIC_BASE_URL") or PUBLIC,
        per_minute=config.autonomous.rate_limit_rpm,
        on_socket=by_cli and cell.guard is not None,  # our own loop asks from outside the sandbox
        cover=cover,
        warn=warn,
    )
    stack.callback(gateway.close)
    return gateway


def _verifier(place: Place, cell: _Cell) -> Verifier:
    return CommandVerifier(confine=cell.confine, environ=place.child_environment, guard=cell.guard)


def _agent(place: Place, config: Config, cell: _Cell, gateway: Gateway, warn: Callable[[str], object]) -> Agent:
    """Return who does the work. Raises AgentUnavailable."""
    if config.autonomous.backend is Backend.ANTHROPIC_SDK:
        return _anthropic_sdk(place, config, cell, gateway, warn)
    from autorun.adapters.agents.claude_code import BUILT_IN_TOOLS, ClaudeCode  # noqa: PLC0415  only its own backend's

    autonomous = config.autonomous
    return ClaudeCode(
        Path(shutil.which("claude", path=place.search_path) or "claude"),
        access=gateway.opened,
        confine=cell.confine,
        credential=gateway.credential,
        model=autonomous.model,
        environ=place.child_environment,
        fallback_model=autonomous.fallback_model,
        effort=autonomous.effort,
        max_tokens=autonomous.max_tokens,
        allowed_tools=autonomous.allowed_tools or BUILT_IN_TOOLS,
        project_settings=cell.guard is not None,
        guard=cell.guard,
    )


def _anthropic_sdk(
    place: Place, config: Config, cell: _Cell, gateway: Gateway, warn: Callable[[str], object]
) -> Agent:
    try:
        from autorun.adapters.agents.anthropic_sdk import AnthropicSdk  # noqa: PLC0415  it takes a second, and an extra
    except ModuleNotFoundError as error:
        raise AgentUnavailable(
            f"the backend {Backend.ANTHROPIC_SDK} needs the package {error.name}, which is not installed",
            hint="pip install 'autorun-action[anthropic]'",
        ) from error
    autonomous = config.autonomous
    for name in ("fallback_model", "allowed_tools"):
        if getattr(autonomous, name):
            warn(f"`autonomous.{name}` means nothing to the backend {autonomous.backend}.")
    return AnthropicSdk(
        access=gateway.opened,
        confine=cell.confine,
        credential=gateway.credential,
        model=autonomous.model,
        environ=place.child_environment,
        effort=autonomous.effort,
        max_tokens=autonomous.max_tokens,
        guard=cell.guard,
    )


def ready(place: Place, config: Config) -> str:
    """Say what would work here, and with which credential. Raises AgentUnavailable, ConfigurationError."""
    said: list[str] = []
    with crew(place, config, secrets=(), cover=lambda _task, _usd: None, warn=said.append) as found:
        return found.agent.ready()
