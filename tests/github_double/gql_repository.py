"""GraphQL: the repository, its pull requests and its git side."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from github_double.gql import NotModelled, Page, attributes, connection, fields
from github_double.gql_fields import ISSUE_KEYS, Blob, Info, Reference, ordered
from github_double.issues import Issue
from github_double.pulls import PullRequest
from github_double.repository import Repository
from github_double.site import Refused, User, stamp

ISSUES, PULLS, CONTENTS = "issues|pull_requests:read", "pull_requests:read", "contents:read"


def _kept(one: Issue, states: Sequence[str] | None, labels: Sequence[str] | None) -> bool:
    state = "MERGED" if isinstance(one, PullRequest) and one.merged else one.state.upper()
    names = {name.lower() for name in one.label_names}
    here = not one.deleted and one.moved_to is None
    return here and (not states or state in states) and (not labels or any(each.lower() in names for each in labels))


def _issues(
    repo: Repository,
    info: Info,
    states: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    orderBy: Any = None,  # noqa: N803
    filterBy: Any = None,  # noqa: N803
    **args: Any,
) -> Page:
    info.context.demand(repo, "issues:read")
    wanted = dict(filterBy or {})
    if unknown := set(wanted) - {"labels", "states", "since", "createdBy"}:
        raise NotModelled(f"the double does not filter issues by {sorted(unknown)}")
    since = datetime.fromisoformat(wanted["since"]) if wanted.get("since") else None
    rows = [
        each
        for each in repo.issues.values()
        if not each.is_pull_request
        and _kept(each, wanted.get("states") or states, labels)
        and _kept(each, None, wanted.get("labels"))
        and (since is None or each.updated_at >= since)
        and wanted.get("createdBy") in {None, each.author.login}
    ]
    return connection(ordered(rows, orderBy, ISSUE_KEYS), "issues", args)


def _pulls(
    repo: Repository,
    info: Info,
    states: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    headRefName: str | None = None,  # noqa: N803
    baseRefName: str | None = None,  # noqa: N803
    orderBy: Any = None,  # noqa: N803
    **args: Any,
) -> Page:
    info.context.demand(repo, PULLS)
    repo.settle()
    rows = [
        each
        for each in repo.pull_requests
        if _kept(each, states, labels) and headRefName in {None, each.head} and baseRefName in {None, each.base}
    ]
    return connection(ordered(rows, orderBy, ISSUE_KEYS), "pullRequests", args)


def _numbered(repo: Repository, number: int, kind: str) -> Issue:
    found = repo.issues.get(number)
    fits = found is not None and (kind == "issue or pull request" or found.is_pull_request == (kind == "PullRequest"))
    if found is None or not fits or found.deleted or found.moved_to is not None:
        raise Refused(
            404, f"Could not resolve to {'an' if kind[0] in 'Ii' else 'a'} {kind} with the number of {number}."
        )
    return found


def _issue(repo: Repository, info: Info, number: int) -> Issue:
    info.context.demand(repo, "issues:read")
    return _numbered(repo, number, "Issue")


def _pull(repo: Repository, info: Info, number: int) -> Issue:
    info.context.demand(repo, PULLS)
    repo.settle()
    return _numbered(repo, number, "PullRequest")


def _either(repo: Repository, info: Info, number: int) -> Issue:
    info.context.demand(repo, ISSUES)
    return _numbered(repo, number, "issue or pull request")


def _object(repo: Repository, info: Info, expression: str | None = None, oid: str | None = None) -> Any:
    info.context.demand(repo, CONTENTS)
    wanted = oid or expression or ""
    revision, colon, path = wanted.partition(":")
    if colon:
        revision = repo.default_branch if revision == "HEAD" else revision
        folder = path.rpartition("/")[0]
        for kind, sha, name, _ in repo.git.listing(revision, folder):
            if name == path and kind == "blob":
                return Blob(sha, repo.git.read(revision, path) or b"")
        return None
    found = repo.git.resolve(repo.default_branch if wanted == "HEAD" else wanted)
    return repo.git.log(found, limit=1)[0] if found else None


def _ref(repo: Repository, info: Info, qualifiedName: str) -> Reference | None:  # noqa: N803
    info.context.demand(repo, CONTENTS)
    for name in (qualifiedName, f"refs/heads/{qualifiedName}", f"refs/tags/{qualifiedName}"):
        if sha := repo.git.refs(name).get(name) if name.startswith("refs/") else None:
            return Reference(repo, name, sha)
    return None


def _refs(repo: Repository, info: Info, refPrefix: str, query: str | None = None, **args: Any) -> Page:  # noqa: N803
    info.context.demand(repo, CONTENTS)
    found = [Reference(repo, name, sha) for name, sha in repo.git.refs(refPrefix).items()]
    kept = [each for each in found if query is None or query.lower() in each.name.lower()]
    for unused in ("orderBy", "direction"):
        args.pop(unused, None)
    return connection(kept, "refs", args)


def _default(repo: Repository, _info: Info) -> Reference | None:
    name = f"refs/heads/{repo.default_branch}"
    sha = repo.git.refs(name).get(name)
    return Reference(repo, name, sha) if sha else None


def _permission(repo: Repository, info: Info) -> str:
    token = info.context.token
    return "WRITE" if token.kind == "installation" else repo.role(token.user.login).upper()


fields(
    "Repository",
    issues=_issues,
    issue=_issue,
    pullRequest=_pull,
    issueOrPullRequest=_either,
    pullRequests=_pulls,
    object=_object,
    ref=_ref,
    refs=_refs,
    defaultBranchRef=_default,
    viewerPermission=_permission,
    label=lambda repo, _info, name: repo.labels.get(name.lower()),
    labels=lambda repo, _info, query=None, orderBy=None, **args: connection(  # noqa: ARG005, N803 (the schema's names)
        [each for each in repo.labels.values() if query is None or query.lower() in each.name.lower()], "labels", args
    ),
)
attributes(
    "Repository",
    id=lambda one: one.node_id,
    databaseId=lambda one: one.id,
    name=lambda one: one.name,
    nameWithOwner=lambda one: one.full_name,
    owner=lambda one: one.owner,
    url=lambda one: one.web(),
    isPrivate=lambda one: one.private,
    isArchived=lambda one: one.archived,
    isFork=lambda _one: False,
    visibility=lambda one: "PRIVATE" if one.private else "PUBLIC",
    hasIssuesEnabled=lambda one: one.has_issues,
    createdAt=lambda one: stamp(one.created_at),
)

attributes(
    "Label",
    id=lambda one: one.node_id,
    name=lambda one: one.name,
    color=lambda one: one.color,
    description=lambda one: one.description,
    isDefault=lambda _one: False,
)

# ------------ pull requests


def _tip(one: PullRequest, name: str) -> Reference | None:
    sha = one.home.git.refs(f"refs/heads/{name}").get(f"refs/heads/{name}")
    return Reference(_whole(one), f"refs/heads/{name}", sha) if sha else None


def _whole(one: PullRequest) -> Repository:
    if not isinstance(one.home, Repository):
        raise TypeError(one.home)
    return one.home


def _requests(one: PullRequest, _info: Info, **args: Any) -> Page:
    return connection([{"requestedReviewer": each} for each in one.reviewers], "reviewRequests", args)


def _commits(one: PullRequest, _info: Info, **args: Any) -> Page:
    git = one.home.git
    since = git.merge_base(one.base_sha, one.head_sha) or one.base_sha
    rows = [{"commit": each, "pullRequest": one} for each in git.log(f"{since}..{one.head_sha}")[::-1]]
    return connection(rows, "commits", args)


attributes(
    "PullRequest",
    isDraft=lambda one: one.draft,
    merged=lambda one: one.merged,
    mergedAt=lambda one: stamp(one.merged_at),
    mergedBy=lambda one: one.merged_by,
    headRefName=lambda one: one.head,
    baseRefName=lambda one: one.base,
    headRefOid=lambda one: one.head_sha,
    baseRefOid=lambda one: one.base_sha,
    headRef=lambda one: _tip(one, one.head),
    baseRef=lambda one: _tip(one, one.base),
    headRepository=lambda one: one.home,
    baseRepository=lambda one: one.home,
    headRepositoryOwner=lambda one: one.home.owner,
    isCrossRepository=lambda _one: False,
    permalink=lambda one: one.home.web(one.path),
    mergeable=lambda _one: "MERGEABLE",
    mergeCommit=lambda one: one.merge_commit_sha and one.home.git.log(one.merge_commit_sha, limit=1)[0],
    maintainerCanModify=lambda one: one.maintainer_can_modify,
    reviewDecision=lambda _one: None,
)
fields("PullRequest", reviewRequests=_requests, commits=_commits)

# ------------ git objects


def _protection(one: Reference) -> dict[str, Any] | None:
    return {"pattern": one.name.removeprefix("refs/heads/")} if one.repo.rules_for(one.name) else None


def _ref_pulls(one: Reference, info: Info, **args: Any) -> Page:
    return _pulls(one.repo, info, **{**args, "headRefName": one.name.removeprefix("refs/heads/")})


attributes(
    "Ref",
    id=lambda one: f"REF_{one.name}",
    name=lambda one: one.name.removeprefix("refs/heads/").removeprefix("refs/tags/"),
    prefix=lambda one: one.name[: one.name.index("/", 5) + 1],
    repository=lambda one: one.repo,
    target=lambda one: one.repo.git.log(one.oid, limit=1)[0],
    branchProtectionRule=_protection,
)
fields("Ref", associatedPullRequests=_ref_pulls)


def _git_actor(name: str, email: str, at: datetime, users: dict[str, User]) -> dict[str, Any]:
    return {"name": name, "email": email, "date": stamp(at), "user": users.get(name.lower())}


fields(
    "Commit",
    author=lambda one, info: _git_actor(one.name, one.email, one.at, info.context.estate.site.users),
    committer=lambda one, info: _git_actor(one.name, one.email, one.at, info.context.estate.site.users),
)
attributes(
    "Commit",
    id=lambda one: f"C_{one.sha}",
    oid=lambda one: one.sha,
    abbreviatedOid=lambda one: one.sha[:7],
    message=lambda one: one.message,
    messageHeadline=lambda one: one.message.partition("\n")[0],
    messageBody=lambda one: one.message.partition("\n")[2].lstrip("\n"),
    committedDate=lambda one: stamp(one.at),
    authoredDate=lambda one: stamp(one.at),
)
attributes(
    "Blob",
    id=lambda one: f"B_{one.oid}",
    oid=lambda one: one.oid,
    abbreviatedOid=lambda one: one.oid[:7],
    byteSize=lambda one: len(one.raw),
    isBinary=lambda one: b"\0" in one.raw,
    isTruncated=lambda _one: False,
    text=lambda one: None if b"\0" in one.raw else one.raw.decode("utf-8", "replace"),
)
