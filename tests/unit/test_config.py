"""The configuration file and its layers mean what the documentation says."""

from pathlib import Path

import pytest

from autorun.core.config import Config
from autorun.core.config.choices import Backend, Effort, FailOn, Mode, Phase, Provider, SandboxMode
from autorun.core.config.layers import Effective, config_file, from_keywords, keyword_names, load, rows, value_of
from autorun.core.config.retired import RETIRED
from autorun.core.config.settings import OPTIONS
from autorun.core.errors import ConfigurationError
from autorun.core.model import Check, WorkspaceKind
from autorun.core.policy import ProtectedPath, Tier

NAME = ".ai-agents/config.yml"

# Every snippet of the user guide, as it stands there, with what it sets.
GUIDE = {
    "quick start": (
        """\
state_provider:
  type: "file"
autonomous:
  backend: "claude-code"
  model: "opus"
  max_tasks_per_session: 10
execution:
  mode: "autonomous"
""",
        {
            "state_provider.type": Provider.FILE,
            "autonomous.backend": Backend.CLAUDE_CODE,
            "autonomous.model": "claude-opus-5-5",
            "autonomous.max_tasks_per_session": 10,
            "execution.mode": Mode.AUTONOMOUS,
        },
    ),
    "sdk backend": (
        """\
autonomous:
  backend: "anthropic-sdk"
  model: "claude-opus-4-20250514"
  cost_limit_per_session: 10.0
""",
        {
            "autonomous.backend": Backend.ANTHROPIC_SDK,
            "autonomous.model": "claude-opus-5-5",
            "autonomous.cost_limit_per_session": 10.0,
        },
    ),
    "linear": (
        """\
state_provider:
  type: "linear"
  api_key_env: "LINEAR_API_KEY"
  team_id: "your-team-id"
  project_name: "My Project"
""",
        {
            "state_provider.type": Provider.LINEAR,
            "state_provider.api_key_env": "LINEAR_API_KEY",
            "state_provider.team_id": "your-team-id",
            "state_provider.project_name": "My Project",
        },
    ),
    "github": (
        """\
state_provider:
  type: "github"
  api_key_env: "GITHUB_TOKEN"
  repo: "owner/repo"
""",
        {
            "state_provider.type": Provider.GITHUB,
            "state_provider.api_key_env": "GITHUB_TOKEN",
            "state_provider.repo": "owner/repo",
        },
    ),
    "file": (
        """\
state_provider:
  type: "file"
  state_dir: ".ai-agents/state"
""",
        {"state_provider.type": Provider.FILE, "state_provider.state_dir": Path(".ai-agents/state")},
    ),
    "slack": (
        """\
progress:
  slack_webhook: "https://hooks.slack.com/services/..."
  notification_interval: 300
  notify_on_complete: true
  notify_on_blocked: true
""",
        {
            "progress.slack_webhook": "https://hooks.slack.com/services/...",
            "progress.notification_interval": 300,
            "progress.notify_on_complete": True,
            "progress.notify_on_blocked": True,
        },
    ),
}

