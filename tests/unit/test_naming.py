"""Names of tasks are injective and valid for git, whatever a tracker calls its tasks."""

import subprocess

from hypothesis import given, settings, strategies as st

from autorun.core.model import TaskId
from autorun.core.naming import branch, component, next_branch, ref

TRICKY = [
    "", ".", "..", "...", "a..b", "a.lock", ".lock", ".hidden", "-x", "a b", "a/b", "a@{1}", "@", "a~1", "a^", "a:b",
    "a\\b", "a?", "a*", "a[", "a.", "ü", "日本", "\udcff", "\0", "\n", "x" * 300, "x" * 301, "a_b", "a/b_", "A", "a",
    component("a b"), component(component("a b")), "task", "+2", "7+2", "7",
]  # fmt: skip
KEYS = st.text(max_size=120) | st.text(alphabet="ab._-/@{~ +\\", max_size=8) | st.sampled_from(TRICKY)


def valid(names: list[str]) -> bool:
    """Ask git itself, all names at once."""
    made = [["git", "check-ref-format", name] for name in names]
    return all(subprocess.run(argv, check=False).returncode == 0 for argv in made)


def test_plain_keys_stay_as_they_are() -> None:
    """Ordinary numbers and keys can be read off the ref and the branch."""
    assert ref(TaskId(provider="github", key="7")) == "refs/autorun/tasks/github/7"
    assert ref(TaskId(provider="linear", key="ENG-12")) == "refs/autorun/tasks/linear/ENG-12"
    assert branch(TaskId(provider="github", key="7")) == "autorun/github-7"
    assert branch(TaskId(provider="file", key="fix_it.now"), 2) == "autorun/file-fix_it.now+2"


def test_tricky_keys_are_valid_and_distinct() -> None:
    """Git accepts the names of every tricky key, and no two meet."""
    tasks = [TaskId(provider="file", key=key) for key in TRICKY]
    assert valid([name for task in tasks for name in (ref(task), f"refs/heads/{branch(task)}")])
    assert len({ref(task) for task in tasks}) == len(TRICKY)
    assert len({branch(task, n) for task in tasks for n in (1, 2, 3)}) == 3 * len(TRICKY)


@settings(max_examples=30, deadline=None)
@given(key=KEYS)
def test_any_key_is_valid(key: str) -> None:
    """Git accepts the ref and the branch of any key; the ref is one component, of bounded length."""
    task = TaskId(provider="linear", key=key)
    assert valid([ref(task), f"refs/heads/{branch(task, 2)}"])
    assert "/" not in component(key)
    assert 0 < len(component(key)) <= 110


@given(one=KEYS, other=KEYS)
def test_names_are_injective(one: str, other: str) -> None:
    """Two keys share a name only if they are the same key; no generation of one is a branch of another."""
    assert (component(one) == component(other)) == (one == other)
    first, second = TaskId(provider="file", key=one), TaskId(provider="file", key=other)
    assert (branch(first, 2) == branch(second, 2)) == (one == other)
    assert branch(first, 2) != branch(second)


@given(key=KEYS)
def test_next_branch_counts_up(key: str) -> None:
    """After a closed pull request comes a branch that was never used."""
    task = TaskId(provider="github", key=key)
    names = [""]
    for _ in range(4):
        names.append(next_branch(task, names[-1]))
    assert names[1:] == [branch(task, number) for number in (1, 2, 3, 4)]
