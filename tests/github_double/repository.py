"""A repository as a test sets it up and looks at it."""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from github_double.home import Home
from github_double.issues import Comment, Issue, check_body, check_title
from github_double.pulls import PullRequest
from github_double.runs import Dispatch, Run, Workflow, check_inputs
from github_double.site import ACTIONS_BOT, Refused, User, invalid

PROTECTED = "GH006: Protected branch update failed for"
RULESET = "GH013: Repository rule violations found for"
WORKFLOWS = ".github/workflows"


@dataclass(kw_only=True, eq=False, repr=False)
class Repository(Home):
    """A repository; people are named by login."""

    issues: dict[int, Issue] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    dispatches: list[Dispatch] = field(default_factory=list)
    _workflows: dict[str, Workflow] = field(default_factory=dict)
    _rules: dict[str, str] = field(default_factory=dict)

    # ------------ setting up

    def user(self, login: str, *, role: str | None = None) -> User:
        """Return an account, with a role here if one is given (read, triage, write, maintain, admin, none)."""
        account = self.site.user(login)
        if role is not None:
            self.roles[login.lower()] = role
        return account

    def commit(
        self,
        files: Mapping[str, str | bytes | None],
        *,
        by: str = "ana",
        branch: str = "",
        message: str = "Change files",
    ) -> str:
        """Commit and push files (None deletes) to a branch, as a person would, and return the commit."""
        on = branch or self.default_branch
        sha = self.git.write(
            files, branch=on, onto=self.default_branch, message=message, name=by, at=self.site.clock.tick()
        )
        self.settle()
        return sha

    def issue(self, title: str, body: str | None = "", *, by: str, labels: tuple[str, ...] = ()) -> Issue:
        """Open an issue; labels given here are events of the author."""
        check_title(title)
        check_body("Issue", body)
        now, number = self.site.clock.tick(), self._next_number()
        issue = Issue(
            site=self.site,
            home=self,
            number=number,
            title=title,
            body=body,
            author=self.site.user(by),
            created_at=now,
            updated_at=now,
        )
        self.issues[number] = issue
        return issue.label(*labels, by=by)

    def pull_request(
        self, title: str, body: str | None = "", *, head: str, base: str = "", by: str, draft: bool = False
    ) -> PullRequest:
        """Open a pull request between two branches; refuses what GitHub refuses."""
        base = base or self.default_branch
        check_title(title)
        check_body("PullRequest", body)
        head = head.removeprefix(f"{self.owner.login}:")
        refs = self.git.refs("refs/heads/")
        for name, value in (("head", head), ("base", base)):
            if f"refs/heads/{value}" not in refs:
                raise invalid("PullRequest", field=name)
        head_sha, base_sha = refs[f"refs/heads/{head}"], refs[f"refs/heads/{base}"]
        self._check_pull(head, base, ahead=self.git.count(f"{base_sha}..{head_sha}"))
        now, number = self.site.clock.tick(), self._next_number()
        pull = PullRequest(
            site=self.site,
            home=self,
            number=number,
            title=title,
            body=body,
            author=self.site.user(by),
            created_at=now,
            updated_at=now,
            head=head,
            base=base,
            head_sha=head_sha,
            base_sha=base_sha,
            draft=draft,
        )
        self.issues[number] = pull
        pull.follow()
        return pull

    def _check_pull(self, head: str, base: str, *, ahead: int) -> None:
        if any(each.state == "open" and (each.head, each.base) == (head, base) for each in self.pull_requests):
            message = f"A pull request already exists for {self.owner.login}:{head}."
            raise invalid("PullRequest", code="custom", message=message)
        if not ahead:
            raise invalid("PullRequest", code="custom", message=f"No commits between {base} and {head}")

    def _next_number(self) -> int:
        return max(self.issues, default=0) + 1

    def rename(self, name: str) -> None:
        """Rename it; the old name redirects."""
        self.old_names.append(self.full_name)
        self.name = name

    def transfer(self, owner: str) -> None:
        """Give it to another owner; the old name redirects."""
        self.old_names.append(self.full_name)
        self.owner = self.site.user(owner)

    def protect(self, branch: str, *, ruleset: bool = False) -> None:
        """Refuse every push over HTTP and every ref update by API to the branch (a shell pattern)."""
        self.refuse_pushes(f"refs/heads/{branch}", RULESET if ruleset else PROTECTED)

    def refuse_pushes(self, pattern: str, message: str) -> None:
        """Refuse updates of full ref names that match a shell pattern."""
        self._rules[pattern] = message
        self.git.protect(self._rules)

    def rules_for(self, ref: str) -> list[str]:
        """Return the messages of the rules that refuse updates of a full ref name."""
        return [message for pattern, message in self._rules.items() if fnmatch.fnmatchcase(ref, pattern)]

    def check_move(self, ref: str) -> None:
        """Refuse an update by API of a ref that a rule holds."""
        if messages := self.rules_for(ref):
            raise Refused(422, f"Repository rule violations found\n\n{messages[0]} {ref}.\n\n")

    # ------------ looking at it

    @property
    def pull_requests(self) -> list[PullRequest]:
        """Every pull request, oldest first."""
        return [each for each in self.issues.values() if isinstance(each, PullRequest)]

    @property
    def branches(self) -> dict[str, str]:
        """Branch name -> commit."""
        return {name.removeprefix("refs/heads/"): sha for name, sha in self.git.refs("refs/heads/").items()}

    def find_issue(self, number: int) -> Issue:
        """Return an issue or pull request, or refuse with 404, 410 or a redirect."""
        if number not in self.issues:
            raise Refused(404, "Not Found")
        return self.issues[number].present()

    def find_pull(self, number: int) -> PullRequest:
        """Return a pull request, or refuse with 404."""
        found = self.issues.get(number)
        if not isinstance(found, PullRequest):
            raise Refused(404, "Not Found")
        return found

    def find_comment(self, comment_id: int) -> Comment:
        """Return a comment by its id, or refuse with 404."""
        for issue in self.issues.values():
            for comment in issue.comments:
                if comment.id == comment_id and not issue.deleted:
                    return comment
        raise Refused(404, "Not Found")

    def settle(self) -> None:
        """Let every open pull request look at its branches."""
        waiting = [each for each in self.pull_requests if each.state == "open"]
        refs = self.git.refs() if waiting else {}
        for each in waiting:
            each.follow(refs)

    def transfer_issue(self, number: int, to: "Repository", *, by: str) -> Issue:
        """Move an issue to another repository; the old address redirects."""
        old = self.find_issue(number)
        new = to.issue(old.title, old.body, by=old.author.login)
        new.comments = old.comments
        for comment in new.comments:
            comment.issue = new
        new.happen("transferred", by)
        old.moved_to, old.comments = new, []
        return new

    # ------------ workflows

    @property
    def workflows(self) -> list[Workflow]:
        """The workflow files of the default branch, in the order of their paths."""
        found = []
        for kind, _, path, _ in self.git.listing(self.default_branch, WORKFLOWS):
            if kind == "blob" and path.endswith((".yml", ".yaml")):
                found.append(self._workflow(path))
        return found

    def _workflow(self, path: str) -> Workflow:
        text: dict[Any, Any] = yaml.safe_load(self.git.read(self.default_branch, path) or b"") or {}
        # YAML 1.1 reads the key `on` as a truth value.
        on = text.get("on", text.get(True, {}))
        triggers = on if isinstance(on, dict) else dict.fromkeys([on] if isinstance(on, str) else on)
        if path not in self._workflows:
            self._workflows[path] = Workflow(
                site=self.site, home=self, path=path, name=path, created_at=self.site.clock.now()
            )
        workflow = self._workflows[path]
        workflow.on, workflow.name = triggers, str(text.get("name", path))
        return workflow

    def workflow(self, name: str | int) -> Workflow:
        """Return a workflow by file name, path or id, or refuse with 404."""
        for each in self.workflows:
            if str(name) in {each.file_name, each.path, str(each.id)}:
                return each
        raise Refused(404, "Not Found")

    def run(self, workflow: str | int, *, event: str = "schedule", by: str = ACTIONS_BOT, ref: str = "") -> Run:
        """Add a queued run of a workflow."""
        branch = ref.removeprefix("refs/heads/") or self.default_branch
        now = self.site.clock.tick()
        run = Run(
            site=self.site,
            home=self,
            workflow=self.workflow(workflow),
            number=len(self.runs) + 1,
            event=event,
            branch=branch,
            sha=self.git.resolve(branch) or "",
            actor=self.site.user(by),
            created_at=now,
            updated_at=now,
        )
        self.runs.append(run)
        return run

    def find_run(self, run_id: int) -> Run:
        """Return a run by id, or refuse with 404."""
        for each in self.runs:
            if each.id == run_id:
                return each
        raise Refused(404, "Not Found")

    def dispatch(self, workflow: str | int, *, ref: str, inputs: Mapping[str, Any], by: str) -> Dispatch:
        """Accept a workflow dispatch: it is recorded, and a queued run stands for it."""
        found = self.workflow(workflow)
        if found.disabled:
            raise Refused(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
        if self.git.resolve(ref) is None:
            raise Refused(422, f"No ref found for: {ref}")
        seen = check_inputs(found, inputs)
        run = self.run(found.id, event="workflow_dispatch", by=by, ref=ref)
        accepted = Dispatch(workflow=found.file_name, ref=ref, inputs=seen, by=by, run=run)
        self.dispatches.append(accepted)
        return accepted