# Every key that earlier files knew, each with a value of its own.
EARLIER = """\
state_provider:
  type: "github"
  state_dir: ".ai-agents/state"
  api_key_env: "GITHUB_TOKEN"
  repo: "owner/repo"
  team_id: ""
  project_name: ""
  meta_issue_label: "meta"
autonomous:
  backend: "claude-code"
  model: "opus"
  max_tokens: 8192
  max_turns_per_task: 50
  max_tasks_per_session: 10
  cost_limit_per_session: 10.0
  rate_limit_rpm: 50
  api_key_env: "ANTHROPIC_API_KEY"
  system_prompt_path: "prompts/roles/software-developer.md"
  pause_between_tasks: 5
  log_level: "info"
  log_file: ".ai-agents/logs/autonomous.log"
execution:
  mode: autonomous
  checkpoints:
    turn_interval: 25
    before_new_issue: false
    after_issue_complete: false
    on_uncertainty: false
    on_regression_failure: true
    on_blocker: true
    on_context_high: true
    before_file_delete: false
    before_git_push: false
    before_deploy: false
    before_schema_change: false
  approval:
    timeout_minutes: 60
    default_action: pause
    notification:
      slack_webhook: "${SLACK_WEBHOOK_URL}"
      email: ""
      linear_comment: true
  limits:
    max_turns: 500
    max_turns_per_session: 500
    context_pause_threshold: 0.8
    max_files_modified: 40
    max_lines_changed: 4000
progress:
  slack_webhook: "${SLACK_WEBHOOK_URL}"
  notification_interval: 300
  notify_on_complete: true
  notify_on_blocked: true
session:
  marker_file: ".ai-agents/state/session.marker"
  auto_handoff: true
  handoff_dir: ".ai-agents/handoffs"
security:
  preset: development
  allowed_commands: []
  blocked_commands: ["rm -rf /", "sudo", "chmod 777"]
  allowed_patterns: ["npm .*", "yarn .*", "pip .*", "pytest .*", "git .*"]
  blocked_patterns: ["curl .* | bash", "wget .* | sh"]
"""


def _load(text: str | None = None, on_actions: bool = False, **layers: dict[str, str]) -> Effective:
    return load(text, NAME, layers.get("environ", {}), layers.get("overrides", {}), on_actions=on_actions)


def _values(effective: Effective) -> dict[str, object]:
    return {key: value_of(effective.config, key) for key in OPTIONS}


@pytest.mark.parametrize(("text", "expected"), GUIDE.values(), ids=GUIDE)
def test_every_snippet_of_the_guide_sets_what_it_says_and_nothing_else(
    text: str, expected: dict[str, object]
) -> None:
    effective = _load(text)
    dependent = {"state_provider.api_key_env": value_of(effective.config, "state_provider.api_key_env")}
    assert _values(effective) == _values(_load()) | dependent | expected
    assert {key for key in OPTIONS if effective.explicit(key)} == expected.keys()


def test_a_file_with_every_earlier_key_loads_and_no_key_is_silently_dead() -> None:
    effective = _load(EARLIER, environ={"SLACK_WEBHOOK_URL": "https://hooks.slack.com/x"})
    config = effective.config
    assert config.execution.checkpoints.context_threshold == 0.8
    assert (config.policy.max_files, config.policy.max_lines) == (40, 4000)
    assert config.progress.slack_webhook == "https://hooks.slack.com/x"
    assert config.autonomous.pause_between_tasks == 5
    told = {warning.partition("`")[2].partition("`")[0] for warning in effective.warnings}
    assert told == {retired.key for retired in RETIRED} - {"execution.approval.notification.email"}  # it is empty


def test_an_earlier_key_names_the_line_and_what_stands_in_its_place() -> None:
    (warning,) = _load("execution:\n  limits:\n    max_files_modified: 7\n").warnings
    assert (
        warning
        == f"{NAME}, line 3: `execution.limits.max_files_modified` is no longer used: write `policy.max_files`"
    )


def test_an_earlier_key_yields_to_its_present_one() -> None:
    effective = _load("execution: {limits: {max_files_modified: 7}}\npolicy: {max_files: 8}")
    assert effective.config.policy.max_files == 8
    assert str(effective.sources["policy.max_files"]) == f"file {NAME}:policy.max_files"


def test_an_earlier_key_that_acts_is_checked_like_its_present_one() -> None:
    with pytest.raises(ConfigurationError, match="max_files_modified` must be a whole number, at least 1"):
        _load("execution: {limits: {max_files_modified: 0}}")


@pytest.mark.parametrize(
    "text", [None, "", "# nothing\n", "{}", "autonomous:\n", "execution:\n  checkpoints:\n", "~"]
)
def test_an_absent_or_empty_file_or_section_leaves_every_default(text: str | None) -> None:
    effective = _load(text)
    assert _values(effective) == _values(_load())
    assert not any(effective.explicit(key) for key in OPTIONS)
    assert effective.warnings == ()


