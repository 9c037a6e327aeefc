"""The real CLI through the gateway: with every kind of credential, and up to the limits."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autorun.adapters.agents.claude_code import ClaudeCode
from autorun.adapters.gateway import Gateway
from autorun.core.credential import Credential, CredentialKind
from autorun.core.model import Assignment, Command, Ending, Limits
from autorun.demo.script import overloaded, refuse, run, say, write
from autorun.demo.scripted_model import ScriptedModel
from autorun.effects import process
from kit.gateway import API_KEY, TOKEN, Client, Opened
from kit.tools import claude

TOOLS = "Bash,Read,Edit,Write,Glob,Grep"


def prompted(client: Client, folder: Path, *extra: str) -> str:
    """Run the CLI on one prompt with nothing but what the gateway gave out; return its events."""
    home = folder / "home"
    home.mkdir()
    argv = (
        str(claude()), "-p", "--output-format=stream-json", "--verbose", "--model=opus", "--max-turns=5",
        "--permission-mode=dontAsk", "--permission-prompts=none", f"--tools={TOOLS}", f"--allowedTools={TOOLS}",
        "--setting-sources=", "--strict-mcp-config", *extra,
    )  # fmt: skip
    env = {
        "PATH": f"{Path(shutil.which('git') or '/usr/bin/git').parent}:/usr/bin:/bin",
        "HOME": str(home),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "2",
        "DISABLE_AUTOUPDATER": "1",
        **client.access.env,
    }
    ran = process.run(Command(argv=argv, cwd=folder, env=env), stdin=b"Do as you are told.", timeout=60)
    assert not ran.killed, ran.killed
    return ran.stdout.decode()


def login(folder: Path) -> Credential:
    file = folder / "fake-login.json"
    state = {"accessToken": "login-canary", "expiresAt": int((time.time() + 600) * 1000)}
    file.write_text(json.dumps({"claudeAiOauth": state}))
    return Credential(kind=CredentialKind.LOGIN, file=file)


@pytest.mark.parametrize("kind", list(CredentialKind))
def test_it_works_with_every_kind_of_credential(opened: Opened, tmp_path: Path, kind: CredentialKind) -> None:
    """With a placeholder it works a task and calls our model only; neither it nor its transcript saw the secret."""
    known = {CredentialKind.API_KEY: API_KEY, CredentialKind.OAUTH_TOKEN: TOKEN}
    credential = known.get(kind) or login(tmp_path)
    script = [write("hello.txt", "hello"), run("env; cat hello.txt"), say("Done.")]
    with ScriptedModel(script) as service, opened(service.url, credential=credential) as client:
        events = prompted(client, tmp_path)
        metered = client.metered
    assert (tmp_path / "hello.txt").read_text() == "hello"
    assert '"result":"Done."' in events
    assert "canary" not in events
    assert not [file for file in (tmp_path / "home").rglob("*") if file.is_file() and b"canary" in file.read_bytes()]
    assert {request.body["model"] for request in service.asked} == {"claude-opus-5-5"}
    secrets = [r.headers.get("x-api-key") or r.headers["authorization"] for r in service.asked]
    assert all("canary" in secret for secret in secrets)
    assert ("oauth-2025-04-20" in service.asked[0].headers["anthropic-beta"]) == credential.subscription
    assert (metered.usage.turns, metered.usage.input_tokens, metered.ending) == (3, 3000, None)
    assert metered.usage.cost_usd == pytest.approx(3 * (1000 * 4 + 100 * 20) / 1e6)


def test_a_cap_stops_it_at_once(opened: Opened, tmp_path: Path) -> None:
    """The refused call is asked once, not again; the CLI shows our sentence and ends."""
    script = [run("true").costing(output=8000), run("true"), say("Done.")]
    with ScriptedModel(script) as service, opened(service.url, limits=Limits(cost_usd=0.25)) as client:
        began = time.monotonic()
        events = prompted(client, tmp_path)
        seconds = time.monotonic() - began
        assert len(service.asked) == 1
        assert client.metered.ending is Ending.COST_LIMIT
    assert "Cost limit reached: of $0.25 for this task" in events
    assert '"terminal_reason":"api_error"' in events
    assert seconds < 10


def test_an_outage_ends_it_after_the_same_number_of_tries(opened: Opened, tmp_path: Path) -> None:
    """Gateway and CLI agree on when a call has finally failed."""
    with ScriptedModel([overloaded(), say("x")]) as service, opened(service.url) as client:
        prompted(client, tmp_path)
        assert len(service.asked) == 3
        assert client.metered.ending is Ending.API_DOWN


def test_the_fallback_model_is_reached_through_the_gateway(opened: Opened, tmp_path: Path) -> None:
    """When the first model is overloaded the CLI changes over, and the stretch goes on."""
    with (
        ScriptedModel([overloaded(times=3), say("Done.")]) as service,
        opened(service.url, models=("opus", "sonnet")) as client,
    ):
        events = prompted(client, tmp_path, "--fallback-model=sonnet")
        assert [r.body["model"] for r in service.asked] == ["claude-opus-5-5"] * 3 + ["claude-sonnet-5-5"]
        assert client.metered.ending is None
    assert '"result":"Done."' in events


@pytest.mark.parametrize(
    ("fault", "ending"),
    [
        (refuse(401, "authentication_error", "invalid"), Ending.UNAUTHORISED),
        (refuse(429, "rate_limit_error", "x", headers={"anthropic-ratelimit-unified-status": "rejected"}),
         Ending.USAGE_WINDOW),
    ],
)  # fmt: skip
def test_a_refused_account_ends_it_within_seconds(
    opened: Opened, tmp_path: Path, fault: object, ending: Ending
) -> None:
    """By itself the CLI would ask for three minutes."""
    with ScriptedModel([fault, say("x")]) as service, opened(service.url, credential=TOKEN) as client:  # type: ignore[list-item]
        began = time.monotonic()
        prompted(client, tmp_path)
        assert time.monotonic() - began < 10
        assert len(service.asked) <= 2
        assert client.metered.ending is ending


def test_an_expired_login_says_what_to_do(opened: Opened, tmp_path: Path) -> None:
    """Nothing is sent, and the meter holds the sentence for the report."""
    credential = login(tmp_path)
    assert credential.file is not None
    credential.file.write_text(json.dumps({"claudeAiOauth": {"accessToken": "x", "expiresAt": 1}}))
    with ScriptedModel([say("x")]) as service, opened(service.url, credential=credential) as client:
        prompted(client, tmp_path)
        assert service.asked == []
        assert client.metered.ending is Ending.UNAUTHORISED
        assert "claude setup-token" in client.metered.remedy


def test_the_driver_tells_what_the_gateway_saw(assignment: Callable[[Limits], Assignment], tmp_path: Path) -> None:
    """Usage, ending, sentence and remedy of a stretch come from the gateway's meter."""
    script = [run("true").costing(output=8000), run("true"), say("Done.")]
    with ScriptedModel(script) as service:
        gateway = Gateway(API_KEY, ("opus",), upstream=service.url, warn=pytest.fail)
        driver = ClaudeCode(
            claude(),
            access=gateway.opened,
            confine=lambda command, _room: command,
            credential=gateway.credential,
            model="opus",
            environ={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        )
        assert driver.ready().endswith("ANTHROPIC_API_KEY")
        result = driver.work(assignment(Limits(cost_usd=0.25)), stop=lambda: None, watch=lambda _activity: None)
        gateway.close()
    assert result.ending is Ending.COST_LIMIT
    assert result.sentence.startswith("Cost limit reached: of $0.25 for this task $0.16 are spent")
    assert "cost_limit_per_task" in result.remedy
    assert (result.usage.turns, result.usage.output_tokens) == (1, 8000)
    assert result.usage.cost_usd == pytest.approx((1000 * 4 + 8000 * 20) / 1e6)
