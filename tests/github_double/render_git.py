"""Commits, refs, files, comparisons and workflow runs as GitHub's REST JSON."""

import base64
from typing import Any

from github_double.bare import Commit
from github_double.render import Json, minimal_repository, user
from github_double.repository import Repository
from github_double.runs import Run, Workflow
from github_double.site import stamp

STATUS = {"A": "added", "D": "removed", "M": "modified", "T": "changed"}


def _person(one: Commit) -> Json:
    return {"name": one.name, "email": one.email, "date": stamp(one.at)}


def commit(one: Commit, repo: Repository) -> Json:
    """Return a commit."""
    url, web = repo.api(f"/commits/{one.sha}"), repo.web(f"/commit/{one.sha}")
    known = repo.site.users.get(one.name.lower())
    shown = user(known) if known else None
    return {
        "url": url,
        "sha": one.sha,
        "node_id": f"C_{one.sha}",
        "html_url": web,
        "comments_url": f"{url}/comments",
        "commit": {
            "url": repo.api(f"/git/commits/{one.sha}"),
            "author": _person(one),
            "committer": _person(one),
            "message": one.message,
            "comment_count": 0,
            "tree": {"sha": one.tree, "url": repo.api(f"/git/trees/{one.tree}")},
        },
        "author": shown,
        "committer": shown,
        "parents": [
            {"sha": each, "url": repo.api(f"/commits/{each}"), "html_url": repo.web(f"/commit/{each}")}
            for each in one.parents
        ],
    }


def ref(name: str, sha: str, repo: Repository) -> Json:
    """Return a git ref."""
    kind = repo.git.kind(sha)
    return {
        "ref": name,
        "node_id": f"REF_{name}",
        "url": repo.api(f"/git/{name}"),
        "object": {"type": kind, "sha": sha, "url": repo.api(f"/git/{kind}s/{sha}")},
    }


def changed_files(base: str, head: str, repo: Repository) -> list[Json]:
    """Return the files that differ between two commits."""
    return [
        {
            "sha": None,
            "filename": path,
            "status": STATUS.get(letter, "changed"),
            "additions": plus,
            "deletions": minus,
            "changes": plus + minus,
            "blob_url": repo.web(f"/blob/{head}/{path}"),
            "raw_url": repo.web(f"/raw/{head}/{path}"),
            "contents_url": repo.api(f"/contents/{path}?ref={head}"),
        }
        for letter, path, plus, minus in repo.git.changes(base, head)
    ]


def comparison(base: str, head: str, repo: Repository) -> Json:
    """Compare two commits; the files are those of head since the merge base."""
    git = repo.git
    meet = git.merge_base(base, head) or base
    ahead, behind = git.count(f"{base}..{head}"), git.count(f"{head}..{base}")
    status = {(True, True): "diverged", (True, False): "ahead", (False, True): "behind", (False, False): "identical"}
    web = repo.web(f"/compare/{base}...{head}")
    commits = list(reversed(git.log(f"{base}..{head}"))) if ahead else []
    return {
        "url": repo.api(f"/compare/{base}...{head}"),
        "html_url": web,
        "permalink_url": web,
        "diff_url": f"{web}.diff",
        "patch_url": f"{web}.patch",
        "base_commit": commit(git.log(base, limit=1)[0], repo),
        "merge_base_commit": commit(git.log(meet, limit=1)[0], repo),
        "status": status[bool(ahead), bool(behind)],
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": [commit(each, repo) for each in commits],
        "files": changed_files(meet, head, repo),
    }


def content(kind: str, sha: str, path: str, size: int, raw: bytes | None, branch: str, repo: Repository) -> Json:
    """Return a file with its content, or one row of a folder (raw is None)."""
    url, web = repo.api(f"/contents/{path}?ref={branch}"), repo.web(f"/{kind}/{branch}/{path}")
    git_url = repo.api(f"/git/{kind}s/{sha}")
    shown: Json = {
        "type": "file" if kind == "blob" else "dir",
        "size": size,
        "name": path.rsplit("/", 1)[-1],
        "path": path,
        "sha": sha,
        "url": url,
        "git_url": git_url,
        "html_url": web,
        "download_url": repo.web(f"/raw/{branch}/{path}") if kind == "blob" else None,
        "_links": {"self": url, "git": git_url, "html": web},
    }
    if raw is not None:
        shown |= {"encoding": "base64", "content": base64.encodebytes(raw).decode()}
    return shown


def workflow(one: Workflow) -> Json:
    """Return a workflow."""
    home, made = one.home, stamp(one.created_at)
    return {
        "id": one.id,
        "node_id": one.node_id,
        "name": one.name,
        "path": one.path,
        "state": "disabled_manually" if one.disabled else "active",
        "created_at": made,
        "updated_at": made,
        "url": home.api(f"/actions/workflows/{one.id}"),
        "html_url": home.web(f"/blob/{home.default_branch}/{one.path}"),
        "badge_url": home.web(f"/actions/workflows/{one.file_name}/badge.svg"),
    }


def run(one: Run, attempt: int | None = None) -> Json:
    """Return a workflow run, or one attempt of it; an attempt before the last is completed."""
    home, url, web = one.home, one.home.api(f"/actions/runs/{one.id}"), one.home.web(f"/actions/runs/{one.id}")
    past = attempt is not None and attempt < one.attempt
    head: list[Commit] = home.git.log(one.sha, limit=1)
    links = ("jobs", "logs", "artifacts", "cancel", "rerun")
    shown: dict[str, Any] = {
        "id": one.id,
        "node_id": one.node_id,
        "name": one.workflow.name,
        "display_title": one.workflow.name,
        "head_branch": one.branch,
        "head_sha": one.sha,
        "path": one.workflow.path,
        "run_number": one.number,
        "run_attempt": attempt or one.attempt,
        "event": one.event,
        "status": "completed" if past else one.status,
        "conclusion": "failure" if past else one.conclusion,
        "workflow_id": one.workflow.id,
        "check_suite_url": home.api(f"/check-suites/{one.id}"),
        "url": url,
        "html_url": web,
        "pull_requests": [],
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.updated_at),
        "run_started_at": stamp(one.created_at),
        "actor": user(one.actor),
        "triggering_actor": user(one.actor),
        "workflow_url": home.api(f"/actions/workflows/{one.workflow.id}"),
        "repository": minimal_repository(home),
        "head_repository": minimal_repository(home),
        "head_commit": None,
        **{f"{each}_url": f"{url}/{each}" for each in links},
    }
    if head:
        people = {who: {"name": head[0].name, "email": head[0].email} for who in ("author", "committer")}
        facts = {"id": one.sha, "tree_id": head[0].tree, "message": head[0].message, "timestamp": stamp(head[0].at)}
        shown["head_commit"] = facts | people
    return shown
