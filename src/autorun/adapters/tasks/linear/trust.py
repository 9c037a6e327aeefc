"""Whose word counts in Linear.

Linear tells no role beyond this: a user is a member of the workspace, a guest in some of its teams, or an app.
Members count, like people with write access elsewhere. Guests do not. Apps count if `trust.bots` names them by their
display name (unique in a workspace); automations and integrations, which act without a user, if it names their type
(`workflow`, `github`). Roles in the configuration mean nothing here.

Linear tells who set a label (`IssueHistory.addedLabelIds` and `actor`; on an issue created with the label it is the
creator) and who edited title and description, but not what the text was before. So the text cannot be frozen, only
refused: an edit after the labelling by anyone whose word does not count holds the issue back until the label is set
again. Entries may sum up changes over a short time; they count as lasting until the last of these.
"""

from collections.abc import Collection

from autorun.adapters.tasks.linear.issue import Actor, Issue


def trusted(actor: Actor, bots: Collection[str]) -> bool:
    """Tell whether an actor's word counts; `bots` are names of apps and types of integrations."""
    if not actor.id:
        return bool(actor.bot) and actor.bot in bots
    if actor.app:
        return actor.active and actor.name in bots
    return actor.active and not actor.guest


def objection(issue: Issue, label: str, bots: Collection[str]) -> str:
    """Say why an issue may not be worked, as a sentence; empty if it may."""
    if issue.archived:
        return "The issue is archived: restore it first."
    ours = {each.id for each in issue.labels if each.name == label}
    if not ours:
        return f"The issue no longer bears the label `{label}`."
    set_by = max(
        (event for event in issue.history if ours & set(event.added_labels)), key=lambda event: event.at, default=None
    )
    labeller, labelled_at = (set_by.actor, set_by.at) if set_by else (issue.creator, issue.created_at)
    again = f"a member of the workspace must take the label `{label}` off and set it again"
    if not trusted(labeller, bots):
        return f"The label `{label}` was set by {described(labeller)}: {again}."
    for event in issue.history:
        stranger = next((editor for editor in event.editors if not trusted(editor, bots)), None)
        if stranger is not None and event.until >= labelled_at:
            return f"The text was edited after the labelling by {described(stranger)}: {again}."
    return ""


def described(actor: Actor) -> str:
    """Return who an actor is, and why that does not count."""
    if not actor.id:
        return f"an integration ({actor.bot})" if actor.bot else "someone Linear does not name"
    if actor.app:
        return f"the app {actor.name}"
    return f"{actor.name}, a guest" if actor.guest else f"{actor.name}, whose account is switched off"
