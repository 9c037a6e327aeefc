"""Names to adapters: the only place that knows every one of them, and the only one that imports late."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from autorun.adapters.changes import TreeChanges
from autorun.adapters.human import AtTerminal, Nobody
from autorun.adapters.journal import Journal, latest, own_folder
from autorun.adapters.notify.log_file import LogFile
from autorun.adapters.shelf import FolderShelf
from autorun.adapters.workspaces import GitWorkspaces
from autorun.core.agent.briefing import standing_orders
from autorun.core.config import Config
from autorun.core.config.derived import budget, checkpoints, policy
from autorun.core.config.layers import Effective
from autorun.core.errors import AutorunError
from autorun.core.model import Stop, StopReason, TaskId
from autorun.core.money.budget import Spent
from autorun.core.money.catalogue import context_window
from autorun.core.money.pricing import plausible_cost
from autorun.core.policy import policy_briefing
from autorun.core.report.journal import Happening
from autorun.core.report.slack_blocks import Style
from autorun.core.report.status import RunnerState, SessionState, resumed
from autorun.crew import Crew, crew
from autorun.effects import host, terminal
from autorun.effects.git import Remote
from autorun.effects.place import Place
from autorun.effects.signals import Requests
from autorun.ports import Human, Notifier, World
from autorun.session import Ended, Session
from autorun.shop import Shop, secrets, shop
from autorun.terms import Bench, Terms

# What one call is thought to hold at most when a claim reserves money for it.
_CONTEXT_TOKENS = 30_000
_ANSWER_TOKENS = 8_192
_AFTER_BUDGET_SECONDS = 300.0


# Who opens the shop of a session, and who staffs it.
Opens = Callable[[Place, Effective, Stop, Callable[[str], None]], AbstractContextManager[Shop]]
Staffs = Callable[..., AbstractContextManager[Crew]]


@contextmanager
def session(
    place: Place,
    effective: Effective,
    notifiers: tuple[Notifier, ...] = (),
    *,
    opens: Opens = shop,
    staffs: Staffs = crew,
) -> Iterator[Session]:
    """Open everything a session needs; `notifiers` are told besides journal and log. Raises AutorunError."""
    config = effective.config
    with ExitStack() as stack:
        last = _to_continue(place, config)
        folder = stack.enter_context(own_folder(place.session_folder))
        requests = Requests(file=folder.stop_request, deadline=_deadline(config.autonomous.minutes_per_session))
        stack.enter_context(requests.listening())
        stops: dict[TaskId, Stop] = {}

        def in_hand() -> StopReason | None:  # whoever waits by it keeps the lease of the task in hand
            return next(filter(None, (stop() for stop in stops.values())), None) or requests.stop()

        warnings = _Warnings()
        open_shop = stack.enter_context(opens(place, effective, requests.stop, warnings))
        requests.token_ends = open_shop.token_ends
        workspaces = _workspaces(place, config, in_hand, open_shop.published)
        terms = _terms(place, config, place.session_folder, workspaces.base_branch())
        covers: dict[TaskId, Callable[[float], None]] = {}
        staff = stack.enter_context(
            staffs(
                place,
                config,
                secrets=terms.secrets,
                cover=lambda task, usd: covers[task](usd),
                warn=warnings,
            )
        )
        if staff.cost_estimated:
            counts = effective.explicit("autonomous.cost_limit_per_session")
            terms = replace(terms, cost_estimated=True, budget=budget(config, money_counts=counts))
        start = _first_state(terms, config, host.now())
        if last is not None:
            start = resumed(last, start)
            terms = replace(terms, session_id=start.session)
        log = LogFile(place.log)
        journal = Journal(folder, start, goes_on=last is not None)
        kept: tuple[Notifier, ...] = (journal, log, *_slack(config, terms))
        world = World(
            tasks=open_shop.tasks,
            ledger=open_shop.ledger,
            forge=open_shop.forge,
            workspaces=workspaces,
            changes=TreeChanges(store=open_shop.store),
            agent=staff.agent,
            verifier=staff.verifier,
            liveness=open_shop.liveness,
            human=_human(place, in_hand, requests.ask_to_close),
            shelf=FolderShelf(place.session_folder),  # one for all runners here: a task has one holder
            notifiers=(*kept, *notifiers),
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
            covers=covers,
            stops=stops,
        )
        warnings.tell_by(bench)
        if warning := own_words(place, config)[1]:
            bench.tell(Happening.WARNING, warning)
        try:
            yield Session(
                bench=bench,
                only=config.run.tasks,
                pause=config.autonomous.pause_between_tasks,
                before=_counted(last),
            )
        except (AutorunError, KeyboardInterrupt) as error:  # otherwise it would look as if it had died
            quietly = replace(world, notifiers=kept)  # whoever called us says it to people
            replace(bench, world=quietly).tell(Happening.SESSION_ENDED, str(error) or "Interrupted", step=Ended.ERROR)
            raise


class _Warnings:
    """Keeps warnings until somebody can be told, and passes them on from then."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._bench: Bench | None = None

    def __call__(self, text: str) -> None:
        if self._bench is None:
            self._kept.append(text)
        else:
            self._bench.tell(Happening.WARNING, text)

    def tell_by(self, bench: Bench) -> None:
        """Pass on what was kept, and everything to come."""
        self._bench = bench
        for text in self._kept:
            self(text)


