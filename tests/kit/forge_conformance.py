"""What every forge must do, whatever its pull requests are made of."""

from dataclasses import replace
from typing import Protocol

from autorun.core.model import Proposal, PullRequestState, TaskId
from autorun.ports import Forge

TASK = TaskId(provider="file", key="login")


class Bench(Protocol):
    """A forge, and the people around it."""

    @property
    def forge(self) -> Forge:
        """What is put to the test."""
        ...

    def push(self, branch: str, *, text: str) -> str:
        """Put one more commit on a branch that starts from the base and return it."""
        ...

    def merge(self, branch: str) -> None:
        """A human merges the branch's pull request with a merge commit."""
        ...

    def squash(self, branch: str) -> None:
        """A human merges the branch's pull request as one commit, after the base went on."""
        ...

    def close(self, branch: str) -> None:
        """A human closes the branch's pull request without merging."""
        ...

    def body(self, branch: str) -> str:
        """What a reader of the branch's pull request sees."""
        ...

    def number_of_pull_requests(self) -> int:
        """How many there are, whatever their state."""
        ...


def proposal(bench: Bench, branch: str = "autorun/file-login", *, text: str = "one") -> Proposal:
    """Push a commit and describe its pull request."""
    head = bench.push(branch, text=text)
    return Proposal(
        task=TASK, branch=branch, base_branch="main", head=head, title="Add login", body="What and why.", draft=True
    )


class ForgeLaws:
    """Subclass with a fixture `bench`."""

    def test_knows_nothing_at_first(self, bench: Bench) -> None:
        """A branch without a pull request is not in the answer."""
        assert dict(bench.forge.pull_requests([])) == {}
        assert dict(bench.forge.pull_requests(["autorun/file-login"])) == {}
        bench.push("autorun/file-login", text="one")
        assert dict(bench.forge.pull_requests(["autorun/file-login"])) == {}

    def test_finds_what_was_proposed(self, bench: Bench) -> None:
        """Title and body are there to read; the answer of the proposal is what is found later."""
        wanted = proposal(bench)
        opened = bench.forge.propose(wanted)
        assert opened.state is PullRequestState.OPEN
        assert opened.head == wanted.head
        assert opened.url
        found = bench.forge.pull_requests([wanted.branch, "autorun/file-other"])
        assert dict(found) == {wanted.branch: opened}
        assert "What and why." in bench.body(wanted.branch)

    def test_adopts_the_open_one(self, bench: Bench) -> None:
        """Proposing again updates text and head of the same pull request."""
        opened = bench.forge.propose(proposal(bench))
        again = replace(proposal(bench, text="two"), body="Reworked.")
        adopted = bench.forge.propose(again)
        assert (adopted.url, adopted.number) == (opened.url, opened.number)
        assert adopted.head == again.head
        assert bench.number_of_pull_requests() == 1
        assert "Reworked." in bench.body(again.branch)
        assert "What and why." not in bench.body(again.branch)

    def test_shows_a_branch_that_went_on(self, bench: Bench) -> None:
        """The head is the branch's present one, whoever pushed it."""
        wanted = proposal(bench)
        bench.forge.propose(wanted)
        pushed = bench.push(wanted.branch, text="by a human")
        found = bench.forge.pull_requests([wanted.branch])[wanted.branch]
        assert (found.head, found.state) == (pushed, PullRequestState.OPEN)

    def test_sees_a_merge(self, bench: Bench) -> None:
        """Merged is merged, also where nothing else is open."""
        wanted = proposal(bench)
        bench.forge.propose(wanted)
        bench.merge(wanted.branch)
        assert bench.forge.pull_requests([wanted.branch])[wanted.branch].state is PullRequestState.MERGED

    def test_sees_a_squash(self, bench: Bench) -> None:
        """A squash is a merge too."""
        wanted = proposal(bench)
        bench.push(wanted.branch, text="two")
        bench.forge.propose(wanted)
        bench.squash(wanted.branch)
        assert bench.forge.pull_requests([wanted.branch])[wanted.branch].state is PullRequestState.MERGED

    def test_sees_a_refusal(self, bench: Bench) -> None:
        """Closed without a merge means no."""
        wanted = proposal(bench)
        bench.forge.propose(wanted)
        bench.close(wanted.branch)
        assert bench.forge.pull_requests([wanted.branch])[wanted.branch].state is PullRequestState.CLOSED

    def test_a_new_branch_gets_a_pull_request_of_its_own(self, bench: Bench) -> None:
        """After a refusal the next generation leaves the old one as it was."""
        first = proposal(bench)
        bench.forge.propose(first)
        bench.close(first.branch)
        second = proposal(bench, "autorun/file-login+2", text="better")
        bench.forge.propose(second)
        found = bench.forge.pull_requests([first.branch, second.branch])
        assert found[first.branch].state is PullRequestState.CLOSED
        assert found[second.branch].state is PullRequestState.OPEN
        assert found[first.branch].url != found[second.branch].url
        assert bench.number_of_pull_requests() == 2