@pytest.mark.parametrize("value", ["", "~", "null", '""'])
def test_an_empty_key_counts_as_absent(value: str) -> None:
    text = f"autonomous:\n  model: {value}\n  max_tokens: {value}\nworkspace:\n  verify: {value}\n"
    assert not any(_load(text).explicit(key) for key in OPTIONS)


@pytest.mark.parametrize(
    ("on_actions", "provider", "kind", "mode", "key"),
    [
        (False, Provider.FILE, WorkspaceKind.WORKTREE, SandboxMode.AUTO, None),
        (True, Provider.GITHUB, WorkspaceKind.CHECKOUT, SandboxMode.REQUIRED, "GITHUB_TOKEN"),
    ],
)
def test_defaults_that_depend_on_the_place(
    on_actions: bool, provider: Provider, kind: WorkspaceKind, mode: SandboxMode, key: str | None
) -> None:
    effective = _load(on_actions=on_actions)
    config = effective.config
    assert (config.state_provider.type, config.workspace.kind, config.sandbox.mode) == (provider, kind, mode)
    assert config.state_provider.api_key_env == key
    assert {str(source) for source in effective.sources.values()} == {"default"}


@pytest.mark.parametrize(
    ("kind", "variable"), [("linear", "LINEAR_API_KEY"), ("github", "GITHUB_TOKEN"), ("file", None)]
)
def test_the_provider_brings_the_name_of_its_credential(kind: str, variable: str | None) -> None:
    effective = _load(f"state_provider: {{type: {kind}}}")
    assert effective.config.state_provider.api_key_env == variable
    assert not effective.explicit("state_provider.api_key_env")


def test_a_credentials_name_that_is_set_holds_for_every_provider() -> None:
    assert _load("state_provider: {type: linear, api_key_env: MINE}").config.state_provider.api_key_env == "MINE"


def test_each_layer_wins_over_the_ones_below_and_is_named_as_the_source() -> None:
    key = "autonomous.max_tasks_per_session"
    text = "autonomous: {max_tasks_per_session: 2}"
    variable = {"AUTORUN_AUTONOMOUS_MAX_TASKS_PER_SESSION": "3"}
    both = variable | {"AUTORUN_INPUT_MAX_TASKS": "4"}
    steps = [
        _load(),
        _load(text),
        load(text, NAME, variable, {}, on_actions=True),
        load(text, NAME, both, {}, on_actions=True),
        load(text, NAME, both, {key: 5}, on_actions=True),
    ]
    assert [(value_of(step.config, key), str(step.sources[key])) for step in steps] == [
        (10, "default"),
        (2, f"file {NAME}:autonomous.max_tasks_per_session"),
        (3, "environment AUTORUN_AUTONOMOUS_MAX_TASKS_PER_SESSION"),
        (4, "action input max-tasks"),
        (5, "command line --max-tasks"),
    ]


def test_an_empty_input_flag_or_variable_is_unset() -> None:
    environ = dict.fromkeys(("AUTORUN_INPUT_MODEL", "AUTORUN_AUTONOMOUS_BACKEND"), "")
    overrides = {"run.tasks": (), "autonomous.model": None, "state_provider.label": ""}
    effective = load(None, NAME, environ, overrides, on_actions=True)
    assert not any(effective.explicit(key) for key in OPTIONS)


