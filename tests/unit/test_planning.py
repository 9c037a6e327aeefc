"""The plan: who runs, in which order, and the sentence for everyone who does not."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import example, given, strategies as st

from autorun.core.ledger import History, Seen
from autorun.core.ledger.record import Attempt, Holder, Record
from autorun.core.model import (
    AgentSession,
    Answer,
    AnswerKind,
    Backlog,
    Dependency,
    Fault,
    Outcome,
    Priority,
    PullRequest,
    Reason,
    Task,
    TaskId,
    TaskState,
)
from autorun.core.planning import Plan, phase, plan, standing

NOW = datetime(2026, 11, 2, 22, 0, tzinfo=UTC)
SESSION = AgentSession(backend="claude-code", id="s1", model="opus")
ANSWER = Answer(kind=AnswerKind.RETRY, text="Use PostgreSQL.")
STOPPED = (
    TaskState.BLOCKED,
    TaskState.PAUSED,
    TaskState.FAILED,
    TaskState.IN_REVIEW,
    TaskState.CANCELLED,
    TaskState.DONE,
)


def task(key: str, title: str = "A task", *waits_for: str, **fields: object) -> Task:
    depends_on = tuple(Dependency(key=each) for each in waits_for)
    return replace(
        Task(id=TaskId(provider="file", key=key), title=title, depends_on=depends_on),
        **fields,  # type: ignore[arg-type]
    )


def record(key: str, state: TaskState, **fields: object) -> Record:
    holder = Holder(nonce="n1", pid=4242) if state is TaskState.IN_PROGRESS else None
    blank = Record(task=TaskId(provider="file", key=key), state=state, holder=holder)
    return replace(blank, **fields)  # type: ignore[arg-type]


def history(*records: Record, faults: tuple[tuple[str, str], ...] = ()) -> History:
    return History(
        seen={each.task: Seen(commit="c0", record=each) for each in records},
        faults={TaskId(provider="file", key=key): Fault(place=key, reason=reason) for key, reason in faults},
    )


def planned(
    *tasks: Task,
    past: History | None = None,
    only: tuple[str, ...] = (),
    dead: bool = False,
    edits: bool = False,
    resets: bool = False,
) -> Plan:
    return plan(
        Backlog(tasks=tasks, edits_answer=edits, resets_answer=resets),
        past or history(),
        now=NOW,
        max_attempts=3,
        only=only,
        dead=lambda _: dead,
        grace=timedelta(minutes=5),
    )


def order(outcome: Plan) -> list[str]:
    return [each.id.key for each in outcome.ready]


def reasons(outcome: Plan) -> dict[str, str]:
    return {skip.task.id.key: skip.reason for skip in outcome.skipped}


# ------------ order


def test_priority_comes_first_then_age_then_key() -> None:
    """An urgent task runs before a low one however young; equals run oldest first, then by natural key."""
    old, young = NOW - timedelta(days=9), NOW
    tasks = (
        task("TASK-001", priority=Priority.LOW, created_at=old),
        task("TASK-002", priority=Priority.CRITICAL, created_at=young),
        task("TASK-10", created_at=old),
        task("TASK-9", created_at=old),
        task("TASK-3", created_at=young),
        task("TASK-1"),
    )
    assert order(planned(*tasks)) == ["TASK-002", "TASK-9", "TASK-10", "TASK-3", "TASK-1", "TASK-001"]


def test_unfinished_work_goes_first_within_its_priority() -> None:
    """A task whose agent session can go on runs before its equals, after those more urgent."""
    past = history(record("3", TaskState.TODO, session=SESSION))
    tasks = (task("1"), task("2", priority=Priority.HIGH), task("3"))
    assert order(planned(*tasks, past=past)) == ["2", "3", "1"]


def test_phases_order_tasks_inside_their_prefix_only() -> None:
    """The queue is a series of picks: the first open task of a prefix competes, the next once it is taken."""
    tasks = (
        task("a", "[AUTH-1.10] Last", priority=Priority.CRITICAL),
        task("b", "[AUTH-1.2] First", priority=Priority.LOW),
        task("c", "[AUTH-1.2a] Second", priority=Priority.CRITICAL),
        task("d", "[MY-APP-2.1] Elsewhere", priority=Priority.HIGH),
        task("e", "Plain"),
    )
    assert order(planned(*tasks)) == ["d", "e", "b", "c", "a"]


def test_a_phase_never_blocks() -> None:
    """Where an earlier task of the prefix cannot run, the later one does."""
    past = history(record("1", TaskState.BLOCKED))
    assert order(planned(task("1", "[AUTH-1.1] x"), task("2", "[AUTH-1.2] y"), past=past)) == ["2"]


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("[AUTH-1.2] Log in", ("AUTH", (1, 2, ""))),
        ("[MY-APP-1.2a] Log in", ("MY-APP", (1, 2, "a"))),
        ("Urgent: [auth-10.20B] log in", ("AUTH", (10, 20, "b"))),
        ("Do subtask 3.4", None),
        ("2.0 migration notes", None),
        ("Add metadata endpoint", None),
        ("[JIRA-123] Ticket", None),
        ("[AUTH-1.2x3] odd", None),
        ("array[AUTH-1.2]", None),
        ("[-1.2] nothing", None),
        ("[A-" + "9" * 5000 + ".1] huge", None),
    ],
)
def test_a_phase_mark_is_a_whole_bracket(title: str, expected: object) -> None:
    """Only a bracketed mark counts; numbers in prose are prose."""
    assert phase(title) == expected


# ------------ dependencies


@pytest.mark.parametrize("state", [TaskState.DONE, TaskState.CANCELLED])
@pytest.mark.parametrize("told_by", ["tracker", "record", "record without task"])
def test_a_closed_dependency_releases(state: TaskState, told_by: str) -> None:
    """Done and cancelled tasks hold nobody back, whoever says so."""
    first = (
        ()
        if told_by == "record without task"
        else (task("1", state=state if told_by == "tracker" else TaskState.TODO),)
    )
    past = history() if told_by == "tracker" else history(record("1", state))
    assert order(planned(*first, task("2", "B", "1"), past=past)) == ["2"]


def test_the_provider_s_word_on_a_dependency_counts() -> None:
    """A dependency outside the backlog is met if the provider says it is done."""
    assert order(planned(task("2", depends_on=(Dependency(key="org/other#9", done=True),)))) == ["2"]


def test_open_dependencies_are_named_with_their_state() -> None:
    """The reason names each unmet dependency and where it stands."""
    past = history(record("1", TaskState.IN_REVIEW))
    outcome = planned(task("1"), task("2"), task("3", "C", "1", "2", "nope"), past=past)
    assert order(outcome) == ["2"]
    assert reasons(outcome)["3"] == "blocked by: 1 (in review), 2 (todo), nope (not in the backlog)"
    assert "Skipping 3 - blocked by: 1 (in review), 2 (todo), nope (not in the backlog)" in map(str, outcome.skipped)


def test_another_provider_s_record_meets_no_dependency() -> None:
    """Key 1 of another tracker is another task."""
    other = replace(record("1", TaskState.DONE), task=TaskId(provider="linear", key="1"))
    outcome = planned(task("2", "B", "1"), past=history(other))
    assert reasons(outcome) == {"2": "blocked by: 1 (not in the backlog)"}


def test_a_reopened_dependency_holds_back_again() -> None:
    """Cancelled, then answered: the task is open, and who waits for it waits."""
    past = history(record("1", TaskState.CANCELLED))
    outcome = planned(task("1", answer=ANSWER), task("2", "B", "1"), past=past)
    assert order(outcome) == ["1"]


def test_a_circle_is_reported_by_its_members() -> None:
    """Every member says whom it waits for; who waits for the circle is merely blocked."""
    outcome = planned(
        task("a", "A", "b"), task("b", "B", "c"), task("c", "C", "a"), task("d", "D", "a"), task("e", "E", "e")
    )
    assert order(outcome) == []
    assert reasons(outcome) == {
        "a": "waits for itself: a -> b -> c -> a; remove one of these dependencies",
        "b": "waits for itself: b -> c -> a -> b; remove one of these dependencies",
        "c": "waits for itself: c -> a -> b -> c; remove one of these dependencies",
        "d": "blocked by: a (todo)",
        "e": "waits for itself: e -> e; remove one of these dependencies",
    }


def test_nothing_ready_says_which_nothing() -> None:
    """An empty queue and a knotted one have a sentence each; a queue with work has none."""
    assert planned().nothing == "No more tasks available"
    assert planned(task("1", state=TaskState.DONE)).nothing == "No more tasks available"
    assert planned(task("1", "A", "2")).nothing == "No tasks ready - all TODO tasks blocked by dependencies"
    late = record("3", TaskState.TODO, next_eligible_at=NOW + timedelta(hours=1))
    assert planned(task("1", "A", "3"), task("3"), past=history(late)).nothing == "No more tasks available"
    assert planned(task("1")).nothing == ""


# ------------ states


@pytest.mark.parametrize("state", STOPPED)
def test_a_stopped_task_waits_for_a_human(state: TaskState) -> None:
    """It is skipped with what happened, and goes on for an answer or when named."""
    outcome = Outcome(state=state, reason=Reason.AGENT_BLOCKED, sentence="The schema is unclear.")
    past = history(record("1", state, outcome=outcome))
    assert reasons(planned(task("1"), past=past))["1"].startswith(state.replace("_", " "))
    assert order(planned(task("1", answer=ANSWER), past=past)) == ["1"]
    assert order(planned(task("1"), past=past, only=("1",))) == ["1"]


def test_a_stopped_task_tells_what_lets_it_go_on() -> None:
    """The sentence holds the cause and the remedy that fits the provider."""
    outcome = Outcome(state=TaskState.BLOCKED, reason=Reason.AGENT_BLOCKED, sentence="The schema is unclear.")
    past = history(record("1", TaskState.BLOCKED, outcome=outcome))
    stopped = task("1", state=TaskState.BLOCKED)
    named = "run `autorun start --task 1`"
    for edits, resets, ways in (
        (False, False, named),
        (True, False, f"edit its text or {named}"),
        (True, True, f"edit its text or set its status to todo or {named}"),
    ):
        told = reasons(planned(stopped, past=past, edits=edits, resets=resets))["1"]
        assert told == f"blocked: The schema is unclear; to let it go on, {ways}"
    github = TaskId(provider="github", key="1")
    seen = {
        github: Seen(commit="c0", record=replace(past.seen[TaskId(provider="file", key="1")].record, task=github))
    }
    outcome_there = planned(task("1", id=github), past=History(seen=seen, faults={}))
    assert "`/autorun retry`" in reasons(outcome_there)["1"]


def test_a_pull_request_is_named_while_it_waits_and_after_a_no() -> None:
    """In review names the address; closed unmerged means no."""
    there = PullRequest(branch="autorun/file-1", url="https://example.org/pull/3")
    past = history(record("1", TaskState.IN_REVIEW, pull_request=there))
    assert "https://example.org/pull/3" in reasons(planned(task("1"), past=past))["1"]
    no = Outcome(state=TaskState.CANCELLED, reason=Reason.CLOSED_UNMERGED, sentence="Closed.")
    past = history(record("1", TaskState.CANCELLED, outcome=no))
    assert "closed unmerged, which means no" in reasons(planned(task("1"), past=past))["1"]


@pytest.mark.parametrize("state", [state for state in TaskState if state is not TaskState.TODO])
def test_without_a_record_the_tracker_decides(state: TaskState) -> None:
    """A status that only people can have set is theirs to change."""
    assert reasons(planned(task("1", state=state)))["1"].startswith(f"its status is {state.replace('_', ' ')}")


def test_the_record_decides_but_closed_by_people_is_closed() -> None:
    """A tracker lags behind the record; a task people closed is never run."""
    assert standing(task("1"), record("1", TaskState.BLOCKED)) is TaskState.BLOCKED
    assert standing(task("1", state=TaskState.IN_REVIEW), record("1", TaskState.TODO)) is TaskState.TODO
    assert standing(task("1", state=TaskState.DONE), record("1", TaskState.FAILED)) is TaskState.DONE
    assert standing(task("1", state=TaskState.DONE), record("1", TaskState.IN_PROGRESS)) is TaskState.IN_PROGRESS
    withdrawn = planned(task("1", state=TaskState.CANCELLED), past=history(record("1", TaskState.TODO)))
    assert reasons(withdrawn) == {"1": "its status is cancelled"}


@pytest.mark.parametrize("state", STOPPED)
def test_an_edit_answers_where_the_provider_says_so(state: TaskState) -> None:
    """A new text lets blocked, paused and failed tasks go on, never a closed or published one."""
    past = history(record("1", state, revision="r1"))
    edited = task("1", revision="r2", state=state)
    goes_on = state in {TaskState.BLOCKED, TaskState.PAUSED, TaskState.FAILED}
    assert order(planned(edited, past=past, edits=True)) == (["1"] if goes_on else [])
    assert order(planned(edited, past=past)) == []
    assert order(planned(task("1", revision="r1", state=state), past=past, edits=True)) == []
    unknown = history(record("1", state))
    assert order(planned(edited, past=unknown, edits=True)) == []


@pytest.mark.parametrize("state", STOPPED)
def test_a_status_set_back_answers_where_the_provider_says_so(state: TaskState) -> None:
    """Todo again in the tracker lets everything go on that is neither published nor done."""
    past = history(record("1", state, revision="r1"))
    again = task("1", revision="r1")
    goes_on = state not in {TaskState.IN_REVIEW, TaskState.DONE}
    assert order(planned(again, past=past, edits=True, resets=True)) == (["1"] if goes_on else [])
    assert order(planned(again, past=past, edits=True)) == []


# ------------ holders, attempts, time


def test_a_living_holder_keeps_its_task() -> None:
    """A task in progress elsewhere is skipped, and its holder named."""
    past = history(
        record("1", TaskState.IN_PROGRESS, expires_at=NOW),
        record("2", TaskState.IN_PROGRESS, holder=Holder(nonce="n", run_id="77", run_attempt=2), expires_at=NOW),
        record("3", TaskState.IN_PROGRESS, holder=Holder(nonce="n3"), expires_at=NOW),
    )
    outcome = planned(task("1"), task("2"), task("3", answer=ANSWER), past=past, only=("1", "2", "3"))
    assert reasons(outcome) == {
        "1": "held by another runner, process 4242",
        "2": "held by another runner, Actions run 77 (attempt 2)",
        "3": "held by another runner, n3",
    }


def test_a_dead_or_expired_holder_gives_up_its_task() -> None:
    """Known dead: at once; unknown: after expiry and grace, not before."""
    held = record("1", TaskState.IN_PROGRESS, expires_at=NOW + timedelta(minutes=9), session=SESSION)
    assert order(planned(task("1"), past=history(held), dead=True)) == ["1"]
    in_grace = replace(held, expires_at=NOW - timedelta(minutes=5))
    assert order(planned(task("1"), past=history(in_grace))) == []
    expired = replace(held, expires_at=NOW - timedelta(minutes=6))
    assert order(planned(task("0"), task("1"), past=history(expired))) == ["1", "0"]


def test_a_failed_attempt_waits_out_its_back_off() -> None:
    """Not before its time, unless a human asks for it."""
    past = history(record("1", TaskState.TODO, next_eligible_at=NOW + timedelta(minutes=10)))
    assert reasons(planned(task("1"), past=past)) == {
        "1": "waits until 2026-11-02 22:10 UTC before it is tried again"
    }
    assert order(planned(task("1"), past=past, only=("1",))) == ["1"]
    assert order(planned(task("1"), past=history(record("1", TaskState.TODO, next_eligible_at=NOW)))) == ["1"]


def test_attempts_run_out() -> None:
    """Burned attempts count, a dead runner's too; an answer allows one more."""
    tries = tuple(Attempt(number=n, session_id="s", started_at=NOW, ended_at=NOW, burned=True) for n in (1, 2, 3))
    spent = history(record("1", TaskState.TODO, attempts=tries))
    assert reasons(planned(task("1"), past=spent))["1"].startswith("all 3 attempts are used up; ")
    assert order(planned(task("1", answer=ANSWER), past=spent)) == ["1"]
    assert order(planned(task("1"), past=history(record("1", TaskState.TODO, attempts=tries[:2])))) == ["1"]
    dying = Attempt(number=3, session_id="s", started_at=NOW)
    died = record("1", TaskState.IN_PROGRESS, attempts=(*tries[:2], dying))
    assert reasons(planned(task("1"), past=history(died), dead=True))["1"].startswith("all 3 attempts are used up; ")


