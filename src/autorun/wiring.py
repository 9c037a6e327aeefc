"""Names to adapters: the only place that knows every one of them, and the only one that imports late."""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from autorun.adapters.changes import TreeChanges
from autorun.adapters.forges.local import LocalForge
from autorun.adapters.human import AtTerminal, Nobody
from autorun.adapters.journal import Journal, SessionFolder
from autorun.adapters.ledger import RefLedger
from autorun.adapters.notify.log_file import LogFile
from autorun.adapters.shelf import FolderShelf
from autorun.adapters.tasks.files import FileTasks
from autorun.adapters.verifier import CommandVerifier
from autorun.adapters.workspaces import GitWorkspaces
from autorun.core.briefing import standing_orders
from autorun.core.budget import Budget
from autorun.core.checkpoints import Checkpoints
from autorun.core.choices import Backend, Provider
from autorun.core.config import Config
from autorun.core.credential import CredentialKind
from autorun.core.errors import ConfigurationError
from autorun.core.layers import Effective
from autorun.core.ledger import History
from autorun.core.model import Command, Room
from autorun.core.models_catalogue import context_window
from autorun.core.planning import Plan, plan
from autorun.core.policy import PolicyRules, ProtectedPath, Tier, policy_briefing
from autorun.core.status import SessionState
from autorun.effects import host, terminal
from autorun.effects.git import AUTORUN, Git, Identity, Remote
from autorun.effects.place import Place
from autorun.effects.signals import Requests
from autorun.effects.store import Store
from autorun.ports import Agent, Forge, Human, Ledger, Notifier, Tasks, World
from autorun.session import Session
from autorun.terms import GRACE, Bench, Terms

LOG = Path(".ai-agents/logs/autonomous.log")
_PULL_REQUESTS = Path(".ai-agents/pull-requests")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Everything needed to look at the backlog: no agent, no workspace, no write."""

    place: Place
    effective: Effective
    tasks: Tasks
    ledger: Ledger
    forge: Forge
    store: Store

    @property
    def config(self) -> Config:
        """The effective configuration."""
        return self.effective.config

    def look(self) -> tuple[Plan, History]:
        """Read backlog and records and plan, as a run would; write nothing."""
        config = self.config
        history = self.ledger.history()
        today = plan(
            self.tasks.backlog(),
            history,
            now=host.now(),
            max_attempts=config.autonomous.max_attempts,
            only=config.run.tasks,
            dead=host.LocalLiveness().dead,
            grace=GRACE,
        )
        return today, history


@contextmanager
def shop(place: Place, effective: Effective) -> Iterator[Shop]:
    """Open the tracker and the ledger; the runner's own repository lives as long as the block."""
    config = effective.config
    with tempfile.TemporaryDirectory(prefix="autorun-", ignore_cleanup_errors=True) as folder:
        store = Store.create(Path(folder) / "store.git", borrowed=place.repository, identity=_identity(place))
        remote = Remote(url=str(place.repository.common_dir))
        yield Shop(
            place=place,
            effective=effective,
            tasks=_tasks(place, config),
            ledger=RefLedger(store=store, remote=remote),
            forge=LocalForge(folder=place.root / _PULL_REQUESTS, repository=Git(git_dir=place.repository.common_dir)),
            store=store,
        )


