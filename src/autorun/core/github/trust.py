"""Whose word counts on GitHub: who let an issue in, whose edits and comments stand. Rules over gathered facts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from autorun.core.github import commands_text
from autorun.core.github.commands_text import Spoken

UNKNOWN = ""  # the role of someone whom GitHub did not tell about: never enough
_GO_ON = "then take the label off and put it on again, or comment `/autorun`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """An account by its exact login, an app's with `[bot]` at its end; empty when the account is gone."""

    login: str = ""

    @property
    def app(self) -> bool:
        """It is an app: it has no role, only the configuration can trust it."""
        return self.login.endswith("[bot]")

    @property
    def called(self) -> str:
        """A name for sentences."""
        return self.login or "an account that is gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something an account did at a time."""

    at: datetime
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A comment. `ours` is one we wrote ourselves."""

    id: int
    at: datetime
    by: Actor
    body: str
    edited_at: datetime | None = None
    ours: bool = False

    @property
    def stands_since(self) -> datetime:
        """When it last changed."""
        return self.edited_at or self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What GitHub tells of an issue. `asked_by` is the comment that started this run, if it is about this issue.

    `labelled` says the queue label is on, `labelling` who last put it there (None: nobody can be told). `changes` are
    edits of the text and renames, the original not among them; `edited_at` is GitHub's own word on the last edit.
    """

    label: str
    labelled: bool
    labelling: Deed | None = None
    changes: tuple[Deed, ...] = ()
    edited_at: datetime | None = None
    notes: tuple[Note, ...] = ()
    asked_by: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Whose word counts, from the configuration: roles by name, apps by exact login."""

    label_roles: frozenset[str] = frozenset({"write", "maintain", "admin"})
    command_roles: frozenset[str] = frozenset({"write", "maintain", "admin"})
    comment_roles: frozenset[str] = frozenset({"write", "maintain", "admin"})
    bots: frozenset[str] = frozenset()


Roles = Mapping[str, str]  # login -> role; UNKNOWN where GitHub did not tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Who approved the text as it stands, and since when; or in a whole sentence why it is not approved."""

    approval: Deed | None = None
    objection: str = ""


def trusted(actor: Actor, allowed: frozenset[str], rules: Rules, roles: Roles) -> bool:
    """Tell whether an account's word counts."""
    if actor.login in rules.bots:
        return True
    return bool(actor.login) and not actor.app and roles.get(actor.login, UNKNOWN) in allowed


def orders(facts: Facts) -> Iterator[tuple[Note, Spoken]]:
    """Yield the commands in an issue's comments, oldest first: never edited, and none of ours."""
    for note in facts.notes:
        if not note.ours and note.edited_at is None and (spoken := commands_text.parse(note.body)):
            yield note, spoken


def whom_to_ask(facts: Facts) -> frozenset[str]:
    """Return the logins whose roles decide whether the issue is approved."""
    people = [facts.labelling.by] if facts.labelling else []
    people += [note.by for note, spoken in orders(facts) if spoken.order.answer]
    since = min([deed.at for deed in _candidates(facts)], default=None)
    people += [deed.by for deed in facts.changes if since and deed.at >= since]
    return _logins(people)


def commenters(facts: Facts, approval: Deed) -> tuple[str, ...]:
    """Return the logins whose comments could be shown, the latest first."""
    return tuple(dict.fromkeys(note.by.login for note in reversed(_standing(facts, approval)) if _askable(note.by)))


def verdict(facts: Facts, rules: Rules, roles: Roles) -> Verdict:
    """Judge whether the text as it stands was approved by someone whose word counts."""
    if not facts.labelled and _asking(facts, rules, roles) is None:
        return Verdict(objection=f"The label `{facts.label}` is not on this issue.")
    approvals = [note for note, spoken in orders(facts) if _obeyed(note, spoken, rules, roles)]
    deeds = [Deed(at=note.at, by=note.by) for note in approvals]
    refusal = _label_refusal(facts, rules, roles)
    if facts.labelling and not refusal:
        deeds.append(facts.labelling)
    if not deeds:
        return Verdict(objection=refusal)
    approval = max(deeds, key=lambda deed: deed.at)
    return Verdict(approval=approval, objection=_changed(facts, approval, rules, roles))


