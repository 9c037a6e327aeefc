"""Laws of what is printed: whatever strangers write, no log line of ours obeys it."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from autorun.adapters.notify.actions_log import GroupedLines
from autorun.adapters.notify.lines import PlainLines
from autorun.adapters.notify.live import LiveLine
from autorun.adapters.notify.log_file import LogFile
from autorun.core.model import Blocker, Outcome, PullRequest, Reason, TaskId, TaskState, Usage
from autorun.core.report.journal import Entry, Happening
from autorun.core.text.loglines import inert, one_line
from kit.workflow_commands import obeyed

PIECES = [
    "::", ":", "#", "##[", "[", "error", "set-env name=X::", " ", "\t", "\n", "\r", "\r\n", "\v", "\f", "\x85", "%25",
    "\u200b", "\xad", "\ufeff", "\u2060", "\u034f", "\ufe0f", "\u202e", "\x1b[31m", "\x1b]0;t\x07", "\x9b1m", "\x00",
    "\U000e0041", "\u2028", "\u0300", "\u0600", "é", "%0A",
]  # fmt: skip
FOREIGN = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join)


@given(FOREIGN)
def test_inert_text_is_never_obeyed(text: str) -> None:
    """By the runner's own rules, read widely; no control character is left, and a second time changes nothing."""
    found = inert(text)
    assert obeyed(found) == []
    assert not any((ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 for c in found)
    assert inert(found) == found
    assert "\n" not in one_line(text)
    assert obeyed(one_line(text)) == []
    assert len(one_line(text, 20)) <= 20


@given(FOREIGN)
def test_plain_text_stays_as_it_is(text: str) -> None:
    """Nothing but what could be obeyed is changed."""
    word = "".join(c for c in text if c.isalnum() and c.isascii())
    assert inert(f"{word}: a::b # [x]\n{word}") == f"{word}: a::b # [x]\n{word}"


def entry(what: Happening, text: str) -> Entry:
    """An entry with foreign text wherever there can be some."""
    outcome = Outcome(
        state=TaskState.BLOCKED,
        reason=Reason.NEEDS_INPUT,
        sentence=text,
        remedy=text,
        blockers=(Blocker(what=text, why=text, needed=text),),
        pull_request=PullRequest(branch="b", url=text),
    )
    return Entry(
        at=datetime(2026, 11, 20, tzinfo=UTC),
        what=what,
        session="s",
        text=text,
        task=TaskId(provider="file", key=text or "x"),
        title=text,
        step=text,
        outcome=outcome if what is Happening.TASK_ENDED else None,
        usage=Usage(turns=1),
    )


@given(FOREIGN, st.sampled_from(Happening))
def test_every_notifier_prints_inert_lines(text: str, what: Happening) -> None:
    """Plain lines and the live line: no command, no control of the terminal but rich's own."""
    plain = io.StringIO()
    PlainLines(plain).tell(entry(what, text))
    assert obeyed(plain.getvalue()) == []
    live = io.StringIO()
    line = LiveLine(live)
    line.tell(entry(what, text))
    line.tell(entry(Happening.SESSION_ENDED, text))
    assert obeyed(live.getvalue()) == []


@given(FOREIGN, st.sampled_from(Happening))
def test_on_actions_only_our_own_commands_are_obeyed(text: str, what: Happening) -> None:
    """Groups and annotations are ours, one line each; foreign text is only ever their message."""
    with pytest.MonkeyPatch.context() as patch:
        stream = io.StringIO()
        patch.setattr("sys.stderr", stream)
        GroupedLines().tell(entry(what, text))
    found = obeyed(stream.getvalue())
    names = [line[2:].split("::")[0].split()[0] for line in found]
    assert names in ([], ["group"], ["endgroup", "warning"], ["warning"])
    properties = [line[2:].split("::")[0] for line in found]
    assert all(each.count("=") <= 1 or "title=" in each for each in properties)


def test_the_log_file_holds_whole_stamped_lines(tmp_path: Path) -> None:
    """Every line carries its time, however many lines an entry has; a long file begins anew, keeping the old one."""
    path = tmp_path / "logs/autonomous.log"
    log = LogFile(path)
    log.tell(entry(Happening.TASK_ENDED, "a\nb\r::error::c"))
    lines = path.read_text().splitlines()
    assert len(lines) > 3
    assert all(line.startswith("2026-11-20 00:00:00Z ") for line in lines)
    path.write_bytes(b"x" * (5 * 1024 * 1024 + 1))
    LogFile(path).tell(entry(Happening.WARNING, "new"))
    assert path.stat().st_size < 200
    assert path.with_name("autonomous.log.1").stat().st_size > 5 * 1024 * 1024
