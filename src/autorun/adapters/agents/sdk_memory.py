"""What a stretch of the loop remembers: the conversation on disk, the transcript, and what was consumed."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from autorun.core.agent.claude_events import read
from autorun.core.agent.transcript import Transcript, activity, fold
from autorun.core.errors import ResumeRefused
from autorun.core.model import Activity, Assignment, Metered, Watch
from autorun.core.sdk.conversation import Conversation, Message, head_line, line, restored
from autorun.core.sdk.request import system_text
from autorun.effects import files

_MOST_BYTES = 256 * 1024 * 1024
_NAME = re.compile(r"[0-9a-f-]{36}", re.ASCII)


def opened(assignment: Assignment, model: str) -> tuple[Path, Conversation] | None:
    """Return the conversation to go on with and its file, or a fresh one; None if the one asked for cannot be had.

    What one model thought is of no use to another, so a conversation stays with its model. Raises OSError.
    """
    folder = files.private_folder(assignment.folder / "agent")
    if assignment.session is None:
        conversation = Conversation(model=model, system=system_text(assignment.system))
        file = folder / f"{uuid.uuid4()}.jsonl"
        files.append(file, head_line(conversation))
        return file, conversation
    if not _NAME.fullmatch(assignment.session.id):
        return None
    file = folder / f"{assignment.session.id}.jsonl"
    try:
        text = files.read(file, limit=_MOST_BYTES).decode()
        found = restored(text)
    except (OSError, ValueError, ResumeRefused):
        return None
    if not text.endswith("\n"):
        files.replace(file, text[: text.rindex("\n") + 1])  # a kill cut the last line short
    return (file, found) if found.model == model else None


class Memory:
    """Grows with every step, on disk before the next request is made."""

    def __init__(
        self,
        conversation: Conversation,
        *,
        file: Path,
        log: Path,
        meter: Callable[[], Metered] | None,
        watch: Watch,
    ) -> None:
        self._file = file
        self._log = log
        self._meter = meter
        self._watch = watch
        self._transcript = Transcript()
        self.conversation = conversation
        self.note(type="system", subtype="init", session_id=file.stem, model=conversation.model)

    @property
    def metered(self) -> Metered:
        """What the stretch consumed so far: by the meter, if there is one."""
        return self._meter() if self._meter else Metered(usage=self._transcript.usage)

    def add(self, message: Message) -> None:
        """Let the conversation grow."""
        if not message.content:
            return
        self.conversation += message
        with suppress(OSError):  # a full disk costs the resume, not the work that is paid for
            files.append(self._file, line(message))
        if message.role == "user":
            self.note(type="user", message={"role": "user", "content": [*message.content]})

    def note(self, **event: Any) -> None:
        """Write an event into the transcript, and let it count."""
        with suppress(OSError):
            files.append(self._log, json.dumps(event) + "\n")
        self._count(event)

    def hear(self, event: Mapping[str, Any]) -> None:
        """Let count what an answer costs from its first event on."""
        if event.get("type") == "message_start":
            self._count({"type": "stream_event", "event": event})

    def _count(self, event: Mapping[str, Any]) -> None:
        for one in read(json.dumps(event).encode()):
            self._transcript = fold(self._transcript, [one])
            if (seen := activity(one)) is not None:
                kind, text = seen
                with suppress(Exception):  # whoever watches may fail freely
                    self._watch(Activity(kind=kind, text=text, usage=self.metered.usage))