def _to_continue(place: Place, config: Config) -> SessionState | None:
    """The session that `--resume` continues, if there is one."""
    last = latest(place.session_folder) if config.run.resume else None
    return None if last is None or last[1].state is RunnerState.RUNNING else last[1]


def _counted(last: SessionState | None) -> Spent:
    """What counts against this run's limits already; who continues after a limit was met grants it once more."""
    if last is None or last.reason == Ended.LIMIT:
        return Spent()
    return Spent(tasks=last.tasks_ended, seconds=last.seconds, usd=last.cost_usd)


def progress(place: Place, *, summary: bool = True) -> tuple[Notifier, ...]:
    """Return who shows progress here: the runner's log on Actions, a live line on a terminal, else plain lines.

    `summary`: on Actions the job's page tells of the session, too.
    """
    if place.on_actions:
        from autorun.adapters.notify.actions_log import GroupedLines  # noqa: PLC0415  only where it is used
        from autorun.adapters.notify.summary import Summary  # noqa: PLC0415
        from autorun.effects import actions  # noqa: PLC0415

        return (GroupedLines(), Summary(actions.summary)) if summary else (GroupedLines(),)
    if sys.stderr.isatty():
        from autorun.adapters.notify.live import LiveLine  # noqa: PLC0415

        return (LiveLine(sys.stderr),)
    from autorun.adapters.notify.lines import PlainLines  # noqa: PLC0415

    return (PlainLines(sys.stderr),)


def _slack(config: Config, terms: Terms) -> tuple[Notifier, ...]:
    if not config.progress.slack_webhook:
        return ()
    from autorun.adapters.notify.slack import Slack  # noqa: PLC0415

    style = Style(run_url=terms.run_url, own=terms.secrets)
    return (Slack.configured(config.progress, style, warn=lambda text: sys.stderr.write(f"warning: {text}\n")),)


def _deadline(minutes: float | None) -> float | None:
    """When this run has to end: a while after its budget of time, which ends the agent's work in better order."""
    return None if minutes is None else time.monotonic() + minutes * 60 + _AFTER_BUDGET_SECONDS


def _workspaces(place: Place, config: Config, stop: Stop, published: Remote | None) -> GitWorkspaces:
    return GitWorkspaces(
        repository=place.repository,
        kind=config.workspace.kind,
        home=place.worktrees,
        logs=place.session_folder / "setup",
        environment=place.child_environment,
        base_ref=config.workspace.base_branch or "",
        remote="origin" if published else None,
        source=published,
        setup=config.workspace.setup,
        discard=place.on_actions,
        stop=stop,
    )


def _human(place: Place, stop: Stop, ask_to_close: Callable[[], object]) -> Human:
    if not terminal.present(on_actions=place.on_actions):
        return Nobody()
    return AtTerminal(stop, ask_to_close)


def own_words(place: Place, config: Config) -> tuple[str, str]:
    """Return the project's words to the agent, and a warning if their file is missing. Raises ConfigurationError."""
    path = config.autonomous.system_prompt_path
    text = place.read(path) if path else ""
    if text is None:
        return "", f"there is no {path} (autonomous.system_prompt_path): the agent is told the built-in words only"
    return text, ""


def _terms(place: Place, config: Config, folder: Path, base_branch: str) -> Terms:
    rules = policy(config)
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
        standing_orders=standing_orders(policy_briefing(rules), own_words(place, config)[0]),
        budget=budget(config),
        checkpoints=checkpoints(config),
        policy=rules,
        verify=config.workspace.verify,
        max_repairs=config.workspace.max_repair_attempts,
        max_attempts=config.autonomous.max_attempts,
        draft=config.pull_request.draft,
        labels=config.pull_request.labels,
        reviewers=config.pull_request.reviewers,
        title_prefix=config.pull_request.title_prefix,
        run_url=place.run_url,
        secrets=secrets(place, config),
        reserve_usd=plausible_cost(config.autonomous.model, _CONTEXT_TOKENS, _ANSWER_TOKENS),
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
