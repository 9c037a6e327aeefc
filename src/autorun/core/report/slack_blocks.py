"""What Slack is told, as Block Kit: foreign text comes as text, never as a mention, a link or a secret.

A message is a JSON object for an incoming webhook: `text` for notifications, `blocks` for the channel.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from autorun.core.model import Blocker, Outcome, Reason, TaskId, TaskState, Usage
from autorun.core.report.journal import Entry, Happening
from autorun.core.report.progress import spent
from autorun.core.text import outgoing
from autorun.core.text.secrets import redacted

Message = dict[str, Any]
Block = dict[str, Any]

_HEADER, _SECTION, _TEXT, _CONTEXT = 140, 2900, 200, 300  # characters; Slack takes a little more
_LISTED = 10
_SIGNS = {
    TaskState.IN_REVIEW: ":white_check_mark:",
    TaskState.DONE: ":white_check_mark:",
    TaskState.BLOCKED: ":question:",
    TaskState.PAUSED: ":double_vertical_bar:",
    TaskState.FAILED: ":x:",
    TaskState.TODO: ":leftwards_arrow_with_hook:",
    TaskState.CANCELLED: ":heavy_minus_sign:",
}
_HEADLINES = {
    TaskState.IN_REVIEW: "Ready for review",
    TaskState.DONE: "Done",
    TaskState.BLOCKED: "Needs an answer",
    TaskState.PAUSED: "Waits for your approval",
    TaskState.FAILED: "Failed",
}
_STUCK = frozenset({TaskState.BLOCKED, TaskState.PAUSED, TaskState.FAILED})
_FINISHED = frozenset({TaskState.IN_REVIEW, TaskState.DONE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What every message has in common. `own` are the values that may never leave."""

    run_url: str = ""
    own: tuple[str, ...] = field(default=(), repr=False)

    def text(self, foreign: str, limit: int = _TEXT) -> str:
        """Return foreign text on one line, inert in Slack's markup."""
        # Twice: what hides in a secret's middle is dropped in between, what breaks one up comes in between.
        clean = redacted(outgoing.line(redacted(foreign, self.own), limit), self.own)
        return clean.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def plain(self, foreign: str, limit: int) -> str:
        """Return foreign text on one line for where there is no markup."""
        return redacted(outgoing.line(redacted(foreign, self.own), limit), self.own)


def started(entry: Entry, planned: str, style: Style) -> Message:
    """A session begins; `planned` says how much there is to do."""
    return _message(
        f"Autorun starts: {style.text(planned)}",
        [
            _header("Autorun starts", style),
            _section(f"{style.text(planned)}\n{style.text(entry.text)}"),
            _context(entry, style),
        ],
    )


def task_ended(entry: Entry, outcome: Outcome, style: Style) -> Message:
    """A task ended: what became of it and what it waits for."""
    headline = f"{_SIGNS[outcome.state]} *{_HEADLINES.get(outcome.state, style.text(outcome.state))}*"
    lines = [f"{headline}\n{_task(entry, style)}"]
    if outcome.pull_request is not None:
        lines.append(_link(outcome.pull_request.url, _named(outcome), style))
    else:
        lines.append(style.text(outcome.sentence, 1000))
    blocks = [_section("\n".join(lines))]
    blocks += [_section(told) for blocker in outcome.blockers[:_LISTED] if (told := _blocker(blocker, style))]
    if outcome.state in _STUCK:
        blocks.append(_section(f"*What to do*: {_what_to_do(entry, outcome, style)}"))
    blocks.append(_context(entry, style, spent(entry.usage or Usage())))
    return _message(f"{_HEADLINES.get(outcome.state, outcome.state)}: {_short(entry, style)}", blocks)


def asking(entry: Entry, style: Style) -> Message:
    """Someone is asked on the terminal."""
    return _message(
        f"Waits for you on the terminal: {_short(entry, style)}",
        [
            _section(
                f":raised_hand: *Waits for you on the terminal*\n{_task(entry, style)}\n{style.text(entry.text)}"
            ),
            _context(entry, style),
        ],
    )


def update(last: Entry, ended: Sequence[Entry], style: Style) -> Message:
    """The work goes on: what is in hand, what became of the tasks so far."""
    step = f" ({style.text(last.step, 40)})" if last.step else ""
    so_far = _sum(ended) + (last.usage or Usage())
    return _message(
        f"Autorun is at work: {_short(last, style)}",
        [
            _section(f":hourglass_flowing_sand: *At work*\n{_task(last, style)}\n{style.text(last.text)}{step}"),
            _context(last, style, _counts(ended), spent(so_far)),
        ],
    )


