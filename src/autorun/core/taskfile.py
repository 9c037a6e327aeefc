"""A task as a Markdown file: optional front matter, then the text. Only the `status` line is ever rewritten.

The front matter is YAML whose values are read as plain words, so that `depends_on: 007` stays `007`.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import yaml

from autorun.core import tasktext
from autorun.core.model import Dependency, Priority, Task, TaskId, TaskState

PROVIDER = "file"
MAX_BYTES = 1024 * 1024
_MAX_FRONT = 8192  # libyaml recurses on the C stack: deep nesting would end the process
_BOM = "\N{BYTE ORDER MARK}"
_OPENING = re.compile(r"---[ \t]*\r?\n")
_CLOSING = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.MULTILINE)
_PLAIN_START = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n|[ \t]*\r\n)*[^\s{]")
_STATUS = re.compile(
    r"""(?im)^(?P<key>(?P<quote>["']?)status(?P=quote)[ \t]*:)(?P<gap>[ \t]*)"""
    r"""(?P<value>(?:[^\s#](?:[^\r\n#]*[^\s#])?)?)(?P<rest>[ \t]*(?:#[^\r\n]*)?\r?\n)"""
)
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # four times as fast where libyaml is there
_NOTHING = frozenset({"", "~", "null"})
_SLUG_LENGTH = 60

_STATES = {
    TaskState.TODO: ("todo", "to_do", "open", "new", "ready", "backlog", "queued"),
    TaskState.IN_PROGRESS: ("in_progress", "inprogress", "doing", "started", "wip"),
    TaskState.IN_REVIEW: ("in_review", "inreview", "review"),
    TaskState.BLOCKED: ("blocked",),
    TaskState.PAUSED: ("paused", "on_hold"),
    TaskState.FAILED: ("failed",),
    TaskState.DONE: ("done", "complete", "completed", "closed", "finished", "merged"),
    TaskState.CANCELLED: ("cancelled", "canceled", "dropped", "wontfix", "wont_fix"),
}
_STATE_OF = {word: state for state, words in _STATES.items() for word in words}


class Malformed(ValueError):
    """A file that is no task; the text is a whole sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFile:
    """One file, read. `identity` is its front matter's `id`, or its key."""

    task: Task
    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """A file's text: byte order mark, front matter between its fences (all empty if there is none), body."""

    mark: str = ""
    opening: str = ""
    front: str = ""
    closing: str = ""
    body: str

    def __str__(self) -> str:
        return self.mark + self.opening + self.front + self.closing + self.body


def parse(data: bytes, key: str) -> TaskFile:
    """Read a file's bytes as the task `key`. Raises Malformed."""
    parts = _cut(_decoded(data))
    front = _mapping(parts.front)
    text = tasktext.read(parts.body)
    if not text.title:
        raise Malformed("The file has no title: its first heading should be `# Title: ...`.")
    priority, priority_warnings = _priority(front)
    created_at, created_warnings = _created(front)
    task = Task(
        id=TaskId(provider=PROVIDER, key=key),
        title=text.title,
        body=parts.body,
        criteria=text.criteria,
        steps=text.steps,
        state=_state(front),
        priority=priority,
        labels=_words(front, "labels"),
        depends_on=tuple(Dependency(key=name.removesuffix(".md")) for name in _words(front, "depends_on")),
        created_at=created_at,
        revision=_revision(parts),
        warnings=(*priority_warnings, *created_warnings, *text.warnings),
    )
    return TaskFile(task=task, identity=_word(front, "id") or key)


def with_status(data: bytes, state: TaskState) -> bytes:
    """Return the file with its status set; every other byte stays. Raises Malformed."""
    parts = _cut(_decoded(data))
    if _state(_mapping(parts.front)) is state:
        return data
    newline = "\r\n" if re.match(r"[^\n]*\r\n", parts.opening or parts.body) else "\n"
    line = f"status: {state}{newline}"
    if not parts.opening:
        changed = replace(parts, opening=f"---{newline}", front=line, closing=f"---{newline}")
    elif _STATUS.search(parts.front):
        changed = replace(parts, front=_STATUS.sub(lambda old: _restated(old, state), parts.front))
    else:
        changed = replace(parts, front=parts.front + line)
    if _cut(str(changed)) != changed or _status_of(changed) is not state:
        raise Malformed("The front matter has no room for a status: give it a line `status: todo` of its own.")
    return str(changed).encode()


def _restated(line: re.Match[str], state: TaskState) -> str:
    space = " " if line["rest"].startswith("#") else ""
    return f"{line['key']}{line['gap'] or ' '}{state}{space}{line['rest']}"


def _status_of(parts: _Parts) -> TaskState | None:
    try:
        return _state(_mapping(parts.front))
    except Malformed:
        return None


def render(
    title: str,
    body: str = "",
    *,
    priority: Priority = Priority.MEDIUM,
    labels: Sequence[str] = (),
    depends_on: Sequence[str] = (),
    created_at: datetime | None = None,
) -> str:
    """Return the text of a new task file that reads back as these values; `created_at` is aware."""
    front: dict[str, str | list[str]] = {"status": TaskState.TODO.value, "priority": priority.name.lower()}
    if labels:
        front["labels"] = list(labels)
    if depends_on:
        front["depends_on"] = list(depends_on)
    if created_at is not None:
        front["created"] = created_at.astimezone(UTC).isoformat(timespec="seconds")
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
    heading = " ".join(title.split())
    closing = " #" if heading.endswith("#") else ""  # else a last hash would count as decoration
    text = body.strip("\r\n")
    return f"---\n{head}---\n# Title: {heading}{closing}\n" + (f"\n{text}\n" if text else "")


def slug(title: str) -> str:
    """Return a file name for a title: lower case, digits, dashes; never empty."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_SLUG_LENGTH].rstrip("-") or "task"


def _decoded(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise Malformed(f"The file is larger than {MAX_BYTES // 1024} KiB: a task is a page of text.")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"The file is not UTF-8 (byte {error.start}): save it as UTF-8.") from None
    if not text.lstrip(_BOM).strip():
        raise Malformed("The file is empty: a task needs at least a line `# Title: ...`.")
    return text


def _cut(text: str) -> _Parts:
    mark = _BOM if text.startswith(_BOM) else ""
    plain = text[len(mark) :]
    opening = _OPENING.match(plain)
    if opening is None:
        return _Parts(mark=mark, body=plain)
    closing = _CLOSING.search(plain, opening.end())
    if closing is None:
        raise Malformed("The front matter is never closed: end it with a line `---`.")
    front = plain[opening.end() : closing.start()]
    if len(front) > _MAX_FRONT:
        raise Malformed(f"The front matter is longer than {_MAX_FRONT // 1024} KiB: move the text below it.")
    return _Parts(mark=mark, opening=opening[0], front=front, closing=closing[0], body=plain[closing.end() :])


def _mapping(front: str) -> Mapping[str, object]:
    """Read the front matter; keys in lower case, every scalar as its own characters."""
    try:
        loaded = yaml.load(front, Loader=_LOADER) if front.strip() else None  # noqa: S506 - it builds no objects
    except yaml.MarkedYAMLError as error:
        line = f" (line {error.problem_mark.line + 2})" if error.problem_mark else ""
        raise Malformed(f"The front matter is no valid YAML{line}: {error.problem}.") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Malformed(f"The front matter is no valid YAML: {type(error).__name__}.") from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict) or not _PLAIN_START.match(front):
        raise Malformed("The front matter is no list of `key: value` lines that start at the margin.")
    values = {key.lower(): value for key, value in loaded.items() if isinstance(key, str)}
    lines = [line["value"].strip("\"'") for line in _STATUS.finditer(front)]
    if lines != [values[name] for name in ("status",) if name in values]:
        raise Malformed("The front matter must hold `status` once, as a word on a line of its own.")
    return values


def _word(front: Mapping[str, object], name: str) -> str:
    value = front.get(name, "")
    if not isinstance(value, str):
        raise Malformed(f"`{name}` in the front matter must be one word or line.")
    value = value.strip()
    return "" if value.lower() in _NOTHING else value


def _words(front: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = front.get(name, "")
    if isinstance(value, str):
        value = _word(front, name).split(",")
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Malformed(f"`{name}` in the front matter must be a list of words, or words with commas between.")
    return tuple(dict.fromkeys(word for item in value if (word := item.strip())))


def _state(front: Mapping[str, object]) -> TaskState:
    word = _word(front, "status")
    state = _STATE_OF.get(re.sub(r"[\s_-]+", "_", word.replace("'", "")).lower()) if word else TaskState.TODO
    if state is None:
        raise Malformed(f'The status "{word}" is unknown: use one of {", ".join(TaskState)}.')
    return state


def _priority(front: Mapping[str, object]) -> tuple[Priority, tuple[str, ...]]:
    word = _word(front, "priority")
    found = tasktext.priority(word) if word else Priority.MEDIUM
    if found is not None:
        return found, ()
    return Priority.MEDIUM, (
        f'The priority "{word}" is unknown, so medium is assumed: use critical, high, medium or low.',
    )


def _created(front: Mapping[str, object]) -> tuple[datetime | None, tuple[str, ...]]:
    word = _word(front, "created")
    if not word:
        return None, ()
    try:
        moment = datetime.fromisoformat(word)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC), ()
    except (ValueError, OverflowError):
        return None, (f'The date of creation "{word}" is not understood: write it like 2026-11-04.',)


def _revision(parts: _Parts) -> str:
    """Hash what people own: all but the status, with line ends as git may change them."""
    front = _STATUS.sub("", parts.front)
    text = "\0".join("\n".join(part.splitlines()).strip() for part in (front, parts.body))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
