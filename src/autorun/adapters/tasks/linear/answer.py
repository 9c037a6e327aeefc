"""What people say in comments to let a stopped task go on."""

import re
from collections.abc import Sequence

from autorun.adapters.tasks.linear.issue import Note
from autorun.core.model import Answer, AnswerKind, TaskState

_STOPPED = frozenset({TaskState.BLOCKED, TaskState.PAUSED, TaskState.FAILED})
_COMMAND = re.compile(r"\s*/autorun\b[ \t]*([a-z]*)[ \t]*", re.IGNORECASE)
_KINDS = {"approve": AnswerKind.APPROVE, "retry": AnswerKind.RETRY}


def answer(notes: Sequence[Note], state: TaskState) -> Answer | None:
    """Return the answer that comments give, oldest first, each newer than the question and of one who counts.

    `/autorun approve` and `/autorun retry` at the beginning of a comment are commands. Any other text answers a
    blocked or paused task; a failed one is often talked about and needs a command.
    """
    if state not in _STOPPED:
        return None
    said: list[Answer] = []
    commanded = False
    for note in notes:
        command = _COMMAND.match(note.body)
        kind = _KINDS.get(command[1].lower()) if command else AnswerKind.RETRY
        if kind is None:
            continue
        commanded = commanded or command is not None
        text = note.body[command.end() :] if command else note.body
        said.append(Answer(kind=kind, text=text.strip(), author=note.author.called, at=note.created_at))
    if not said or (state is TaskState.FAILED and not commanded):
        return None
    approved = any(each.kind is AnswerKind.APPROVE for each in said)
    return Answer(
        kind=AnswerKind.APPROVE if approved else AnswerKind.RETRY,
        text="\n\n".join(each.text for each in said if each.text),
        author=said[-1].author,
        at=said[-1].at,
    )
