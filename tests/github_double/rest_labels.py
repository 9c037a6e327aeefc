"""REST: labels, reactions, dependencies and parts of issues."""

from github_double import render
from github_double.ask import Answer, Ask, route
from github_double.issues import Issue, Text
from github_double.rest_issues import READ, WRITE, find_comment, names
from github_double.site import Refused, invalid

# ------------ labels


def _labels(ask: Ask, issue: Issue) -> Answer:
    return Answer(rows=issue.labels, render=lambda one: render.label(one, ask.repo))


@route("issues/list-labels-on-issue", needs=READ)
def labels_on_issue(ask: Ask) -> Answer:
    """List an issue's labels."""
    return _labels(ask, ask.issue())


@route("issues/add-labels", needs=WRITE, role="triage")
def add_labels(ask: Ask) -> Answer:
    """Add labels; unknown ones are created."""
    return _labels(ask, ask.issue().label(*names(ask.body), by=ask.login))


@route("issues/set-labels", needs=WRITE, role="triage")
def set_labels(ask: Ask) -> Answer:
    """Replace the labels."""
    issue = ask.issue()
    issue.set_labels(names(ask.body or []), by=ask.login)
    return _labels(ask, issue)


@route("issues/remove-label", needs=WRITE, role="triage")
def remove_label(ask: Ask) -> Answer:
    """Remove one label."""
    return _labels(ask, ask.issue().unlabel(ask.path["name"], by=ask.login))


@route("issues/remove-all-labels", needs=WRITE, role="triage")
def remove_labels(ask: Ask) -> Answer:
    """Remove every label."""
    ask.issue().set_labels([], by=ask.login)
    return Answer(status=204)


@route("issues/list-labels-for-repo", needs=READ)
def repository_labels(ask: Ask) -> Answer:
    """List the repository's labels."""
    return Answer(rows=list(ask.repo.labels.values()), render=lambda one: render.label(one, ask.repo))


@route("issues/get-label", needs=READ)
def get_label(ask: Ask) -> Answer:
    """Read a label."""
    return Answer(body=render.label(ask.repo.find_label(ask.path["name"]), ask.repo))


@route("issues/create-label", needs=WRITE, role="write")
def create_label(ask: Ask) -> Answer:
    """Create a label."""
    color = ask.text("color") or "ededed"
    label = ask.repo.create_label(str(ask.body["name"]), color=color, description=ask.text("description"))
    ask.estate.site.clock.tick()
    return Answer(status=201, body=render.label(label, ask.repo))


@route("issues/update-label", needs=WRITE, role="write")
def update_label(ask: Ask) -> Answer:
    """Rename or recolour a label."""
    label = ask.repo.find_label(ask.path["name"])
    name = ask.text("new_name") or label.name
    if name.lower() != label.name.lower() and name.lower() in ask.repo.labels:
        raise invalid("Label", field="name", code="already_exists")
    del ask.repo.labels[label.name.lower()]
    label.name, label.color = name, ask.text("color") or label.color
    label.description = ask.text("description") or label.description
    ask.repo.labels[name.lower()] = label
    ask.estate.site.clock.tick()
    return Answer(body=render.label(label, ask.repo))


@route("issues/delete-label", needs=WRITE, role="write")
def delete_label(ask: Ask) -> Answer:
    """Delete a label everywhere."""
    label = ask.repo.find_label(ask.path["name"])
    del ask.repo.labels[label.name.lower()]
    for issue in ask.repo.issues.values():
        issue.labels = [each for each in issue.labels if each is not label]
    ask.estate.site.clock.tick()
    return Answer(status=204)


# ------------ reactions


def _react(ask: Ask, text: Text) -> Answer:
    content = str(ask.body["content"])
    known = any(each.user is ask.actor and each.content == content for each in text.reactions)
    return Answer(status=200 if known else 201, body=render.reaction(text.react(content, by=ask.login)))


def _reactions(ask: Ask, text: Text) -> Answer:
    wanted = ask.query.get("content")
    return Answer(rows=[each for each in text.reactions if wanted in {None, each.content}], render=render.reaction)


def _unreact(ask: Ask, text: Text) -> Answer:
    text.unreact(ask.number("reaction_id"))
    return Answer(status=204)


@route("reactions/create-for-issue", needs=WRITE)
def react_to_issue(ask: Ask) -> Answer:
    """React to an issue."""
    return _react(ask, ask.issue())


@route("reactions/list-for-issue", needs=READ)
def issue_reactions(ask: Ask) -> Answer:
    """List an issue's reactions."""
    return _reactions(ask, ask.issue())


@route("reactions/delete-for-issue", needs=WRITE)
def unreact_to_issue(ask: Ask) -> Answer:
    """Take back a reaction to an issue."""
    return _unreact(ask, ask.issue())


@route("reactions/create-for-issue-comment", needs=WRITE)
def react_to_comment(ask: Ask) -> Answer:
    """React to a comment."""
    return _react(ask, find_comment(ask))


@route("reactions/list-for-issue-comment", needs=READ)
def comment_reactions(ask: Ask) -> Answer:
    """List a comment's reactions."""
    return _reactions(ask, find_comment(ask))


@route("reactions/delete-for-issue-comment", needs=WRITE)
def unreact_to_comment(ask: Ask) -> Answer:
    """Take back a reaction to a comment."""
    return _unreact(ask, find_comment(ask))


# ------------ dependencies and parts


def _by_id(ask: Ask, issue_id: int) -> Issue:
    for repo in ask.estate.repositories:
        for issue in repo.issues.values():
            if issue.id == issue_id:
                return issue
    raise Refused(404, "Not Found")


@route("issues/list-dependencies-blocked-by", needs="issues:read")
def blocked_by(ask: Ask) -> Answer:
    """List what an issue waits for."""
    return Answer(rows=ask.issue().blocked_by, render=render.issue)


@route("issues/list-dependencies-blocking", needs="issues:read")
def blocking(ask: Ask) -> Answer:
    """List what waits for an issue."""
    return Answer(rows=ask.issue().blocking, render=render.issue)


@route("issues/add-blocked-by-dependency", needs="issues:write", role="triage")
def add_dependency(ask: Ask) -> Answer:
    """Make an issue wait for another."""
    issue = ask.issue().depend_on(_by_id(ask, int(ask.body["issue_id"])))
    return Answer(status=201, body=render.issue(issue))


@route("issues/remove-dependency-blocked-by", needs="issues:write", role="triage")
def remove_dependency(ask: Ask) -> Answer:
    """Let an issue no longer wait."""
    issue = ask.issue()
    issue.stop_depending_on(_by_id(ask, ask.number("issue_id")))
    return Answer(body=render.issue(issue))


@route("issues/list-sub-issues", needs="issues:read")
def sub_issues(ask: Ask) -> Answer:
    """List the parts of an issue."""
    return Answer(rows=ask.issue().sub_issues, render=render.issue)


@route("issues/add-sub-issue", needs="issues:write", role="triage")
def add_sub_issue(ask: Ask) -> Answer:
    """Make another issue a part of this one."""
    issue = ask.issue().add_sub_issue(_by_id(ask, int(ask.body["sub_issue_id"])))
    return Answer(status=201, body=render.issue(issue))
