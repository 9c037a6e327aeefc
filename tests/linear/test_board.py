"""Our states in a team's workflow: by type, by name, else by a label; and back."""

import pytest
from hypothesis import given, strategies as st

from autorun.adapters.tasks.linear.board import Column, place, shown
from autorun.core.errors import ProviderError
from autorun.core.model import TaskState
from kit.linear_double import STATES

TYPES = ("triage", "backlog", "unstarted", "started", "completed", "canceled")


def columns(*named: tuple[str, str]) -> list[Column]:
    return [
        Column(id=str(at), name=name, type=kind, position=float(at)) for at, (name, kind) in enumerate(named, start=1)
    ]


USUAL = columns(*STATES)
ODD = columns(("Ready", "unstarted"), ("Baking", "started"), ("Served", "completed"), ("Binned", "canceled"))
RICH = columns(
    ("Todo", "unstarted"),
    ("Waiting for review", "started"),
    ("Blocked", "started"),
    ("On hold", "backlog"),
    ("In Progress", "started"),
    ("Failed QA", "started"),
    ("Done", "completed"),
    ("Canceled", "canceled"),
)


def go(state: TaskState, team: list[Column], start: str) -> tuple[str, str]:
    found = place(state, next(each for each in team if each.name == start), team)
    return found.column.name, found.label


@pytest.mark.parametrize(
    ("state", "usual", "odd", "rich"),
    [
        (TaskState.TODO, ("Todo", ""), ("Ready", ""), ("Todo", "")),
        (TaskState.IN_PROGRESS, ("In Progress", ""), ("Baking", ""), ("In Progress", "")),
        (TaskState.IN_REVIEW, ("In Review", ""), ("Baking", "autorun:in-review"), ("Waiting for review", "")),
        (TaskState.BLOCKED, ("In Progress", "autorun:blocked"), ("Baking", "autorun:blocked"), ("Blocked", "")),
        (TaskState.PAUSED, ("In Progress", "autorun:paused"), ("Baking", "autorun:paused"), ("On hold", "")),
        (TaskState.FAILED, ("In Progress", "autorun:failed"), ("Baking", "autorun:failed"), ("Failed QA", "")),
        (TaskState.DONE, ("Done", ""), ("Served", ""), ("Done", "")),
        (TaskState.CANCELLED, ("Canceled", ""), ("Binned", ""), ("Canceled", "")),
    ],
)
def test_each_state_has_its_place(
    state: TaskState, usual: tuple[str, str], odd: tuple[str, str], rich: tuple[str, str]
) -> None:
    """The usual workflow, one with its own names and no Blocked, and one with a column for everything."""
    assert go(state, USUAL, "In Progress") == usual
    assert go(state, ODD, "Baking") == odd
    assert go(state, RICH, "In Progress") == rich


@pytest.mark.parametrize(
    ("state", "start"),
    [(TaskState.TODO, "Backlog"), (TaskState.TODO, "Triage"), (TaskState.CANCELLED, "Duplicate")],
)
def test_an_issue_stays_where_it_can(state: TaskState, start: str) -> None:
    """A column of the right type is as good as any other."""
    assert go(state, USUAL, start) == (start, "")


@pytest.mark.parametrize(
    ("name", "kind", "labels", "state"),
    [
        ("Triage", "triage", (), TaskState.TODO),
        ("Backlog", "backlog", (), TaskState.TODO),
        ("Needs review", "backlog", (), TaskState.TODO),
        ("Blocked", "unstarted", (), TaskState.BLOCKED),
        ("Todo", "unstarted", ("autorun:blocked",), TaskState.TODO),
        ("Cooking", "started", (), TaskState.IN_PROGRESS),
        ("Cooking", "started", ("autorun:paused",), TaskState.PAUSED),
        ("In Review", "started", ("autorun:paused",), TaskState.IN_REVIEW),
        ("Unblocked", "started", (), TaskState.IN_PROGRESS),
        ("Blocked", "completed", ("autorun:failed",), TaskState.DONE),
        ("Duplicate", "duplicate", (), TaskState.CANCELLED),
        ("Orbit", "interstellar", (), None),
    ],
)
def test_columns_are_read(name: str, kind: str, labels: tuple[str, ...], state: TaskState | None) -> None:
    """The type decides first, then a name, then a label of ours; a type of the future is nothing we know."""
    assert shown(Column(id="1", name=name, type=kind), labels) is state


@given(
    state=st.sampled_from(TaskState),
    team=st.lists(
        st.tuples(
            st.sampled_from(("Blocked", "In Review", "Paused", "Failed", "Todo", "Doing", "Ready", "X")),
            st.sampled_from(TYPES),
        ),
        min_size=1,
        max_size=8,
    ),
    start=st.integers(0, 7),
)
def test_what_is_shown_is_read_back(state: TaskState, team: list[tuple[str, str]], start: int) -> None:
    """Whatever the workflow, a state that can be shown is the state that people, and we, then see."""
    found = columns(*team)
    try:
        target = place(state, found[start % len(found)], found)
    except ProviderError:
        return
    assert shown(target.column, {target.label} - {""}) is state
    assert place(state, target.column, found) == target


def test_a_workflow_without_a_fitting_state_is_named() -> None:
    """A team that cannot show a state says which, and what to do."""
    with pytest.raises(ProviderError, match="no workflow state that means done") as caught:
        go(TaskState.DONE, columns(("Todo", "unstarted")), "Todo")
    assert "settings" in caught.value.hint