def session_ended(entry: Entry, ended: Sequence[Entry], style: Style, *, unsent: int = 0) -> Message:
    """A session is over: why, what became of each task, what needs a human. `unsent`: messages that were dropped."""
    limit = entry.step == "limit"
    headline = "Autorun met a limit" if limit else "Autorun failed" if entry.step == "error" else "Autorun is done"
    blocks = [_header(headline, style), _section(f"{style.text(entry.text, 1000)}. {_counts(ended)}.")]
    listed = [
        f"{_SIGNS[each.outcome.state]} {_task(each, style)}"
        + (f" · {_link(found.url, 'pull request', style)}" if (found := each.outcome.pull_request) else "")
        for each in ended
        if each.outcome is not None
    ]
    more = [f"and {len(listed) - _LISTED} more"] if len(listed) > _LISTED else []
    if listed:
        blocks.append(_section("\n".join([*listed[:_LISTED], *more])))
    late = [f"{unsent} earlier messages could not be sent"] if unsent else []
    blocks.append(_context(entry, style, spent(entry.usage or _sum(ended)), *late))
    return _message(f"{headline}: {_counts(ended)}", blocks)


def told(entry: Entry, style: Style, *, on_complete: bool, on_blocked: bool) -> Message | None:
    """Return what is told of one entry in the middle of a session, None if nothing is."""
    outcome = entry.outcome
    if entry.what is Happening.ASKING and on_blocked:
        return asking(entry, style)
    if entry.what is not Happening.TASK_ENDED or outcome is None:
        return None
    if (outcome.state in _FINISHED and on_complete) or (outcome.state in _STUCK and on_blocked):
        return task_ended(entry, outcome, style)
    return None


def _blocker(blocker: Blocker, style: Style) -> str:
    parts = (("Blocked by", blocker.what), ("Why", blocker.why), ("What unblocks it", blocker.needed))
    return "\n".join(f"*{name}*: {style.text(text, 900)}" for name, text in parts if text)


def _what_to_do(entry: Entry, outcome: Outcome, style: Style) -> str:
    said = f"{style.text(outcome.remedy, 900)} " if outcome.remedy else ""
    return said + (_how(entry.task, outcome) if entry.task else "")


def _how(task: TaskId, outcome: Outcome) -> str:
    """Say how a stopped task is let go on, in its tracker's own way."""
    approves = outcome.state is TaskState.PAUSED and outcome.reason in {Reason.CHECKPOINT, Reason.CHECKS_FAILED}
    command = "/autorun approve [guidance]" if approves else "/autorun retry [answer]"
    match task.provider:
        case "github":
            return f"Comment `{command}` on the issue."
        case "linear":
            return f"Answer with a comment on the issue (`{command}`), or move it back to the start."
        case _:
            return f"Edit the task's text or set its status to todo, or run `autorun start --task {task.key}`."


def _counts(ended: Sequence[Entry]) -> str:
    states = [each.outcome.state for each in ended if each.outcome is not None]
    groups = (
        (sum(state in _FINISHED for state in states), "in review"),
        (sum(state in {TaskState.BLOCKED, TaskState.PAUSED} for state in states), "need you"),
        (sum(state is TaskState.FAILED for state in states), "failed"),
    )
    return ", ".join(f"{count} {name}" for count, name in groups if count) or "nothing finished"


def _sum(ended: Sequence[Entry]) -> Usage:
    return sum((each.usage or Usage() for each in ended), Usage())


def _named(outcome: Outcome) -> str:
    number = outcome.pull_request.number if outcome.pull_request else None
    return f"Pull request #{number}" if number else "Pull request"


def _task(entry: Entry, style: Style) -> str:
    name = style.text(str(entry.task or ""), 80)
    linked = _link(entry.url, name, style) if entry.url else name
    return f"*{linked}* {style.text(entry.title)}".strip()


def _short(entry: Entry, style: Style) -> str:
    return f"{style.text(str(entry.task or ''), 80)} {style.text(entry.title, 100)}".strip()


def _link(url: str, name: str, style: Style) -> str:
    """Return a link to an address of ours, as text if it is no web address."""
    clean = redacted(url, style.own)
    return f"<{clean}|{name}>" if re.fullmatch(r"https?://[^\s<>|&]+", clean) else f"{name}: {style.text(clean)}"


def _message(text: str, blocks: Sequence[Block]) -> Message:
    return {"text": text, "blocks": list(blocks), "unfurl_links": False, "unfurl_media": False}


def _header(text: str, style: Style) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": style.plain(text, _HEADER), "emoji": False}}


def _section(text: str) -> Block:
    return {"type": "section", "text": _markup(_cut(text, _SECTION))}


def _context(entry: Entry, style: Style, *facts: str) -> Block:
    parts = [*facts, f"session {style.text(entry.session, 60)}"]
    if style.run_url:
        parts.append(_link(style.run_url, "the run", style))
    return {"type": "context", "elements": [_markup(_cut(" · ".join(parts), _CONTEXT))]}


def _markup(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}  # verbatim: Slack finds no mentions or links of its own


def _cut(text: str, limit: int) -> str:
    # What is cut through, an entity or a link, goes as a whole.
    return text if len(text) <= limit else re.sub(r"(?:&[a-z]{0,3}|<[^>]*)$", "", text[: limit - 1]) + "…"
