"""What ended a stretch of agent work: which kind, the sentence that says so and what a human can do about it."""

from dataclasses import dataclass
from datetime import datetime

from autorun.core.agent.transcript import Ended, Failed, Transcript
from autorun.core.model import Ending, Limits, Metered, StopReason

_LONGEST_QUOTE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The kind of an ending with its words; both are empty only for STATED."""

    ending: Ending
    sentence: str = ""
    remedy: str = ""
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How the backend's process ended: negative status for a signal, the tail of its stderr."""

    status: int
    stderr: str = ""


_STOPS = {
    StopReason.SIGINT: "Someone interrupted the run",
    StopReason.SIGTERM: "The machine asked the run to end",
    StopReason.DEADLINE: "The time of the session is up",
    StopReason.ASKED: "Someone asked the run to stop",
    StopReason.LEASE_LOST: "Another runner holds the task now",
    StopReason.TASK_WITHDRAWN: "The task was withdrawn",
    StopReason.CREDENTIAL: "The token of the run has expired or is about to",
}


def stopped(reason: StopReason) -> End:
    """Describe an end that someone asked for."""
    sentence = f"{_STOPS[reason]}; the agent was stopped in its work."
    return End(ending=Ending.STOPPED, sentence=sentence, remedy="The next run continues where it stopped.")


def out_of_time(limits: Limits) -> End:
    """Describe the end of a stretch that took too long."""
    return End(
        ending=Ending.TIME_LIMIT,
        sentence=f"The agent was still at work after {_duration(limits.seconds)}, the time a task may take.",
        remedy="Split the task, or raise `autonomous.minutes_per_task`.",
    )


def silent(limits: Limits) -> End:
    """Describe the end of an agent that gave no sign of life."""
    return End(
        ending=Ending.SILENT,
        sentence=f"The agent gave no sign of life for {_duration(limits.silent_seconds)}.",
        remedy="Usually the model's service hangs: run the task again; the transcript shows the last thing it did.",
    )


def out_of_turns(turns: int) -> End:
    """Describe an agent that used up its model answers."""
    return End(
        ending=Ending.TURN_LIMIT,
        sentence=f"The agent was not done after {turns} turns.",
        remedy="Split the task, or raise `autonomous.max_turns_per_task`.",
    )


def out_of_money(spent_usd: float) -> End:
    """Describe an agent that spent what it may."""
    return End(
        ending=Ending.COST_LIMIT,
        sentence=f"The agent was not done when its budget was spent ({spent_usd:.2f} USD).",
        remedy="Split the task, or raise `autonomous.cost_limit_per_task` or `autonomous.cost_limit_per_session`.",
    )


def context_high(tokens: int) -> End:
    """Describe a conversation that has grown as far as it may."""
    size = f"The conversation grew to {tokens:,} tokens" if tokens else "The conversation outgrew the model's context"
    return End(
        ending=Ending.CONTEXT_HIGH,
        sentence=f"{size}; it must go on in a fresh one.",
        remedy="Split the task if it does not finish in a fresh conversation either.",
    )


def service_failed(status: int | None, kind: str, message: str) -> End:
    """Describe a request to the model that failed for good; `status` is None if no answer came."""
    quoted = f"{status or 'no answer'}: {_quote(message)}" if message else f"{status or 'no answer'}"
    if kind == "billing_error" or status == 402:  # noqa: PLR2004  Payment Required
        return End(
            ending=Ending.UNAUTHORISED,
            sentence=f"The account behind the model credential cannot pay ({quoted}).",
            remedy="Top up the account or give another credential.",
        )
    if status == 401 or (status is None and kind == "authentication_failed"):  # noqa: PLR2004  Unauthorized
        return End(
            ending=Ending.UNAUTHORISED,
            sentence=f"The model's service does not accept the credential ({quoted}).",
            remedy="Renew ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN (`claude setup-token`), "
            "or log in by running `claude` once.",
        )
    return _by_status(status, quoted)


def _by_status(status: int | None, quoted: str) -> End:
    match status:
        case 403:
            return End(
                ending=Ending.UNAUTHORISED,
                sentence=f"The credential may not use the model's service ({quoted}).",
                remedy="Check the key's workspace and permissions, or the organisation's access rules.",
            )
        case 404:
            return End(
                ending=Ending.BAD_REQUEST,
                sentence=f"The model's service does not know the model ({quoted}).",
                remedy="Set `autonomous.model` to an alias (opus, sonnet, haiku) or to an id the credential may use.",
            )
        case 429:
            return End(
                ending=Ending.RATE_LIMITED,
                sentence=f"The model's service limits the rate of requests ({quoted}).",
                remedy="Lower `autonomous.rate_limit_rpm`, or ask for a higher limit; the task is tried again.",
            )
        case int() if 400 <= status < 500:  # noqa: PLR2004  client errors
            return End(
                ending=Ending.BAD_REQUEST,
                sentence=f"The model's service refused the request ({quoted}).",
                remedy="Check `autonomous.model`, `.effort` and `.max_tokens`; the transcript has the whole answer.",
            )
        case _:
            return End(
                ending=Ending.API_DOWN,
                sentence=f"The model's service is down or cannot be reached ({quoted}).",
                remedy="Nothing to do here: the task is tried again; see https://status.claude.com.",
            )


