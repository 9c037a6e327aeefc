"""Names on a GitHub server: the repository behind a git URL, the task behind a branch, links to pages."""

import re
from urllib.parse import quote, urlsplit

from autorun.core import naming
from autorun.core.model import TaskId

_SCP = re.compile(r"(?:[^@/]+@)?(\[[^\]]+\]|[^:/]+):(?!//)(.+)")
_NAME = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")


def repository_at(url: str, server: str) -> str:
    """Return `owner/name` if a git URL lies on the server (its web address); empty if it lies elsewhere."""
    try:
        there, wanted = urlsplit(url), urlsplit(server)
        if there.scheme in {"http", "https"}:
            same = (there.hostname, there.port or _port(there.scheme)) == (
                wanted.hostname,
                wanted.port or _port(wanted.scheme),
            )
            path = there.path
        elif there.scheme in {"ssh", "git+ssh"}:
            same, path = there.hostname == wanted.hostname, there.path
        elif short := _SCP.fullmatch(url):
            same, path = short[1].lower() == wanted.hostname, short[2]
        else:
            return ""
    except ValueError:
        return ""
    name = path.strip("/").removesuffix(".git")
    return name if same and _NAME.fullmatch(name) else ""


def task_of_branch(branch: str) -> str:
    """Return the key of the GitHub task a work branch belongs to; empty if it is none of ours."""
    found = re.fullmatch(rf"{naming.BRANCH_PREFIX}github-([1-9][0-9]*)(?:\+[0-9]+)?", branch)
    if found is None:
        return ""
    known = naming.branch(TaskId(provider="github", key=found[1]))
    return found[1] if branch.partition("+")[0] == known else ""


def compare_page(server: str, repository: str, branch: str, base: str = "") -> str:
    """Return the page on which a person opens a pull request from a branch."""
    span = f"{quote(base)}...{quote(branch)}" if base else quote(branch)
    return f"{server.rstrip('/')}/{repository}/compare/{span}?expand=1"


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80