# ------------ what is held back


def test_an_objection_or_a_damaged_record_holds_a_task_back() -> None:
    """Neither is overruled by naming the task; the damaged record is among the faults."""
    past = history(faults=(("2", "the record is damaged"),))
    outcome = planned(task("1", objection="Its text changed."), task("2"), past=past, only=("1", "2"))
    assert reasons(outcome) == {"1": "Its text changed.", "2": "its record cannot be read: the record is damaged"}
    assert [fault.place for fault in outcome.faults] == ["2"]


def test_only_what_was_named_runs() -> None:
    """Everything else says so; a name nobody bears is a fault; dependencies still hold."""
    outcome = planned(task("1"), task("2"), task("3", "C", "2"), only=("1", "3", "9"))
    assert order(outcome) == ["1"]
    assert reasons(outcome) == {"2": "only 1, 3, 9 was asked for", "3": "blocked by: 2 (todo)"}
    assert outcome.faults == (Fault(place="9", reason="There is no task 9 in the backlog."),)


# ------------ laws

KEYS = st.text(min_size=1, max_size=4)
TITLES = st.one_of(st.text(max_size=30), st.from_regex(r"\[[A-C]-[0-9]\.[0-9][a-c]?\] x", fullmatch=True))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[tuple[Task, ...], History]:
    keys = draw(st.lists(KEYS, unique=True, max_size=8))
    states = st.sampled_from(TaskState)
    tasks = tuple(
        task(
            key,
            draw(TITLES),
            *draw(st.lists(st.one_of(KEYS, st.sampled_from(keys)), max_size=2)),
            state=draw(states),
            priority=draw(st.sampled_from(Priority)),
            created_at=draw(st.none() | st.datetimes(timezones=st.just(UTC))),
        )
        for key in keys
    )
    recorded = draw(st.lists(st.sampled_from(keys), unique=True)) if keys else []
    return tasks, history(
        *(record(key, draw(states), session=draw(st.sampled_from([None, SESSION]))) for key in recorded)
    )


