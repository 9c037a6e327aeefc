"""What passes through the gateway, what it costs, and what becomes of it when something breaks."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autorun.adapters.gateway import Gateway
from autorun.core.credential import Credential, CredentialKind
from autorun.core.errors import AgentUnavailable, ConfigurationError, LeaseLost
from autorun.core.model import Assignment, Ending, Limits, TaskId
from autorun.core.money.allowance import Purse
from autorun.demo.script import cut, drop, garble, hang, overloaded, refuse, say
from autorun.demo.scripted_model import ScriptedModel
from kit.gateway import API_KEY, MODEL, TOKEN, Client, Opened, certificate, question, raw_service

OAUTH = "oauth-2025-04-20"


def login(folder: Path, *, token: str, valid_for: float) -> Credential:
    file = folder / ".credentials.json"
    state = {"accessToken": token, "refreshToken": "r", "expiresAt": int((time.time() + valid_for) * 1000)}
    file.write_text(json.dumps({"claudeAiOauth": state}))
    return Credential(kind=CredentialKind.LOGIN, file=file)


# ------------ credentials


@pytest.mark.parametrize("shown", ["x-api-key", "authorization"])
def test_the_placeholder_goes_in_and_the_real_key_out(opened: Opened, shown: str) -> None:
    """In whichever header a client shows it, the service sees our key and nothing else the client sent as one."""
    with ScriptedModel([say("hi")]) as service, opened(service.url) as client:
        value = client.placeholder if shown == "x-api-key" else f"Bearer {client.placeholder}"
        other = {
            "x-api-key": "sk-foreign",
            "authorization": "Bearer foreign",
            "cookie": "a=b",
            "proxy-authorization": "x",
        }
        answer = client.ask(headers={**other, shown: value, "anthropic-version": "2023-06-01"})
        assert answer.status == 200
        (request,) = service.asked
    assert request.headers["x-api-key"] == "sk-canary-key"
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert not {"authorization", "cookie", "proxy-authorization"} & set(request.headers)


def test_a_subscription_token_keeps_the_client_s_flags(opened: Opened) -> None:
    """It goes out as a bearer with its flag, once; flags for what runs at the provider are dropped."""
    with ScriptedModel([say("hi")]) as service, opened(service.url, credential=TOKEN) as client:
        assert "CLAUDE_CODE_OAUTH_TOKEN" in client.access.env
        key = {"authorization": f"Bearer {client.placeholder}"}
        client.ask(headers={**key, "anthropic-beta": f"effort-2025-11-24, {OAUTH},files-api-2025-04-14"})
        client.ask(headers=key)
        first, second = service.asked
    assert first.headers["authorization"] == second.headers["authorization"] == "Bearer oat-canary-token"
    assert first.headers["anthropic-beta"] == f"effort-2025-11-24,{OAUTH}"
    assert second.headers["anthropic-beta"] == OAUTH
    assert "x-api-key" not in first.headers


def test_a_login_is_read_anew_for_every_request(opened: Opened, tmp_path: Path) -> None:
    """What the CLI renewed is used at once; expired or gone, the answer says what to do, and nothing is sent."""
    credential = login(tmp_path, token="first", valid_for=60)
    with ScriptedModel([say("hi")]) as service, opened(service.url, credential=credential) as client:
        client.ask()
        login(tmp_path, token="second", valid_for=60)
        client.ask()
        login(tmp_path, token="third", valid_for=-1)
        expired = client.ask()
        assert credential.file is not None
        credential.file.unlink()
        gone = client.ask()
        assert [request.headers["authorization"] for request in service.asked] == ["Bearer first", "Bearer second"]
        metered = client.metered
    assert (expired.status, gone.status) == (401, 401)
    assert "claude setup-token" in expired.error
    assert expired.headers["x-should-retry"] == "false"
    assert (metered.ending, metered.usage.turns) == (Ending.UNAUTHORISED, 2)
    assert "expired" in expired.error


def test_no_secret_comes_back(opened: Opened) -> None:
    """A service that repeats the key in an error gets it blackened."""
    echo = refuse(400, "invalid_request_error", "bad key sk-canary-key")
    with ScriptedModel([echo, say("hi")]) as service, opened(service.url) as client:
        answer = client.ask()
        shown = f"{answer} {client.metered} {client.access}"
    assert "canary" not in shown
    assert "[credential]" in answer.error


# ------------ metering


@pytest.mark.parametrize("streamed", [True, False])
def test_usage_is_read_from_the_answer(opened: Opened, streamed: bool) -> None:
    """Turns, tokens, cost and context are those the service states, and known before the client knows the end."""
    answer = say("hi").costing(input=1000, output=200, cache_read=50_000, cache_write=2000)
    with ScriptedModel([answer]) as service, opened(service.url) as client:
        assert client.ask(stream=streamed).status == 200
        usage = client.metered.usage
        assert client.ask(stream=streamed).status == 200
        twice = client.metered.usage
    assert (usage.turns, usage.input_tokens, usage.output_tokens) == (1, 1000, 200)
    assert (usage.cache_read_tokens, usage.cache_write_tokens, usage.context_tokens) == (50_000, 2000, 53_000)
    assert usage.cost_usd == pytest.approx((1000 * 4 + 200 * 20 + 50_000 * 0.2 + 2000 * 5) / 1e6)
    assert (twice.turns, twice.context_tokens) == (2, 53_000)
    assert twice.cost_usd == pytest.approx(2 * usage.cost_usd)


def test_counting_tokens_is_free(opened: Opened) -> None:
    """It passes and is no turn, also when nothing may be spent."""
    with ScriptedModel([]) as service, opened(service.url, limits=Limits(cost_usd=0.0)) as client:
        answer = client.ask("/v1/messages/count_tokens?beta=true")
        assert json.loads(answer.body) == {"input_tokens": 10}
        assert client.metered.usage.turns == 0
        assert client.metered.ending is None


def test_an_unknown_model_is_charged_like_the_dearest_with_one_warning(opened: Opened) -> None:
    """The user hears of it once."""
    warnings: list[str] = []
    with (
        ScriptedModel([say("hi")]) as service,
        opened(service.url, models=("claude-nova-9",), warn=warnings.append) as client,
    ):
        client.ask(model="claude-nova-9")
        client.ask(model="claude-nova-9")
        assert client.metered.usage.cost_usd == pytest.approx(2 * (1000 * 10 + 100 * 50) / 1e6)
    assert warnings == ["The price of claude-nova-9 is not known: it is charged like the dearest known model."]


@pytest.mark.parametrize("fault", [cut(), garble(), drop()])
def test_what_cannot_be_read_costs_the_reservation(opened: Opened, fault: object) -> None:
    """An answer cut, garbled or never begun is charged at its largest plausible cost."""
    with ScriptedModel([fault, say("hi")]) as service, opened(service.url) as client:  # type: ignore[list-item]
        client.ask(max_tokens=1000)
        spent = client.metered.usage.cost_usd
    assert 1000 * 20 / 1e6 < spent < 1000 * 20 / 1e6 + 0.001


def test_nothing_is_charged_for_a_refusal_or_a_closed_door(opened: Opened) -> None:
    """An error answer and a service that cannot be reached cost nothing."""
    with (
        ScriptedModel([refuse(400, "invalid_request_error", "no"), say("hi")]) as service,
        opened(service.url) as client,
    ):
        assert client.ask().status == 400
        assert client.metered.usage.cost_usd == 0
        assert client.metered.ending is None
    with opened(service.url) as client:
        assert client.ask().status == 502
        assert client.metered.usage.cost_usd == 0


def test_the_first_byte_comes_before_the_last_is_written(opened: Opened) -> None:
    """Nothing is held back: the client reads the first event while the service still thinks."""
    go_on = threading.Event()

    def slow(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: first\n\n")
        assert go_on.wait(10)
        connection.sendall(b"data: second\n\n")

    with raw_service(slow) as url, opened(url) as client:
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=5)
        connection.request("POST", "/v1/messages", json.dumps(_document()), {"x-api-key": client.placeholder})
        answer = connection.getresponse()
        assert answer.read1() == b"data: first\n\n"
        go_on.set()
        assert answer.read() == b"data: second\n\n"
        connection.close()


def test_a_client_that_goes_away_is_metered_to_the_end(opened: Opened) -> None:
    """The answer is read on without it: what the service states is what is charged."""
    go_on = threading.Event()
    start, end = _events(output=500)

    def slow(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + start)
        assert go_on.wait(10)
        for _ in range(20):
            connection.sendall(b"data: {}\n\n" * 1000)
            time.sleep(0.005)
        connection.sendall(end)

    with raw_service(slow) as url, opened(url) as client:
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=5)
        connection.request("POST", "/v1/messages", json.dumps(_document()), {"x-api-key": client.placeholder})
        connection.getresponse().close()
        connection.close()
        go_on.set()
        _until(lambda: client.metered.usage.turns == 1)
        assert client.metered.usage.output_tokens == 500
        assert client.metered.usage.cost_usd == pytest.approx((10 * 4 + 500 * 20) / 1e6)


# ------------ limits


def test_the_call_that_would_begin_beyond_the_cap_is_not_sent(opened: Opened) -> None:
    """The refusal names cap and key, clients do not repeat it, and the meter keeps it as the ending."""
    answer = say("hi").costing(input=1000, output=8000)
    with ScriptedModel([answer]) as service, opened(service.url, limits=Limits(cost_usd=0.45)) as client:
        statuses = [client.ask(max_tokens=32_000).status for _ in range(4)]
        refused = client.ask(max_tokens=32_000)
        metered = client.metered
        assert len(service.asked) == 2
    assert statuses == [200, 200, 403, 403]
    assert refused.headers["x-should-retry"] == "false"
    assert "Cost limit reached: of $0.45 for this task $0.33 are spent" in refused.error
    assert metered.ending is Ending.COST_LIMIT
    assert (metered.sentence in refused.error, metered.remedy in refused.error) == (True, True)
    assert metered.usage.cost_usd <= 0.45


def test_a_small_cap_lets_a_cheap_model_begin(opened: Opened) -> None:
    """The reservation is what is plausible, not what the model's maximum output would cost."""
    with ScriptedModel([say("hi")]) as service, opened(service.url, limits=Limits(cost_usd=2.0)) as client:
        assert client.ask(max_tokens=128_000, system="x" * 80_000).status == 200
    with (
        ScriptedModel([say("hi")]) as service,
        opened(service.url, models=("haiku",), limits=Limits(cost_usd=0.05)) as client,
    ):
        assert client.ask(model="claude-haiku-5-5", max_tokens=128_000, system="x" * 80_000).status == 200


