"""Every ledger obeys the same laws: in a local repository, in a bare one, over HTTP, in memory."""

from collections.abc import Callable
from itertools import count

import pytest

from autorun.ports import Ledger
from kit.fakes_ledger import MemoryLedger
from kit.ledger_conformance import LedgerLaws
from kit.places import Place
from kit.repos import add_hook, git

Human = Callable[[Place, str], str]


class InGit(LedgerLaws):
    """The fixtures of a ledger in git; a subclass says `where` it lies."""

    @pytest.fixture
    def runners(self, where: Place) -> Callable[[], Ledger]:
        """Ledgers over one place."""
        return where.runner

    @pytest.fixture
    def work(self, where: Place) -> Callable[[str], str]:
        """Commits of ours."""
        return where.work

    @pytest.fixture
    def branch_head(self, where: Place) -> Callable[[str], str | None]:
        """Where a branch stands."""
        return lambda branch: where.head(f"refs/heads/{branch}")

    @pytest.fixture
    def human_pushes(self, where: Place, human: Human) -> Callable[[str], str]:
        """A branch moved by someone else."""
        return lambda branch: human(where, branch)

    @pytest.fixture
    def refuse_branches(self, where: Place) -> Callable[[str], None]:
        """A branch named `autorun` leaves no room for `autorun/x`."""

        def refuse(_: str) -> None:
            git(where.clone, "push", "--quiet", str(where.origin), "main:refs/heads/autorun")

        return refuse


class TestInAPlainRepository(InGit):
    """The ledger in the user's own repository."""

    @pytest.fixture
    def where(self, plain_place: Place) -> Place:
        """The place."""
        return plain_place


class TestInABareRepository(InGit):
    """The ledger in a bare repository of this machine."""

    @pytest.fixture
    def where(self, place: Place) -> Place:
        """The place."""
        return place


class TestOverHttp(InGit):
    """The ledger behind a server."""

    @pytest.fixture
    def where(self, http_place: Place) -> Place:
        """The place."""
        return http_place

    @pytest.fixture
    def refuse_branches(self, where: Place) -> Callable[[str], None]:
        """A rule of the server forbids the branch."""
        return lambda branch: add_hook(
            where.origin, "update", f'[ "$1" != refs/heads/{branch} ] || {{ echo "not on a Sunday" >&2; exit 1; }}'
        )


class TestInMemory(LedgerLaws):
    """The fake that other tests use."""

    @pytest.fixture
    def memory(self) -> MemoryLedger:
        """One for all runners."""
        return MemoryLedger()

    @pytest.fixture
    def runners(self, memory: MemoryLedger) -> Callable[[], Ledger]:
        """Ledgers over one place."""
        return lambda: memory

    @pytest.fixture
    def work(self) -> Callable[[str], str]:
        """Commits of ours."""
        numbers = count(1000)
        return lambda _: f"{next(numbers):040x}"

    @pytest.fixture
    def branch_head(self, memory: MemoryLedger) -> Callable[[str], str | None]:
        """Where a branch stands."""
        return memory.branches.get

    @pytest.fixture
    def human_pushes(self, memory: MemoryLedger) -> Callable[[str], str]:
        """A branch moved by someone else."""
        return lambda branch: memory.branches.setdefault(branch, "f" * 40)

    @pytest.fixture
    def refuse_branches(self, memory: MemoryLedger) -> Callable[[str], None]:
        """A rule of the server forbids the branch."""
        return memory.refused_branches.add
