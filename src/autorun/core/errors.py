"""Every failure a user can meet, with its exit code, its sentence and its remedy."""

from datetime import datetime


class AutorunError(Exception):
    """A failure we understand. `str(error)` is the fact, `hint` is what the user can do about it."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigurationError(AutorunError):
    """The configuration, a command line or the place we run in cannot be used as it is."""

    exit_code = 2


class ProviderError(AutorunError):
    """The tracker or forge cannot be reached or refuses us."""

    exit_code = 3


class Unanswered(ProviderError):
    """The tracker or forge gave no usable answer; later it may."""


class CredentialRefused(ProviderError):
    """The tracker or forge does not accept our credential, or accepts it no longer."""

    def __init__(
        self, message: str, *, hint: str = "renew the token: a job's own ends with the job, an app's after an hour"
    ) -> None:
        super().__init__(message, hint=hint)


class RateLimited(ProviderError):
    """The tracker or forge asks us to wait."""

    def __init__(self, message: str, *, hint: str = "", resets_at: datetime | None = None) -> None:
        super().__init__(message, hint=hint)
        self.resets_at = resets_at


class TaskGone(ProviderError):
    """A task we were about to work on is no longer there (deleted, moved, transferred)."""


class TaskUnreadable(ProviderError):
    """A task we were about to work on is there, and does not make sense as it is now."""


class AgentUnavailable(AutorunError):
    """The agent cannot start: CLI missing or too old, no credential, credential refused, no sandbox."""

    exit_code = 4


class PublishingRefused(AutorunError):
    """Nothing can be published in this session: the remote refuses our refs or our credential."""

    exit_code = 5


class HandoverRefused(AutorunError):
    """What another job handed over cannot be read or must not be trusted."""

    exit_code = 5


class BranchRefused(AutorunError):
    """The remote refused the work branch while our lease still holds (a human pushed, a rule forbids it)."""


class LeaseLost(AutorunError):
    """Another runner holds the task now. Whatever we were about to write must not be written."""


class RecordUnreadable(AutorunError):
    """A task's record is damaged or from a newer version; it is never overwritten."""


class ResumeRefused(AutorunError):
    """Saved work cannot be continued (damaged, hostile, of another version); the task starts afresh."""


class GitFailed(AutorunError):
    """A git command failed for a reason that none of the above names."""


class ContentRefused(AutorunError):
    """The workspace holds something that git cannot record (a `.git` folder, an unreadable file)."""


class WorkspaceFailed(AutorunError):
    """The workspace could not be prepared (no such base, a setup command failed)."""


class Interrupted(AutorunError):
    """A signal asked us to end; state is saved. `exit_code` is 128 plus the signal's number."""

    def __init__(self, message: str, *, hint: str = "", signal_number: int = 2) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = 128 + signal_number
