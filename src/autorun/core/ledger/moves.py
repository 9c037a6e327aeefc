"""The legal moves of a task, as a table."""

from enum import StrEnum

from autorun.core.model import TaskState


class Move(StrEnum):
    """What can happen to a task."""

    CLAIM = "claim"
    RENEW = "renew"
    STEAL = "steal"
    PUBLISH = "publish"
    BLOCK = "block"
    PAUSE = "pause"
    FAIL = "fail"
    RELEASE = "release"
    MERGE = "merge"
    CLOSE = "close"


_S = TaskState
_STARTABLE = (_S.TODO, _S.BLOCKED, _S.PAUSED, _S.FAILED, _S.IN_REVIEW, _S.CANCELLED, _S.DONE)
_WAITING = (_S.TODO, _S.BLOCKED, _S.PAUSED, _S.FAILED, _S.IN_REVIEW, _S.CANCELLED)

# Whether a task *may* be claimed from a stopped state is planning's decision (a human's answer allows it);
# the table says only that the move exists.
MOVES: dict[tuple[TaskState, Move], TaskState] = {
    **{(state, Move.CLAIM): _S.IN_PROGRESS for state in _STARTABLE},
    (_S.IN_PROGRESS, Move.RENEW): _S.IN_PROGRESS,
    (_S.IN_PROGRESS, Move.STEAL): _S.IN_PROGRESS,
    (_S.IN_PROGRESS, Move.PUBLISH): _S.IN_REVIEW,
    (_S.IN_PROGRESS, Move.BLOCK): _S.BLOCKED,
    (_S.IN_PROGRESS, Move.PAUSE): _S.PAUSED,
    (_S.IN_PROGRESS, Move.FAIL): _S.FAILED,
    (_S.IN_PROGRESS, Move.RELEASE): _S.TODO,
    (_S.IN_PROGRESS, Move.CLOSE): _S.CANCELLED,
    (_S.IN_PROGRESS, Move.MERGE): _S.DONE,
    (_S.IN_REVIEW, Move.BLOCK): _S.BLOCKED,
    (_S.BLOCKED, Move.PUBLISH): _S.IN_REVIEW,  # a human opened the pull request
    **{(state, Move.MERGE): _S.DONE for state in _WAITING},
    **{(state, Move.CLOSE): _S.CANCELLED for state in _WAITING},
}


class IllegalMove(Exception):
    """A move that the table does not know: a bug in the caller, never a user's doing."""


def after(state: TaskState, move: Move) -> TaskState:
    """Return the state a move leads to; raise IllegalMove if the table has no such move."""
    try:
        return MOVES[state, move]
    except KeyError:
        raise IllegalMove(f"{move} is no legal move from {state}") from None


def settling(state: TaskState) -> Move:
    """Return the move by which a task in progress comes to `state`."""
    for (source, move), target in MOVES.items():
        if source is TaskState.IN_PROGRESS and target is state is not TaskState.IN_PROGRESS:
            return move
    raise IllegalMove(f"a task in progress cannot become {state}")