@pytest.mark.parametrize("scope", ["session", "day"])
def test_shared_caps_hold_over_all_stretches(assignment: Callable[[Limits], Assignment], scope: str) -> None:
    """Many calls at once from several stretches never spend more than the cap, and use what they may."""
    answer = say("hi").costing(input=10, output=1000).after(0.02)
    with ScriptedModel([answer]) as service:
        purse, open_end = Purse(limit_usd=1.2, spent_usd=1.0), Purse()
        session, day = (purse, open_end) if scope == "session" else (open_end, purse)
        gateway = Gateway(API_KEY, ("opus",), upstream=service.url, session=session, day=day, warn=pytest.fail)
        with gateway.opened(assignment(Limits())) as one, gateway.opened(assignment(Limits())) as two:
            clients = [Client(access=one), Client(access=two)] * 8
            with ThreadPoolExecutor(16) as pool:
                statuses = list(pool.map(lambda client: client.ask(max_tokens=1000).status, clients))
            spent = sum(client.metered.usage.cost_usd for client in clients[:2])
            endings = {client.metered.ending for client in clients[:2]}
        gateway.close()
    assert spent == pytest.approx(sum(status == 200 for status in statuses) * 0.02004)
    assert 0.15 < spent <= 0.2
    assert endings == {Ending.COST_LIMIT}
    assert service.peak > 1