def test_text_of_inputs_is_understood_for_every_kind() -> None:
    environ = {
        "AUTORUN_INPUT_COST_LIMIT": "2.5",
        "AUTORUN_INPUT_RESUME": "TRUE",
        "AUTORUN_INPUT_DRY_RUN": "0",
        "AUTORUN_INPUT_FAIL_ON": "blocked",
        "AUTORUN_INPUT_PHASE": "plan",
        "AUTORUN_INPUT_COMMENT_ID": "12345678901",
        "AUTORUN_INPUT_TASK": "7\n\n  AUTH-1 \n7\n",
        "AUTORUN_INPUT_VERIFY": "npm ci\n\nnpm test -- --reporter dot\n",
        "AUTORUN_INPUT_LABEL": "autorun\n",
        "AUTORUN_INPUT_HANDOVER": "out/here",
        "AUTORUN_PULL_REQUEST_DRAFT": "no",
        "AUTORUN_POLICY_PROTECTED_PATHS": "docs/**: warn\nsecret.txt\n",
    }
    config = load(None, NAME, environ, {}, on_actions=True).config
    assert config.autonomous.cost_limit_per_session == 2.5
    assert (config.run.resume, config.run.dry_run, config.pull_request.draft) == (True, False, False)
    assert (config.run.fail_on, config.run.phase) == (FailOn.BLOCKED, Phase.PLAN)
    assert config.run.comment_id == 12345678901
    assert config.run.tasks == ("7", "AUTH-1")
    assert config.workspace.verify == (Check(run="npm ci"), Check(run="npm test -- --reporter dot"))
    assert config.state_provider.label == "autorun"
    assert config.run.handover == Path("out/here")
    assert config.policy.protected_paths == (
        ProtectedPath(pattern="docs/**", tier=Tier.WARN),
        ProtectedPath(pattern="secret.txt", tier=Tier.BLOCK),
    )


@pytest.mark.parametrize(
    ("written", "checks"),
    [
        ("make test", (Check(run="make test"),)),
        ("{run: make test, timeout: 60}", (Check(run="make test", timeout=60),)),
        ("{run: make test}", (Check(run="make test"),)),
        (
            "[make lint, {run: make test, timeout: 0.5}]",
            (Check(run="make lint"), Check(run="make test", timeout=0.5)),
        ),
        ("|\n    make lint\n\n    make test\n", (Check(run="make lint"), Check(run="make test"))),
        ("['echo ${HOME}']", (Check(run="echo ${HOME}"),)),
        ("[]", ()),
    ],
)
def test_commands_are_texts_or_say_their_time(written: str, checks: tuple[Check, ...]) -> None:
    assert _load(f"workspace:\n  verify: {written}").config.workspace.verify == checks


@pytest.mark.parametrize(
    ("written", "tier"),
    [("[docs/**]", Tier.BLOCK), ("{docs/**: allow}", Tier.ALLOW), ("{docs/**: warn}", Tier.WARN)],
)
def test_protected_paths_are_a_list_or_name_their_tier(written: str, tier: Tier) -> None:
    config = _load(f"policy: {{protected_paths: {written}}}").config
    assert config.policy.protected_paths == (ProtectedPath(pattern="docs/**", tier=tier),)


@pytest.mark.parametrize(
    "key",
    [
        "autonomous.cost_limit_per_session",
        "autonomous.cost_limit_per_task",
        "autonomous.minutes_per_task",
        "autonomous.rate_limit_rpm",
        "execution.checkpoints.turn_interval",
        "progress.notification_interval",
    ],
)
def test_zero_switches_a_limit_off_and_counts_as_set(key: str) -> None:
    *sections, leaf = key.split(".")
    text = "".join(f"{'  ' * depth}{name}:\n" for depth, name in enumerate(sections))
    effective = _load(f"{text}{'  ' * len(sections)}{leaf}: 0\n")
    assert value_of(effective.config, key) is None
    assert effective.explicit(key)


@pytest.mark.parametrize("word", ["off", "false", '"off"'])
def test_off_is_a_word_for_the_sandbox(word: str) -> None:
    assert _load(f"sandbox:\n  mode: {word}").config.sandbox.mode is SandboxMode.OFF


