"""Issues, their comments and everything that happens to them, as methods a test can tell a story with."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from github_double.home import Home, Label
from github_double.site import Entity, Moved, Refused, User, invalid

BODY_LIMIT = 65_536
TITLE_LIMIT = 256


@dataclass(kw_only=True, eq=False, repr=False)
class Edit(Entity):
    """One version of a text: what it said from `at` on, and who wrote that."""

    PREFIX: ClassVar[str] = "UCE"
    at: datetime
    editor: User
    text: str
    deleted_at: datetime | None = None
    deleted_by: User | None = None

    def delete(self, *, by: str) -> None:
        """Take the version out of the history, as authors may: when and by whom stays, the text does not."""
        self.deleted_at, self.deleted_by = self.site.clock.tick(), self.site.user(by)


@dataclass(kw_only=True, eq=False, repr=False)
class Event(Entity):
    """Something in an issue's timeline. `kind` is the REST name (labeled, renamed, closed, ...)."""

    PREFIX: ClassVar[str] = "EV"
    kind: str
    actor: User
    at: datetime
    label: Label | None = None
    before: str = ""
    after: str = ""
    reason: str | None = None


@dataclass(kw_only=True, eq=False, repr=False)
class Reaction(Entity):
    """One reaction; `content` is the REST word: +1, -1, laugh, confused, heart, hooray, rocket, eyes."""

    PREFIX: ClassVar[str] = "REA"
    user: User
    content: str
    at: datetime


@dataclass(kw_only=True, eq=False, repr=False)
class Text(Entity):
    """A body with its author, edit history and reactions."""

    author: User
    body: str | None
    created_at: datetime
    updated_at: datetime
    last_edited_at: datetime | None = None
    last_editor: User | None = None
    edits: list[Edit] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)

    def rewrite(self, body: str | None, *, by: User) -> None:
        """Replace the body; the first edit also records the original, as GitHub's history does."""
        check_body(type(self).__name__, body)
        if body == self.body:
            return
        now = self.site.clock.tick()
        if not self.edits:
            self.edits.append(Edit(site=self.site, at=self.created_at, editor=self.author, text=self.body or ""))
        self.edits.append(Edit(site=self.site, at=now, editor=by, text=body or ""))
        self.body, self.updated_at, self.last_edited_at, self.last_editor = body, now, now, by

    def react(self, content: str, *, by: str) -> Reaction:
        """Add a reaction; the same one twice is one."""
        user = self.site.user(by)
        for each in self.reactions:
            if each.user is user and each.content == content:
                return each
        reaction = Reaction(site=self.site, user=user, content=content, at=self.site.clock.tick())
        self.reactions.append(reaction)
        return reaction

    def unreact(self, reaction_id: int) -> None:
        """Take a reaction back."""
        kept = [each for each in self.reactions if each.id != reaction_id]
        if len(kept) == len(self.reactions):
            raise Refused(404, "Not Found")
        self.reactions = kept


@dataclass(kw_only=True, eq=False, repr=False)
class Comment(Text):
    """A comment on an issue or pull request."""

    PREFIX: ClassVar[str] = "IC"
    issue: "Issue"

    def edit(self, body: str, *, by: str) -> "Comment":
        """Change the comment's text."""
        self.rewrite(body, by=self.site.user(by))
        return self

    def delete(self) -> None:
        """Delete the comment."""
        self.site.clock.tick()
        self.issue.comments.remove(self)
        del self.site.nodes[self.node_id]