@contextmanager
def session(place: Place, effective: Effective, notifiers: tuple[Notifier, ...] = ()) -> Iterator[Session]:
    """Open everything a session needs; `notifiers` are told besides journal and log. Raises AutorunError."""
    config = effective.config
    folder = SessionFolder(place.session_folder)
    requests = Requests(file=folder.stop_request)
    with ExitStack() as stack:
        stack.enter_context(requests.listening())
        open_shop = stack.enter_context(shop(place, effective))
        workspaces = _workspaces(place, config)
        terms = _terms(place, config, folder.path, workspaces.base_branch())
        journal = Journal(folder, _first_state(terms, config, host.now()))
        world = World(
            tasks=open_shop.tasks,
            ledger=open_shop.ledger,
            forge=open_shop.forge,
            workspaces=workspaces,
            changes=TreeChanges(store=open_shop.store),
            agent=agent(place, config),
            verifier=CommandVerifier(confine=_unconfined, environ=place.child_environment),
            liveness=host.LocalLiveness(),
            human=_human(place, requests),
            shelf=FolderShelf(folder.path),
            notifiers=(journal, LogFile(place.root / LOG), *notifiers),
        )
        bench = Bench(
            terms=terms,
            world=world,
            now=host.now,
            monotonic=time.monotonic,
            nonce=host.nonce,
            stop=requests.stop,
            closing=requests.closing,
            wait=host.wait,
        )
        yield Session(
            bench=bench,
            only=config.run.tasks,
            pause=config.autonomous.pause_between_tasks,
        )


def progress(place: Place) -> tuple[Notifier, ...]:
    """Return who shows progress here: the runner's log on Actions, a live line on a terminal, else plain lines."""
    if place.on_actions:
        from autorun.adapters.notify.actions_log import GroupedLines  # noqa: PLC0415  only where it is used
        from autorun.adapters.notify.summary import Summary  # noqa: PLC0415
        from autorun.effects import actions  # noqa: PLC0415

        return (GroupedLines(), Summary(actions.summary))
    if sys.stderr.isatty():
        from autorun.adapters.notify.live import LiveLine  # noqa: PLC0415

        return (LiveLine(sys.stderr),)
    from autorun.adapters.notify.lines import PlainLines  # noqa: PLC0415

    return (PlainLines(sys.stderr),)


def _tasks(place: Place, config: Config) -> Tasks:
    if config.state_provider.type is Provider.FILE:
        return FileTasks(place.root / config.state_provider.state_dir, writes=not place.on_actions)
    raise ConfigurationError(
        f"Could not initialize state provider {config.state_provider.type}: it is not part of this version",
        hint="set `state_provider.type: file`",
    )


def _workspaces(place: Place, config: Config) -> GitWorkspaces:
    return GitWorkspaces(
        repository=place.repository,
        kind=config.workspace.kind,
        home=place.worktrees,
        logs=place.session_folder / "setup",
        environment=place.child_environment,
        base_ref=config.workspace.base_branch or "",
        setup=config.workspace.setup,
        discard=place.on_actions,
    )


def agent(place: Place, config: Config) -> Agent:
    """Return who does the work. Raises ConfigurationError."""
    if config.autonomous.backend is not Backend.CLAUDE_CODE:
        raise ConfigurationError(
            f"the backend {config.autonomous.backend} is not part of this version",
            hint="set `autonomous.backend: claude-code`",
        )
    from autorun.adapters.agents.claude_code import BUILT_IN_TOOLS, ClaudeCode  # noqa: PLC0415
    from autorun.adapters.agents.direct_access import DirectAccess  # noqa: PLC0415

    access = DirectAccess(place.environ)
    return ClaudeCode(
        Path(shutil.which("claude", path=place.environ.get("PATH")) or "claude"),
        access=access,
        confine=_unconfined,
        credential=access.credential,
        model=config.autonomous.model,
        environ=place.child_environment,
        fallback_model=config.autonomous.fallback_model,
        effort=config.autonomous.effort,
        max_tokens=config.autonomous.max_tokens,
        allowed_tools=config.autonomous.allowed_tools or BUILT_IN_TOOLS,
    )


def _human(place: Place, requests: Requests) -> Human:
    if not terminal.present(on_actions=place.on_actions):
        return Nobody()
    return AtTerminal(requests.stop, requests.ask_to_close)


def sandbox_report(place: Place, config: Config) -> str:
    """Say how agent and checks will be confined here. Raises AgentUnavailable."""
    del place
    return f"{config.sandbox.mode}: off"


