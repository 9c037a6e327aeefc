"""A forge in memory: the same laws as the real ones, for tests that need none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from autorun.core.model import Proposal, PullRequest, PullRequestState


@dataclass
class MemoryForge:
    """Pull requests over `branches`, which a MemoryLedger may share; a test sets `states` as a human would.

    `proposals` holds what each pull request says now, by number, from 1.
    """

    branches: dict[str, str] = field(default_factory=dict)
    proposals: dict[int, Proposal] = field(default_factory=dict)
    states: dict[int, PullRequestState] = field(default_factory=dict)

    def pull_requests(self, branches: Sequence[str]) -> Mapping[str, PullRequest]:
        """Find the newest pull request of each branch that has one."""
        numbers = {p.branch: number for number, p in sorted(self.proposals.items()) if p.branch in branches}
        return {branch: self._present(number) for branch, number in numbers.items()}

    def propose(self, proposal: Proposal) -> PullRequest:
        """Open a pull request, or adopt the open one of that branch."""
        self.branches.setdefault(proposal.branch, proposal.head)
        present = self.pull_requests([proposal.branch]).get(proposal.branch)
        adopted = present is not None and present.state is PullRequestState.OPEN
        number = present.number if present is not None and adopted and present.number else len(self.proposals) + 1
        self.proposals[number] = proposal
        self.states.setdefault(number, PullRequestState.OPEN)
        return replace(self._present(number), head=proposal.head)

    def set_state(self, branch: str, state: PullRequestState) -> None:
        """Merge or close the branch's newest pull request, as a human would."""
        number = self.pull_requests([branch])[branch].number
        assert number is not None
        self.states[number] = state

    def _present(self, number: int) -> PullRequest:
        proposal = self.proposals[number]
        return PullRequest(
            branch=proposal.branch,
            url=f"memory://pull/{number}",
            number=number,
            state=self.states[number],
            head=self.branches.get(proposal.branch, proposal.head),
        )