@dataclass(kw_only=True, eq=False, repr=False)
class Issue(Text):
    """An issue. Everybody is named by login; every change takes a tick of the clock."""

    PREFIX: ClassVar[str] = "I"
    home: Home
    number: int
    title: str
    state: str = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    closed_by: User | None = None
    locked: bool = False
    lock_reason: str | None = None
    labels: list[Label] = field(default_factory=list)
    assignees: list[User] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    blocked_by: list["Issue"] = field(default_factory=list)
    blocking: list["Issue"] = field(default_factory=list)
    parent: "Issue | None" = None
    sub_issues: list["Issue"] = field(default_factory=list)
    moved_to: "Issue | None" = None
    deleted: bool = False

    @property
    def is_pull_request(self) -> bool:
        """Issues share their numbers with pull requests."""
        return False

    @property
    def path(self) -> str:
        """Where people open it, below its repository."""
        return f"/issues/{self.number}"

    @property
    def label_names(self) -> list[str]:
        """The names of its labels, in the order they were added."""
        return [each.name for each in self.labels]

    def present(self) -> "Issue":
        """Return itself; deleted and transferred ones refuse as GitHub does."""
        if self.moved_to is not None:
            raise Moved(f"/repositories/{self.moved_to.home.id}/issues/{self.moved_to.number}")
        if self.deleted:
            raise Refused(410, "This issue was deleted")
        return self

    def happen(
        self,
        kind: str,
        by: str,
        *,
        label: Label | None = None,
        before: str = "",
        after: str = "",
        reason: str | None = None,
    ) -> Event:
        """Note an event in the timeline."""
        now = self.site.clock.tick()
        event = Event(
            site=self.site,
            kind=kind,
            actor=self.site.user(by),
            at=now,
            label=label,
            before=before,
            after=after,
            reason=reason,
        )
        self.events.append(event)
        self.updated_at = now
        return event

    def label(self, *names: str, by: str) -> "Issue":
        """Add labels; one that is there already makes no event."""
        for name in names:
            label = self.home.ensure_label(name)
            if label not in self.labels:
                self.labels.append(label)
                self.happen("labeled", by, label=label)
        return self

    def unlabel(self, *names: str, by: str) -> "Issue":
        """Remove labels; one that is not there is refused."""
        for name in names:
            label = next((each for each in self.labels if each.name.lower() == name.lower()), None)
            if label is None:
                raise Refused(404, "Label does not exist")
            self.labels.remove(label)
            self.happen("unlabeled", by, label=label)
        return self

    def set_labels(self, names: list[str], *, by: str) -> None:
        """Replace the labels."""
        wanted = {name.lower() for name in names}
        self.unlabel(*(each for each in self.label_names if each.lower() not in wanted), by=by)
        self.label(*names, by=by)

    def edit(self, *, by: str, title: str | None = None, body: str | None = None) -> "Issue":
        """Change title or body; a new title is a `renamed` event, a new body an edit in the history."""
        if title is not None and title != self.title:
            check_title(title)
            self.happen("renamed", by, before=self.title, after=title)
            self.title = title
        if body is not None:
            self.rewrite(body, by=self.site.user(by))
        return self

    def comment(self, body: str, *, by: str) -> Comment:
        """Write a comment; on a locked issue only people who may write here can."""
        if self.locked and not self.home.has_role(by, "write") and not by.endswith("[bot]"):
            raise Refused(403, "Unable to create comment because issue is locked.")
        check_body("IssueComment", body)
        if not body.strip():
            raise invalid("IssueComment", field="data", message="Body cannot be blank")
        now = self.site.clock.tick()
        author = self.site.user(by)
        comment = Comment(site=self.site, author=author, body=body, created_at=now, updated_at=now, issue=self)
        self.comments.append(comment)
        self.updated_at = now
        return comment

    def close(self, *, by: str, reason: str = "completed") -> "Issue":
        """Close it: completed, not_planned or duplicate."""
        if self.state == "open":
            self.closed_at = self.happen("closed", by, reason=reason).at
            self.state, self.state_reason, self.closed_by = "closed", reason, self.site.user(by)
        return self

    def reopen(self, *, by: str) -> "Issue":
        """Open it again."""
        if self.state == "closed":
            self.happen("reopened", by)
            self.state, self.state_reason, self.closed_at, self.closed_by = "open", "reopened", None, None
        return self

    def lock(self, *, by: str, reason: str | None = None) -> "Issue":
        """Lock the conversation."""
        self.locked, self.lock_reason = True, reason
        self.happen("locked", by, reason=reason)
        return self

    def unlock(self, *, by: str) -> "Issue":
        """Unlock the conversation."""
        self.locked, self.lock_reason = False, None
        self.happen("unlocked", by)
        return self

    def delete(self) -> None:
        """Delete it: the API answers 410 from now on."""
        self.site.clock.tick()
        self.deleted = True

    def convert_to_discussion(self, *, by: str) -> None:
        """Turn it into a discussion: closed and locked, and gone from the issues API."""
        self.close(by=by)
        self.happen("converted_to_discussion", by)
        self.delete()

    def depend_on(self, other: "Issue") -> "Issue":
        """Mark it as blocked by another issue."""
        if other in self.blocked_by or other is self:
            raise invalid("IssueDependency", message="Target issue has already been taken")
        self.blocked_by.append(other)
        other.blocking.append(self)
        self.updated_at = self.site.clock.tick()
        return self

    def stop_depending_on(self, other: "Issue") -> None:
        """Take the dependency back."""
        if other not in self.blocked_by:
            raise Refused(404, "Not Found")
        self.blocked_by.remove(other)
        other.blocking.remove(self)
        self.updated_at = self.site.clock.tick()

    def add_sub_issue(self, child: "Issue") -> "Issue":
        """Make another issue a part of this one."""
        if child.parent is not None or child is self:
            raise invalid("SubIssue", message="Sub issue may only have one parent")
        child.parent = self
        self.sub_issues.append(child)
        self.updated_at = self.site.clock.tick()
        return self


def check_body(resource: str, body: str | None) -> None:
    """Refuse a body that is too long."""
    if len(body or "") > BODY_LIMIT:
        raise invalid(
            resource, field="body", code="custom", message=f"body is too long (maximum is {BODY_LIMIT} characters)"
        )


def check_title(title: str) -> None:
    """Refuse a title that is empty or too long."""
    if not title.strip():
        raise invalid("Issue", field="title", code="missing_field")
    if len(title) > TITLE_LIMIT:
        message = f"title is too long (maximum is {TITLE_LIMIT} characters)"
        raise invalid("Issue", field="title", code="custom", message=message)