def test_turns_are_limited_too(opened: Opened) -> None:
    """A process that calls by itself gets no more answers than the stretch may have."""
    with ScriptedModel([say("hi")]) as service, opened(service.url, limits=Limits(turns=2)) as client:
        assert [client.ask().status for _ in range(3)] == [200, 200, 403]
        assert client.metered.ending is Ending.TURN_LIMIT


def test_turns_hold_for_calls_side_by_side(opened: Opened) -> None:
    """Calls under way count as the answers they will be."""
    with (
        ScriptedModel([say("hi").after(0.1)]) as service,
        opened(service.url, limits=Limits(turns=2)) as client,
        ThreadPoolExecutor(6) as pool,
    ):
        statuses = list(pool.map(lambda _: client.ask().status, range(6)))
        assert sorted(statuses) == [200, 200, 403, 403, 403, 403]
        assert len(service.asked) == 2


def test_calls_wait_for_their_turn_and_leave_when_the_stretch_ends(opened: Opened) -> None:
    """Beyond the calls a minute may have the next one waits; the end of the stretch does not wait for it."""
    with ThreadPoolExecutor(1) as pool, ScriptedModel([say("hi")]) as service:
        with opened(service.url, per_minute=2) as client:
            assert [client.ask().status for _ in range(2)] == [200, 200]
            third = pool.submit(client.ask)
            time.sleep(0.3)
            assert not third.done()
            began = time.monotonic()
        assert time.monotonic() - began < 1
        assert third.exception(5) is not None or third.result().status == 403
        assert len(service.asked) == 2


