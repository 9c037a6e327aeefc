"""Entries of the journal in words, for logs and terminals."""

from autorun.core.model import Outcome, Usage
from autorun.core.report.journal import Entry, Happening
from autorun.core.report.rendering import cost
from autorun.core.text.loglines import one_line

_NAME_THEIR_TASK = frozenset({Happening.TASK_STARTED, Happening.TASK_SKIPPED})


def told(entry: Entry) -> str:
    """Return an entry in as many lines as it needs."""
    if entry.what is Happening.TASK_ENDED and entry.outcome is not None:
        return ended(entry, entry.outcome)
    return plain(entry)


def plain(entry: Entry) -> str:
    """Return an entry as one line."""
    where = f"{entry.task}: " if entry.task and entry.what not in _NAME_THEIR_TASK else ""
    step = f"{entry.step}: " if entry.step and entry.what is not Happening.SESSION_ENDED else ""
    word = "warning: " if entry.what is Happening.WARNING else ""
    text = one_line(f"{word}{where}{step}{entry.text}")
    return f"{text} ({spent(entry.usage)})" if entry.usage and entry.usage.turns else text


def ended(entry: Entry, outcome: Outcome) -> str:
    """Return how a task ended, with its cost and what a human can do."""
    lines = [f"{entry.task} {entry.title}: {outcome.state}. {outcome.sentence} ({spent(entry.usage)})"]
    for blocker in outcome.blockers:
        needed = f" Needed: {blocker.needed}" if blocker.needed else ""
        lines.append(f"  {blocker.what}{': ' + blocker.why if blocker.why else ''}{needed}")
    if outcome.remedy:
        lines.append(f"  {outcome.remedy}")
    return "\n".join(lines)


def spent(usage: Usage | None) -> str:
    """Return what was consumed in a few words."""
    if usage is None:
        return ""
    return f"{usage.turns} turns, {cost(usage)}"
