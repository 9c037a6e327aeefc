"""What goes wrong between us and Linear, said so that people can mend it."""

import json
import traceback
from datetime import UTC, datetime, timedelta

import pytest

from autorun.adapters.tasks.linear import linear_tasks
from autorun.core.config import StateProvider
from autorun.core.config.choices import Provider
from autorun.core.errors import AutorunError, ConfigurationError, Interrupted, ProviderError, RateLimited
from autorun.core.model import StopReason, TaskState
from github_double.server import Reply
from kit.linear_double import KEY, LinearDouble, limited, reply
from kit.linear_graphql import Row
from kit.tasks_conformance import record_of
from linear.bench import LinearBench, provider

OPTIONS = StateProvider(type=Provider.LINEAR, api_key_env="LINEAR_API_KEY")


@pytest.fixture(autouse=True)
def issue(linear: LinearDouble) -> Row:
    """Something to read."""
    queued = linear.issue("Do it")
    linear.queue(queued)
    return queued


def error_of(linear: LinearDouble, **more: object) -> AutorunError:
    with pytest.raises(AutorunError) as caught:
        provider(linear, **more).backlog()  # type: ignore[arg-type]  # arguments by name
    assert KEY not in "".join(traceback.format_exception(caught.value)) + caught.value.hint
    return caught.value


def test_a_bad_key_is_said(linear: LinearDouble) -> None:
    """With the variable that holds it and where to get a good one; the key itself is told nobody."""
    error = error_of(linear, key="lin_api_wrong")
    assert str(error) == "Could not initialize state provider linear: Linear refuses the key in LINEAR_API_KEY"
    assert "Settings" in error.hint
    assert error.exit_code == 3


@pytest.mark.parametrize("status", [200, 400, 401])
def test_a_bad_key_is_known_by_its_code(linear: LinearDouble, status: int) -> None:
    """Whatever status it comes with."""
    linear.replies = [reply(status, {"errors": [{"message": "x", "extensions": {"code": "AUTHENTICATION_ERROR"}}]})]
    assert "refuses the key" in str(error_of(linear))


def test_no_key_is_said_before_anything_is_asked() -> None:
    """The variable is named as configured."""
    with pytest.raises(ConfigurationError) as caught:
        linear_tasks(OPTIONS, {})
    assert str(caught.value) == "Could not initialize state provider linear: LINEAR_API_KEY is not set"
    assert caught.value.hint
    with pytest.raises(ConfigurationError, match="MINE is not set"):
        linear_tasks(StateProvider(type=Provider.LINEAR, api_key_env="MINE"), {"LINEAR_API_KEY": KEY})


@pytest.mark.parametrize(("key", "header"), [(KEY, KEY), ("lin_oauth_x", "Bearer lin_oauth_x")])
def test_the_endpoint_and_the_key_come_from_the_environment(linear: LinearDouble, key: str, header: str) -> None:
    """Personal keys go as they are, tokens of apps as bearers."""
    linear.key = header
    tasks = linear_tasks(OPTIONS, {"LINEAR_API_KEY": f"{key}\n", "LINEAR_API_URL": linear.url})
    assert len(tasks.backlog().tasks) == 1


def test_a_missing_permission_is_said(bench: LinearBench) -> None:
    """Reading works, writing is refused in Linear's words with a remedy."""
    bench.linear.read_only = True
    task = bench.only()
    with pytest.raises(ProviderError, match=r"LINEAR_API_KEY may not do this in Linear: You do not have") as caught:
        bench.tasks.show(task, record_of(task.id, TaskState.BLOCKED))
    assert "read and write" in caught.value.hint


@pytest.mark.parametrize("status", [400, 429, 200])
def test_a_short_rate_limit_is_waited_for(linear: LinearDouble, status: int) -> None:
    """Until the used-up budget is full again; the other one's reset does not count."""
    linear.replies = [limited(datetime.now(UTC) + timedelta(seconds=0.3), status=status)]
    assert len(provider(linear).backlog().tasks) == 1


def test_a_long_rate_limit_ends_the_run_with_its_time(linear: LinearDouble) -> None:
    """Who comes back then is served; nobody waits for an hour."""
    resets_at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    linear.replies = [limited(resets_at)]
    error = error_of(linear)
    assert isinstance(error, RateLimited)
    assert error.resets_at == resets_at
    assert f"{resets_at:%Y-%m-%d %H:%M} UTC" in str(error)


def test_a_rate_limit_without_a_time_is_tried_again(linear: LinearDouble) -> None:
    """With growing pauses, within our patience."""
    bare = reply(429, {})
    linear.replies = [bare, bare]
    assert len(provider(linear).backlog().tasks) == 1


def test_a_stop_ends_the_wait(linear: LinearDouble) -> None:
    """Nobody has to wait for a rate limit to stop the run."""
    linear.replies = [limited(datetime.now(UTC) + timedelta(seconds=3))]
    error = error_of(linear, stop=lambda: StopReason.SIGTERM)
    assert isinstance(error, Interrupted)
    assert error.exit_code == 143


def test_a_failing_server_is_tried_again(linear: LinearDouble) -> None:
    """5xx, and connections that break."""
    linear.replies = [Reply(status=502, body=b"<html>"), Reply(cut=True)]
    assert len(provider(linear).backlog().tasks) == 1


def test_a_server_that_stays_broken_is_said(linear: LinearDouble) -> None:
    """With its status; the page it sends is not repeated."""
    linear.replies = [Reply(status=503, body=b"<html>down</html>")] * 50
    error = error_of(linear, patience=1.0)
    assert str(error).startswith("Linear failed (503)")
    assert "html" not in str(error)


def test_no_server_at_all_is_said(linear: LinearDouble) -> None:
    """In one sentence, without the address."""
    linear.url = "http://127.0.0.1:9/graphql"
    assert str(error_of(linear, patience=0.5)) == "Linear cannot be reached: the connection failed"


@pytest.mark.parametrize("body", [b"", b"<html>hello</html>", b"[]", b"{}", b'{"data": null}'])
def test_something_else_that_answers_is_said(linear: LinearDouble, body: bytes) -> None:
    """A wrong address is the likely cause."""
    linear.replies = [Reply(status=200, body=body)]
    error = error_of(linear)
    assert "not Linear's API" in str(error)
    assert "LINEAR_API_URL" in error.hint


@pytest.mark.parametrize(
    "data", [{"teams": None}, {"teams": {"nodes": [{}], "pageInfo": {"hasNextPage": False}}}, {}]
)
def test_a_reply_of_another_form_is_said(linear: LinearDouble, data: object) -> None:
    """Never a traceback."""
    linear.replies = [Reply(status=200, body=json.dumps({"data": data}).encode())]
    assert "not as expected" in str(error_of(linear))


def test_pages_that_lead_in_a_circle_are_left(linear: LinearDouble) -> None:
    """A cursor that does not move would have no end."""
    page = {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": "same"}}
    linear.replies = [reply(200, {"data": {"teams": page}})] * 3
    assert "circle" in str(error_of(linear))


def test_a_key_in_an_error_of_linears_is_not_repeated(linear: LinearDouble) -> None:
    """What the server says is shown without our secrets."""
    problem = {"message": f"Bad key {KEY}", "extensions": {"type": "forbidden"}}
    linear.replies = [reply(403, {"errors": [problem]})]
    assert "Bad key [removed" in str(error_of(linear))
