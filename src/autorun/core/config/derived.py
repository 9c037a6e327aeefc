"""What the line works by, derived from the configuration."""

from collections.abc import Mapping

from autorun.core.checkpoints import Checkpoints
from autorun.core.config import Config
from autorun.core.credential import CredentialKind
from autorun.core.money.budget import Budget
from autorun.core.policy import PolicyRules

# Beside the model's credentials and those that the configuration names.
_SECRET_VARIABLES = (
    *("GITHUB_TOKEN", "GH_TOKEN", "LINEAR_API_KEY"),
    *("ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
)


def own_secrets(config: Config, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the exact values that may stand in nothing that is shown, kept or sent."""
    names = {*CredentialKind, *_SECRET_VARIABLES, config.state_provider.api_key_env or ""}
    values = [environ.get(name, "") for name in sorted(names)] + [config.progress.slack_webhook or ""]
    return tuple(dict.fromkeys(value for value in values if value))


def budget(config: Config, *, money_counts: bool = True) -> Budget:
    """Return the limits. `money_counts` False: a subscription pays, and the session's default limit is no limit."""
    autonomous = config.autonomous
    return Budget(
        turns_per_task=autonomous.max_turns_per_task,
        minutes_per_task=autonomous.minutes_per_task,
        usd_per_task=autonomous.cost_limit_per_task,
        tasks_per_session=autonomous.max_tasks_per_session,
        minutes_per_session=autonomous.minutes_per_session,
        usd_per_session=autonomous.cost_limit_per_session if money_counts else None,
        usd_per_day=autonomous.cost_limit_per_day,
        context_share=config.execution.checkpoints.context_threshold,
    )


def checkpoints(config: Config) -> Checkpoints:
    """Return where a task stops to ask a human."""
    options = config.execution.checkpoints
    return Checkpoints(
        mode=config.execution.mode,
        turn_interval=options.turn_interval,
        on_regression_failure=options.on_regression_failure,
        on_blocker=options.on_blocker,
        on_context_high=options.on_context_high,
    )


def policy(config: Config) -> PolicyRules:
    """Return what a change may hold."""
    options = config.policy
    return PolicyRules(
        protected=options.protected_paths,
        allowed=options.allowed_paths,
        max_files=options.max_files,
        max_lines=options.max_lines,
        max_file_kb=options.max_file_kb,
        secret_scan=options.secret_scan,
    )
