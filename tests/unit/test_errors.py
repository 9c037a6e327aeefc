"""Failures have the exit code that is documented for them, their sentence, and a remedy."""

from datetime import UTC, datetime

import pytest

from autorun.core import errors
from autorun.core.errors import AutorunError, CredentialRefused, Interrupted, RateLimited

CODES = {
    "ConfigurationError": 2,
    "ProviderError": 3,
    "Unanswered": 3,
    "CredentialRefused": 3,
    "RateLimited": 3,
    "TaskGone": 3,
    "TaskUnreadable": 3,
    "AgentUnavailable": 4,
    "PublishingRefused": 5,
    "HandoverRefused": 5,
}
KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AutorunError)]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not Interrupted])
def test_every_failure_keeps_its_fact_its_remedy_and_its_exit_code(kind: type[AutorunError]) -> None:
    """A kind without a code of its own ends with 1."""
    error = kind("It broke.", hint="Mend it.")
    assert (str(error), error.hint, error.exit_code) == ("It broke.", "Mend it.", CODES.get(kind.__name__, 1))


@pytest.mark.parametrize(("signal_number", "code"), [(2, 130), (15, 143)])
def test_a_signal_ends_with_its_number_as_a_shell_would_tell_it(signal_number: int, code: int) -> None:
    assert Interrupted("Stopped.", signal_number=signal_number).exit_code == code


def test_a_refused_credential_is_to_be_renewed_unless_more_is_known() -> None:
    assert "renew the token" in CredentialRefused("No.").hint


def test_whoever_asks_to_wait_may_say_how_long() -> None:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    assert RateLimited("Wait.", resets_at=at).resets_at == at
    assert RateLimited("Wait.").resets_at is None
