"""Find the credential of the model, and read it anew for every use: a login is renewed by the CLI, not by us."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autorun.core.credential import Credential, given_credential, login_credential
from autorun.core.errors import AgentUnavailable
from autorun.effects import files

_LOGIN_BYTES = 1024 * 1024
_REMEDY = (
    "set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN (`claude setup-token`), or log in by running `claude` once"
)


def find(environ: Mapping[str, str]) -> Credential:
    """Return the first credential there is: API key, token or, not on Actions, the CLI's login.

    Raises AgentUnavailable if there is none.
    """
    if given := given_credential(environ):
        return given
    login = login_credential(environ, Path(environ.get("HOME") or Path.home()))
    if environ.get("GITHUB_ACTIONS") != "true" and login.file is not None and login.file.is_file():
        return login
    raise AgentUnavailable("there is no credential for the model", hint=_REMEDY)


def secret(credential: Credential) -> str:
    """Return the key or token as of now. Raises AgentUnavailable if the login is unreadable or has expired."""
    if credential.file is None:
        return credential.secret
    try:
        login: dict[str, Any] = json.loads(files.read(credential.file, limit=_LOGIN_BYTES))["claudeAiOauth"]
        token, expires_at = str(login["accessToken"]), float(login["expiresAt"]) / 1000
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AgentUnavailable("the CLI's login cannot be read", hint=_REMEDY) from error
    if expires_at <= time.time():
        raise AgentUnavailable(
            "the CLI's login has expired", hint="run `claude` once to renew it, or use `claude setup-token`"
        )
    return token
