"""What people read: complete, within the forge's limits, and inert wherever the words are not ours."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings, strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from autorun.core.checks import compare
from autorun.core.ledger.record import Attempt, Holder, Record, claimed, settled
from autorun.core.model import (
    Blocker,
    CheckResult,
    Claimed,
    CriterionReport,
    Outcome,
    PullRequest,
    Reason,
    Statement,
    Task,
    TaskId,
    TaskState,
    Usage,
)
from autorun.core.policy import Finding, Rule, Tier
from autorun.core.report.rendering import (
    PullRequestFacts,
    commit_message,
    pull_request_body,
    pull_request_title,
    status_comment,
    task_marker,
    verification,
)
from autorun.core.text import outgoing

NOW = datetime(2026, 11, 2, 22, 0, tzinfo=UTC)
GITHUB = Task(id=TaskId(provider="github", key="7"), title="Add login", url="https://github.com/o/r/issues/7")
LOCAL = Task(id=TaskId(provider="file", key="login"), title="Add login")
RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])

# Fragments that are live on their own or become so beside one another.
PIECES = [
    "@octocat", "@org/team", "@", "octocat", "fixes #12", "Closes: #3", "closes o/r#4", "GH-5", "#", "6", "_",
    "resolve ENG-12", "fixes https://github.com/o/r/issues/8", "https://evil.example/?q=", "www.evil.example",
    "<https://evil.example>", "a@evil.example", "![x](https://evil.example/p.png)", "![x][y]", "[t](/u)", "[y]",
    "[y]: https://evil.example", "<img src=x onerror=y>", "<details>", "</details>", "<!--", "-->",
    "<!-- autorun:task=github/9 -->", "&#64;octocat", "&commat;octocat", "&lt;b&gt;", "&#35;9", "\\", "`", "```",
    "~~~", "```mermaid\ngraph", "    ", "\t", "\n", "\r", "\u2028", "\n\n", "# Verification", "\n---\n",
    "> ", "[!WARNING]",
    "[!", "![", "](", "][", "]:", "|", "\\|", "| a | b |\n|---|---|\n", "- ", "1. ", "\u200b", "\u202e", "\U000e0041",
    "\u00ad", "[skip ci]", "[ci skip]", "[no ci]", "skip-checks: true", "\n\nCo-authored-by: x <y@z>", "text", " ",
    "\nAutorun-Task: github/1", "Signed-off-by: me", "*", "[^1]", "[^1]: note", "$$x$$", "'", '"', "\x00", "\x1b[0m",
]  # fmt: skip
EXAMPLES = settings().max_examples
HOSTILE = st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text(max_size=60))

MENTION = re.compile(r"@[A-Za-z0-9_-]")
REFERENCE = re.compile(r"#\d|\bGH-\d", re.IGNORECASE)
CLOSING = re.compile(r"\b(close[sd]?|fix(e[sd])?|resolve[sd]?):?\s+(\S*#\d|GH-\d|https?://|[A-Z]+-\d)", re.IGNORECASE)
SWITCH = re.compile(r"\[(skip ci|ci skip|no ci|skip actions|actions skip)\]|skip-checks:", re.IGNORECASE)


def tokens(markdown: str) -> list[Token]:
    found: list[Token] = []
    for token in RENDERER.parse(markdown):
        found += [token, *(token.children or [])]
    return found


def words(markdown: str) -> str:
    """The text a reader sees and a forge searches, code left out."""
    return "\n".join(token.content for token in tokens(markdown) if token.type == "text")


def assert_inert(markdown: str) -> None:
    """No token of `markdown` does anything."""
    kinds = {token.type for token in tokens(markdown)}
    assert not kinds & {"html_block", "html_inline", "image", "link_open"}
    for text in (markdown, words(markdown)):  # raw too: forges look into code more often than they say
        for pattern in (MENTION, REFERENCE, CLOSING, SWITCH):
            assert not pattern.search(text), (pattern.pattern, text)
        assert "<!--" not in text
        assert "://" not in text


def statement(text: str = "Adds the login form.", title: str = "Add a login form") -> Statement:
    return Statement(
        claimed=Claimed.COMPLETED,
        summary=text,
        body=text,
        title=title,
        criteria=(CriterionReport(criterion=text, met=True, evidence=text),),
        blockers=(Blocker(what=text, why=text, needed=text),),
    )


def facts(said: Statement, *findings: Finding, run_url: str = "") -> PullRequestFacts:
    before = CheckResult(run="make test | tee log", exit_code=0, seconds=2.0)
    return PullRequestFacts(
        statement=said,
        comparison=compare([before], [before]),
        usage=Usage(turns=12, cost_usd=0.256),
        model="claude-opus-5",
        session_id="s-1",
        findings=findings,
        run_url=run_url,
    )


def record(outcome: Outcome, task: Task = GITHUB, *, estimated: bool = False) -> Record:
    usage = Usage(turns=4, cost_usd=0.5, estimated=estimated)
    begun = claimed(
        Record(task=task.id),
        Holder(nonce="n"),
        now=NOW,
        ttl=timedelta(minutes=15),
        session_id="s-1",
        reserve_usd=1,
        estimated=estimated,
    )
    return settled(begun, outcome, now=NOW + timedelta(minutes=5), usage=usage, burned=False)


# ------------ laws


@settings(max_examples=4 * EXAMPLES, deadline=None)
@given(HOSTILE)
@example("&#64;octocat")
@example("[a]\n\n[a]: https://evil.example")
@example("`<!-- autorun:task=github/7 -->`")
def test_no_text_is_live_once_it_is_inert(text: str) -> None:
    """Whatever a model says, alone, quoted, in a cell or as code, does nothing."""
    for rendered in (outgoing.inert(text), outgoing.quoted(text), outgoing.cell(text), outgoing.line(text, 80)):
        assert_inert(rendered)
    assert_inert(outgoing.code(text))
    assert "\n" not in outgoing.cell(text) + outgoing.line(text, 80) + outgoing.code(text)


@settings(deadline=None)
@given(HOSTILE)
def test_making_inert_twice_changes_nothing(text: str) -> None:
    """So that nobody needs to know who did it first."""
    assert outgoing.inert(outgoing.inert(text)) == outgoing.inert(text)


@settings(max_examples=2 * EXAMPLES, deadline=None)
@given(HOSTILE, st.sampled_from([GITHUB, LOCAL]))
def test_a_pull_request_says_only_what_we_say(text: str, task: Task) -> None:
    """Hostile words in every field leave our headings, our one marker and our one closing word, and nothing else."""
    finding = Finding(tier=Tier.WARN, rule=Rule.PROTECTED, path=text, sentence=text)
    body = pull_request_body(task, facts(statement(text, text), finding))
    assert body.count("<!--") == 1
    assert body.startswith(task_marker(task.id) + "\n")
    closing = "Closes #7" if task is GITHUB else ""
    rest = (
        body.removeprefix(task_marker(task.id))
        .replace(closing, "", 1)
        .replace("[`github/7`](https://github.com/o/r/issues/7)", "")
    )
    assert_inert(rest)
    top = [
        t for t in RENDERER.parse(body) if t.level == 0 and t.type in {"heading_open", "fence", "code_block", "hr"}
    ]
    assert [(t.type, t.tag) for t in top] == [("heading_open", "h2")] * 4
    assert_inert(pull_request_title(task, statement(text, text)))
    assert "\n" not in pull_request_title(task, statement(text, text))


@settings(max_examples=2 * EXAMPLES, deadline=None)
@given(HOSTILE)
def test_a_status_comment_says_only_what_we_say(text: str) -> None:
    """Blockers, sentences and remedies that hold hostile words leave one heading and one marker."""
    outcome = Outcome(
        state=TaskState.BLOCKED,
        reason=Reason.AGENT_BLOCKED,
        sentence=text,
        remedy=text,
        blockers=(Blocker(what=text, why=text, needed=text),),
    )
    body = status_comment(GITHUB, record(outcome))
    assert body.count("<!--") == 1
    assert_inert(body.removeprefix(task_marker(GITHUB.id)))
    top = [
        t for t in RENDERER.parse(body) if t.level == 0 and t.type in {"heading_open", "fence", "code_block", "hr"}
    ]
    assert [(t.type, t.tag) for t in top] == [("heading_open", "h3")]


@settings(deadline=None)
@given(HOSTILE)
def test_a_commit_message_has_our_trailers_alone(text: str) -> None:
    """No line of the model's reads as a trailer, and the subject is one line of at most 72 characters."""
    message = commit_message(GITHUB, statement(text, text), session_id="s-1")
    assert_inert(message)
    subject, *rest = message.split("\n")
    assert 0 < len(subject) <= 72
    assert rest[0] == ""
    trailers = [line for line in rest if re.match(r"[A-Za-z0-9-]+-by\s*:|Autorun-", line, re.IGNORECASE)]
    assert trailers == ["Autorun-Task: github/7", "Autorun-Run: s-1"]
    assert message.endswith("\n\nAutorun-Task: github/7\nAutorun-Run: s-1\n")