# ------------ failures of the service


def test_an_outage_is_an_ending_only_when_the_client_gives_up(opened: Opened) -> None:
    """Two failures may pass; the third tells the client to stop and the runner why."""
    with ScriptedModel([overloaded(), say("hi")]) as service, opened(service.url) as client:
        seen = [(client.ask().headers.get("x-should-retry"), client.metered.ending) for _ in range(3)]
        assert seen == [(None, None), (None, None), ("false", Ending.API_DOWN)]
        assert "529" in client.metered.sentence
        assert client.metered.usage.cost_usd == 0


def test_a_success_takes_failures_back(opened: Opened) -> None:
    """What passed is over: neither ending nor count remains."""
    with ScriptedModel([overloaded(times=2), say("hi")]) as service, opened(service.url) as client:
        assert [client.ask().status for _ in range(3)] == [529, 529, 200]
        assert client.metered.ending is None


def test_the_fallback_model_gets_its_chance(opened: Opened) -> None:
    """Giving up on the first model is not yet the end of the stretch."""
    with (
        ScriptedModel([overloaded(), say("hi")]) as service,
        opened(service.url, models=("opus", "sonnet")) as client,
    ):
        assert [client.ask().headers.get("x-should-retry") for _ in range(3)] == [None, None, "false"]
        assert client.metered.ending is None
        for _ in range(3):
            client.ask(model="claude-sonnet-5-5")
        assert client.metered.ending is Ending.API_DOWN


@pytest.mark.parametrize(
    ("fault", "ending"),
    [
        (refuse(401, "authentication_error", "invalid x-api-key"), Ending.UNAUTHORISED),
        (refuse(429, "rate_limit_error", "x", headers={"anthropic-ratelimit-unified-status": "rejected"}),
         Ending.USAGE_WINDOW),
    ],
)  # fmt: skip
def test_what_no_repetition_mends_ends_at_once(opened: Opened, fault: object, ending: Ending) -> None:
    """The first answer is the last, for client and runner; status and headers of the service pass unchanged."""
    with ScriptedModel([fault, say("hi")]) as service, opened(service.url) as client:  # type: ignore[list-item]
        answer = client.ask()
        assert answer.headers["x-should-retry"] == "false"
        assert (client.metered.ending, answer.status) == (ending, 401 if ending is Ending.UNAUTHORISED else 429)


