"""Which credential pays: key, token or login, in this order, and never a stale one."""

import json
import time
from pathlib import Path

import pytest

from autorun.core.credential import CredentialKind
from autorun.core.errors import AgentUnavailable
from autorun.effects import credentials
from kit.agent_conformance import assignment
from kit.direct_access import DirectAccess

KEY = {"ANTHROPIC_API_KEY": "sk-ant-fake"}
TOKEN = {"CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-fake"}


def _login(home: Path, *, minutes: float = 60.0) -> dict[str, str]:
    (home / ".claude").mkdir()
    oauth = {
        "accessToken": "sk-ant-oat01-login",
        "refreshToken": "r",
        "expiresAt": (time.time() + minutes * 60) * 1000,
    }
    (home / ".claude/.credentials.json").write_text(json.dumps({"claudeAiOauth": oauth}))
    return {"HOME": str(home)}


def test_the_first_one_present_wins(tmp_path: Path) -> None:
    """Key before token before login."""
    login = _login(tmp_path)
    assert credentials.find({**login, **TOKEN, **KEY}).kind is CredentialKind.API_KEY
    assert credentials.find({**login, **TOKEN}).kind is CredentialKind.OAUTH_TOKEN
    assert credentials.find(login).kind is CredentialKind.LOGIN


@pytest.mark.parametrize(
    ("environ", "env"),
    [
        (KEY, {"ANTHROPIC_API_KEY": "sk-ant-fake"}),
        (TOKEN, {"CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-fake"}),
        ({}, {"CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-login"}),
    ],
    ids=["key", "token", "login"],
)
def test_direct_access_hands_out_the_one_that_wins(
    tmp_path: Path, environ: dict[str, str], env: dict[str, str]
) -> None:
    """One credential and the base URL, nothing else of the environment."""
    given = {**_login(tmp_path), **environ, "ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "GITHUB_TOKEN": "ghs"}
    with DirectAccess(given)(assignment(tmp_path)) as access:
        assert access.env == {**env, "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}


def test_a_login_is_none_on_actions(tmp_path: Path) -> None:
    """A runner's machine may hold someone's login: it is not used there."""
    with pytest.raises(AgentUnavailable, match="no credential"):
        credentials.find({**_login(tmp_path), "GITHUB_ACTIONS": "true"})


def test_an_expired_login_says_what_renews_it(tmp_path: Path) -> None:
    """It is never refreshed here."""
    with pytest.raises(AgentUnavailable, match="expired") as caught:
        DirectAccess(_login(tmp_path, minutes=-1)).credential()
    assert "claude setup-token" in caught.value.hint


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"claudeAiOauth": {"accessToken": "x"}}'])
def test_an_unreadable_login_is_told(tmp_path: Path, content: str) -> None:
    """Whatever stands in the file, it is a sentence and no traceback."""
    login = _login(tmp_path)
    (tmp_path / ".claude/.credentials.json").write_text(content)
    with pytest.raises(AgentUnavailable, match="cannot be read"):
        DirectAccess(login).credential()
