"""Keys of earlier configuration files: still accepted, each with what stands in its place."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RetiredKey:
    """A key that is no option any more.

    `instead` continues the sentence "`key` is no longer used: ...". A key with `moved_to` still acts: its value
    goes to that option, unless the option is set too.
    """

    key: str
    instead: str
    moved_to: str = ""


def _gone(instead: str, *keys: str) -> tuple[RetiredKey, ...]:
    return tuple(RetiredKey(key=key, instead=instead) for key in keys)


def _moved(key: str, to: str) -> RetiredKey:
    return RetiredKey(key=key, instead=f"write `{to}`", moved_to=to)


_LOG = "the log is always `.ai-agents/logs/autonomous.log` and holds every step"
_SUPERVISED = "`execution.mode: supervised` asks before any edit and before publication"
_PATHS = "`policy.protected_paths` guards paths in every mode"
_ANSWER = "a checkpoint waits until `/autorun approve`, or an answer on the terminal; it never expires"
_HANDOVER = "hand-off notes are written by themselves, under `.ai-agents/session/`"
_COMMANDS = "commands are not judged by their text, they run confined: see `sandbox.mode` and `sandbox.allow_domains`"

RETIRED: tuple[RetiredKey, ...] = (
    *_gone("each task's record and the summary of the run hold what it held", "state_provider.meta_issue_label"),
    *_gone("the key is read from `ANTHROPIC_API_KEY`", "autonomous.api_key_env"),
    *_gone(_LOG, "autonomous.log_level", "autonomous.log_file"),
    *_gone(
        _SUPERVISED,
        "execution.checkpoints.before_new_issue",
        "execution.checkpoints.after_issue_complete",
        "execution.checkpoints.before_git_push",
    ),
    *_gone(
        "an agent that is not sure asks; its task is blocked until it is answered",
        "execution.checkpoints.on_uncertainty",
    ),
    *_gone(
        _PATHS,
        "execution.checkpoints.before_file_delete",
        "execution.checkpoints.before_schema_change",
    ),
    *_gone("the agent holds no credential to deploy with", "execution.checkpoints.before_deploy"),
    *_gone(_ANSWER, "execution.approval.timeout_minutes", "execution.approval.default_action"),
    _moved("execution.approval.notification.slack_webhook", "progress.slack_webhook"),
    *_gone("GitHub and Linear send mail themselves", "execution.approval.notification.email"),
    *_gone(
        "a question always stands in the task's status comment",
        "execution.approval.notification.linear_comment",
    ),
    *_gone(
        "`autonomous.max_turns_per_task` and `autonomous.max_tasks_per_session` bound a session",
        "execution.limits.max_turns",
        "execution.limits.max_turns_per_session",
    ),
    _moved("execution.limits.context_pause_threshold", "execution.checkpoints.context_threshold"),
    _moved("execution.limits.max_files_modified", "policy.max_files"),
    _moved("execution.limits.max_lines_changed", "policy.max_lines"),
    *_gone(_HANDOVER, "session.marker_file", "session.auto_handoff", "session.handoff_dir"),
    *_gone("`sandbox.mode` says how the agent is confined", "security.preset"),
    *_gone(
        _COMMANDS,
        "security.allowed_commands",
        "security.blocked_commands",
        "security.allowed_patterns",
        "security.blocked_patterns",
    ),
)
