"""Checkpoints: which mode asks where, and what each answer leads to."""

import pytest

from autorun.core.checkpoints import Checkpoints, Choice, Decision, Point
from autorun.core.config.choices import Mode
from autorun.core.model import AgentResult, Assignment, Ending, Reason, TaskState
from kit.workshop import Workshop, check, completed, ends, needs_input, says, writes

INTERACTIVE = Checkpoints(mode=Mode.INTERACTIVE, turn_interval=5)
SUPERVISED = Checkpoints(mode=Mode.SUPERVISED, turn_interval=None)


@pytest.mark.parametrize(
    ("mode", "points"),
    [
        (Mode.AUTONOMOUS, {Point.REGRESSION, Point.CONTEXT}),
        (Mode.INTERACTIVE, {Point.REGRESSION, Point.CONTEXT, Point.BLOCKER, Point.TURNS}),
        (Mode.SUPERVISED, set(Point)),
    ],
)
def test_each_mode_asks_at_its_own_points(mode: Mode, points: set[Point]) -> None:
    """The modes differ, and each switch switches."""
    on = Checkpoints(mode=mode)
    off = Checkpoints(
        mode=mode, turn_interval=None, on_regression_failure=False, on_blocker=False, on_context_high=False
    )
    assert {point for point in Point if on.asks(point)} == points
    assert {point for point in Point if off.asks(point)} == points & {Point.PLAN, Point.PUBLICATION}


def test_a_blocker_is_asked_and_the_answer_goes_on(shop: Workshop) -> None:
    """In interactive mode guidance continues the same conversation; the work is then published."""
    shop.task("a")
    shop.human.decisions.append(Decision(choice=Choice.REDIRECT, guidance="Take the blue one."))
    ran = shop.run({"a": [says(needs_input()), writes({"blue.txt": ""})]}, checkpoints=INTERACTIVE)
    assert "Take the blue one." in ran.agent.messages("a")[1]
    assert ran.agent.told[1].session is not None
    assert shop.record("a").state is TaskState.IN_REVIEW


def test_nobody_there_leaves_the_blocker_for_later(shop: Workshop) -> None:
    """Without an answer the task is blocked, as in autonomous mode."""
    shop.task("a")
    shop.run({"a": [says(needs_input())]}, checkpoints=INTERACTIVE)
    assert shop.human.asked[0].point is Point.BLOCKER
    assert shop.record("a").state is TaskState.BLOCKED


def test_the_turn_interval_bounds_each_stretch(shop: Workshop) -> None:
    """Every stretch may take the interval's turns; silence at the checkpoint pauses the task with its work kept."""
    shop.task("a")
    shop.human.decisions.append(Decision(choice=Choice.APPROVE))
    turns = [ends(Ending.TURN_LIMIT, files={"one.txt": ""}), ends(Ending.TURN_LIMIT, files={"two.txt": ""})]
    ran = shop.run({"a": turns}, checkpoints=INTERACTIVE)
    assert [assignment.limits.turns for assignment in ran.agent.told] == [5, 5]
    record = shop.record("a")
    assert (record.state, record.outcome and record.outcome.reason) == (TaskState.PAUSED, Reason.CHECKPOINT)
    again = shop.run({"a": [writes({"three.txt": ""})]}, only=("a",))
    assert shop.git("diff", "--name-only", "main", "autorun/file-a").split() == ["one.txt", "three.txt", "two.txt"]
    assert again.agent.told[0].session is not None


def test_autonomous_mode_has_no_turn_checkpoint(shop: Workshop) -> None:
    """The interval means nothing there: the limit is the task's own."""
    shop.task("a")
    ran = shop.run({"a": [writes({"a.txt": ""})]}, checkpoints=Checkpoints(turn_interval=5))
    assert ran.agent.told[0].limits.turns == 50


def test_supervised_asks_for_the_plan_and_the_publication(shop: Workshop) -> None:
    """First the plan and nothing edited, then the work, then the publication."""
    shop.task("a")
    shop.human.decisions += [
        Decision(choice=Choice.APPROVE, guidance="With a test."),
        Decision(choice=Choice.APPROVE),
    ]
    ran = shop.run({"a": [says(needs_input("I would add a.txt")), writes({"a.txt": ""})]}, checkpoints=SUPERVISED)
    assert [question.point for question in shop.human.asked] == [Point.PLAN, Point.PUBLICATION]
    assert shop.human.asked[0].details == "I would add a.txt"
    assert "Change nothing yet" in ran.agent.messages("a")[0]
    assert "With a test." in ran.agent.messages("a")[1]
    assert shop.record("a").state is TaskState.IN_REVIEW


