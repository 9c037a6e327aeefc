"""The double's objects as GitHub's REST JSON."""

from typing import Any

from github_double.home import Home, Label
from github_double.issues import Comment, Event, Issue, Reaction, Text
from github_double.pulls import PullRequest
from github_double.repository import Repository
from github_double.site import User, stamp

Json = dict[str, Any]
CONTENTS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
REPOSITORY_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


def user(account: User) -> Json:
    """Return a simple user; a deleted account is ghost."""
    login = "ghost" if account.deleted else account.login
    url = account.site.api(f"/users/{login}")
    return {
        "login": login,
        "id": account.id,
        "node_id": account.node_id,
        "avatar_url": account.site.web(f"/avatars/{account.id}"),
        "gravatar_id": "",
        "url": url,
        "html_url": account.site.web(f"/{login}"),
        "type": account.kind,
        "user_view_type": "public",
        "site_admin": False,
        **{key: url + suffix for key, suffix in USER_LINKS.items()},
    }


def full_user(account: User) -> Json:
    """Return a public profile."""
    words = ("name", "company", "blog", "location", "email", "hireable", "bio")
    counts = ("public_repos", "public_gists", "followers", "following")
    moments = dict.fromkeys(("created_at", "updated_at"), "2020-01-01T00:00:00Z")
    return user(account) | dict.fromkeys(words) | dict.fromkeys(counts, 0) | moments


def minimal_repository(home: Home) -> Json:
    """Return what is shown of a repository inside other objects."""
    url = home.api()
    return {
        "id": home.id,
        "node_id": home.node_id,
        "name": home.name,
        "full_name": home.full_name,
        "owner": user(home.owner),
        "private": home.private,
        "html_url": home.web(),
        "description": None,
        "fork": False,
        "url": url,
        **{key: url + suffix for key, suffix in REPOSITORY_LINKS.items()},
    }


def repository(repo: Repository, viewer: User | None = None) -> Json:
    """Return a full repository as somebody sees it."""
    ranks = {"pull": "read", "triage": "triage", "push": "write", "maintain": "maintain", "admin": "admin"}
    zero = ("forks_count", "stargazers_count", "watchers_count", "size", "subscribers_count", "network_count")
    opened = sum(each.state == "open" for each in repo.issues.values())
    made = stamp(repo.created_at)
    return minimal_repository(repo) | {
        "git_url": repo.web(".git").replace("http:", "git:"),
        "ssh_url": f"git@localhost:{repo.full_name}.git",
        "clone_url": repo.web(".git"),
        "svn_url": repo.web(),
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "license": None,
        **dict.fromkeys((*zero, "forks", "watchers"), 0),
        "default_branch": repo.default_branch,
        "open_issues_count": opened,
        "open_issues": opened,
        "has_issues": repo.has_issues,
        **dict.fromkeys(("has_projects", "has_wiki", "has_pages", "has_discussions", "has_downloads"), False),
        "archived": repo.archived,
        "disabled": False,
        "visibility": "private" if repo.private else "public",
        "pushed_at": made,
        "created_at": made,
        "updated_at": made,
        "permissions": {key: repo.has_role(viewer.login if viewer else "", least) for key, least in ranks.items()},
    }


def label(one: Label, home: Home) -> Json:
    """Return a label."""
    return {
        "id": one.id,
        "node_id": one.node_id,
        "url": home.api(f"/labels/{one.name}").replace(" ", "%20"),
        "name": one.name,
        "color": one.color,
        "default": False,
        "description": one.description,
    }


def reactions(text: Text, url: str) -> Json:
    """Return the counts of a text's reactions."""
    counts = {content: sum(each.content == content for each in text.reactions) for content in CONTENTS}
    return {"url": f"{url}/reactions", "total_count": len(text.reactions), **counts}


def reaction(one: Reaction) -> Json:
    """Return one reaction."""
    return {
        "id": one.id,
        "node_id": one.node_id,
        "user": user(one.user),
        "content": one.content,
        "created_at": stamp(one.at),
    }


def comment(one: Comment) -> Json:
    """Return an issue comment."""
    issue_ = one.issue
    url = issue_.home.api(f"/issues/comments/{one.id}")
    return {
        "id": one.id,
        "node_id": one.node_id,
        "url": url,
        "html_url": issue_.home.web(f"{issue_.path}#issuecomment-{one.id}"),
        "issue_url": issue_.home.api(f"/issues/{issue_.number}"),
        "user": user(one.author),
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.updated_at),
        "author_association": issue_.home.association(one.author),
        "body": one.body,
        "reactions": reactions(one, url),
        "performed_via_github_app": None,
    }


