"""Whoever may be asked at a checkpoint: somebody at the terminal, or nobody."""

from collections.abc import Callable

from autorun.core.checkpoints import Choice, Decision, Question
from autorun.core.model import Stop
from autorun.core.text.loglines import inert
from autorun.effects import terminal

_CHOICES = {
    "a": Choice.APPROVE,
    "r": Choice.REDIRECT,
    "s": Choice.SKIP,
    "q": Choice.STOP,
    **{choice.value: choice for choice in Choice},
}


class Nobody:
    """Nobody is here: a checkpoint saves the work, says so where people look, and ends the attempt."""

    def ask(self, question: Question) -> Decision | None:
        """Return None."""
        del question
        return None


class AtTerminal:
    """Asks on the terminal. `stop` ends a question unanswered, `end_session` is called for the choice to stop."""

    def __init__(self, stop: Stop, end_session: Callable[[], object]) -> None:
        self._stop = stop
        self._end_session = end_session

    def ask(self, question: Question) -> Decision | None:
        """Show the question and return what was decided; None if the run is asked to end or input is closed."""
        terminal.forget_typed()
        terminal.say(_shown(question))
        while True:
            typed = terminal.ask("[a]pprove, [r]edirect, [s]kip, [q]uit the session? ", self._stop)
            if typed is None:
                return None
            choice = _CHOICES.get(typed.partition(" ")[0].lower())
            if choice is None:
                terminal.say("Type a, r, s or q; guidance may follow on the same line.")
                continue
            guidance = typed.partition(" ")[2].strip()
            if choice is Choice.REDIRECT and not guidance:
                guidance = terminal.ask("Guidance for the agent: ", self._stop) or ""
                if not guidance:
                    continue
            if choice is Choice.STOP:
                self._end_session()
            return Decision(choice=choice, guidance=guidance)


def _shown(question: Question) -> str:
    lines = [f"\n--- checkpoint: {question.point} --- {question.task} {question.title}", question.sentence]
    if question.details:
        lines += ["", question.details]
    lines += [f"- {blocker.what}: {blocker.why} {blocker.needed}" for blocker in question.blockers]
    return inert("\n".join(lines))
