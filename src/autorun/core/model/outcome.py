"""Words for the end of a task: the pull request, and the outcome with its reason."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from autorun.core.model.agent import Blocker
from autorun.core.model.task import TaskId, TaskState


class PullRequestState(StrEnum):
    """What became of a pull request."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request as the forge knows it. `head` is the commit its branch points at now."""

    branch: str
    url: str
    number: int | None = None
    state: PullRequestState = PullRequestState.OPEN
    head: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A pull request to be."""

    task: TaskId
    branch: str
    base_branch: str
    head: str
    title: str
    body: str
    draft: bool = True
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()


class Reason(StrEnum):
    """Why a task stands where it stands."""

    CLAIMED = "claimed"
    PUBLISHED = "published"
    MERGED = "merged"
    CLOSED_UNMERGED = "closed_unmerged"
    WITHDRAWN = "withdrawn"
    AGENT_BLOCKED = "agent_blocked"
    NEEDS_INPUT = "needs_input"
    NO_CHANGE = "no_change"
    POLICY = "policy"
    CHECKS_FAILED = "checks_failed"
    CHECKPOINT = "checkpoint"
    LIMIT = "limit"
    SESSION_LIMIT = "session_limit"
    AGENT_FAILED = "agent_failed"
    SERVICE = "service"
    USAGE_WINDOW = "usage_window"
    UNAUTHORISED = "unauthorised"
    INTERRUPTED = "interrupted"
    WORKSPACE = "workspace"
    PUBLISHING = "publishing"
    HUMAN_PUSHED = "human_pushed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is true of a task if this process dies now. `sentence` is for people, whole and plain."""

    state: TaskState
    reason: Reason
    sentence: str
    remedy: str = ""
    blockers: tuple[Blocker, ...] = ()
    pull_request: PullRequest | None = None
    retry_at: datetime | None = None
