"""A session on one page of Markdown: a row per task with its cost, and why the session ended."""

from autorun.core.model import Outcome, Usage
from autorun.core.report.journal import Entry, Happening
from autorun.core.report.rendering import cost
from autorun.core.text import outgoing

_ROWS = 300


def job_summary(entries: tuple[Entry, ...], end: Entry) -> str:
    """Return the page. `entries` are the session's ended tasks, skipped tasks and warnings; `end` closed it."""
    usage = end.usage or Usage()
    parts = [f"## Autorun\n\n{outgoing.line(end.text, 400)}. {usage.turns} turns, {cost(usage)}."]
    worked = [entry for entry in entries if entry.what is Happening.TASK_ENDED]
    if worked:
        rows = [_row(entry, entry.outcome) for entry in worked[:_ROWS] if entry.outcome is not None]
        parts.append("\n".join(["| task | state | what happened | turns | cost |", "|---|---|---|--:|--:|", *rows]))
    for title, what in (("Warnings", Happening.WARNING), ("Skipped", Happening.TASK_SKIPPED)):
        lines = [f"- {outgoing.line(entry.text, 400)}" for entry in entries if entry.what is what]
        if lines:
            parts.append(f"### {title}\n\n" + "\n".join(lines[:_ROWS]))
    return "\n\n".join(parts) + "\n"


def _row(entry: Entry, outcome: Outcome) -> str:
    usage = entry.usage or Usage()
    found = outcome.pull_request
    what = outgoing.link("pull request", found.url) if found else outgoing.cell(outcome.sentence)
    name = outgoing.cell(f"{entry.task} {entry.title}", 120)
    return f"| {name} | {outcome.state} | {what} | {usage.turns} | {cost(usage)} |"
