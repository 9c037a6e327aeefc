"""The first credential present wins, and none ever shows itself."""

from pathlib import Path

from autorun.core.credential import Credential, CredentialKind, given_credential, login_credential


def test_an_api_key_wins_over_a_token() -> None:
    """Blank values count as absent."""
    both = given_credential({"ANTHROPIC_API_KEY": "sk-1", "CLAUDE_CODE_OAUTH_TOKEN": "oat"})
    assert both == Credential(kind=CredentialKind.API_KEY, secret="sk-1")
    token = given_credential({"ANTHROPIC_API_KEY": " ", "CLAUDE_CODE_OAUTH_TOKEN": "oat\n"})
    assert token == Credential(kind=CredentialKind.OAUTH_TOKEN, secret="oat")
    assert given_credential({}) is None


def test_no_text_of_a_credential_holds_it() -> None:
    """Neither repr nor str nor a traceback's locals show the secret; they name its source."""
    credential = Credential(kind=CredentialKind.API_KEY, secret="sk-canary")
    assert "canary" not in f"{credential!r} {credential}"
    assert str(credential) == "ANTHROPIC_API_KEY"


def test_the_login_lies_in_the_cli_s_own_folder() -> None:
    """`CLAUDE_CONFIG_DIR` moves it."""
    assert login_credential({}, Path("/h")).file == Path("/h/.claude/.credentials.json")
    assert login_credential({"CLAUDE_CONFIG_DIR": "/c"}, Path("/h")).file == Path("/c/.credentials.json")


def test_only_an_api_key_costs_real_money() -> None:
    """Everything else is a subscription, whose cost is an estimate."""
    assert [Credential(kind=kind).subscription for kind in CredentialKind] == [False, True, True]
