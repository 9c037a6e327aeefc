"""The agent that is a loop of our own over the Messages API, by the `anthropic` package.

The loop: check every limit, ask the model, run the tools it calls in the sandbox, give back what came of them, until
it reports. Everything is on disk before the next request, so a kill loses at most the answer under way.
"""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import closing

from anthropic import __version__

from autorun.adapters.agents.sdk_memory import Memory, opened
from autorun.adapters.agents.sdk_service import Miss, Service
from autorun.adapters.agents.sdk_tools import Hands, Tried
from autorun.core.agent import statement
from autorun.core.agent.endings import (
    End,
    context_high,
    model_refused,
    out_of_money,
    out_of_time,
    out_of_turns,
    overfed,
    session_lost,
    silent,
    stopped,
)
from autorun.core.errors import AutorunError
from autorun.core.model import (
    Access,
    AgentResult,
    AgentSession,
    Assignment,
    Confine,
    Ending,
    Guard,
    Metered,
    Statement,
    Stop,
    Usage,
    Watch,
    Workspace,
)
from autorun.core.money.catalogue import identify
from autorun.core.sdk.answer import Answer, Call
from autorun.core.sdk.conversation import REPORT, ToolResult, said
from autorun.core.sdk.request import located, request
from autorun.core.sdk.turn import CUT_OFF, GO_ON, NUDGE, Action, Progress, action, cut_off, tool_broken, unstated

BACKEND = "anthropic-sdk"
_TICK_SECONDS = 0.1
_FIRST_PAUSE = 0.5


class AnthropicSdk:
    """Works by a loop in this process; only the tools it runs are processes of their own.

    `access` opens the way to the model and `credential` names what pays for it (raising AgentUnavailable when
    there is nothing); `environ` is what the agent's commands may see of the environment. `guard` makes a watch over
    the processes of one stretch, which are killed when it raises an alarm. `retries` is how often a failing service
    is asked again, `max_tokens` the longest answer.
    """

    def __init__(
        self,
        *,
        access: Access,
        confine: Confine,
        credential: Callable[[], str],
        model: str,
        environ: Mapping[str, str],
        effort: str | None = None,
        max_tokens: int | None = None,
        guard: Callable[[Workspace], Guard] | None = None,
        retries: int = 2,
    ) -> None:
        self.access = access
        self.confine = confine
        self.model = identify(model).id
        self.environ = dict(environ)
        self.effort = effort
        self.max_tokens = max_tokens
        self.guard = guard
        self.retries = retries
        self._credential = credential

    def ready(self) -> str:
        """Return one line naming version, model and credential. Raises AgentUnavailable."""
        return f"anthropic {__version__}, model {self.model}, {self._credential()}"

    def work(self, assignment: Assignment, *, stop: Stop, watch: Watch) -> AgentResult:
        """Work until the outcome is stated, a limit or `stop`. Raises AgentUnavailable before anything is spent."""
        if (found := opened(assignment, self.model)) is None:
            end = session_lost()
            return AgentResult(ending=end.ending, usage=Usage(), sentence=end.sentence, remedy=end.remedy)
        file, conversation = found
        with self.access(assignment) as access, Service(access) as service:
            log = assignment.folder / "transcript.jsonl"
            memory = Memory(conversation, file=file, log=log, meter=access.meter, watch=watch)
            stretch = Stretch(self, assignment, service, memory, stop)
            with closing(stretch.hands):
                end = stretch.run()
                usage = memory.metered.usage
        return AgentResult(
            ending=end.ending,
            usage=usage,
            statement=stretch.statement if end.ending is Ending.STATED else None,
            session=AgentSession(backend=BACKEND, id=file.stem, model=self.model),
            sentence=end.sentence,
            remedy=end.remedy,
            retry_at=end.retry_at,
        )


