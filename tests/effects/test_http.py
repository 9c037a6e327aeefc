"""The door for JSON requests: patient within its bounds, silent about addresses and credentials."""

import gzip
import json
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from autorun.core.errors import AutorunError, Interrupted, ProviderError
from autorun.core.model import StopReason
from autorun.effects.http import JsonDoor, Reply as Heard, retry_after
from github_double.server import Reply, Request, Server

SECRET = "s3cret-s3cret"


@dataclass
class Site:
    """A server that answers from a list, then with 200; it keeps what it was asked."""

    replies: list[Reply] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    origin: str = ""

    def answer(self, request: Request) -> Reply:
        self.asked.append(request)
        return self.replies.pop(0) if self.replies else Reply(body=b'{"ok": true}')

    def door(self, **more: object) -> JsonDoor:
        settings = {"name": "It", "headers": {"Authorization": SECRET}, "patience": 3.0} | more
        return JsonDoor(f"{self.origin}/{SECRET}", **settings)  # type: ignore[arg-type]  # settings by name


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    server = Server(found.answer)
    found.origin = server.origin
    yield found
    server.close()


def failure(door: JsonDoor) -> AutorunError:
    with pytest.raises(AutorunError) as caught:
        door.post({})
    told = "".join(traceback.format_exception(caught.value)) + caught.value.hint
    assert SECRET not in told
    assert "127.0.0.1" not in told
    return caught.value


def test_json_goes_out_and_comes_back(site: Site) -> None:
    """The payload, the headers, the reply."""
    reply = site.door().post({"grüß": ["dich", None, 1]})
    assert (reply.status, reply.json()) == (200, {"ok": True})
    assert json.loads(site.asked[0].body) == {"grüß": ["dich", None, 1]}
    assert site.asked[0].headers["Authorization"] == SECRET


@pytest.mark.parametrize("trouble", [Reply(status=429), Reply(status=500), Reply(status=503), Reply(cut=True)])
def test_trouble_that_passes_is_waited_out(site: Site, trouble: Reply) -> None:
    """An overloaded or broken server, a broken connection."""
    site.replies = [trouble]
    assert site.door().post({}).status == 200


def test_a_long_answer_comes_whole(site: Site) -> None:
    """Compressed or not, in as many pieces as it takes."""
    text = json.dumps(["x" * 1000] * 1000).encode()
    site.replies = [
        Reply(body=text),
        Reply(body=gzip.compress(text), headers=[("Content-Encoding", "gzip")]),
        Reply(body=b""),
    ]
    door = site.door()
    assert [len(door.post({}).body) for _ in range(3)] == [len(text), len(text), 0]


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404])
def test_a_refusal_is_final(site: Site, status: int) -> None:
    """Asked once; a redirection, which would carry the credential elsewhere, is not followed."""
    site.replies = [Reply(status=status, headers=[("Location", f"{site.origin}/elsewhere")])]
    assert site.door().post({}).status == status
    assert len(site.asked) == 1


def test_what_the_server_names_is_waited(site: Site) -> None:
    """In seconds; longer than our patience, the reply comes back at once."""
    site.replies = [
        Reply(status=429, headers=[("Retry-After", "1")]),
        Reply(status=429, headers=[("Retry-After", "9")]),
    ]
    begun = time.monotonic()
    assert site.door().post({}).status == 429
    assert 1 <= time.monotonic() - begun < 2
    assert len(site.asked) == 2


@pytest.mark.parametrize(
    ("named", "low", "high"),
    [
        ("7", 7, 7),
        ("1.5", 1.5, 1.5),
        ("-3", 0, 0),
        ("soon", 0, 0),
        ("", 0, 0),
    ],
)
def test_retry_after_is_a_number(named: str, low: float, high: float) -> None:
    """And what is neither that nor a date is nothing."""
    assert low <= retry_after(Heard(status=429, headers={"retry-after": named}, body=b"")) <= high


@pytest.mark.parametrize(("hours", "low", "high"), [(1, 3500, 3600), (-1, 0, 0)])
def test_retry_after_is_a_date(hours: int, low: float, high: float) -> None:
    """Seconds from now, and none for a moment that has passed."""
    named = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
    assert low <= retry_after(Heard(status=429, headers={"retry-after": named}, body=b"")) <= high


def test_patience_ends(site: Site) -> None:
    """The last reply comes back; the door does not ask for ever."""
    site.replies = [Reply(status=503)] * 100
    begun = time.monotonic()
    assert site.door(patience=1.0).post({}).status == 503
    assert time.monotonic() - begun < 1.5
    assert 2 <= len(site.asked) < 10


@pytest.mark.parametrize("seconds", [30.0, 2.5])
def test_a_silent_server_is_given_up(site: Site, seconds: float) -> None:
    """Also one that dribbles: the time of a try is for all of it."""
    site.replies = [Reply(body=b"x" * 100, seconds=seconds)] * 9
    begun = time.monotonic()
    error = failure(site.door(timeout=0.3, patience=0.8))
    assert "It cannot be reached: no whole answer within" in str(error)
    assert isinstance(error, ProviderError)
    assert time.monotonic() - begun < 1.6


def test_an_unreachable_server_is_said(site: Site) -> None:
    """One sentence and a hint."""
    site.origin = "http://127.0.0.1:9"
    error = failure(site.door(patience=0.3))
    assert str(error) == "It cannot be reached: the connection failed"
    assert error.hint


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1/x", "http://[broken"])
def test_an_address_that_is_none_is_said(url: str) -> None:
    """Without repeating it."""
    door = JsonDoor(f"{url}{SECRET}", name="It", patience=0.2)
    assert "It cannot be reached" in str(failure(door))


@pytest.mark.parametrize(("reason", "code"), [(StopReason.SIGTERM, 143), (StopReason.SIGINT, 130)])
def test_a_stop_ends_the_wait(site: Site, reason: StopReason, code: int) -> None:
    """The try in hand is finished, no other is begun."""
    site.replies = [Reply(status=429, headers=[("Retry-After", "2")])]
    begun = time.monotonic()
    error = failure(site.door(stop=lambda: reason))
    assert isinstance(error, Interrupted)
    assert error.exit_code == code
    assert time.monotonic() - begun < 1


def test_a_signal_cuts_a_silent_server_short(site: Site) -> None:
    """A try in flight has three more seconds, not its whole time-out, and none is made after it."""
    site.replies = [Reply(body=b"x" * 100, seconds=30.0)]
    asked: list[StopReason] = []
    door = site.door(timeout=60.0, patience=90.0, stop=lambda: asked[0] if asked else None)
    threading.Timer(0.3, lambda: asked.append(StopReason.SIGTERM)).start()
    begun = time.monotonic()
    for _ in range(2):
        assert isinstance(failure(door), Interrupted)
    assert 3 < time.monotonic() - begun < 6
    assert len(site.asked) == 1


def test_the_machines_netrc_is_not_used(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password for that host lying about must not replace our credential."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    site.door().post({})
    assert site.asked[0].headers["Authorization"] == SECRET
