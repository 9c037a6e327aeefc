"""Names derived from a task: its ref component, its branch. Injective, and valid for git."""

import hashlib
import re

from autorun.core.model import TaskId

REF_PREFIX = "refs/autorun/tasks/"
BRANCH_PREFIX = "autorun/"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST = 80
_DIGEST = 20  # hex digits: 80 bits


def component(key: str) -> str:
    """Return `key` as one path component of a ref, unchanged where it can be.

    Whatever had to be changed carries a hash of the original, so two keys never meet in one name.
    """
    plain = _UNSAFE.sub("_", key)[:_LONGEST]
    legal = (
        plain == key
        and key
        and ".." not in key
        and not key.startswith((".", "-"))
        and not key.endswith((".", ".lock"))
        and not _looks_hashed(key)
    )
    if legal:
        return key
    stem = plain.replace("..", "__").strip(".-") or "task"
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"{stem}-x{digest}"


def _looks_hashed(key: str) -> bool:
    return re.search(rf"-x[0-9a-f]{{{_DIGEST}}}$", key) is not None


def ref(task: TaskId) -> str:
    """Return the full name of the task's ref."""
    return f"{REF_PREFIX}{task.provider}/{component(task.key)}"


def branch(task: TaskId, generation: int = 1) -> str:
    """Return the work branch; a new generation follows a closed or merged pull request."""
    suffix = "" if generation == 1 else f"+{generation}"
    return f"{BRANCH_PREFIX}{task.provider}-{component(task.key)}{suffix}"


def next_branch(task: TaskId, current: str) -> str:
    """Return the branch that follows `current`, whose pull request is closed or merged; the first if empty."""
    if not current:
        return branch(task)
    _, plus, number = current.removeprefix(branch(task)).partition("+")
    return branch(task, int(number) + 1 if plus and number.isdecimal() else 2)