@pytest.mark.parametrize(
    ("word", "value"), [("yes", True), ("on", True), ("true", True), ("no", False), ("off", False)]
)
def test_switches_take_the_usual_words(word: str, value: bool) -> None:
    assert _load(f"pull_request:\n  draft: {word}").config.pull_request.draft is value


def test_a_variable_is_expanded_in_text_numbers_choices_and_lists() -> None:
    text = """
state_provider: {repo: "${OWNER}/${NAME}", type: "${KIND}"}
autonomous: {max_tokens: "${TOKENS}", allowed_tools: ["${TOOL}", Read]}
policy: {protected_paths: {"${FOLDER}/**": warn}, allowed_paths: "${LIST}"}
"""
    environ = {
        "OWNER": "a",
        "NAME": "b",
        "KIND": "linear",
        "TOKENS": "99",
        "TOOL": "Bash",
        "FOLDER": "x",
        "LIST": "s\nt",
    }
    config = load(text, NAME, environ, {}, on_actions=False).config
    assert (config.state_provider.repo, config.state_provider.type) == ("a/b", Provider.LINEAR)
    assert (config.autonomous.max_tokens, config.autonomous.allowed_tools) == (99, ("Bash", "Read"))
    assert config.policy.protected_paths == (ProtectedPath(pattern="x/**", tier=Tier.WARN),)
    assert config.policy.allowed_paths == ("s", "t")


def test_what_names_an_unset_variable_counts_as_absent_and_is_told() -> None:
    text = """
state_provider: {repo: "${OWNER}/b"}
autonomous: {allowed_tools: ["${TOOL}", Read, 3]}
"""
    with pytest.raises(ConfigurationError, match="a list of texts"):
        _load(text)
    effective = _load(text.replace(", 3", "") + 'policy: {protected_paths: {"${X}": warn, y: warn}}\n')
    assert not effective.explicit("state_provider.repo")
    assert effective.config.autonomous.allowed_tools == ("Read",)
    assert effective.config.policy.protected_paths == (ProtectedPath(pattern="y", tier=Tier.WARN),)
    assert effective.warnings[0] == (
        f"{NAME}, line 2: `state_provider.repo` counts as absent where it names OWNER: that variable is not set"
    )
    assert len(effective.warnings) == 3


def test_a_literal_secret_works_is_told_and_never_shown() -> None:
    secret = "https://hooks.slack.com/services/T0/B0/secret"
    effective = _load(f"progress: {{slack_webhook: '{secret}'}}")
    assert effective.config.progress.slack_webhook == secret
    assert "in the open" in effective.warnings[0]
    shown = {row.key: row for row in rows(effective)}
    assert shown["progress.slack_webhook"].value == "***"
    assert secret not in f"{effective!r} {rows(effective)!r}"


def test_a_secret_from_a_variable_draws_no_warning() -> None:
    effective = _load("progress: {slack_webhook: '${HOOK}'}", environ={"HOOK": "https://hooks.slack.com/x"})
    assert effective.config.progress.slack_webhook == "https://hooks.slack.com/x"
    assert effective.warnings == ()