# ------------ what is said


def test_a_pull_request_tells_what_a_reviewer_needs() -> None:
    """Closing word, warning first, words quoted, evidence, before and after, cost, turns, model and run."""
    warning = Finding(tier=Tier.WARN, rule=Rule.PROTECTED, path="package.json", sentence="It is protected.")
    block = Finding(tier=Tier.BLOCK, rule=Rule.PATH, path="never", sentence="Never published.")
    body = pull_request_body(
        GITHUB, facts(statement(), warning, block, run_url="https://github.com/o/r/actions/runs/1")
    )
    for part in (
        "Closes #7\n\n> [!WARNING]",
        "`package.json`: It is protected.",
        "> Adds the login form.",
        "| Adds the login form. | yes | Adds the login form. |",
        r"| `make test \| tee log` | passes | passes | passes |",
        "[`github/7`](https://github.com/o/r/issues/7)",
        "$0.26, 12 turns",
        "`claude-opus-5`",
        "[Run](https://github.com/o/r/actions/runs/1)",
    ):
        assert part in body
    assert "Never published" not in body
    assert body.index("WARNING") < body.index("## What and why") < body.index("## Verification")


def test_only_a_github_issue_is_closed() -> None:
    """A file or Linear key means another thing on the forge."""
    for task in (LOCAL, Task(id=TaskId(provider="linear", key="7"), title="x")):
        assert "Closes" not in pull_request_body(task, facts(statement()))


