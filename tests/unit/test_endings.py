"""Every way to end has its kind, its sentence and its remedy."""

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from autorun.core.agent.endings import (
    End,
    Exit,
    conclude,
    context_high,
    model_refused,
    out_of_money,
    out_of_time,
    out_of_turns,
    overfed,
    refused,
    service_failed,
    session_lost,
    silent,
    stopped,
    window_spent,
)
from autorun.core.agent.transcript import Ended, Failed, Transcript, WindowSpent
from autorun.core.model import Claimed, Ending, Limits, Metered, Statement, StopReason, Usage

CLEAN = Exit(status=0)
STATEMENT = Statement(claimed=Claimed.COMPLETED, summary="done")
CUT = stopped(StopReason.ASKED)
WHYS = ["", "completed", "max_turns", "budget_exhausted", "prompt_too_long", "structured_output_retry_exhausted",
        "api_error", "aborted_tools", "aborted_streaming", "news"]  # fmt: skip
KINDS = ["", "authentication_failed", "rate_limit", "server_error", "billing_error", "max_output_tokens",
         "context_window", "unknown"]  # fmt: skip

ends = st.builds(
    Ended,
    failed=st.booleans(),
    why=st.sampled_from(WHYS),
    kind=st.sampled_from(KINDS),
    status=st.none() | st.integers(100, 599),
    stop_reason=st.sampled_from(["", "refusal", "end_turn"]),
    text=st.sampled_from(["", "No conversation found with session ID: 1", "x" * 999]),
    turns=st.integers(0, 3),
    statement=st.none() | st.just(STATEMENT),
    misstated=st.sampled_from(["", "claimed: 'maybe' is not one of"]),
    denials=st.sampled_from([(), ("Bash: touch x",)]),
)
failures = st.none() | st.builds(Failed, kind=st.sampled_from(KINDS), text=st.just("API Error"), status=st.none())


@given(st.none() | ends, failures, st.none() | st.just(CUT), st.integers(-64, 255))
def test_only_a_clean_end_with_a_statement_is_stated(
    end: Ended | None, failure: Failed | None, cut: End | None, status: int
) -> None:
    """Nothing else than a statement in a result without error is STATED, and all the rest has its words."""
    concluded = conclude(Transcript(end=end, failure=failure), cut=cut, exited=Exit(status=status))
    stated = end is not None and not end.failed and end.statement is not None
    assert (concluded.ending is Ending.STATED) is stated
    assert stated == (concluded.sentence == "") == (concluded.remedy == "")
    if not stated:
        assert concluded.sentence.endswith(".")
        assert len(concluded.sentence) < 700
        if cut is not None:
            assert concluded == cut


def test_work_that_was_finished_before_it_was_cut_is_finished() -> None:
    """The cut came too late to matter; without a statement it is what ended the work."""
    done = Ended(failed=False, turns=1, statement=STATEMENT)
    for end, ending in (
        (done, Ending.STATED),
        (Ended(failed=False, turns=1), Ending.STOPPED),
        (None, Ending.STOPPED),
    ):
        assert conclude(Transcript(end=end), cut=CUT, exited=CLEAN).ending is ending


def test_a_result_without_any_turn_is_a_crash() -> None:
    """A command that ran instead of the model looks like a success, and is none."""
    end = Ended(failed=False, why="completed", turns=0)
    assert conclude(Transcript(end=end), cut=None, exited=CLEAN).ending is Ending.CRASHED


@pytest.mark.parametrize(("status", "signal"), [(-9, "signal 9"), (143, "signal 15"), (3, "status 3")])
def test_a_crash_says_how(status: int, signal: str) -> None:
    """Signals are named, also where a shell turned them into a status."""
    crashed = conclude(Transcript(), cut=None, exited=Exit(status=status, stderr="out of memory\n"))
    assert signal in crashed.sentence
    assert crashed.sentence.endswith(": out of memory.")