class Stretch:
    """One stretch of work. Used once."""

    def __init__(
        self, agent: AnthropicSdk, assignment: Assignment, service: Service, memory: Memory, stop: Stop
    ) -> None:
        self._agent = agent
        self._assignment = assignment
        self._limits = assignment.limits
        self._service = service
        self._memory = memory
        self._stop = stop
        self._begun = time.monotonic()
        self._progress = Progress()
        self._nudged = self._cut_off = False
        self.statement: Statement | None = None
        self.hands = Hands(
            assignment.workspace,
            confine=agent.confine,
            environ=agent.environ,
            left=lambda: self._limits.seconds - (time.monotonic() - self._begun),
            stop=stop,
            guard=agent.guard(assignment.workspace) if agent.guard else None,
        )

    def run(self) -> End:
        """Send the prompt and stay until the work has ended; return how it did."""
        fresh = not self._memory.conversation.messages
        where = (located(str(self._assignment.workspace.path)),) if fresh else ()
        self._tell(*where, self._assignment.prompt)
        end = None
        while end is None:
            end = self._limit() or self._step()
        return end

    def _step(self) -> End | None:
        """Ask the model once and do what its answer calls for; return how the work ended, if it did."""
        answer = self._ask()
        if isinstance(answer, End):
            return answer
        what = action(answer.stop_reason, calls=bool(answer.calls))
        if what is Action.REFUSED:
            return model_refused(answer.text)  # kept out of the conversation, which could not go on with it
        self._memory.add(said(answer))
        if what is Action.USE_TOOLS:
            self._nudged = self._cut_off = False
            return self._use_tools(answer)
        if what is Action.CONTINUE:
            results = [ToolResult(call=call.id, text=CUT_OFF, failed=True) for call in answer.calls]
            self._memory.add(self._memory.conversation.returned(results, GO_ON))
            again, self._cut_off = self._cut_off, True
            return cut_off() if again else None
        if what is Action.NUDGE:
            again, self._nudged = self._nudged, True
            if again:
                return unstated()
            self._tell(NUDGE)
        return context_high(0) if what is Action.FULL else None

    def _tell(self, *texts: str) -> None:
        self._memory.add(self._memory.conversation.told(*texts))

    # ------------ limits

    def _limit(self) -> End | None:
        """Return why no further request may be made, if so."""
        metered, limits = self._memory.metered, self._limits
        usage = metered.usage
        if (end := self._cut() or _refusal(metered)) is not None:
            return end
        if limits.turns is not None and usage.turns >= limits.turns:
            return out_of_turns(usage.turns)
        if limits.cost_usd is not None and usage.cost_usd >= limits.cost_usd:
            return out_of_money(usage.cost_usd)
        if limits.context_tokens is not None and usage.context_tokens >= limits.context_tokens:
            return context_high(usage.context_tokens)
        return None

    def _cut(self, silence: float = 0.0) -> End | None:
        """Return why whatever runs must end now, if so; `silence` in seconds."""
        if (reason := self._stop()) is not None:
            return stopped(reason)
        if time.monotonic() - self._begun > self._limits.seconds:
            return out_of_time(self._limits)
        return silent(self._limits) if silence > self._limits.silent_seconds else None

    # ------------ the model

    def _ask(self) -> Answer | End:
        """Ask until there is an answer, the service has failed for good, or the work must end."""
        asked = request(self._memory.conversation, max_tokens=self._agent.max_tokens, effort=self._agent.effort)
        pauses = [_FIRST_PAUSE * 4**number for number in range(self._agent.retries)]
        while True:
            found = self._service.ask(asked, poll=self._cut, hear=self._memory.hear)
            if isinstance(found, Answer):
                message = {"id": found.id, "content": [*found.blocks], "usage": found.usage}
                self._memory.note(type="assistant", message={**message, "stop_reason": found.stop_reason})
                return found
            if isinstance(found, End):
                return found
            if (end := _refusal(self._memory.metered)) is not None:
                return end
            if not found.passing or not pauses:
                return found.end
            if (end := self._pause(found, pauses.pop(0))) is not None:
                return end

    def _pause(self, miss: Miss, seconds: float) -> End | None:
        """Wait before the next try; a service that wants a longer wait than there is time has failed."""
        seconds = miss.seconds if miss.seconds is not None else seconds
        over = time.monotonic() + seconds
        if over - self._begun > self._limits.seconds:
            return miss.end
        error = {"error_status": miss.status, "error": miss.end.ending}
        self._memory.note(type="system", subtype="api_retry", retry_delay_ms=round(seconds * 1000), **error)
        while (left := over - time.monotonic()) > 0:
            if (end := self._cut()) is not None:
                return end
            time.sleep(min(left, _TICK_SECONDS))
        return None

    # ------------ tools

    def _use_tools(self, answer: Answer) -> End | None:
        """Run every call in order, and return all results in one message."""
        results: list[ToolResult] = []
        end, note = None, ""
        for call in answer.calls:
            tried, broken = self._try(call)
            results.append(ToolResult(call=call.id, text=tried.text, failed=tried.failed))
            given = json.dumps(call.given, sort_keys=True)
            self._progress = self._progress.after(f"{call.name} {given}", tried.text, failed=tried.failed)
            note = note or self._progress.note
            if (end := broken or self._cut() or self._progress.end) is not None:
                break
        self._memory.add(self._memory.conversation.returned(results, note))
        return End(ending=Ending.STATED) if self.statement else end

    def _try(self, call: Call) -> tuple[Tried, End | None]:
        """Run one call; also return why no call can be run any more, if so."""
        if call.given is None:
            return Tried(text="The input is no JSON object.", failed=True), None
        if call.name == REPORT:
            return self._report(call.given), None
        try:
            tried = self.hands.use(call.name, call.given)
        except (AutorunError, OSError) as error:
            return Tried(text=str(error), failed=True), tool_broken(str(error))
        return tried, overfed(self.hands.alarm) if self.hands.alarm else None

    def _report(self, given: Mapping[str, object]) -> Tried:
        try:
            self.statement = statement.parse(given)
        except ValueError as error:
            return Tried(text=f"The report does not fit its form: {error}", failed=True)
        return Tried(text="Your report was received.")


def _refusal(metered: Metered) -> End | None:
    if metered.ending is None:
        return None
    return End(ending=metered.ending, sentence=metered.sentence, remedy=metered.remedy, retry_at=metered.retry_at)