def commands(facts: Facts, rules: Rules, roles: Roles, *, since: datetime | None) -> Iterator[tuple[Note, Spoken]]:
    """Yield the commands that let a task go on: the one that started this run, or one newer than `since`."""
    for note, spoken in orders(facts):
        new = since is None or note.at > since
        if (note.id == facts.asked_by or new) and _obeyed(note, spoken, rules, roles):
            yield note, spoken


def shown(facts: Facts, approval: Deed, rules: Rules, roles: Roles) -> tuple[Note, ...]:
    """Return the comments an agent may read: of people whose word counts, as they stood at the approval."""
    return tuple(note for note in _standing(facts, approval) if trusted(note.by, rules.comment_roles, rules, roles))


def refused_command(by: Actor, rules: Rules, roles: Roles) -> str:
    """Say why an account may not command; empty if it may."""
    if trusted(by, rules.command_roles, rules, roles):
        return ""
    return _not_enough(by, rules.command_roles, roles)


def _candidates(facts: Facts) -> list[Deed]:
    said = [Deed(at=note.at, by=note.by) for note, spoken in orders(facts) if spoken.order.answer]
    return [*said, *([facts.labelling] if facts.labelling else [])]


def _obeyed(note: Note, spoken: Spoken, rules: Rules, roles: Roles) -> bool:
    return spoken.order.answer is not None and trusted(note.by, rules.command_roles, rules, roles)


def _asking(facts: Facts, rules: Rules, roles: Roles) -> Note | None:
    found = (
        note for note, spoken in orders(facts) if note.id == facts.asked_by and _obeyed(note, spoken, rules, roles)
    )
    return next(found, None)


def _standing(facts: Facts, approval: Deed) -> list[Note]:
    return [note for note in facts.notes if not note.ours and note.stands_since < approval.at]


def _label_refusal(facts: Facts, rules: Rules, roles: Roles) -> str:
    if facts.labelling is None:
        return f"Nobody can be told to have put the label `{facts.label}` on: take it off and put it on again."
    by = facts.labelling.by
    if trusted(by, rules.label_roles, rules, roles):
        return ""
    why = _not_enough(by, rules.label_roles, roles)
    return (
        f"The label `{facts.label}` was put on by {by.called}, {why}: someone who may must read the text, {_GO_ON}."
    )


def _changed(facts: Facts, approval: Deed, rules: Rules, roles: Roles) -> str:
    later = [deed for deed in facts.changes if deed.at >= approval.at]
    strange = [deed.by for deed in later if not trusted(deed.by, rules.label_roles, rules, roles)]
    if not strange and facts.edited_at and facts.edited_at >= approval.at:
        known = any(deed.at >= facts.edited_at for deed in later)
        strange = [] if known else [Actor()]
    if not strange:
        return ""
    by = strange[-1]
    who = f"{by.login}, {_not_enough(by, rules.label_roles, roles)}," if by.login else by.called
    return (
        f"The text was changed by {who} after {approval.by.called} had approved it: someone who may must read it "
        f"again, {_GO_ON}."
    )


def _not_enough(by: Actor, allowed: frozenset[str], roles: Roles) -> str:
    """Continue a sentence that has just named the account."""
    if not by.login:
        return "whose role nobody can tell"
    if by.app:
        return "an app that `trust.bots` does not name"
    role = roles.get(by.login, UNKNOWN)
    needed = ", ".join(sorted(allowed)) or "none that is configured"
    if role == UNKNOWN:
        return "whose role GitHub did not tell"
    return f"whose role here is {role} (it takes {needed})"


def _askable(actor: Actor) -> bool:
    return bool(actor.login) and not actor.app


def _logins(people: list[Actor]) -> frozenset[str]:
    return frozenset(actor.login for actor in people if _askable(actor))
