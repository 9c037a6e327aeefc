"""The grammar of `/autorun …`: a command stands alone at the very beginning of a comment, nowhere else."""

import re
from dataclasses import dataclass
from enum import StrEnum

from autorun.core.model import AnswerKind


class Order(StrEnum):
    """What a comment can ask for. UNKNOWN is a command that does not exist."""

    WORK = "work"
    RETRY = "retry"
    APPROVE = "approve"
    STOP = "stop"
    STATUS = "status"
    HELP = "help"
    UNKNOWN = "unknown"

    @property
    def answer(self) -> AnswerKind | None:
        """The answer it is to a stopped task; None if it is none."""
        return AnswerKind(self) if self in {Order.WORK, Order.RETRY, Order.APPROVE} else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A command and what was said with it: the rest of its line and the lines below."""

    order: Order
    text: str = ""


HELP = """\
Commands, each on the first line of a new comment by someone with write access:

| command | does |
|---|---|
| `/autorun` | work this issue now |
| `/autorun retry [answer]` | answer a blocker and go on |
| `/autorun approve [guidance]` | let a paused task go on |
| `/autorun stop` | stop the run that works on this |
| `/autorun status` | say where this stands |
| `/autorun help` | show this table |
"""

_COMMAND = re.compile(r"/autorun(?:[ \t]+([a-z]+)(?:[ \t]+(.*))?)?[ \t]*", re.IGNORECASE)
_BEGINS = re.compile(r"/autorun(?:\s|$)", re.IGNORECASE)
_WORDS = {order.value: order for order in Order if order not in {Order.WORK, Order.UNKNOWN}}
_WITH_TEXT = frozenset({Order.RETRY, Order.APPROVE})


def parse(comment: str) -> Spoken | None:
    """Return the command a comment begins with; None if it begins with none.

    Quoted, indented or fenced text does not begin with the command, so it is none.
    """
    first, _, rest = comment.replace("\r\n", "\n").replace("\r", "\n").partition("\n")
    if not _BEGINS.match(first):
        return None
    said = _COMMAND.fullmatch(first)
    if said is None:
        return Spoken(order=Order.UNKNOWN)
    order = _WORDS.get(said[1].lower(), Order.UNKNOWN) if said[1] else Order.WORK
    text = said[2] or ""
    if order is Order.UNKNOWN or (text.strip() and order not in _WITH_TEXT):
        return Spoken(order=Order.UNKNOWN)
    return Spoken(order=order, text=f"{text}\n{rest}".strip())