@pytest.mark.parametrize(
    "text",
    [
        "state_provider: {api_key_env: lin_api_SECRET-1}",
        "progress: {slack_webhook: SECRET-1}",
        "sandbox: {env: [A=SECRET-1]}",
    ],
)
def test_a_wrong_value_that_may_be_a_secret_is_not_repeated(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _load(text)
    assert "SECRET-1" not in f"{caught.value} {caught.value.hint}"


def test_a_retired_model_runs_its_successor_with_a_warning_that_names_the_place() -> None:
    effective = _load("autonomous:\n  model: claude-sonnet-4-20250514\n  fallback_model: haiku\n")
    assert effective.config.autonomous.model == "claude-sonnet-5-5"
    assert effective.config.autonomous.fallback_model == "claude-haiku-5-5"
    (warning,) = effective.warnings
    assert warning.startswith(f"file {NAME}:autonomous.model: the model claude-sonnet-4-20250514 is retired")


ERRORS = [
    ("state_provider:\n  type: githb\n", "line 2: `state_provider.type` must be one of file, github, linear", ""),
    ("state_provider:\n  type: githb\n", "; it is `githb`", "did you mean `github`?"),
    ("autonomus:\n  model: opus\n", "line 1: unknown key `autonomus`", "did you mean `autonomous`?"),
    ("autonomous:\n  modle: opus\n", "line 2: unknown key `autonomous.modle`", "did you mean `autonomous.model`?"),
    ("max_tokens: 1\n", "line 1: unknown key `max_tokens`", "did you mean `autonomous.max_tokens`?"),
    ("execution:\n  zzz: 1\n", "line 2: unknown key `execution.zzz`", "known are: approval, "),
    ("autonomous.model: opus\n", "line 1: unknown key `autonomous.model`", "write each part on a line of its own"),
    ("run:\n  phase: plan\n", "line 1: unknown key `run`", "`run` belongs to one run: use a flag or an action input"),
    ("autonomous: opus\n", "line 1: `autonomous` must be a section with keys of its own; it is `opus`", "indented"),
    ("autonomous:\n  model: opsu\n", "autonomous.model: there is no model `opsu`", "did you mean `opus`?"),
    ("autonomous:\n  max_tokens: many\n", "must be a whole number, at least 1 (tokens); it is `many`", "Longest "),
    ("autonomous:\n  max_tokens: '12'\n", "must be a whole number", "without quotes"),
    ("autonomous:\n  max_tokens: 012\n", "must be a whole number, at least 1 (tokens); it is `012`", ""),
    ("autonomous:\n  max_tokens: 0\n", "must be a whole number, at least 1 (tokens); it is `0`", ""),
    ("autonomous:\n  max_tokens: true\n", "must be a whole number", ""),
    ("autonomous:\n  cost_limit_per_task: -1\n", "must be a number, at least 0 (USD); it is `-1`", ""),
    ("autonomous:\n  cost_limit_per_task: .inf\n", "must be a number", ""),
    ("execution:\n  checkpoints:\n    context_threshold: 1.5\n", "a number, at least 0.05 and at most 1 (share)", ""),
    ("progress:\n  notification_interval: 1:30\n", "must be a whole number, at least 0 (seconds); it is `1:30`", ""),
    ("state_provider:\n  team_id: 12\n", "must be text; it is `12`", "put it in quotes"),
    ("state_provider:\n  repo: project\n", "must be owner/name; it is `project`", ""),
    ("state_provider:\n  repo: |\n    a/b\n", "must be owner/name", ""),
    ("trust:\n  bots: ['*']\n", "must be a list of logins; it is `['*']`", ""),
    ("trust:\n  bots: ['[bot]']\n", "must be a list of logins", ""),
    ("trust:\n  label_roles: [writ]\n", "must be a list of write, maintain, admin", "did you mean `write`?"),
    ("trust:\n  label_roles: write\n", "must be a list of write, maintain, admin; it is `write`", ""),
    ("workspace:\n  verify: [{run: x, timout: 3}]\n", "must be commands, each a text or {run, timeout}", ""),
    ("workspace:\n  verify: [3]\n", "must be commands", ""),
    ("policy:\n  protected_paths: {a: deny}\n", "to block, warn or allow; it is `{'a': 'deny'}`", ""),
    ("state_provider:\n  type: file\n  type: github\n", "line 3: the key `type` stands twice", "keep one"),
    ("autonomous: [\n", "line 2: ", "key: value"),
    ("autonomous:\n\tmodel: x\n", "line 2: found character", "key: value"),
    ("? [a]\n: 1\n", "line 1: found unhashable key", "key: value"),
    ("- a\n", "must hold sections, it holds a list", "begin with a section"),
    ("just text", "must hold sections, it holds a single value", "begin with a section"),
    ("a: 1\nb: \x07", "line 2: a control character", "key: value"),
    ("a: &x [*x]", "is no plain YAML", ""),
    ("a: !!binary aGk=", "is no plain YAML", ""),
    ("a: !!python/object:os.system x", "line 1: could not determine a constructor", ""),
    ("[" * 1000, "is no plain YAML", ""),
    ("a: 1\n---\nb: 2\n", "line 2: ", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sentence", "hint"), ERRORS)
def test_what_cannot_be_used_is_told_with_its_place_and_remedy(text: str, sentence: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _load(text)
    assert str(caught.value).startswith((NAME, f"file {NAME}"))
    assert sentence in str(caught.value)
    assert caught.value.hint
    assert hint in caught.value.hint
    assert "\n" not in str(caught.value)


def test_one_run_tells_everything_that_is_wrong() -> None:
    environ = {"AUTORUN_INPUT_MODE": "auto", "AUTORUN_AUTONOMOUS_MAX_ATTEMPTS": "few"}
    overrides = {"autonomous.model": "opsu", "policy.max_fles": 3}
    with pytest.raises(ConfigurationError) as caught:
        load("autonomous:\n  bakend: x\n  effort: hgh\n", NAME, environ, overrides, on_actions=True)
    assert str(caught.value).splitlines() == [
        f"{NAME}, line 2: unknown key `autonomous.bakend`",
        "there is no option `policy.max_fles`",
        f"{NAME}, line 3: `autonomous.effort` must be one of low, medium, high, xhigh, max; it is `hgh`",
        "environment `AUTORUN_AUTONOMOUS_MAX_ATTEMPTS` must be a whole number, at least 1 (attempts); it is `few`",
        "action input `mode` must be one of autonomous, interactive, supervised; it is `auto`",
        "command line --model: there is no model `opsu`",
    ]
    assert "did you mean `policy.max_files`?" in caught.value.hint


def test_a_misspelt_variable_of_ours_is_told_and_a_foreign_one_is_not() -> None:
    environ = {"AUTORUN_AUTONOMOUS_MODL": "opus", "AUTORUN_INPUT_LABELS": "x", "AUTORUN_ELSEWHERE": "x", "MODL": "x"}
    assert load(None, NAME, environ, {}, on_actions=False).warnings == (
        "the environment variable AUTORUN_AUTONOMOUS_MODL sets nothing; did you mean AUTORUN_AUTONOMOUS_MODEL?",
        "the environment variable AUTORUN_INPUT_LABELS sets nothing; did you mean AUTORUN_INPUT_LABEL?",
    )


def test_keywords_are_the_leaves_of_the_keys_or_the_flags() -> None:
    effective = from_keywords(
        {
            "model": "sonnet",
            "max_tasks_per_session": 5,
            "cost_limit_per_session": 5.0,
            "backend": Backend.ANTHROPIC_SDK,
            "mode": "supervised",
            "sandbox": "off",
            "provider": "linear",
            "effort": Effort.LOW,
            "state_dir": Path("tasks"),
            "verify": (Check(run="make", timeout=9),),
            "protected_paths": (ProtectedPath(pattern="x", tier=Tier.WARN),),
            "labels": ["night"],
            "tasks": ("7",),
        },
        {},
        on_actions=False,
    )
    config = effective.config
    assert config.autonomous.model == "claude-sonnet-5-5"
    assert (config.autonomous.max_tasks_per_session, config.autonomous.cost_limit_per_session) == (5, 5.0)
    assert (config.autonomous.backend, config.autonomous.effort) == (Backend.ANTHROPIC_SDK, Effort.LOW)
    assert (config.execution.mode, config.sandbox.mode) == (Mode.SUPERVISED, SandboxMode.OFF)
    assert (config.state_provider.type, config.state_provider.state_dir) == (Provider.LINEAR, Path("tasks"))
    assert config.workspace.verify == (Check(run="make", timeout=9),)
    assert config.policy.protected_paths == (ProtectedPath(pattern="x", tier=Tier.WARN),)
    assert (config.pull_request.labels, config.run.tasks) == (("night",), ("7",))
    assert str(effective.sources["autonomous.model"]) == "keyword autonomous.model"


def test_every_option_has_a_keyword() -> None:
    assert set(keyword_names().values()) == OPTIONS.keys()


def test_keywords_stand_above_a_file() -> None:
    text = "autonomous: {model: haiku, max_tokens: 5}"
    config = from_keywords({"model": "opus"}, {}, on_actions=False, file_text=text).config
    assert (config.autonomous.model, config.autonomous.max_tokens) == ("claude-opus-5-5", 5)


@pytest.mark.parametrize(
    ("name", "hint"), [("modell", "did you mean `model`?"), ("max_task", "did you mean `max_tasks`?")]
)
def test_an_unknown_keyword_is_an_error_with_the_nearest_one(name: str, hint: str) -> None:
    with pytest.raises(ConfigurationError, match=f"there is no setting `{name}`") as caught:
        from_keywords({name: 1}, {}, on_actions=False)
    assert caught.value.hint == hint


def test_a_keyword_of_the_wrong_kind_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="must be a number, at least 0"):
        from_keywords({"cost_limit_per_session": float("nan")}, {}, on_actions=False)


@pytest.mark.parametrize(
    ("environ", "flag", "expected"),
    [
        ({}, None, (Path(NAME), False)),
        ({"AUTORUN_INPUT_CONFIG": ""}, None, (Path(NAME), False)),
        ({"AUTORUN_RUN_CONFIG": "a.yml"}, None, (Path("a.yml"), True)),
        ({"AUTORUN_RUN_CONFIG": "a.yml", "AUTORUN_INPUT_CONFIG": "b.yml"}, None, (Path("b.yml"), True)),
        ({"AUTORUN_INPUT_CONFIG": "b.yml"}, "c.yml", (Path("c.yml"), True)),
    ],
)
def test_the_file_to_read_and_whether_it_was_named(
    environ: dict[str, str], flag: str | None, expected: tuple[Path, bool]
) -> None:
    assert config_file(environ, flag) == expected


def test_the_preamble_shows_every_value_and_its_source() -> None:
    effective = load(
        "workspace: {verify: [make, {run: make all, timeout: 5}]}\npolicy: {protected_paths: {a: warn}}",
        NAME,
        {"AUTORUN_INPUT_COST_LIMIT": "0"},
        {"run.dry_run": True, "autonomous.cost_limit_per_day": 123456789.5},
        on_actions=True,
    )
    shown = {row.key: (row.value, row.source) for row in rows(effective)}
    assert list(shown) == list(OPTIONS)
    assert shown["workspace.verify"] == ("make, make all (5 s)", f"file {NAME}:workspace.verify")
    assert shown["policy.protected_paths"] == ("a: warn", f"file {NAME}:policy.protected_paths")
    assert shown["autonomous.cost_limit_per_session"] == ("none", "action input cost-limit")
    assert shown["autonomous.cost_limit_per_day"] == ("123456789.5", "command line autonomous.cost_limit_per_day")
    assert shown["run.dry_run"] == ("true", "command line --dry-run")
    assert shown["autonomous.model"] == ("claude-opus-5-5", "default")
    assert shown["state_provider.repo"] == ("the current repository", "default")
    assert shown["trust.bots"] == ("none", "default")
    assert shown["state_provider.api_key_env"] == ("GITHUB_TOKEN", "default")
    assert {row.key: row.value for row in rows(_load())}["state_provider.api_key_env"] == "none"


def test_the_configuration_of_a_plain_tree_is_its_local_default() -> None:
    effective = _load()
    assert {key for key in OPTIONS if value_of(effective.config, key) != value_of(Config(), key)} == {
        "autonomous.model"
    }