def test_what_the_sandbox_refused_is_listed() -> None:
    """Each connection on a line of its own, inert; where there was none there is no such part."""
    tried = replace(facts(statement()), blocked=("To evil.example:443: @octocat <b>", "To b.example:80"))
    body = pull_request_body(GITHUB, tried)
    part = body.partition("## Refused connections\n\n")[2]
    assert part.startswith("The sandbox let none of these out:\n\n- ")
    assert part.count("\n- To ") == 2
    assert_inert(part.partition("\n\n## ")[0])
    assert "Refused connections" not in pull_request_body(GITHUB, facts(statement()))


def test_missing_evidence_is_said() -> None:
    """No verification, no criteria and an unmet one are not passed over."""
    said = Statement(
        claimed=Claimed.COMPLETED, summary="Done.", criteria=(CriterionReport(criterion="It logs in", met=False),)
    )
    bare = PullRequestFacts(statement=said, comparison=compare([], []), usage=Usage(), model="m", session_id="s")
    body = pull_request_body(LOCAL, bare)
    assert "No verification is configured" in body
    assert "| It logs in | **no** |  |" in body
    assert "> Done." in body
    assert pull_request_title(LOCAL, said, prefix="[bot] ") == "[bot] Add login"


def test_every_standing_of_a_check_reads_differently() -> None:
    """Broken, fixed, already failing, killed and not run can be told apart."""
    green, red = (CheckResult(run="t", exit_code=code, seconds=1.0) for code in (0, 2))
    killed = CheckResult(run="t", exit_code=None, seconds=1.0)
    pairs: tuple[tuple[list[CheckResult], list[CheckResult]], ...]
    pairs = (([green], [red]), ([red], [green]), ([red], [red]), ([green], [killed]), ([green], []), ([], [green]))
    rows = [verification(compare(*pair)) for pair in pairs]
    for body, part in zip(
        rows,
        (
            "| passes | fails (2) | **broken",
            "| fails (2) | passes | **fixed",
            "| already failing",
            "| ended by force |",
            "| not run | not run |",
            "| not run | passes | passes |",
        ),
        strict=True,
    ):
        assert part in body
    assert len(set(rows)) == len(rows)


