"""The local forge: files a person can read and edit, branches that tell what became of them."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings, strategies as st

from autorun.adapters.forges.local import LocalForge
from autorun.core.errors import ProviderError
from autorun.core.model import Proposal, PullRequestState, TaskId
from autorun.effects.git import Git
from kit.repos import commit_all, git, make_repository, write_files

BRANCH = "autorun/file-login"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"app.py": "x = 1\n", ".gitignore": ".ai-agents/\n"})


@pytest.fixture
def forge(repository: Path) -> LocalForge:
    return LocalForge(folder=repository / ".ai-agents/pull-requests", repository=Git(git_dir=repository / ".git"))


@pytest.fixture
def proposal(repository: Path) -> Proposal:
    git(repository, "switch", "--quiet", "--create", BRANCH)
    write_files(repository, {"app.py": "x = 2\n"})
    head = commit_all(repository, "Change it")
    git(repository, "switch", "--quiet", "main")
    return Proposal(
        task=TaskId(provider="file", key="login"),
        branch=BRANCH,
        base_branch="main",
        head=head,
        title="Add login",
        body="What and why.\n\n---\n\nMore.\n",
        labels=("a: b",),
        reviewers=("someone",),
    )


def test_the_file_reads_as_a_pull_request(forge: LocalForge, proposal: Proposal) -> None:
    """Front matter for machines, then title and body."""
    opened = forge.propose(proposal)
    text = (forge.folder / "login.md").read_text()
    assert opened.url == str(forge.folder / "login.md")
    _, front, rest = text.split("---\n", 2)
    assert yaml.safe_load(front) == {
        "branch": BRANCH, "base": "main", "head": proposal.head, "state": "open", "draft": True, "labels": ["a: b"],
        "reviewers": ["someone"],
    }  # fmt: skip
    assert rest == "\n# Add login\n\nWhat and why.\n\n---\n\nMore.\n"


def state(forge: LocalForge) -> PullRequestState:
    return forge.pull_requests([BRANCH])[BRANCH].state


def test_a_deleted_branch_is_merged_or_closed(forge: LocalForge, proposal: Proposal, repository: Path) -> None:
    """By whether its commits are in the base."""
    forge.propose(proposal)
    git(repository, "branch", "-D", BRANCH)
    assert state(forge) is PullRequestState.CLOSED
    git(repository, "merge", "--quiet", "--no-ff", "--no-edit", proposal.head)
    assert state(forge) is PullRequestState.MERGED


def test_a_merge_counts_although_the_file_says_closed(
    forge: LocalForge, proposal: Proposal, repository: Path
) -> None:
    """What is in the base is in the base."""
    forge.propose(proposal)
    git(repository, "merge", "--quiet", BRANCH)
    path = forge.folder / "login.md"
    path.write_text(path.read_text().replace("state: open", "state: closed"))
    assert state(forge) is PullRequestState.MERGED


def test_a_rebased_single_commit_counts_as_merged(forge: LocalForge, proposal: Proposal, repository: Path) -> None:
    """A cherry-pick has the same difference."""
    forge.propose(proposal)
    write_files(repository, {"other.py": "1"})
    commit_all(repository, "Go on")
    git(repository, "cherry-pick", proposal.head)
    assert state(forge) is PullRequestState.MERGED


def test_a_squash_that_was_edited_is_not_recognised(forge: LocalForge, proposal: Proposal, repository: Path) -> None:
    """Then the pull request stays open until the branch is deleted or the file says so."""
    forge.propose(proposal)
    write_files(repository, {"app.py": "x = 2  # edited\n"})
    commit_all(repository, "Squash with an edit")
    assert state(forge) is PullRequestState.OPEN


def test_a_gone_base_branch_leaves_it_open(forge: LocalForge, proposal: Proposal, repository: Path) -> None:
    """Nothing can be merged into what is not there."""
    forge.propose(proposal)
    git(repository, "branch", "--move", "main", "trunk")
    assert state(forge) is PullRequestState.OPEN


def test_a_closed_one_is_opened_anew(forge: LocalForge, proposal: Proposal) -> None:
    """Proposing the branch again is a new try at it."""
    forge.propose(proposal)
    path = forge.folder / "login.md"
    path.write_text(path.read_text().replace("state: open", "state: closed"))
    assert state(forge) is PullRequestState.CLOSED
    assert forge.propose(proposal).state is PullRequestState.OPEN
    assert state(forge) is PullRequestState.OPEN


def test_windows_line_ends_are_read(forge: LocalForge, proposal: Proposal) -> None:
    """An editor may write them."""
    forge.propose(proposal)
    path = forge.folder / "login.md"
    path.write_bytes(path.read_bytes().replace(b"state: open", b"state: closed").replace(b"\n", b"\r\n"))
    assert state(forge) is PullRequestState.CLOSED


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(
    st.one_of(
        st.binary(max_size=80), st.text(max_size=60).map(lambda t: f"---\n{t}\n---\n".encode("utf-8", "replace"))
    )
)
def test_other_files_in_the_folder_do_no_harm(forge: LocalForge, content: bytes) -> None:
    """Whatever people write there, it is no pull request of ours."""
    forge.folder.mkdir(parents=True, exist_ok=True)
    (forge.folder / "notes.md").write_bytes(content)
    (forge.folder / "folder.md").mkdir(exist_ok=True)
    assert dict(forge.pull_requests([BRANCH])) == {}


def test_two_tasks_of_one_name_do_not_meet(forge: LocalForge, proposal: Proposal) -> None:
    """A namesake of another provider gets a file of its own."""
    forge.propose(proposal)
    other = replace(proposal, task=TaskId(provider="linear", key="login"), branch="autorun/linear-login")
    assert forge.propose(other).url == str(forge.folder / "linear-login.md")
    assert len(forge.pull_requests([BRANCH, other.branch])) == 2


def test_a_folder_that_cannot_be_written_is_an_error_with_a_remedy(forge: LocalForge, proposal: Proposal) -> None:
    """Nothing is half done: the record still says that the proposal is pending."""
    forge.folder.parent.mkdir()
    forge.folder.write_text("a file")
    with pytest.raises(ProviderError, match="cannot be written") as failed:
        forge.propose(proposal)
    assert "writable" in failed.value.hint


def test_a_hostile_diff_driver_does_not_run(forge: LocalForge, proposal: Proposal, repository: Path) -> None:
    """Looking for a squash reads differences; no program is asked for them."""
    trace = repository.parent / "trace"
    for what in ("command", "textconv"):
        git(repository, "config", f"diff.planted.{what}", f"touch {trace}; true")
    write_files(repository, {".gitattributes": "* diff=planted\n"})
    commit_all(repository, "Plant")
    forge.propose(proposal)
    assert state(forge) is PullRequestState.OPEN
    assert not trace.exists()
