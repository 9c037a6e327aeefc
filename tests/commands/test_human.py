"""A human at a terminal, keystroke by keystroke; and nobody, where there is no terminal."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kit.commandline import Screen, on_terminal

PROMPT = "[q]uit the session? "
SCRIPT = """
import sys, time
from autorun.adapters.human import AtTerminal
from autorun.core.checkpoints import Point, Question
from autorun.core.model import Blocker, StopReason, TaskId
from autorun.effects import terminal

if not terminal.present(on_actions=False):
    sys.exit("nobody")
until = time.monotonic() + float(sys.argv[1])
human = AtTerminal(lambda: StopReason.SIGTERM if time.monotonic() > until else None, lambda: print("closing"))
print("ready", flush=True)
time.sleep(0.3)
decision = human.ask(Question(
    point=Point.BLOCKER, task=TaskId(provider="file", key="x"), title="A \\x1b[31mred\\x1b]0;title\\x07 task",
    sentence="Which one?", details="::error::x\\n##[group]y", blockers=(Blocker(what="Colour", needed="say it"),)))
print(f"<{decision.choice.value} {decision.guidance}>" if decision else "<nothing>", flush=True)
"""


@contextmanager
def asked(folder: Path, seconds: float = 20) -> Iterator[Screen]:
    """Somebody who was asked at a terminal."""
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    with on_terminal((sys.executable, "-c", SCRIPT, str(seconds)), folder, environ) as screen:
        screen.wait_for("ready")
        yield screen


@pytest.mark.parametrize(
    ("typed", "decision"),
    [
        ("a\n", "<approve >"),
        ("approve but be quick\n", "<approve but be quick>"),
        ("Redirect use the other one\n", "<redirect use the other one>"),
        ("s\n", "<skip >"),
        ("\x04", "<nothing>"),
    ],
)
def test_every_choice_is_typed_in_a_word(tmp_path: Path, typed: str, decision: str) -> None:
    """One letter or the word, guidance behind it; the end of input is no answer."""
    with asked(tmp_path) as screen:
        screen.wait_for(PROMPT)
        screen.type(typed)
        screen.wait_for(decision)
        screen.end()


def test_a_redirect_asks_for_its_guidance(tmp_path: Path) -> None:
    """A bare `r` is followed up; silence there asks again; what is no choice is explained."""
    with asked(tmp_path) as screen:
        screen.wait_for(PROMPT)
        screen.type("\n")
        screen.wait_for("Type a, r, s or q")
        screen.type("r\n")
        screen.wait_for("Guidance for the agent: ")
        screen.type("\n")
        screen.wait_for(PROMPT)
        screen.type("r\n")
        screen.wait_for("Guidance for the agent: ")
        screen.type("take blue\n")
        screen.wait_for("<redirect take blue>")
        screen.end()


def test_quitting_closes_the_session(tmp_path: Path) -> None:
    """`q` ends the session after this task."""
    with asked(tmp_path) as screen:
        screen.wait_for(PROMPT)
        screen.type("q\n")
        assert "closing" in screen.wait_for("<stop >")
        screen.end()


def test_what_was_typed_before_is_no_answer(tmp_path: Path) -> None:
    """A key hit while the agent worked does not approve what nobody has read."""
    with asked(tmp_path) as screen:
        screen.type("a\n")
        screen.wait_for(PROMPT)
        time.sleep(0.5)
        screen.type("s\n")
        screen.wait_for("<skip >")
        screen.end()


def test_a_run_that_must_end_does_not_wait(tmp_path: Path) -> None:
    """A signal or a deadline ends the question unanswered."""
    with asked(tmp_path, seconds=1) as screen:
        screen.wait_for(PROMPT)
        screen.wait_for("<nothing>", seconds=5)
        screen.end()


def test_the_question_is_shown_whole_and_inert(tmp_path: Path) -> None:
    """Task, sentence, details and blockers stand there; nothing in them drives the terminal or a runner."""
    with asked(tmp_path) as screen:
        shown = screen.wait_for(PROMPT)
        assert "--- checkpoint: blocker --- file/x A [31mred]0;title task" in shown
        assert "Which one?" in shown
        assert "- Colour:  say it" in shown
        assert "\n: :error: :x\n## [group]y" in shown


def test_without_a_terminal_nobody_is_here(tmp_path: Path) -> None:
    """A pipe, a closed stdin or a terminal that another job owns is nobody."""
    for stdin in (subprocess.DEVNULL, subprocess.PIPE):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, "1"], stdin=stdin, cwd=tmp_path, capture_output=True, check=False
        )
        assert done.stderr == b"nobody\n"
    background = "set -m; " + f"'{sys.executable}' -c \"$SCRIPT\" 1 & wait $!; echo ended"
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "SCRIPT": SCRIPT}
    with on_terminal(("/bin/bash", "-c", background), tmp_path, environ) as screen:
        assert "nobody" in screen.wait_for("ended")
        screen.end()