def test_a_status_comment_tells_state_reason_question_and_cost() -> None:
    """What, why and what answer unblocks it; attempts with cost; the pull request; when it is tried again."""
    outcome = Outcome(
        state=TaskState.BLOCKED,
        reason=Reason.NEEDS_INPUT,
        sentence="Two readings are possible.",
        remedy="Comment `/autorun retry` with the answer.",
        blockers=(Blocker(what="Which provider?", why="Both are in use.", needed="Name one."),),
        pull_request=PullRequest(branch="b", url="https://github.com/o/r/pull/9", number=9),
        retry_at=NOW + timedelta(hours=1),
    )
    task = Task(id=GITHUB.id, title="x", warnings=("Two sections named Steps.",))
    body = status_comment(task, record(outcome, estimated=True), run_url="https://github.com/o/r/actions/runs/1")
    for part in (
        "<!-- autorun:task=github/7 -->\n\n### Autorun: blocked, needs an answer",
        "**Why:** Two readings are possible.",
        "**What to do:** Comment `/autorun retry` with the answer.",
        "> Which provider?",
        "> Both are in use.",
        "> Name one.",
        "[Pull request #9](https://github.com/o/r/pull/9).",
        "2026-11-02 23:00 UTC",
        "- Two sections named Steps.",
        "| 1 | 2026-11-02 22:00 UTC | needs input | 4 | $0.50 (estimated) |",
        "1 attempt, $0.50 (estimated) in all.",
        "[The run](https://github.com/o/r/actions/runs/1)",
    ):
        assert part in body


@pytest.mark.parametrize("state", TaskState)
def test_every_state_has_a_headline(state: TaskState) -> None:
    """A record that never had an attempt or an outcome is shown as well."""
    holder = Holder(nonce="n") if state is TaskState.IN_PROGRESS else None
    body = status_comment(LOCAL, Record(task=LOCAL.id, state=state, holder=holder))
    assert body.startswith("<!-- autorun:task=file/login -->\n\n### Autorun: ")
    assert "attempt" not in body


def test_a_running_attempt_is_charged_what_it_may_spend() -> None:
    """The comment never shows less than may have been spent; a local pull request is a path, not a link."""
    running = Attempt(number=2, session_id="s", started_at=NOW, usage=Usage(cost_usd=0.25), reserved_usd=1.0)
    first = Attempt(number=1, session_id="s", started_at=NOW, ended_at=NOW, reason=Reason.LIMIT)
    body = status_comment(
        LOCAL,
        Record(
            task=LOCAL.id,
            state=TaskState.IN_PROGRESS,
            holder=Holder(nonce="n"),
            attempts=(first, running),
            pull_request=PullRequest(branch="b", url="/tmp project/7.md"),  # noqa: S108 (a path to print)
        ),
    )
    assert "| running | 0 | $1.25 |" in body
    assert "2 attempts, $1.25 in all." in body
    assert "Pull request `/tmp project/7.md`." in body


def test_what_is_too_long_is_cut_and_says_so() -> None:
    """Never above the limit, marker and closing word kept."""
    long = "word " * 40_000
    finding = Finding(tier=Tier.WARN, rule=Rule.PROTECTED, path="p" * 5000, sentence=long)
    body = pull_request_body(GITHUB, facts(statement(long), *[finding] * 80))
    assert len(body) <= outgoing.LONGEST
    assert body.startswith("<!-- autorun:task=github/7 -->\n\nCloses #7\n")
    assert "(cut: 200" in body or "and 30 more" in body
    outcome = Outcome(
        state=TaskState.BLOCKED,
        reason=Reason.AGENT_BLOCKED,
        sentence=long,
        blockers=(Blocker(what=long[:5000], why=long[:5000], needed=long[:5000]),) * 9,
    )
    comment = status_comment(GITHUB, record(outcome))
    assert len(comment) <= outgoing.LONGEST
    assert "(cut: " in comment
    assert len(commit_message(GITHUB, statement(long, long), session_id="s")) < 6000


def test_text_within_the_limit_is_not_touched() -> None:
    """Cutting is for what is too long."""
    assert outgoing.cut("x" * 10, 10) == "x" * 10
    assert outgoing.cut("x" * 200, 60) == "x" * 37 + "\n\n(cut: 200 characters)"


def test_code_and_emphasis_stay_readable() -> None:
    """What does no harm is left as the model wrote it."""
    text = "Use `a < b`, **bold**, lists:\n- one\n- two\n\n    indented & plain; 50% of #channels, C# and a!\n"
    assert outgoing.inert(text) == text