def test_a_service_of_another_name_gets_no_credential(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS trusts what the system trusts: an unknown certificate ends the call before anything is sent."""
    heard: list[bytes] = []

    def listen(connection: socket.socket) -> None:
        heard.append(b"a request")
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {}\n\n")
        time.sleep(2)

    pair = certificate(tmp_path)
    with raw_service(listen, certificate=pair) as url:
        with opened(url) as client:
            answer = client.ask()
            assert (answer.status, heard) == (502, [])
            assert "certificate" in answer.error
            assert client.metered.usage.cost_usd == 0
        monkeypatch.setenv("SSL_CERT_FILE", str(pair))
        with ThreadPoolExecutor(1) as pool:
            with opened(url) as client:
                asking = pool.submit(client.ask)
                _until(lambda: bool(heard))
                began = time.monotonic()
            assert time.monotonic() - began < 1
            asking.exception(5)


def test_an_older_client_is_served_too(opened: Opened) -> None:
    """Without chunks the end of the connection is the end of the answer."""
    with ScriptedModel([say("hi")]) as service, opened(service.url) as client:
        body = json.dumps(_document())
        head = f"POST /v1/messages HTTP/1.0\r\nx-api-key: {client.placeholder}\r\ncontent-length: {len(body)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", client.port), 5) as connection:
            connection.sendall((head + body).encode())
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        assert received.endswith(b'data: {"type": "message_stop"}\n\n')
        assert b"chunked" not in received
        assert client.metered.usage.turns == 1


def test_an_answer_without_end_is_given_up(opened: Opened) -> None:
    """An error of endless length costs the reservation and bounded memory."""

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 500 No\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with raw_service(endless) as url, opened(url) as client:
        assert client.ask().status == 502
        assert client.metered.usage.cost_usd > 0


def test_a_large_request_passes(opened: Opened) -> None:
    """A conversation of several megabytes is inspected and sent unchanged; one beyond the bound is refused unread."""
    with ScriptedModel([say("hi")]) as service, opened(service.url) as client:
        assert client.ask(system="x" * 5_000_000).status == 200
        assert len(service.asked[0].body["system"]) == 5_000_000


def test_an_error_in_the_middle_of_an_answer_counts_as_a_failure(opened: Opened) -> None:
    """The client sees it where it happened; what was begun is charged."""
    start, _ = _events(output=0)
    told = json.dumps({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})

    def broken(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + start)
        connection.sendall(f"data: {told}\n\n".encode())

    with raw_service(broken) as url, opened(url) as client:
        assert [b"overloaded_error" in client.ask().body for _ in range(3)] == [True] * 3
        assert client.metered.ending is Ending.API_DOWN
        assert client.metered.usage.cost_usd > 0


def test_the_start_line_names_the_credential(tmp_path: Path) -> None:
    """By its source; a login that has expired is told before any work begins."""
    assert Gateway(TOKEN, ("opus",), warn=pytest.fail).credential() == "CLAUDE_CODE_OAUTH_TOKEN"
    with pytest.raises(AgentUnavailable):
        Gateway(login(tmp_path, token="x", valid_for=-1), ("opus",), warn=pytest.fail).credential()


def test_no_redirect_is_followed(opened: Opened) -> None:
    """The credential goes to one server only."""
    with ScriptedModel([say("hi")]) as elsewhere:

        def away(connection: socket.socket) -> None:
            connection.sendall(
                f"HTTP/1.1 307 Go\r\nlocation: {elsewhere.url}/v1/messages\r\ncontent-length: 0\r\n\r\n".encode()
            )

        with raw_service(away) as url, opened(url) as client:
            assert client.ask().status == 502
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    "base", ["ftp://x", "no url", "https://", "https://user:sk-canary@host", "http://h:99999", "https://h/?q=1"]
)
def test_a_base_that_is_no_url_is_refused_without_being_shown(base: str) -> None:
    """It may hold a secret, so the sentence names the variable only."""
    with pytest.raises(ConfigurationError) as refused:
        Gateway(API_KEY, ("opus",), upstream=base, warn=pytest.fail)
    assert "canary" not in f"{refused.value} {refused.value.hint}"


def test_plain_http_to_another_machine_is_warned_of() -> None:
    """The credential would travel unencrypted."""
    warnings: list[str] = []
    Gateway(API_KEY, ("opus",), upstream="http://models.internal:4000/anthropic", warn=warnings.append).close()
    assert warnings == ["The model's credential travels unencrypted to models.internal."]


# ------------ coming and going


def test_the_sandbox_gets_a_socket_only(opened: Opened) -> None:
    """There is no port outside; the socket is private and gone afterwards."""
    with ScriptedModel([say("hi")]) as service, opened(service.url, on_socket=True) as client:
        (path,) = client.access.sockets
        assert client.access.env["ANTHROPIC_UNIX_SOCKET"] == str(path)
        assert path.name == "model.sock"
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            body = json.dumps(_document()).encode()
            head = f"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {client.placeholder}\r\n"
            connection.sendall(f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body)
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        assert received.startswith(b"HTTP/1.1 200 OK\r\n")
        assert client.metered.usage.turns == 1
    assert not path.parent.exists()


def test_one_stretch_cannot_use_the_credential_of_another(assignment: Callable[[Limits], Assignment]) -> None:
    """Each has a placeholder of its own and its own meter."""
    with ScriptedModel([say("hi")]) as service:
        gateway = Gateway(API_KEY, ("opus",), upstream=service.url, warn=pytest.fail)
        with gateway.opened(assignment(Limits())) as one, gateway.opened(assignment(Limits())) as two:
            first, second = Client(access=one), Client(access=two)
            assert first.ask(headers={"x-api-key": second.placeholder}).status == 401
            assert first.ask().status == 200
            assert (first.metered.usage.turns, second.metered.usage.turns) == (1, 0)
        gateway.close()


def test_it_closes_within_a_second_and_leaves_nothing(opened: Opened) -> None:
    """Calls under way are broken off and charged at their reservation; threads and descriptors are gone."""
    descriptors = Path("/proc/self/fd")
    with ScriptedModel([hang(30), say("hi")]) as service, ThreadPoolExecutor(4) as pool:
        before, threads = len(list(descriptors.iterdir())), set(threading.enumerate())
        with opened(service.url) as client:
            idle = http.client.HTTPConnection("127.0.0.1", client.port)
            idle.connect()
            asking = [pool.submit(client.ask) for _ in range(4)]
            _until(lambda: service.peak == 4)
            began = time.monotonic()
        assert time.monotonic() - began < 1
        idle.close()
        for one in asking:
            one.exception(5)
        assert client.metered.usage.cost_usd > 0
        assert client.metered.ending is None
        ours = {thread for thread in threading.enumerate() if thread.name.startswith("door")}
        assert not ours - threads
    _until(lambda: len(list(descriptors.iterdir())) <= before)


def test_connections_to_the_service_are_kept(opened: Opened) -> None:
    """A second call needs no second handshake; one that the service closed meanwhile is not used again."""
    accepted: list[str] = []
    body = json.dumps({"model": MODEL, "usage": {"input_tokens": 1, "output_tokens": 1}}).encode()
    length = f"content-length: {len(body)}\r\n".encode()

    def twice(connection: socket.socket) -> None:
        accepted.append("connection")
        answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n" + length + b"\r\n" + body
        connection.sendall(answer)
        received = b""
        while not received.endswith(b"}"):
            received += connection.recv(65536)
        connection.sendall(answer)

    with raw_service(twice) as url, opened(url) as client:
        assert client.ask().status == 200
        time.sleep(0.5)  # the answer is passed on before the connection is put back
        assert client.ask().status == 200
        assert len(accepted) == 1
        time.sleep(0.5)
        assert client.ask().status == 200
        assert len(accepted) == 2
        assert client.metered.usage.turns == 3


def _document() -> dict[str, object]:
    return {"model": MODEL, "max_tokens": 100, "stream": True, **question("hi")}


def _events(*, output: int) -> tuple[bytes, bytes]:
    start = {"type": "message_start", "message": {"model": MODEL, "usage": {"input_tokens": 10, "output_tokens": 1}}}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": output}}
    return f"data: {json.dumps(start)}\n\n".encode(), f"data: {json.dumps(end)}\n\n".encode()


def _until(true: Callable[[], bool], *, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def test_money_is_covered_before_the_call_begins(opened: Opened) -> None:
    """What the stretch may have spent is told first; if that is refused, nothing reaches the service."""
    covered: list[float] = []

    def cover(task: TaskId, usd: float) -> None:
        assert str(task)
        covered.append(usd)
        if len(covered) > 1:
            raise LeaseLost("somebody else has the task")

    with ScriptedModel([say("hi"), say("ho")]) as service, opened(service.url, cover=cover) as client:
        assert client.ask().status == 200
        assert client.ask().status == 403
        assert covered[0] > 0
        assert covered[1] > client.metered.usage.cost_usd > 0
        assert client.metered.ending is Ending.STOPPED
        assert len(service.asked) == 1