@given(worlds(), st.booleans())
def test_every_task_is_ready_or_skipped_with_a_reason(world: tuple[tuple[Task, ...], History], dead: bool) -> None:
    """Exactly once, whatever the titles and keys, and nobody ready waits for anybody open."""
    tasks, past = world
    outcome = planned(*tasks, past=past, dead=dead)
    assert sorted(order(outcome) + list(reasons(outcome))) == sorted(each.id.key for each in tasks)
    assert len(outcome.ready) + len(outcome.skipped) == len(tasks)
    assert all(reasons(outcome).values())
    records = {key: seen.record for key, seen in past.seen.items()}
    stands = {each.id.key: standing(each, records.get(each.id)) for each in tasks}
    for each in outcome.ready:
        for needed in each.depends_on:
            assert stands[needed.key] in {TaskState.DONE, TaskState.CANCELLED}


@given(worlds(), st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_the_order_of_listing(
    world: tuple[tuple[Task, ...], History], random: Random
) -> None:
    """The same backlog, listed differently, gives the same plan."""
    tasks, past = world
    shuffled = list(tasks)
    random.shuffle(shuffled)
    assert planned(*tasks, past=past) == planned(*shuffled, past=past)


@given(
    st.integers(1, 8).flatmap(
        lambda size: st.tuples(
            st.permutations(range(size)),
            st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=12),
        )
    )
)
@example(([0, 1], [(1, 0), (1, 0)]))
def test_no_deadlock(world: tuple[list[int], list[tuple[int, int]]]) -> None:
    """Without a circle something is always ready, and working it off in turn works everything off."""
    ranks, edges = world
    waits: dict[int, set[str]] = {number: set() for number in ranks}
    for one, other in edges:
        later, sooner = (one, other) if ranks[one] > ranks[other] else (other, one)
        if later != sooner:
            waits[later].add(str(sooner))
    todo = {str(number): task(str(number), "T", *sorted(needs)) for number, needs in waits.items()}
    while any(each.state is TaskState.TODO for each in todo.values()):
        ready = order(planned(*todo.values()))
        assert ready
        todo[ready[0]] = replace(todo[ready[0]], state=TaskState.DONE)


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdef"), max_size=3)))
def test_what_can_never_run_is_said_to(waits: dict[str, set[str]]) -> None:
    """If nothing is ready although all dependencies exist, a circle is named, and it is one."""
    tasks = {key: task(key, "T", *sorted(needs & waits.keys())) for key, needs in waits.items()}
    outcome = planned(*tasks.values())
    circles = [reason for reason in reasons(outcome).values() if reason.startswith("waits for itself: ")]
    assert bool(circles) or bool(outcome.ready) or not tasks
    for reason in circles:
        members = reason.removeprefix("waits for itself: ").partition(";")[0].split(" -> ")
        assert members[0] == members[-1]
        for one, other in pairwise(members):
            assert other in {each.key for each in tasks[one].depends_on}


def test_ten_thousand_tasks_are_planned_at_once() -> None:
    """A chain as long as the backlog, and phases, cost neither time nor recursion."""
    tasks = [task(f"k{n}", f"[P{n % 9}-{n % 100}.{n}] x", *([f"k{n + 1}"] if n % 2 else [])) for n in range(5000)]
    tasks += [task(f"c{n}", "chain", f"c{(n + 1) % 5000}") for n in range(5000)]
    started = time.process_time()
    outcome = planned(*tasks)
    assert time.process_time() - started < 3
    assert len(outcome.ready) == 2500
    assert len(outcome.skipped) == 7500
    assert reasons(outcome)["c4999"].startswith("waits for itself: c4999 -> c0 -> c1 -> ")
    assert "c10 -> (4988 more) -> c4999;" in reasons(outcome)["c4999"]
