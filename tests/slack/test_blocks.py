"""What Slack is told: well formed, readable, and harmless whatever the texts it is made of."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from slack_sdk.models.blocks import Block

from autorun.core.model import Blocker, Outcome, PullRequest, Reason, TaskId, TaskState, Usage
from autorun.core.report import slack_blocks
from autorun.core.report.journal import Entry, Happening
from autorun.core.report.slack_blocks import Message, Style
from kit.secret_samples import SAMPLES

OWN = "correct-horse-battery"
STYLE = Style(run_url="https://github.com/acme/shop/actions/runs/9", own=(OWN,))
AT = datetime(2026, 11, 20, 22, 15, tzinfo=UTC)
USAGE = Usage(turns=12, cost_usd=0.84)
REVIEW = Outcome(
    state=TaskState.IN_REVIEW,
    reason=Reason.PUBLISHED,
    sentence="The pull request is open.",
    pull_request=PullRequest(branch="autorun/github-7", url="https://github.com/acme/shop/pull/12", number=12),
)
BLOCKED = Outcome(
    state=TaskState.BLOCKED,
    reason=Reason.NEEDS_INPUT,
    sentence="Which login is meant?",
    remedy="Answer what is asked below, then let it be tried again.",
    blockers=(Blocker(what="Two logins exist", why="Both are in use", needed="Say which one stays"),),
)
PAUSED = Outcome(state=TaskState.PAUSED, reason=Reason.CHECKPOINT, sentence="The context is full.", remedy="Approve.")
FAILED = Outcome(state=TaskState.FAILED, reason=Reason.LIMIT, sentence="Turn limit reached: 50.", remedy="Raise it.")


def entry(what: Happening, text: str = "", outcome: Outcome | None = None, **more: Any) -> Entry:
    fields: dict[str, Any] = {
        "task": TaskId(provider="github", key="7"),
        "title": "Let people log in",
        "url": "https://github.com/acme/shop/issues/7",
        "usage": USAGE,
    }
    return Entry(at=AT, what=what, session="20261120-221500-ab12cd", text=text, outcome=outcome, **fields | more)


def ended(outcome: Outcome, **more: Any) -> Entry:
    return entry(Happening.TASK_ENDED, outcome.sentence, outcome, **more)


def session(what: Happening, text: str, step: str = "") -> Entry:
    return entry(what, text, task=None, title="", url="", step=step)


def messages(text: str = "Fine.", title: str = "Let people log in") -> dict[str, Message]:
    """Every kind of message, made of a text."""
    blocked = Outcome(
        state=TaskState.BLOCKED,
        reason=Reason.AGENT_BLOCKED,
        sentence=text,
        remedy=text,
        blockers=(Blocker(what=text, why=text, needed=text),) * 30,
    )
    work = entry(Happening.ACTIVITY, text, title=title, step=text)
    done = [ended(each, title=title) for each in (REVIEW, blocked, PAUSED, FAILED)] * 5
    return {
        "started": slack_blocks.started(session(Happening.SESSION_STARTED, text), text, STYLE),
        "review": slack_blocks.task_ended(ended(REVIEW, title=title), REVIEW, STYLE),
        "blocked": slack_blocks.task_ended(ended(blocked, title=title), blocked, STYLE),
        "asking": slack_blocks.asking(entry(Happening.ASKING, text, title=title), STYLE),
        "update": slack_blocks.update(work, done, STYLE),
        "ended": slack_blocks.session_ended(session(Happening.SESSION_ENDED, text, "limit"), done, STYLE, unsent=2),
    }


def texts(message: Message) -> list[str]:
    """Everything in a message that is read by people."""
    found = [message["text"]]
    for block in message["blocks"]:
        found += [each["text"] for each in [block.get("text"), *block.get("elements", ())] if each]
    return found


def whole(message: Message) -> str:
    return "\n".join(texts(message))


def check(message: Message) -> None:
    """Slack takes the message: its own models accept every block."""
    assert set(message) == {"text", "blocks", "unfurl_links", "unfurl_media"}
    assert 0 < len(message["text"]) < 3000
    assert 0 < len(message["blocks"]) <= 50
    for block in message["blocks"]:
        parsed = Block.parse(block)
        assert parsed is not None
        parsed.validate_json()
        assert json.loads(json.dumps(parsed.to_dict())) == block
        for text in (each for each in [block.get("text"), *block.get("elements", ())] if each):
            assert 0 < len(text["text"]) <= 3000


@pytest.mark.parametrize("text", ["Fine.", "x" * 9000, "& < > " * 900, "ä😀" * 4000, "\n\n# *_~`\n", ""])
def test_slack_takes_every_message(text: str) -> None:
    """Whatever the length and characters of its texts."""
    for message in messages(text, title=text).values():
        check(message)


@given(text=st.text(max_size=4000))
def test_slack_takes_messages_of_any_text(text: str) -> None:
    """By law: well formed, and with no markup that the text brought."""
    for message in messages(text, title=text).values():
        check(message)
        harmless(message)


def harmless(message: Message) -> None:
    """Only links of ours, no mention of any kind, Slack told to look for none."""
    for text in texts(message):
        for markup in re.findall(r"<[^>]*>?", text):
            assert re.fullmatch(r"<https://github\.com/acme/shop/[a-z]+/[a-z0-9/]+\|[A-Za-z #0-9/]+>", markup), markup
        outside = re.sub(r"<[^>]*>", "", text)
        assert not re.search(r"@[A-Za-z]", outside)
        assert "://" not in outside
    for block in message["blocks"]:
        for each in (each for each in [block.get("text"), *block.get("elements", ())] if each):
            assert each["type"] == "plain_text" or each["verbatim"] is True
    assert message["unfurl_links"] is message["unfurl_media"] is False


@pytest.mark.parametrize(
    "text",
    [
        "<!channel> <!here> <!everyone>",
        "<@U012AB3CD> <#C012AB3CD> <!subteam^S012>",
        "@channel @here @robin",
        "<https://evil.example|click here>",
        "see https://evil.example and www.evil.example",
        "&lt;!channel&gt; &#60;!here>",
        "<!chan\u200bnel> \u202e<!here>",
        "[click](https://evil.example) ![beacon](https://evil.example/x.png)",
    ],
)
def test_pings_and_links_are_text(text: str) -> None:
    """Titles, sentences, blockers, steps: nobody is called and nowhere is led to."""
    for message in messages(text, title=text).values():
        harmless(message)


@pytest.mark.parametrize("secret", [OWN, *SAMPLES.values()])
def test_secrets_do_not_leave(secret: str) -> None:
    """Neither our own nor what looks like one, nor one that hides behind invisible characters."""
    for text in (f"see {secret} there", f"see {secret[:6]}\u200b{secret[6:]} there"):
        for message in messages(text, title=text).values():
            assert secret not in json.dumps(message, ensure_ascii=False).replace("\u200b", "")


def test_a_finished_task_links_its_pull_request() -> None:
    """With the task, what it cost, and the run."""
    text = whole(slack_blocks.task_ended(ended(REVIEW), REVIEW, STYLE))
    assert "<https://github.com/acme/shop/pull/12|Pull request #12>" in text
    assert "<https://github.com/acme/shop/issues/7|github/7>" in text
    assert "12 turns, $0.84" in text
    assert "<https://github.com/acme/shop/actions/runs/9|the run>" in text


def test_a_blocked_task_says_what_why_and_what_unblocks_it() -> None:
    """And how to answer."""
    text = whole(slack_blocks.task_ended(ended(BLOCKED), BLOCKED, STYLE))
    for part in ("Two logins exist", "Both are in use", "Say which one stays", "`/autorun retry [answer]`"):
        assert part in text


@pytest.mark.parametrize(
    ("provider", "outcome", "way"),
    [
        ("github", PAUSED, "Comment `/autorun approve [guidance]` on the issue."),
        ("github", FAILED, "Comment `/autorun retry [answer]` on the issue."),
        ("linear", PAUSED, "Answer with a comment on the issue (`/autorun approve [guidance]`)"),
        ("file", BLOCKED, "run `autorun start --task 7`"),
    ],
)
def test_how_to_answer_fits_the_tracker(provider: str, outcome: Outcome, way: str) -> None:
    """A checkpoint is approved, everything else tried again, each in its tracker's way."""
    found = ended(outcome, task=TaskId(provider=provider, key="7"))
    assert way in whole(slack_blocks.task_ended(found, outcome, STYLE))


