"""Every way the model's service fails is told as an ending with a sentence, a remedy and a time to come back."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from autorun.core.agent.model_failure import api_down, failed_answer, failed_stream, unauthorised
from autorun.core.model import Ending

NOW = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=3)
WINDOW = {
    "anthropic-ratelimit-unified-status": "rejected",
    "anthropic-ratelimit-unified-reset": str(int(LATER.timestamp())),
    "anthropic-ratelimit-unified-representative-claim": "five_hour",
}


def error(kind: str, message: str = "said so") -> bytes:
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()


@pytest.mark.parametrize(
    ("status", "headers", "body", "ending", "retry_at", "final"),
    [
        (401, {}, error("authentication_error"), Ending.UNAUTHORISED, None, True),
        (403, {}, error("permission_error"), Ending.UNAUTHORISED, None, True),
        (402, {}, b"", Ending.UNAUTHORISED, None, True),
        (400, {}, error("invalid_request_error", "Your credit balance is too low"), Ending.UNAUTHORISED, None, True),
        (400, {}, error("invalid_request_error", "You have reached your specified API usage limits."),
         Ending.UNAUTHORISED, None, True),
        (400, {}, error("invalid_request_error", "tools.0.name: your credit balance is too low"),
         Ending.BAD_REQUEST, None, False),
        (429, {}, error("billing_error"), Ending.UNAUTHORISED, None, True),
        (429, {"retry-after": "20"}, error("rate_limit_error"),
         Ending.RATE_LIMITED, NOW + timedelta(seconds=20), False),
        (429, {"retry-after": "soon"}, b"", Ending.RATE_LIMITED, None, False),
        (429, {"anthropic-ratelimit-requests-remaining": "0",
               "anthropic-ratelimit-requests-reset": "2026-11-23T22:00:30Z",
               "anthropic-ratelimit-tokens-remaining": "5",
               "anthropic-ratelimit-tokens-reset": "2026-11-23T22:01:30Z"},
         b"", Ending.RATE_LIMITED, NOW + timedelta(seconds=30), False),
        (429, WINDOW, error("rate_limit_error"), Ending.USAGE_WINDOW, LATER, True),
        (429, {**WINDOW, "anthropic-ratelimit-unified-reset": "9" * 30}, b"", Ending.USAGE_WINDOW, None, True),
        (429, {**WINDOW, "anthropic-ratelimit-unified-reset": "never"}, b"", Ending.USAGE_WINDOW, None, True),
        (429, {}, error("rate_limit_error", f"Claude AI usage limit reached|{int(LATER.timestamp())}"),
         Ending.USAGE_WINDOW, LATER, True),
        (429, {"retry-after": "60"}, error("rate_limit_error", "You're out of extra usage"),
         Ending.USAGE_WINDOW, NOW + timedelta(minutes=1), True),
        (529, {}, error("overloaded_error"), Ending.API_DOWN, None, False),
        (500, {"retry-after": "5"}, b"<html>", Ending.API_DOWN, NOW + timedelta(seconds=5), False),
        (408, {}, b"[]", Ending.API_DOWN, None, False),
        (400, {}, error("invalid_request_error"), Ending.BAD_REQUEST, None, False),
        (404, {}, error("not_found_error"), Ending.BAD_REQUEST, None, False),
        (413, {}, b"[" * 100_000, Ending.BAD_REQUEST, None, False),
    ],
)  # fmt: skip
def test_a_failing_answer_is_understood(
    status: int, headers: dict[str, str], body: bytes, ending: Ending, retry_at: datetime | None, final: bool
) -> None:
    """Status, headers and text together decide; the sentence repeats the status and there is always a remedy."""
    found = failed_answer(status, headers, body, now=NOW)
    assert (found.ending, found.retry_at, found.final) == (ending, retry_at, final)
    assert str(status) in found.sentence
    assert found.remedy


def test_a_window_says_when_it_opens_again() -> None:
    """The time stands in the sentence, for whoever reads the morning's report."""
    found = failed_answer(429, WINDOW, b"", now=NOW)
    assert found.sentence == (
        "The 5-hour window of the subscription is used up (429). It opens again at 2026-11-24 01:00 UTC."
    )


@given(message=st.text(max_size=2000), status=st.integers(400, 599))
def test_a_foreign_message_cannot_break_out_of_its_sentence(message: str, status: int) -> None:
    """One bounded line of visible letters, whatever the service said."""
    found = failed_answer(status, {}, error("api_error", message), now=NOW)
    assert found.sentence.isprintable()
    assert len(found.sentence) < 500


def test_errors_in_the_middle_of_an_answer() -> None:
    """Too many calls and an outage are told apart there too."""
    assert failed_stream("rate_limit_error", "slow").ending is Ending.RATE_LIMITED
    assert failed_stream("overloaded_error", "Overloaded").ending is Ending.API_DOWN
    assert api_down("x", retry_at=NOW).retry_at == NOW
    assert unauthorised("x").remedy
