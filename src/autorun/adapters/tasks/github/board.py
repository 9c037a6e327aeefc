"""Shows a record on its issue: one status label and one comment, changed by a single call."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from autorun.adapters.tasks.github.issue import Issue, Own
from autorun.adapters.tasks.github.labels import STATUS, is_status
from autorun.adapters.tasks.github.reader import Reader
from autorun.core.errors import ProviderError, TaskGone
from autorun.core.model import TaskState
from autorun.effects.github import GitHub, parsing
from autorun.effects.github_failures import Fault, Missing, Refused, Unreached

_ROUNDS = 3  # looks at an issue of which nobody knows whether it was changed
_CREDIT = re.compile(r"\n+\[The run\]\([^)\n]*\) has the log\.")

_ADD_LABEL = "addLabelsToLabelable(input: {labelableId: $issue, labelIds: $added}) { __typename }"
_REMOVE_LABELS = "removeLabelsFromLabelable(input: {labelableId: $issue, labelIds: $removed}) { __typename }"
_ADD_COMMENT = "addComment(input: {subjectId: $issue, body: $body}) { commentEdge { node { id createdAt } } }"
_DELETE_COMMENT = "deleteIssueComment(input: {{id: ${name}}}) {{ __typename }}"
_EDIT_COMMENT = "updateIssueComment(input: {id: $comment, body: $body}) { issueComment { id lastEditedAt } }"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writes:
    """What has to change. Labels are named, `removed` with their ids; `strays` are comments that must go."""

    label: str = ""
    removed: Mapping[str, str]
    comment: bool = False
    strays: tuple[str, ...] = ()

    @property
    def none(self) -> bool:
        return not (self.label or self.removed or self.comment or self.strays)


class Board:
    """Writes to issues. What would change nothing is not written."""

    def __init__(self, hub: GitHub, reader: Reader, label: str) -> None:
        self._hub = hub
        self._reader = reader
        self._label = label

    def show(self, found: Issue, state: TaskState, body: str) -> Issue:
        """Make an issue show a state, and a text as our one comment; return it as it is then.

        Raises TaskGone, ProviderError.
        """
        for _ in range(_ROUNDS):
            writes = self._needed(found, state, body)
            if not writes.none and not found.all_notes and found.own is None:
                found = self._again(found)  # our comment may be among those that were not read
                writes = self._needed(found, state, body)
            if writes.none:
                return found
            try:
                return self._write(found, writes, state, body)
            except (Unreached, Missing) as error:
                failure: ProviderError = error
                if isinstance(error, Unreached) and not error.sent:
                    raise
                found = self._again(found)
        raise failure

    def _needed(self, found: Issue, state: TaskState, body: str) -> _Writes:
        wanted = STATUS[state].name if state in STATUS else ""
        removed = {name: key for name, key in found.labels.items() if is_status(name) and name.lower() != wanted}
        if state is TaskState.DONE:
            removed |= {name: key for name, key in found.labels.items() if name.lower() == self._label.lower()}
        return _Writes(
            label=wanted if wanted and not found.bears(wanted) else "",
            removed=removed,
            comment=found.own is None or not _says(found.own.body, body),
            strays=found.strays,
        )

    def _write(self, found: Issue, writes: _Writes, state: TaskState, body: str) -> Issue:
        declared, fields = {"$issue": "ID!"}, []
        variables: dict[str, object] = {"issue": found.node_id}
        failed: ProviderError | None = None
        added = ""
        if writes.comment:
            variables["body"], declared["$body"] = body, "String!"
            if found.own is not None:
                variables["comment"], declared["$comment"] = found.own.id, "ID!"
            fields.append(f"comment: {_ADD_COMMENT if found.own is None else _EDIT_COMMENT}")
        if writes.label:
            try:
                added = self._label_id(state)
            except ProviderError as error:  # the comment still says it
                failed = error
            else:
                variables["added"], declared["$added"] = [added], "[ID!]!"
                fields.append(f"added: {_ADD_LABEL}")
        if writes.removed:
            variables["removed"], declared["$removed"] = list(writes.removed.values()), "[ID!]!"
            fields.append(f"removed: {_REMOVE_LABELS}")
        for number, stray in enumerate(writes.strays):
            name = f"stray{number}"
            variables[name], declared[f"${name}"] = stray, "ID!"
            fields.append(f"{name}: {_DELETE_COMMENT.format(name=name)}")
        done = found
        if fields:
            mutation = f"mutation({', '.join(f'{k}: {v}' for k, v in declared.items())}) {{ {' '.join(fields)} }}"
            answer = self._hub.order(f"Showing the status on {found.url}", mutation, **variables)
            self._refused(found, answer.faults)
            with parsing("what was written"):
                comment = answer.data.get("comment")
                done = self._after(found, writes, added and state, comment, body)
        if failed is not None:
            raise failed
        return done

    def _after(self, found: Issue, writes: _Writes, added: TaskState | str, comment: object, body: str) -> Issue:
        labels = {name: key for name, key in found.labels.items() if name not in writes.removed}
        if isinstance(added, TaskState):
            labels[STATUS[added].name] = self._reader.room.labels[added]
        own = found.own
        if isinstance(comment, Mapping):
            node = comment["commentEdge"]["node"] if found.own is None else comment["issueComment"]
            at = datetime.fromisoformat(node.get("lastEditedAt") or node["createdAt"])
            own = Own(id=str(node["id"]), body=body, at=at)
        return replace(found, labels=labels, own=own, strays=())

    def _refused(self, found: Issue, faults: tuple[Fault, ...]) -> None:
        """Raise what parts of a change met: Missing where looking again may help."""
        for fault in faults:
            sentence = f"Showing the status on {found.url} failed: {fault.message.rstrip('.')}."
            if fault.kind == "NOT_FOUND":
                raise Missing(sentence)
            raise Refused(sentence, hint="grant the token `issues: write`", status=403, said=fault.message)

    def _again(self, found: Issue) -> Issue:
        again = self._reader.one(found.number)
        if again is None:
            raise TaskGone(f"The issue {found.url} is not there any more.")
        return again

    def _label_id(self, state: TaskState) -> str:
        """Return the id of a status label; create it if it is not there yet."""
        room = self._reader.room
        if state not in room.labels:
            label = STATUS[state]
            home = self._hub.repository(room.name)
            try:
                made = self._hub.call(
                    f"Creating the label {label.name} in {room.name}",
                    lambda: home.create_label(label.name, label.colour, label.description),
                    repeatable=True,  # a second one of that name is refused
                )
            except Refused as error:
                if "already_exists" not in error.said:
                    raise
                made = self._hub.call(
                    f"Reading the label {label.name} of {room.name}",
                    lambda: home.get_label(label.name),
                    repeatable=True,
                )
            room.labels[state] = self._hub.call("Reading a label", lambda: made.node_id, repeatable=True)
        return room.labels[state]


def _says(there: str, wanted: str) -> bool:
    """Tell whether a comment says what is wanted; which run said it does not matter."""
    return _plain(there) == _plain(wanted)


def _plain(text: str) -> str:
    return _CREDIT.sub("", text.replace("\r\n", "\n")).strip()
