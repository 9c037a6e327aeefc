"""What the agent is told: the task as data in its frame, and nothing lost of what a human said."""

from datetime import UTC, datetime

from hypothesis import given, strategies as st

from autorun.core.agent import briefing
from autorun.core.model import Answer, AnswerKind, Check, Comment, Outcome, Reason, Task, TaskId, TaskState

_ID = TaskId(provider="github", key="7")
_NONCE = "n0nce"


@given(st.text(), st.text())
def test_the_whole_text_stands_in_the_frame(title: str, body: str) -> None:
    """Whatever a stranger wrote reaches the agent unchanged, between exactly two lines of the frame."""
    task = Task(id=_ID, title=title, body=body)
    message = briefing.first_message(task, nonce="0123456789abcdef", checks=())
    frame = "----- 0123456789abcdef"
    assert message.count(frame) == 2
    _, inside, _ = message.split(frame)
    assert title in inside
    assert body.strip() in inside


def test_the_first_message_names_checks_answers_and_what_came_before() -> None:
    """All that a human or an earlier attempt left is in it."""
    said = Comment(author="ana", body="Mind the tests.", at=datetime(2026, 11, 1, tzinfo=UTC))
    answer = Answer(kind=AnswerKind.RETRY, text="Take blue.", author="ben")
    task = Task(id=_ID, title="t", body="b", comments=(said,), answer=answer)
    last = Outcome(state=TaskState.BLOCKED, reason=Reason.NEEDS_INPUT, sentence="Red or blue?")
    message = briefing.first_message(
        task, nonce=_NONCE, checks=(Check(run="make test"),), last=last, hand_over="half is done", planning=True
    )
    for part in ("Mind the tests.", "ana", "Take blue.", "ben", "make test", "Red or blue?", "half is done", "plan"):
        assert part in message


def test_a_stopped_conversation_is_told_what_is_new() -> None:
    """An answer, a changed text, both, or that it was stopped."""
    plain = Task(id=_ID, title="t", body="new text")
    answered = Task(id=_ID, title="t", body="new text", answer=Answer(kind=AnswerKind.APPROVE, text="Yes."))
    assert "stopped before you could finish" in briefing.next_message(plain, nonce=_NONCE, changed=False)
    assert "new text" in briefing.next_message(plain, nonce=_NONCE, changed=True)
    both = briefing.next_message(answered, nonce=_NONCE, changed=True)
    assert "Yes." in both
    assert "new text" in both
    assert "new text" not in briefing.next_message(answered, nonce=_NONCE, changed=False)


def test_guidance_is_passed_on() -> None:
    """With words or without, the agent is told to go on."""
    assert "go on" in briefing.guided("  ")
    assert "Use blue." in briefing.guided("Use blue.")


def test_standing_orders_hold_policy_and_own_words() -> None:
    """Both follow the orders; an empty one leaves no trace."""
    orders = briefing.standing_orders("POLICY", "OWN")
    assert orders.index("How you finish") < orders.index("POLICY") < orders.index("OWN")
    assert not briefing.standing_orders("").endswith("\n\n")
