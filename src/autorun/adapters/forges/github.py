"""The GitHub forge: draft pull requests, opened once and then kept up to date."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from github.PullRequest import PullRequest as Opened
from github.Repository import Repository

from autorun.core.errors import ProviderError
from autorun.core.github.names import compare_page
from autorun.core.model import Proposal, PullRequest, PullRequestState
from autorun.core.text.outgoing import cut
from autorun.effects.github import SERVER_URL, GitHub, parsing
from autorun.effects.github_failures import Missing, Refused, Unreached

_ALIASES = 50  # branches asked for in one query
_STATES = {
    "OPEN": PullRequestState.OPEN,
    "MERGED": PullRequestState.MERGED,
    "CLOSED": PullRequestState.CLOSED,
}
# Strangers may open pull requests from branches of the same name in their forks: fifty do not hide ours.
_FIELDS = """
  pullRequests(headRefName: $b%d, first: 50, orderBy: {field: CREATED_AT, direction: DESC}) { nodes {
    number url state title body headRefName headRefOid isCrossRepository labels(first: 100) { nodes { name } }
  } }
"""
_SWITCH = (
    "let Actions open pull requests: Settings > Actions > General > Workflow permissions > "
    "`Allow GitHub Actions to create and approve pull requests`; or open this one yourself by the link"
)
_NO_DRAFTS = "draft pull requests are not supported"
_EXISTS = "a pull request already exists"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A pull request and what it says now."""

    pull_request: PullRequest
    title: str
    body: str
    labels: frozenset[str]


def _silent(_text: str) -> None:
    return None


