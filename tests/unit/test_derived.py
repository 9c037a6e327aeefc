"""What the line works by follows from the configuration, and no secret of ours is forgotten."""

from dataclasses import replace

from autorun.core import checkpoints as points
from autorun.core.config import Autonomous, Checkpoints, Config, Execution, Policy, Progress, StateProvider, derived
from autorun.core.config.choices import Mode
from autorun.core.money.budget import Budget
from autorun.core.policy import PolicyRules, ProtectedPath, Tier


def test_secrets_of_ours_are_all_that_the_environment_and_the_file_hold() -> None:
    """The model's, the tracker's, the forge's and the run's, and those that the configuration names; each once."""
    config = Config(
        state_provider=StateProvider(api_key_env="MY_KEY"), progress=Progress(slack_webhook="https://hook")
    )
    environ = {
        "ANTHROPIC_API_KEY": "model",
        "CLAUDE_CODE_OAUTH_TOKEN": "model",
        "GITHUB_TOKEN": "forge",
        "GH_TOKEN": "",
        "LINEAR_API_KEY": "tracker",
        "ACTIONS_RUNTIME_TOKEN": "run",
        "MY_KEY": "named",
        "PATH": "/usr/bin",
    }
    found = derived.own_secrets(config, environ)
    assert sorted(found) == ["forge", "https://hook", "model", "named", "run", "tracker"]
    assert derived.own_secrets(Config(), {}) == ()


def test_the_limits_are_the_configured_ones() -> None:
    """Each in its place; where a subscription pays, the session's money is no limit, the others stay."""
    config = Config(
        autonomous=Autonomous(
            max_turns_per_task=1,
            minutes_per_task=2.0,
            cost_limit_per_task=3.0,
            max_tasks_per_session=4,
            minutes_per_session=5.0,
            cost_limit_per_session=6.0,
            cost_limit_per_day=7.0,
        ),
        execution=Execution(checkpoints=Checkpoints(context_threshold=0.5)),
    )
    wanted = Budget(
        turns_per_task=1,
        minutes_per_task=2.0,
        usd_per_task=3.0,
        tasks_per_session=4,
        minutes_per_session=5.0,
        usd_per_session=6.0,
        usd_per_day=7.0,
        context_share=0.5,
    )
    assert derived.budget(config) == wanted
    assert derived.budget(config, money_counts=False) == replace(wanted, usd_per_session=None)


def test_the_checkpoints_are_the_configured_ones() -> None:
    """Switches that differ from each other arrive where they belong."""
    options = Checkpoints(turn_interval=9, on_regression_failure=False, on_blocker=True, on_context_high=False)
    found = derived.checkpoints(Config(execution=Execution(mode=Mode.SUPERVISED, checkpoints=options)))
    assert found == points.Checkpoints(
        mode=Mode.SUPERVISED,
        turn_interval=9,
        on_regression_failure=False,
        on_blocker=True,
        on_context_high=False,
    )


def test_the_policy_is_the_configured_one() -> None:
    """No bound is taken for another."""
    protected = (ProtectedPath(pattern="a", tier=Tier.WARN),)
    options = Policy(
        protected_paths=protected, allowed_paths=("b",), max_files=1, max_lines=2, max_file_kb=3, secret_scan=False
    )
    assert derived.policy(Config(policy=options)) == PolicyRules(
        protected=protected, allowed=("b",), max_files=1, max_lines=2, max_file_kb=3, secret_scan=False
    )
