"""What an unfinished attempt leaves for the next one: a bonus that may be lost, never a decision."""

from dataclasses import dataclass, replace

from autorun.core.checkpoints import Point
from autorun.core.ledger.record import Record
from autorun.core.model import AgentSession, Statement, TaskId

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """Where an attempt stopped. It fits the record only if `fence` does; the patch is relative to `base`.

    `stopped_at` is the checkpoint that waits for a human, `statement` what the agent had said of its work by then,
    `note` what a fresh conversation should know.
    """

    v: int = VERSION
    task: TaskId
    fence: int
    base: str
    session: AgentSession | None = None
    stopped_at: Point | None = None
    statement: Statement | None = None
    passed: tuple[Point, ...] = ()
    note: str = ""


def still_true(found: Unfinished, record: Record) -> Unfinished:
    """Return what holds of saved work if all later attempts broke off without a word.

    They may have taken the conversation further, and their files with them: those saved before are what is left.
    """
    later = record.attempts[max(0, found.fence) :]
    if not later or not all(attempt.broke_off for attempt in later):
        return found
    return replace(files_alone(found), fence=record.fence)


def files_alone(found: Unfinished) -> Unfinished:
    """Return what is left of saved work if its conversation goes on and is then cut off."""
    return replace(
        found,
        session=None,
        stopped_at=None,
        statement=None,
        note="The files are as they were then. Somebody went on from there and was cut off; nothing is left of that.",
    )


def objection(found: Unfinished, record: Record, *, backend: str) -> str:
    """Say why an unfinished attempt cannot be continued, as a sentence; empty if it can."""
    if found.v != VERSION:
        return f"The saved work is of version {found.v}, this Autorun reads version {VERSION}."
    if found.task != record.task:
        return f"The saved work belongs to {found.task}."
    if found.fence != record.fence:
        return "The saved work is of another attempt than the record's last."
    if found.session is not None and found.session.backend != backend:
        return f"The saved conversation is one of {found.session.backend}, now {backend} works."
    return ""