def _unconfined(command: Command, room: Room) -> Command:
    del room
    return command


def _terms(place: Place, config: Config, folder: Path, base_branch: str) -> Terms:
    policy = _policy(config)
    extra = (
        place.read(config.autonomous.system_prompt_path, required=True)
        if config.autonomous.system_prompt_path
        else ""
    )
    run = place.environ.get("GITHUB_RUN_ID", "")
    attempt = int(place.environ.get("GITHUB_RUN_ATTEMPT") or 0) if run else 0
    return Terms(
        session_id=f"{host.now():%Y%m%d-%H%M%S}-{host.nonce()[:6]}",
        holder=host.this_runner(run, attempt),
        folder=folder,
        base_branch=base_branch,
        backend=config.autonomous.backend,
        model=config.autonomous.model,
        context_window=context_window(config.autonomous.model),
        standing_orders=standing_orders(policy_briefing(policy), extra or ""),
        budget=_budget(config),
        checkpoints=_checkpoints(config),
        policy=policy,
        verify=config.workspace.verify,
        max_repairs=config.workspace.max_repair_attempts,
        max_attempts=config.autonomous.max_attempts,
        draft=config.pull_request.draft,
        labels=config.pull_request.labels,
        reviewers=config.pull_request.reviewers,
        title_prefix=config.pull_request.title_prefix,
        run_url=place.run_url,
        secrets=_secrets(place, config),
    )


def _secrets(place: Place, config: Config) -> tuple[str, ...]:
    """The exact values that may stand in nothing that leaves."""
    names = {*CredentialKind, "GITHUB_TOKEN", "GH_TOKEN", "LINEAR_API_KEY", config.state_provider.api_key_env or ""}
    values = [place.environ.get(name, "") for name in sorted(names)] + [config.progress.slack_webhook or ""]
    return tuple(value for value in values if value)


def _budget(config: Config) -> Budget:
    autonomous = config.autonomous
    return Budget(
        turns_per_task=autonomous.max_turns_per_task,
        minutes_per_task=autonomous.minutes_per_task,
        usd_per_task=autonomous.cost_limit_per_task,
        tasks_per_session=autonomous.max_tasks_per_session,
        minutes_per_session=autonomous.minutes_per_session,
        usd_per_session=autonomous.cost_limit_per_session,
        usd_per_day=autonomous.cost_limit_per_day,
        context_share=config.execution.checkpoints.context_threshold,
    )


def _checkpoints(config: Config) -> Checkpoints:
    options = config.execution.checkpoints
    return Checkpoints(
        mode=config.execution.mode,
        turn_interval=options.turn_interval,
        on_regression_failure=options.on_regression_failure,
        on_blocker=options.on_blocker,
        on_context_high=options.on_context_high,
    )


def _policy(config: Config) -> PolicyRules:
    policy = config.policy
    return PolicyRules(
        protected=tuple(ProtectedPath(pattern=rule.pattern, tier=Tier(rule.tier)) for rule in policy.protected_paths),
        allowed=policy.allowed_paths,
        max_files=policy.max_files,
        max_lines=policy.max_lines,
        max_file_kb=policy.max_file_kb,
        secret_scan=policy.secret_scan,
    )


def _first_state(terms: Terms, config: Config, now: datetime) -> SessionState:
    return SessionState(
        session=terms.session_id,
        holder=terms.holder,
        started_at=now,
        updated_at=now,
        backend=config.autonomous.backend,
        model=config.autonomous.model,
        mode=config.execution.mode,
    )


def _identity(place: Place) -> Identity:
    """The identity of commits: the user's own on a laptop, the bot of GitHub's own jobs there."""
    if place.on_actions:
        return Identity(name="github-actions[bot]", email="41898282+github-actions[bot]@users.noreply.github.com")
    return place.git_identity or AUTORUN