def window_spent(message: str, resets_at: datetime | None) -> End:
    """Describe a subscription whose usage window is spent."""
    return End(
        ending=Ending.USAGE_WINDOW,
        sentence=f"The subscription's usage window is spent ({_quote(message)}).",
        remedy="Wait for the reset, or use an API key; the task is tried again.",
        retry_at=resets_at,
    )


def model_refused(message: str) -> End:
    """Describe a model that declined the task."""
    return End(
        ending=Ending.MODEL_REFUSED,
        sentence=f"The model declined to go on ({_quote(message)})." if message else "The model declined to go on.",
        remedy="Reword the task, or name another model in `autonomous.model`.",
    )


def conclude(transcript: Transcript, *, cut: End | None, exited: Exit) -> End:
    """Decide what ended a stretch whose process has ended; `cut` is why we ended it ourselves, if we did."""
    end = transcript.end
    if end is not None and not end.failed and end.statement is not None:
        return End(ending=Ending.STATED)
    if cut is not None:
        return cut
    if transcript.window is not None and (end is None or end.failed):
        failure = transcript.failure or Failed(kind="", text="no reset time is known")
        return window_spent(failure.text, transcript.window.resets_at)
    if end is None or (end.turns == 0 and not end.failed):
        return _crashed(transcript, exited)
    return _failed(transcript, end, exited) if end.failed else _unstated(end)


def _failed(transcript: Transcript, end: Ended, exited: Exit) -> End:
    failure = transcript.failure or Failed(kind=end.kind, text=end.text, status=end.status)
    # A kind of failure tells more than the backend's reason for ending, which then is just `api_error`.
    match ("refusal" if end.stop_reason == "refusal" else failure.kind), end.why:
        case _, "max_turns":
            found = out_of_turns(transcript.turns)
        case _, "budget_exhausted":
            found = out_of_money(transcript.usage.cost_usd)
        case "refusal", _:
            found = model_refused(end.text)
        case ("context_window", _) | (_, "prompt_too_long"):
            found = context_high(0)
        case "max_output_tokens", _:
            found = _no_statement("The model's answers were cut off at their greatest length, again and again.")
        case _, "structured_output_retry_exhausted":
            found = _no_statement(f"The agent could not put its outcome into the asked form ({_quote(end.text)}).")
        case _, "api_error":
            found = service_failed(end.status or failure.status, failure.kind, end.text)
        case _:
            found = session_lost() if "No conversation found" in end.text else _crashed(transcript, exited)
    return found


def refused(metered: Metered) -> End | None:
    """Describe a model that is no longer served, if that is so."""
    if metered.ending is None:
        return None
    return End(ending=metered.ending, sentence=metered.sentence, remedy=metered.remedy, retry_at=metered.retry_at)


def overfed(alarm: str) -> End:
    """Describe an agent whose processes took more of the machine than they may; `alarm` is a sentence."""
    return End(
        ending=Ending.CRASHED,
        sentence=f"The agent's processes were killed. {alarm}",
        remedy="Split the task, or run on a machine with more memory and disk.",
    )


def session_lost() -> End:
    """Describe a conversation that cannot be continued because nothing is left of it."""
    return End(
        ending=Ending.SESSION_LOST,
        sentence="The conversation to be continued is not there any more.",
        remedy="The task starts a fresh conversation; keep the session folder between runs to avoid it.",
    )


def _unstated(end: Ended) -> End:
    if end.denials:
        return End(
            ending=Ending.TOOLS_REFUSED,
            sentence=f"The agent was refused {len(end.denials)} tool calls and gave up ({_quote(end.denials[0])}).",
            remedy="Allow the tools the task needs in `autonomous.allowed_tools`.",
        )
    if end.misstated:
        return _no_statement(f"The agent's outcome cannot be read ({_quote(end.misstated)}).")
    return _no_statement("The agent ended without stating an outcome.")


def _no_statement(sentence: str) -> End:
    return End(
        ending=Ending.NO_STATEMENT,
        sentence=sentence,
        remedy="Read the end of the transcript; a task with clear acceptance criteria helps.",
    )


def _crashed(transcript: Transcript, exited: Exit) -> End:
    if exited.status < 0 or exited.status > 128:  # noqa: PLR2004  shells report signals so
        number = -exited.status if exited.status < 0 else exited.status - 128
        how = f"was killed by signal {number}"
    elif transcript.end is not None and transcript.end.failed:
        how = f"broke off ({_quote(transcript.end.text or transcript.end.why or 'no reason given')})"
    else:
        how = f"ended with status {exited.status} and without a result"
    said = f": {_quote(exited.stderr)}" if exited.stderr.strip() else ""
    return End(
        ending=Ending.CRASHED,
        sentence=f"The agent's process {how}{said}.",
        remedy="Run the task again; if it happens again, check memory and disk of the runner and `autorun doctor`.",
    )


def _quote(text: str) -> str:
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= _LONGEST_QUOTE else line[: _LONGEST_QUOTE - 1] + "…"


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:g} seconds"  # noqa: PLR2004  two minutes
