"""Event payloads: GitHub's published examples with our state in the place of theirs."""

import copy
from collections.abc import Mapping
from typing import Any

from github_double import render, render_git
from github_double.contract import examples
from github_double.issues import Comment, Issue
from github_double.pulls import PullRequest
from github_double.repository import Repository
from github_double.runs import Run
from github_double.site import User

Json = dict[str, Any]


class ShapeBroken(AssertionError):
    """A payload lost the shape of the published example."""


def _example(name: str, action: str) -> Json:
    known = examples().get(name)
    if not known:
        raise KeyError(f"no example of the event {name!r} is published")
    for each in known:
        if not action or each.get("action") == action:
            return copy.deepcopy(each)
    made: Json = copy.deepcopy(known[0])
    made["action"] = action
    return made


def substituted(example: Any, ours: Any) -> Any:
    """Put our values into the example: its keys stay, and a key we have no value for keeps the example's."""
    if example and isinstance(example, dict) and isinstance(ours, dict):
        return {key: substituted(value, ours[key]) if key in ours else value for key, value in example.items()}
    if isinstance(example, list) and isinstance(ours, list):
        return [substituted(example[0], each) if example else each for each in ours]
    return ours


def check_shape(example: Any, made: Any, where: str = "payload") -> None:
    """Raise ShapeBroken when a key of the example is missing or a value changed its kind (null excepted)."""
    if example is None or made is None:
        return
    if isinstance(example, dict) and isinstance(made, dict):
        for key, value in example.items():
            if key not in made:
                raise ShapeBroken(f"{where} lost {key!r}")
            check_shape(value, made[key], f"{where}.{key}")
        return
    numbers = (int, float)
    same = isinstance(example, numbers) and isinstance(made, numbers)
    if type(example) is not type(made) and not same:
        raise ShapeBroken(f"{where} is {type(made).__name__}, in the example {type(example).__name__}")


def _rendered(name: str, value: Any, repo: Repository) -> Any:
    if name == "issue" and isinstance(value, int):
        value = repo.find_issue(value)
    if isinstance(value, PullRequest):
        return render.issue(value) if name == "issue" else render.pull_request(value)
    if isinstance(value, Issue):
        return render.issue(value)
    if isinstance(value, Comment):
        return render.comment(value)
    if isinstance(value, Run):
        return render_git.run(value)
    if name == "label" and isinstance(value, str):
        return render.label(repo.find_label(value), repo)
    return value


def _schedule(repo: Repository, about: Mapping[str, Any]) -> Json:
    # Not a webhook: what a job on a schedule finds in its event file.
    return {
        "schedule": about.get("schedule", "17 1 * * *"),
        "workflow": about.get("workflow", ""),
        "repository": repo,
    }


def payload(name: str, repo: Repository, sender: User, action: str, about: Mapping[str, Any]) -> Json:
    """Return a payload; `about` holds issue, comment, label, pull_request, workflow_run or plain values by key."""
    whole = render.repository(repo, sender)
    if name == "schedule":
        return _schedule(repo, about) | {"repository": whole}
    example = _example(name, action)
    ours: Json = {"repository": whole, "sender": render.user(sender)}
    ours |= {key: _rendered(key, value, repo) for key, value in about.items()}
    made: Json = substituted(example, ours)
    check_shape(example, made)
    # A value for a key the example does not have (an optional one) is added as it is.
    made |= {key: value for key, value in ours.items() if key not in example and key in about}
    for optional in ("organization", "installation", "enterprise"):
        made.pop(optional, None)
    return made
