"""The configuration: every option, declared once, as a tree of frozen values."""

from dataclasses import dataclass
from pathlib import Path

from autorun.core.config.choices import Backend, Effort, FailOn, Mode, Phase, Provider, SandboxMode
from autorun.core.config.options import option, section
from autorun.core.model import Check, WorkspaceKind
from autorun.core.policy import ProtectedPath

DEFAULT_FILE = ".ai-agents/config.yml"
_ROLES = ("write", "maintain", "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class StateProvider:
    """Where tasks live."""

    type: Provider = option(
        Provider.FILE, "Where tasks come from.", on_actions=Provider.GITHUB, input="provider", flag="--provider"
    )
    state_dir: Path = option(Path(".ai-agents/state"), "Folder of the file provider's tasks, one file each.")
    api_key_env: str | None = option(
        None,
        "Environment variable that holds the provider's credential.",
        by="type",
        brings=((Provider.GITHUB, "GITHUB_TOKEN"), (Provider.LINEAR, "LINEAR_API_KEY")),
        shown="`GITHUB_TOKEN` for github, `LINEAR_API_KEY` for linear",
        pattern=r"[A-Za-z_][A-Za-z0-9_]*",
        named="the name of an environment variable",
        quoted=False,
    )
    repo: str | None = option(
        None,
        "GitHub repository whose issues are the tasks.",
        named="owner/name",
        shown="the current repository",
        pattern=r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+",
    )
    label: str = option(
        "autorun", "Label that puts an issue (GitHub, Linear) into the queue.", input="label", flag="--label"
    )
    team_id: str | None = option(None, "Linear team.", shown="the only team")
    project_name: str | None = option(None, "Linear project to take tasks from.", shown="all projects")


@dataclass(frozen=True, slots=True, kw_only=True)
class Autonomous:
    """Who does the work, and how much of it."""

    backend: Backend = option(
        Backend.CLAUDE_CODE,
        "Who does the work: the Claude Code command line or the Anthropic API.",
        input="backend",
        flag="--backend",
    )
    model: str = option(
        "opus", "Model, as an alias (`opus`, `sonnet`, `haiku`, `fable`) or a full id.", input="model", flag="--model"
    )
    fallback_model: str | None = option(None, "Model that stands in while the first is overloaded.")
    effort: Effort | None = option(None, "How hard the model thinks.", shown="the model's own")
    max_tokens: int = option(8192, "Longest single answer of the model.", unit="tokens", minimum=1)
    max_turns_per_task: int = option(
        50, "Most model answers for one task.", unit="answers", minimum=1, input="max-turns", flag="--max-turns"
    )
    max_tasks_per_session: int = option(
        10, "Most tasks begun in one session.", unit="tasks", minimum=1, input="max-tasks", flag="--max-tasks"
    )
    max_attempts: int = option(3, "Most attempts at a task before it counts as failed.", unit="attempts", minimum=1)
    cost_limit_per_task: float | None = option(
        None, "Most money for one task; 0 is no limit.", unit="USD", minimum=0, zero_is_none=True
    )
    cost_limit_per_session: float | None = option(
        10.0,
        "Most money for one session; 0 is no limit. On a subscription, where money is an estimate, "
        "it acts only when set here or elsewhere explicitly.",
        unit="USD",
        minimum=0,
        zero_is_none=True,
        input="cost-limit",
        flag="--cost-limit",
    )
    cost_limit_per_day: float | None = option(
        None,
        "Most money in 24 hours, all sessions together; 0 is no limit.",
        unit="USD",
        minimum=0,
        zero_is_none=True,
    )
    minutes_per_task: float | None = option(
        60.0, "Longest work on one task; 0 is no limit.", unit="minutes", minimum=0, zero_is_none=True
    )
    minutes_per_session: float | None = option(
        330.0, "Longest session; 0 is no limit.", unit="minutes", minimum=0, zero_is_none=True
    )
    rate_limit_rpm: int | None = option(
        50, "Most model requests a minute; 0 is no limit.", unit="requests/minute", minimum=0, zero_is_none=True
    )
    allowed_tools: tuple[str, ...] = option((), "Tools the agent may use.", shown="the backend's own set")
    system_prompt_path: Path | None = option(None, "File with further instructions for the agent.")
    pause_between_tasks: float = option(0.0, "Wait before the next task.", unit="seconds", minimum=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoints:
    """When a task stops to ask a human; the mode decides which of these count."""

    turn_interval: int | None = option(
        25,
        "Ask every so many model answers (interactive and supervised mode); 0 is never.",
        unit="answers",
        minimum=0,
        zero_is_none=True,
    )
    on_regression_failure: bool = option(True, "Ask when verification stays red after the repairs (every mode).")
    on_blocker: bool = option(True, "Ask when the agent is blocked (interactive and supervised mode).")
    on_context_high: bool = option(
        True, "Hand over to a fresh conversation, later ask, when the context fills (every mode)."
    )
    context_threshold: float = option(
        0.85, "Share of the model's context that counts as full.", unit="share", minimum=0.05, maximum=1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How much a human takes part."""

    mode: Mode = option(
        Mode.AUTONOMOUS,
        "`autonomous` stops a task only at critical checkpoints, `interactive` also at blockers and every "
        "`turn_interval` answers, `supervised` also before any edit and before publication.",
        input="mode",
        flag="--mode",
    )
    checkpoints: Checkpoints = section(Checkpoints)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceOptions:
    """Where the agent works and what tells good work from bad."""

    kind: WorkspaceKind = option(
        WorkspaceKind.WORKTREE,
        "Work in the checked-out repository itself, or in a worktree per task.",
        on_actions=WorkspaceKind.CHECKOUT,
    )
    base_branch: str | None = option(
        None, "Branch that work starts from and pull requests go to.", shown="the default branch"
    )
    setup: tuple[Check, ...] = option((), "Commands that prepare a workspace.", input="setup")
    verify: tuple[Check, ...] = option(
        (), "Commands that must pass, or be no worse than before, for work to count as complete.", input="verify"
    )
    max_repair_attempts: int = option(
        2, "How often the agent may repair what verification found.", unit="repairs", minimum=0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a change may contain."""

    protected_paths: tuple[ProtectedPath, ...] = option(
        (),
        "Paths, as in `.gitignore`, and what touching them means: `block` refuses it, `warn` marks the draft, "
        "`allow` lifts a built-in rule; the last rule that matches decides. Built in: `.github`, `action.yml`, "
        "CODEOWNERS and git hooks are blocked; other top-level dot folders, agent instruction files, manifests and "
        "lock files warn.",
        shown="the built-in rules",
    )
    allowed_paths: tuple[str, ...] = option((), "The only paths a change may touch, as globs.", shown="all")
    max_files: int = option(100, "Most files in one change.", unit="files", minimum=1)
    max_lines: int = option(5000, "Most lines added and removed in one change.", unit="lines", minimum=1)
    max_file_kb: int = option(1024, "Largest file in a change.", unit="KiB", minimum=1)
    secret_scan: bool = option(True, "Refuse changes that seem to hold a credential.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """How agent and checks are confined."""

    mode: SandboxMode = option(
        SandboxMode.AUTO,
        "`required` refuses to run without a sandbox, `auto` warns, `off` does without.",
        on_actions=SandboxMode.REQUIRED,
        input="sandbox",
        flag="--sandbox",
    )
    allow_domains: tuple[str, ...] = option(
        (),
        "Hosts that may be reached from inside, by their exact names.",
        pattern=r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+",
        named="host names",
    )
    read_paths: tuple[str, ...] = option((), "Further paths that may be read inside.")
    env: tuple[str, ...] = option(
        (),
        "Environment variables, by name, that are handed inside.",
        pattern=r"[A-Za-z_][A-Za-z0-9_]*",
        named="names of variables",
        quoted=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestOptions:
    """How work is proposed."""

    draft: bool = option(True, "Open pull requests as drafts.")
    labels: tuple[str, ...] = option((), "Labels for the pull request.")
    reviewers: tuple[str, ...] = option((), "Logins, or teams as `org/team`, asked to review.")
    title_prefix: str = option("", "Text put before the title.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whose word counts."""

    label_roles: tuple[str, ...] = option(_ROLES, "Roles whose label puts an issue into the queue.", choices=_ROLES)
    command_roles: tuple[str, ...] = option(_ROLES, "Roles whose `/autorun` comments are obeyed.", choices=_ROLES)
    comment_roles: tuple[str, ...] = option(_ROLES, "Roles whose comments the agent is shown.", choices=_ROLES)
    bots: tuple[str, ...] = option(
        (),
        "Apps trusted like a person with write access, each by its exact login, e.g. `renovate[bot]`.",
        pattern=r"[A-Za-z0-9][A-Za-z0-9-]*(\[bot\])?",
        named="logins",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Who is told, and what is kept."""

    slack_webhook: str | None = option(
        None,
        "Slack webhook for notifications; better named than written, as `${SLACK_WEBHOOK_URL}`.",
        secret=True,
        quoted=False,
        input="slack-webhook",
        pattern=r"https?://\S+",
        named="an http or https address",
    )
    notification_interval: int | None = option(
        300, "Time between periodic updates; 0 is never.", unit="seconds", minimum=0, zero_is_none=True
    )
    notify_on_complete: bool = option(True, "Tell when a task is completed.")
    notify_on_blocked: bool = option(True, "Tell when a task is blocked.")
    keep_transcripts: bool | None = option(
        None, "Keep transcripts as artifacts of the run.", shown="true; false on public repositories"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What belongs to one run; not read from the file."""

    config: Path | None = option(
        None,
        "Configuration file.",
        shown=f"`{DEFAULT_FILE}` if it is there",
        input="config",
        flag="--config",
        in_file=False,
    )
    tasks: tuple[str, ...] = option(
        (), "Work these tasks only, by key.", shown="the whole queue", input="task", flag="--task", in_file=False
    )
    comment_id: int | None = option(
        None, "Comment that asked for this run.", minimum=1, input="comment-id", in_file=False
    )
    workflow: str = option("autorun.yml", "Workflow that comment commands dispatch.", input="workflow", in_file=False)
    resume: bool = option(False, "Continue the last session.", input="resume", flag="--resume", in_file=False)
    dry_run: bool = option(
        False,
        "Show what a run would begin with; start and write nothing.",
        input="dry-run",
        flag="--dry-run",
        in_file=False,
    )
    fail_on: FailOn = option(
        FailOn.NEVER,
        "Outcomes that make the run fail: `blocked` counts blocked, failed and paused tasks.",
        input="fail-on",
        flag="--fail-on",
        in_file=False,
    )
    phase: Phase = option(Phase.ALL, "Part of the work this job does.", input="phase", in_file=False)
    handover: Path | None = option(
        None, "Folder that carries values from phase to phase.", input="handover", flag="--handover", in_file=False
    )
    plan: str | None = option(
        None,
        "Digest of the plan, as the plan phase printed it: a plan with another one is refused.",
        flag="--plan",
        pattern=r"[0-9a-f]{64}",
        named="a SHA-256 digest",
        in_file=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every setting of a run, each with its effective value."""

    state_provider: StateProvider = section(StateProvider)
    autonomous: Autonomous = section(Autonomous)
    execution: Execution = section(Execution)
    workspace: WorkspaceOptions = section(WorkspaceOptions)
    policy: Policy = section(Policy)
    sandbox: Sandbox = section(Sandbox)
    pull_request: PullRequestOptions = section(PullRequestOptions)
    trust: Trust = section(Trust)
    progress: Progress = section(Progress)
    run: Run = section(Run)
