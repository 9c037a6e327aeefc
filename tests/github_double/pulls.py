"""Pull requests: issues with two branches of the real repository."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from github_double.bare import ZERO
from github_double.issues import Issue
from github_double.site import Refused, User, invalid

CLOSING = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d+)\b", re.IGNORECASE)


@dataclass(kw_only=True, eq=False, repr=False)
class PullRequest(Issue):
    """A pull request within one repository; `head_sha` follows its branch while it is open."""

    PREFIX: ClassVar[str] = "PR"
    head: str
    base: str
    head_sha: str
    base_sha: str
    draft: bool = False
    merged_at: datetime | None = None
    merged_by: User | None = None
    merge_commit_sha: str | None = None
    reviewers: list[User] = field(default_factory=list)
    maintainer_can_modify: bool = False

    @property
    def is_pull_request(self) -> bool:
        """It is one."""
        return True

    @property
    def path(self) -> str:
        """Where people open it, below its repository."""
        return f"/pull/{self.number}"

    @property
    def merged(self) -> bool:
        """Whether its commits reached the base branch."""
        return self.merged_at is not None

    def merge(self, *, by: str, message: str = "") -> str:
        """Merge it with a merge commit and return the commit."""
        if self.state != "open" or self.draft:
            raise Refused(405, "Pull Request is still a draft" if self.draft else "Pull Request is not mergeable")
        self.follow()
        title = message or f"Merge pull request #{self.number} from {self.home.owner.login}/{self.head}"
        git, now = self.home.git, self.site.clock.now()
        made = git.merge(self.base, self.head_sha, message=title, name=by, at=now)
        if made is None:
            raise Refused(405, "Pull Request is not mergeable")
        self._merged(by, made)
        return made

    def _merged(self, by: str, commit: str) -> None:
        event = self.happen("merged", by)
        self.merged_at, self.merged_by, self.merge_commit_sha = event.at, event.actor, commit
        self.close(by=by)
        self.state_reason = None
        if self.base == self.home.default_branch:
            self._close_what_it_closes(by)

    def _close_what_it_closes(self, by: str) -> None:
        numbers = {int(each) for each in CLOSING.findall(self.body or "")}
        for node in list(self.site.nodes.values()):
            if isinstance(node, Issue) and node.home is self.home and node.number in numbers:
                node.close(by=by)

    def follow(self, refs: Mapping[str, str] | None = None) -> None:
        """Look at the refs (read them if not given): take in a moved head, notice a merge or a deleted branch."""
        if self.state != "open":
            return
        git = self.home.git
        refs = git.refs() if refs is None else refs
        head, base = refs.get(f"refs/heads/{self.head}"), refs.get(f"refs/heads/{self.base}")
        if head is not None and head != self.head_sha:
            self.head_sha, self.updated_at = head, self.site.clock.tick()
        if refs.get(f"refs/pull/{self.number}/head") != self.head_sha:
            git.update(f"refs/pull/{self.number}/head", self.head_sha)
        if base is not None and base != self.base_sha:
            self.base_sha = base
            if git.merge_base(base, self.head_sha) == self.head_sha:
                self._merged(self.author.login, base)
                return
        if head is None:
            self.close(by=self.author.login)
            self.state_reason = None

    def set_draft(self, draft: bool, *, by: str) -> "PullRequest":
        """Turn it into a draft, or mark it ready."""
        if draft != self.draft:
            self.draft = draft
            self.happen("convert_to_draft" if draft else "ready_for_review", by)
        return self

    def request(self, *logins: str) -> "PullRequest":
        """Ask people for a review; only collaborators can be asked, the author cannot."""
        for login in logins:
            if login == self.author.login:
                raise Refused(422, "Review cannot be requested from pull request author.")
            if not self.home.has_role(login, "read") or login.lower() not in self.home.roles:
                raise Refused(422, "Reviews may only be requested from collaborators.")
            if self.site.user(login) not in self.reviewers:
                self.reviewers.append(self.site.user(login))
                self.updated_at = self.site.clock.tick()
        return self

    def retarget(self, base: str) -> None:
        """Change the base branch."""
        sha = self.home.git.refs(f"refs/heads/{base}").get(f"refs/heads/{base}", ZERO)
        if sha == ZERO:
            raise invalid("PullRequest", field="base")
        self.base, self.base_sha, self.updated_at = base, sha, self.site.clock.tick()