def test_an_unanswered_publication_waits_with_its_work(shop: Workshop) -> None:
    """Nothing is pushed before approval; approved later, it is published without the agent doing it again."""
    shop.task("a")
    shop.human.decisions.append(Decision(choice=Choice.APPROVE))
    shop.run({"a": [says(needs_input("plan")), writes({"a.txt": ""})]}, checkpoints=SUPERVISED)
    assert shop.record("a").state is TaskState.PAUSED
    assert "autorun/file-a" not in shop.git("branch", "--list", "--all")
    shop.human.decisions.append(Decision(choice=Choice.APPROVE))
    shop.run({"a": [says(completed())]}, checkpoints=SUPERVISED, only=("a",))
    assert shop.record("a").state is TaskState.IN_REVIEW
    assert shop.git("diff", "--name-only", "main", "autorun/file-a") == "a.txt"


@pytest.mark.parametrize("choice", [Choice.SKIP, Choice.STOP])
def test_a_task_put_aside_is_paused(shop: Workshop, choice: Choice) -> None:
    """Skip and stop leave the task paused, with its work kept and nothing published."""
    shop.task("a")
    shop.human.decisions.append(Decision(choice=choice))
    shop.run({"a": [writes({"bad": ""}), says(completed())]}, verify=check("test ! -e bad"))
    record = shop.record("a")
    assert (record.state, record.outcome and record.outcome.reason) == (TaskState.PAUSED, Reason.CHECKPOINT)


def test_a_redirected_regression_gets_its_repairs_again(shop: Workshop) -> None:
    """Guidance at the regression checkpoint lets the agent go on, and the check decides again."""
    shop.task("a")
    shop.human.decisions.append(Decision(choice=Choice.REDIRECT, guidance="Remove bad."))

    def mends(assignment: Assignment) -> AgentResult:
        (assignment.workspace.path / "bad").unlink()
        return says(completed())(assignment)

    turns = [writes({"bad": "", "ok.txt": ""}), says(completed()), mends]
    shop.run({"a": turns}, verify=check("test ! -e bad"))
    assert shop.record("a").state is TaskState.IN_REVIEW


def test_a_regression_without_its_checkpoint_is_a_failed_attempt(shop: Workshop) -> None:
    """With the checkpoint switched off nobody is asked and the attempt counts."""
    shop.task("a")
    shop.run(
        {"a": [writes({"bad": ""}), says(completed())]},
        verify=check("test ! -e bad"),
        checkpoints=Checkpoints(on_regression_failure=False),
    )
    assert (shop.record("a").state, shop.record("a").burned) == (TaskState.TODO, 1)


def test_a_full_context_is_handed_over_twice_and_then_pauses(shop: Workshop) -> None:
    """The note opens a fresh conversation; the third time a human is needed, and the work is kept."""
    shop.task("a")
    full = ends(Ending.CONTEXT_HIGH, files={"half.txt": ""})
    note = says(needs_input("HALF IS DONE"))
    ran = shop.run({"a": [full, note, full, note, full]})
    messages = ran.agent.messages("a")
    assert "Your context is nearly full" in messages[1]
    assert "HALF IS DONE" in messages[2]
    assert ran.agent.told[2].session is None
    assert ran.agent.told[1].limits.context_tokens is None
    record = shop.record("a")
    assert (record.state, record.outcome and record.outcome.reason) == (TaskState.PAUSED, Reason.CHECKPOINT)


def test_damaged_saved_work_costs_only_the_resume(shop: Workshop) -> None:
    """A truncated or hostile state is refused with a sentence and the task starts afresh."""
    shop.task("a")
    shop.run({"a": [says(needs_input())]})
    (shop.scratch / "session/tasks/a/unfinished.json").write_text('{"v": 1, "task"')
    ran = shop.run({"a": [writes({"a.txt": ""})]}, only=("a",))
    assert ran.agent.told[0].session is None
    assert "Title: Task a" in ran.agent.messages("a")[0]
    assert shop.record("a").state is TaskState.IN_REVIEW


def test_saved_work_that_does_not_fit_is_refused(shop: Workshop) -> None:
    """A patch that does not apply to the base starts the task afresh."""
    shop.task("a")
    shop.run({"a": [says(needs_input())]})
    (shop.scratch / "session/tasks/a/diff.patch").write_text("--- a/none\n+++ b/none\n@@ -1 +1 @@\n-x\n+y\n")
    ran = shop.run({"a": [writes({"a.txt": ""})]}, only=("a",))
    assert ran.agent.told[0].session is None
    assert shop.record("a").state is TaskState.IN_REVIEW