def test_the_end_names_the_limit_and_every_task() -> None:
    """A met limit is in the headline, the reason and the counts follow."""
    done = [ended(REVIEW), ended(BLOCKED), ended(PAUSED), ended(FAILED)]
    message = slack_blocks.session_ended(
        session(Happening.SESSION_ENDED, "Cost limit reached: $10.00", "limit"), done, STYLE
    )
    assert message["blocks"][0]["text"]["text"] == "Autorun met a limit"
    assert "Cost limit reached: $10.00. 1 in review, 2 need you, 1 failed." in whole(message)
    assert whole(message).count("github/7") == 4


def test_money_on_a_subscription_is_an_estimate() -> None:
    """As everywhere."""
    entry = ended(REVIEW)
    assert entry.usage is not None
    guessed = replace(entry, usage=replace(entry.usage, estimated=True))
    assert "$0.84 (estimated)" in whole(slack_blocks.task_ended(guessed, REVIEW, STYLE))


@pytest.mark.parametrize("on_complete", [True, False])
@pytest.mark.parametrize("on_blocked", [True, False])
def test_the_switches_switch(*, on_complete: bool, on_blocked: bool) -> None:
    """Each kind of ending has its own; what is no ending is not told."""

    def told(found: Entry) -> bool:
        return slack_blocks.told(found, STYLE, on_complete=on_complete, on_blocked=on_blocked) is not None

    assert told(ended(REVIEW)) is on_complete
    assert [told(ended(each)) for each in (BLOCKED, PAUSED, FAILED)] == [on_blocked] * 3
    assert told(entry(Happening.ASKING, "Go on?")) is on_blocked
    assert not told(entry(Happening.ACTIVITY, "Reading"))
    assert not told(ended(Outcome(state=TaskState.TODO, reason=Reason.INTERRUPTED, sentence="Stopped.")))


def test_the_documented_example_is_what_is_sent() -> None:
    """The page shows a message as it is, and its texts as they read."""
    page = (Path(__file__).parents[2] / "docs/slack.md").read_text()
    found = re.search(r"```json\n(.*?)```", page, re.DOTALL)
    assert found is not None
    assert json.loads(found[1]) == slack_blocks.task_ended(ended(BLOCKED), BLOCKED, STYLE)
    rendered = page.partition("## How one reads")[2].partition("```json")[0]
    for part in (BLOCKED.sentence, BLOCKED.remedy, "Needs an answer", "12 turns, $0.84", "`/autorun retry [answer]`"):
        assert part in rendered