@dataclass(slots=True, kw_only=True)
class GitHubForge:
    """Pull requests of `repository` (`owner/name`). `warn` hears of what could not be had and is no failure."""

    hub: GitHub
    repository: str
    server_url: str = SERVER_URL
    warn: Callable[[str], None] = _silent
    _drafts: bool = field(default=True, init=False)

    def pull_requests(self, branches: Sequence[str]) -> Mapping[str, PullRequest]:
        """Find the newest pull request of each branch that has one. Raises ProviderError."""
        return {branch: found.pull_request for branch, found in self._found(branches).items()}

    def propose(self, proposal: Proposal) -> PullRequest:
        """Open a pull request, or adopt and update the open one of that branch. Raises ProviderError."""
        there = self._open(proposal.branch)
        if there is None:
            try:
                there = self._create(proposal)
            except Unreached as error:
                there = self._open(proposal.branch) if error.sent else None
                if there is None:
                    raise
            except Refused as error:
                there = self._open(proposal.branch) if _EXISTS in error.said.lower() else None
                if there is None:
                    raise self._refused(proposal, error) from error
        else:
            self._update(proposal, there)
        self._add_labels(proposal, there)
        self._ask_reviewers(proposal, there)
        found = there.pull_request
        return PullRequest(
            branch=proposal.branch, url=found.url, number=found.number, state=found.state, head=proposal.head
        )

    # ------------ finding

    def _open(self, branch: str) -> _Found | None:
        found = self._found([branch]).get(branch)
        return found if found is not None and found.pull_request.state is PullRequestState.OPEN else None

    def _found(self, branches: Sequence[str]) -> dict[str, _Found]:
        wanted = list(dict.fromkeys(branches))
        found: dict[str, _Found] = {}
        owner, _, name = self.repository.partition("/")
        for start in range(0, len(wanted), _ALIASES):
            named: dict[str, Any] = {
                f"b{number}": branch for number, branch in enumerate(wanted[start : start + _ALIASES])
            }
            declared = ", ".join(f"${variable}: String!" for variable in named)
            fields = " ".join(f"{variable}: {_FIELDS % number}" for number, variable in enumerate(named))
            query = (
                f"query($owner: String!, $name: String!, {declared}) "
                f"{{ repository(owner: $owner, name: $name) {{ nameWithOwner {fields} }} }}"
            )
            doing = f"Reading the pull requests of {self.repository}"
            answer = self.hub.ask(doing, query, owner=owner, name=name, **named)
            with parsing("pull requests"):
                repository = answer.data["repository"]
                self.repository = str(repository["nameWithOwner"])
                for variable, branch in named.items():
                    ours = [one for one in repository[variable]["nodes"] if not one["isCrossRepository"]]
                    if ours:
                        found[branch] = _found(ours[0])
        return found

    # ------------ opening

    def _create(self, proposal: Proposal) -> _Found:
        doing = f"Opening a pull request for {proposal.branch} in {self.repository}"
        draft = proposal.draft and self._drafts
        try:  # made again it is refused, and adopted: a branch has but one open pull request
            made = self.hub.call(doing, lambda: self._post(proposal, draft=draft), repeatable=True)
        except Refused as error:
            if not (draft and _NO_DRAFTS in error.said.lower()):
                raise
            self._drafts = False
            self.warn(f"{self.repository} has no draft pull requests on its plan: they are opened ready for review")
            made = self.hub.call(doing, lambda: self._post(proposal, draft=False), repeatable=True)
        return made

    def _post(self, proposal: Proposal, *, draft: bool) -> _Found:
        made = self._home.create_pull(
            base=proposal.base_branch,
            head=proposal.branch,
            title=proposal.title,
            body=cut(proposal.body),
            draft=draft,
        )
        found = PullRequest(
            branch=proposal.branch, url=str(made.html_url), number=int(made.number), head=proposal.head
        )
        return _Found(pull_request=found, title=proposal.title, body=proposal.body, labels=frozenset())

    def _update(self, proposal: Proposal, there: _Found) -> None:
        body = cut(proposal.body)
        if (there.title, there.body.strip()) == (proposal.title, body.strip()):
            return
        number = there.pull_request.number
        self.hub.call(
            f"Updating pull request {self.repository}#{number}",
            lambda: self._pull(there).edit(title=proposal.title, body=body),
            repeatable=True,
        )

    def _add_labels(self, proposal: Proposal, there: _Found) -> None:
        has = {name.lower() for name in there.labels}
        missing = [name for name in dict.fromkeys(proposal.labels) if name.lower() not in has]
        if missing:
            labels = f"The labels {', '.join(missing)}"
            issue = self._home.get_issue(self._number(there))  # to its labels a pull request is an issue
            self._bonus(f"{labels} were not put on", lambda: issue.add_to_labels(*missing))

    def _ask_reviewers(self, proposal: Proposal, there: _Found) -> None:
        people = [name for name in proposal.reviewers if "/" not in name]
        teams = [name.rpartition("/")[2] for name in proposal.reviewers if "/" in name]
        if not people and not teams:
            return
        pull = self._pull(there)
        whom = {kind: names for kind, names in (("reviewers", people), ("team_reviewers", teams)) if names}
        try:
            self.hub.call("Asking for a review", _asking(pull, **whom), repeatable=True)
        except (Refused, Missing):  # one who cannot be asked spoils it for all
            for name in people:
                self._bonus(f"{name} was not asked for a review", _asking(pull, reviewers=[name]))
            for name in teams:
                self._bonus(f"The team {name} was not asked for a review", _asking(pull, team_reviewers=[name]))
        except ProviderError as error:
            self.warn(f"Nobody was asked for a review: {error}")

    def _bonus(self, otherwise: str, action: Callable[[], object]) -> None:
        """Do what makes a pull request nicer; if it fails, say so and go on."""
        try:
            self.hub.call(f"Dressing a pull request of {self.repository}", action, repeatable=True)
        except ProviderError as error:
            self.warn(f"{otherwise}: {error}")

    def _refused(self, proposal: Proposal, error: Refused) -> ProviderError:
        page = compare_page(self.server_url, self.repository, proposal.branch, proposal.base_branch)
        hint = _SWITCH if "not permitted to create" in error.said.lower() else error.hint
        sentence = f"The work is on branch {proposal.branch}, but GitHub did not let its pull request be opened"
        return ProviderError(f"{sentence} ({error.said.rstrip('.')}). Open it here: {page}", hint=hint)

    @property
    def _home(self) -> Repository:
        return self.hub.repository(self.repository)

    def _pull(self, there: _Found) -> Opened:
        return self._home.get_pull(self._number(there))

    def _number(self, there: _Found) -> int:
        assert there.pull_request.number is not None
        return there.pull_request.number


def _asking(pull: Opened, **whom: list[str]) -> Callable[[], object]:
    return lambda: pull.create_review_request(**whom)


def _found(node: Mapping[str, Any]) -> _Found:
    return _Found(
        pull_request=PullRequest(
            branch=str(node["headRefName"]),
            url=str(node["url"]),
            number=int(node["number"]),
            state=_STATES[node["state"]],
            head=str(node["headRefOid"]),
        ),
        title=str(node["title"]),
        body=str(node["body"] or ""),
        labels=frozenset(str(label["name"]) for label in node["labels"]["nodes"]),
    )