def test_a_spent_window_carries_its_reset() -> None:
    """The time to come back is kept, and wins over the bare status 429."""
    resets_at = datetime(2026, 11, 23, 16, tzinfo=UTC)
    end = Ended(failed=True, why="api_error", status=429, turns=1)
    transcript = Transcript(end=end, window=WindowSpent(resets_at=resets_at))
    concluded = conclude(transcript, cut=None, exited=CLEAN)
    assert (concluded.ending, concluded.retry_at) == (Ending.USAGE_WINDOW, resets_at)


def test_a_window_that_was_no_hindrance_is_none() -> None:
    """A rejected window with work that ended in order (paid otherwise) does not change the ending."""
    transcript = Transcript(end=Ended(failed=False, turns=1), window=WindowSpent(resets_at=None))
    assert conclude(transcript, cut=None, exited=CLEAN).ending is Ending.NO_STATEMENT


def test_every_kind_of_trouble_has_words_of_its_own() -> None:
    """No two remedies are the same, and every sentence is whole."""
    limits = Limits(seconds=3600.0, silent_seconds=90.0)
    found = [
        *(service_failed(status, "", "said so.") for status in (401, 402, 403, 404, 429, 400, 529)),
        window_spent("resets 4pm", None),
        model_refused("No"),
        out_of_time(limits),
        out_of_turns(3),
        out_of_money(0.5),
        context_high(80_000),
        overfed("It ate all."),
        session_lost(),
        silent(limits),
        CUT,
    ]
    assert all(one.sentence != other.sentence for one, other in itertools.combinations(found, 2))
    assert len({end.remedy for end in found}) == len(found)
    assert "80,000 tokens" in context_high(80_000).sentence
    assert "60 minutes" in out_of_time(limits).sentence
    assert "90 seconds" in silent(limits).sentence


@pytest.mark.parametrize(
    ("end", "failure", "ending"),
    [
        (Ended(failed=True, why="max_turns", turns=3), None, Ending.TURN_LIMIT),
        (Ended(failed=True, why="budget_exhausted"), None, Ending.COST_LIMIT),
        (Ended(failed=True, why="prompt_too_long"), None, Ending.CONTEXT_HIGH),
        (Ended(failed=True, why="api_error"), Failed(kind="context_window", text=""), Ending.CONTEXT_HIGH),
        (Ended(failed=True, why="api_error"), Failed(kind="max_output_tokens", text=""), Ending.NO_STATEMENT),
        (Ended(failed=True, why="structured_output_retry_exhausted"), None, Ending.NO_STATEMENT),
        (Ended(failed=True, why="api_error", stop_reason="refusal"), None, Ending.MODEL_REFUSED),
        (Ended(failed=True, why="api_error", status=500), None, Ending.API_DOWN),
        (Ended(failed=True, text="No conversation found with session ID: x"), None, Ending.SESSION_LOST),
        (Ended(failed=True, why="aborted_tools"), None, Ending.CRASHED),
        (Ended(failed=False, turns=1), None, Ending.NO_STATEMENT),
        (Ended(failed=False, turns=1, misstated="claimed: 'x'"), None, Ending.NO_STATEMENT),
        (Ended(failed=False, turns=1, denials=("Bash: rm",)), None, Ending.TOOLS_REFUSED),
    ],
)
def test_the_backend_s_reasons_have_their_endings(end: Ended, failure: Failed | None, ending: Ending) -> None:
    """Each reason the CLI gives for an end is told apart."""
    assert conclude(Transcript(end=end, failure=failure), cut=None, exited=CLEAN).ending is ending


def test_a_meter_s_refusal_is_taken_as_it_is() -> None:
    """Whoever stopped serving the model has said why; while it is served there is nothing to say."""
    at = datetime(2026, 11, 23, 16, tzinfo=UTC)
    words = {"sentence": "Spent.", "remedy": "Pay."}
    assert refused(Metered(usage=Usage())) is None
    served_no_more = Metered(usage=Usage(), ending=Ending.COST_LIMIT, retry_at=at, **words)
    assert refused(served_no_more) == End(ending=Ending.COST_LIMIT, retry_at=at, **words)