def issue(one: Issue) -> Json:
    """Return an issue; a pull request shows as one that says so."""
    home = one.home
    url = home.api(f"/issues/{one.number}")
    waits = [each for each in one.blocked_by if each.state == "open"]
    parts_done = sum(each.state == "closed" for each in one.sub_issues)
    shown = {
        "url": url,
        "repository_url": home.api(),
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline",
        "html_url": home.web(one.path),
        "id": one.id,
        "node_id": one.node_id,
        "number": one.number,
        "title": one.title,
        "user": user(one.author),
        "labels": [label(each, home) for each in one.labels],
        "state": one.state,
        "state_reason": one.state_reason,
        "locked": one.locked,
        "active_lock_reason": one.lock_reason,
        "assignee": user(one.assignees[0]) if one.assignees else None,
        "assignees": [user(each) for each in one.assignees],
        "milestone": None,
        "comments": len(one.comments),
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.updated_at),
        "closed_at": stamp(one.closed_at),
        "author_association": home.association(one.author),
        "body": one.body,
        "closed_by": user(one.closed_by) if one.closed_by else None,
        "reactions": reactions(one, url),
        "performed_via_github_app": None,
    }
    if isinstance(one, PullRequest):
        return shown | {"draft": one.draft, "pull_request": _pull_links(one) | {"merged_at": stamp(one.merged_at)}}
    blocks = [each for each in one.blocking if each.state == "open"]
    return shown | {
        "issue_dependencies_summary": {
            "blocked_by": len(waits),
            "total_blocked_by": len(one.blocked_by),
            "blocking": len(blocks),
            "total_blocking": len(one.blocking),
        },
        "sub_issues_summary": {
            "total": len(one.sub_issues),
            "completed": parts_done,
            "percent_completed": 100 * parts_done // max(1, len(one.sub_issues)),
        },
    }


def _pull_links(pull: PullRequest) -> Json:
    web = pull.home.web(pull.path)
    api = pull.home.api(f"/pulls/{pull.number}")
    return {"url": api, "html_url": web, "diff_url": f"{web}.diff", "patch_url": f"{web}.patch"}


def event(one: Event, issue_: Issue) -> Json:
    """Return a timeline event."""
    shown: Json = {
        "id": one.id,
        "node_id": one.node_id,
        "url": issue_.home.api(f"/issues/events/{one.id}"),
        "actor": user(one.actor),
        "event": one.kind,
        "commit_id": None,
        "commit_url": None,
        "created_at": stamp(one.at),
        "performed_via_github_app": None,
    }
    if one.label is not None:
        shown["label"] = {"name": one.label.name, "color": one.label.color}
    if one.kind == "renamed":
        shown["rename"] = {"from": one.before, "to": one.after}
    if one.kind == "locked":
        shown["lock_reason"] = one.reason
    if one.kind == "closed":
        shown["state_reason"] = one.reason
    return shown


def commented(one: Comment) -> Json:
    """Return a comment as a timeline event."""
    return comment(one) | {"event": "commented", "actor": user(one.author)}


def _side(pull: PullRequest, branch: str, sha: str) -> Json:
    home = pull.home
    repo = repository(home) if isinstance(home, Repository) else minimal_repository(home)
    return {
        "label": f"{home.owner.login}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": user(home.owner),
        "repo": repo,
    }


def pull_simple(pull: PullRequest) -> Json:
    """Return a pull request as lists show it."""
    home, links = pull.home, _pull_links(pull)
    api, issue_url = links["url"], home.api(f"/issues/{pull.number}")
    more = {
        "issue_url": issue_url,
        "comments_url": f"{issue_url}/comments",
        "commits_url": f"{api}/commits",
        "review_comments_url": f"{api}/comments",
        "statuses_url": home.api(f"/statuses/{pull.head_sha}"),
    }
    pointers = {"self": api, "html": links["html_url"], "issue": issue_url, "comments": more["comments_url"]}
    pointers |= {"review_comments": more["review_comments_url"], "commits": more["commits_url"]}
    pointers |= {"review_comment": f"{home.api('/pulls/comments')}{{/number}}", "statuses": more["statuses_url"]}
    same = ("id", "node_id", "number", "state", "locked", "active_lock_reason", "title", "user", "body", "labels")
    also = ("milestone", "assignee", "assignees", "created_at", "updated_at", "closed_at", "author_association")
    as_issue = issue(pull)
    return {
        **links,
        **more,
        "review_comment_url": pointers["review_comment"],
        **{key: as_issue[key] for key in (*same, *also)},
        "merged_at": stamp(pull.merged_at),
        "merge_commit_sha": pull.merge_commit_sha,
        "requested_reviewers": [user(each) for each in pull.reviewers],
        "requested_teams": [],
        "head": _side(pull, pull.head, pull.head_sha),
        "base": _side(pull, pull.base, pull.base_sha),
        "_links": {key: {"href": value} for key, value in pointers.items()},
        "auto_merge": None,
        "draft": pull.draft,
    }


def pull_request(pull: PullRequest) -> Json:
    """Return a pull request in full."""
    git = pull.home.git
    since = git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
    changes = git.changes(since, pull.head_sha)
    return pull_simple(pull) | {
        "merged": pull.merged,
        "mergeable": None if pull.state == "closed" else True,
        "rebaseable": None,
        "mergeable_state": "draft" if pull.draft else "clean",
        "merged_by": user(pull.merged_by) if pull.merged_by else None,
        "comments": len(pull.comments),
        "review_comments": 0,
        "maintainer_can_modify": pull.maintainer_can_modify,
        "commits": git.count(f"{since}..{pull.head_sha}"),
        "additions": sum(plus for _, _, plus, _ in changes),
        "deletions": sum(minus for _, _, _, minus in changes),
        "changed_files": len(changes),
    }
