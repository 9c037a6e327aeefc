"""What the stretches of work have spent, what they may still spend, and why one is no longer served."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from autorun.core.agent.model_failure import Failure
from autorun.core.agent.model_request import ModelRequest
from autorun.core.errors import AutorunError
from autorun.core.model import Ending, Limits, Metered, Usage
from autorun.core.money.allowance import Allowance, Purse, Shortfall
from autorun.core.money.catalogue import undated
from autorun.core.money.metering import Reading
from autorun.core.money.pricing import Tokens, plausible_cost, price
from autorun.core.pacing import Pace

_BYTES_PER_TOKEN = 4
_PLAUSIBLE_ANSWER = 8192
_POLL_SECONDS = 0.2


class Books:
    """What all stretches of a gateway share: the caps, the pace. Every method may be called from any thread."""

    def __init__(self, *, session: Purse, day: Purse, per_minute: int | None) -> None:
        self._changed = threading.Condition()
        self._allowance = Allowance(session=session, day=day)
        self._pace = Pace(per_minute=per_minute)
        self._numbers = itertools.count(1)

    def open(self, limit_usd: float | None) -> int:
        """Begin a stretch with a cap of its own and return its number."""
        with self._changed:
            number = next(self._numbers)
            self._allowance = self._allowance.opened(number, limit_usd)
            return number

    def close(self, stretch: int) -> None:
        """Forget the cap of a stretch that ended."""
        with self._changed:
            self._allowance = self._allowance.closed(stretch)

    def reserve(self, stretch: int, usd: float, ended: threading.Event) -> int | Shortfall:
        """Reserve the cost of a call and return the call's number.

        Waits while nothing but the reservations of calls under way forbids it, and not beyond `ended`.
        """
        with self._changed:
            while True:
                call = next(self._numbers)
                after = self._allowance.reserve(stretch, call, usd)
                if not isinstance(after, Shortfall):
                    self._allowance = after
                    return call
                if not after.passing or ended.is_set():
                    return after
                self._changed.wait(_POLL_SECONDS)

    def promised(self, stretch: int) -> float:
        """Return the USD a stretch has spent and reserved."""
        with self._changed:
            purse = self._allowance.tasks[stretch]
            return purse.spent_usd + purse.held_usd

    def settle(self, stretch: int, call: int, usd: float) -> None:
        """Put the cost of a call in the place of its reservation."""
        with self._changed:
            self._allowance = self._allowance.settle(stretch, call, usd)
            self._changed.notify_all()

    def book(self) -> float:
        """Return how many seconds the next call has to wait for its turn, which is then its own."""
        with self._changed:
            now = time.monotonic()
            self._pace, begin = self._pace.booked(now)
            return begin - now


class Call:
    """A call that may go to the model's service."""

    def __init__(self, account: "Account", request: ModelRequest, number: int, reserved_usd: float) -> None:
        self._account = account
        self._settled = False
        self.request = request
        self.number = number
        self.reserved_usd = reserved_usd

    def settle(self, reading: Reading | None, failure: Failure | None) -> bool:
        """Charge what was read of the answer, the reservation if that is not all of it, nothing for None.

        Only the first settlement counts. Tells whether the client should give up instead of asking again.
        Belongs to the one thread that makes the call.
        """
        if self._settled:
            return False
        self._settled = True
        return self._account.charge(self, reading, failure)


class Account:
    """One stretch of work: its usage, its limits, and why it is no longer served.

    `cover` is told, before a call begins, what the stretch may have spent when it ends.
    """

    def __init__(
        self,
        books: Books,
        limits: Limits,
        *,
        last_model: str,
        attempts: int,
        cover: Callable[[float], object],
        warn: Callable[[str], object],
    ) -> None:
        self._books = books
        self._cover = cover
        self._limits = limits
        self._last_model = undated(last_model)
        self._attempts = attempts
        self._missed: Counter[str] = Counter()
        self._warn = warn
        self._stretch = books.open(limits.cost_usd)
        self._lock = threading.Lock()
        self._usage = Usage()
        self._seen_bytes = 0
        self._under_way = 0
        self._refusal: Metered | None = None
        self._failure: Failure | None = None
        self.ended = threading.Event()

    def read(self) -> Metered:
        """Return the usage so far and, if a limit was met or the service failed for good, why.

        A failure is taken back when a later call succeeds after all; a limit that was met is not.
        """
        with self._lock:
            if self._refusal is not None:
                return replace(self._refusal, usage=self._usage)
            if self._failure is None:
                return Metered(usage=self._usage)
            return Metered(
                usage=self._usage,
                ending=self._failure.ending,
                sentence=self._failure.sentence,
                remedy=self._failure.remedy,
                retry_at=self._failure.retry_at,
            )

    def admit(self, request: ModelRequest) -> Call | Metered:
        """Let a call begin, as soon as its turn has come, or say which limit forbids it."""
        with self._lock:
            promised = self._usage.turns + self._under_way
            usd = self._plausible(request)
            within = self._limits.turns is None or promised < self._limits.turns
            self._under_way += within
        if not within:
            sentence = f"Turn limit reached: {promised} model answers."
            return self._refuse(Ending.TURN_LIMIT, sentence, "Raise `autonomous.max_turns_per_task`.")
        reserved = self._books.reserve(self._stretch, usd, self.ended)
        if isinstance(reserved, Shortfall):
            with self._lock:
                self._under_way -= 1
            return self._refuse(Ending.COST_LIMIT, reserved.sentence, reserved.remedy)
        call = Call(self, request, reserved, usd)
        try:
            self._cover(self._books.promised(self._stretch))
        except AutorunError as error:
            call.settle(None, None)
            return self._refuse(Ending.STOPPED, str(error), error.hint)
        if self.ended.wait(self._books.book()):
            call.settle(None, None)
            return Metered(
                usage=self.read().usage, ending=Ending.STOPPED, sentence="The work on this task has ended."
            )
        return call

    def charge(self, call: Call, reading: Reading | None, failure: Failure | None) -> bool:
        """Charge a call; see `Call.settle`."""
        usd, usage = self._consumed(call, reading)
        self._books.settle(self._stretch, call.number, usd)
        with self._lock:
            self._under_way -= 1
            self._usage += usage
            if usage.context_tokens:
                self._seen_bytes = call.request.size
            return self._judge(undated(call.request.model), failure)

    def _judge(self, model: str, failure: Failure | None) -> bool:
        """Tell whether to give up on the model; if that was the last one, or none would do, the stretch is over."""
        if failure is None:
            self._failure = None
            self._missed.clear()
            return False
        if self.ended.is_set():  # what our own end breaks off is no failure of the service
            return True
        if failure.ending is not Ending.BAD_REQUEST:  # the client may mend the request
            self._missed[model] += 1
        give_up = failure.final or self._missed[model] >= self._attempts
        if failure.final or (give_up and model == self._last_model):
            self._failure = failure
        return give_up

    def _consumed(self, call: Call, reading: Reading | None) -> tuple[float, Usage]:
        if reading is None:
            return 0.0, Usage()
        tokens = reading.tokens or Tokens()
        priced = price(call.request.model, tokens)
        if not priced.known:
            self._warn(f"The price of {call.request.model} is not known: it is charged like the dearest known model.")
        usd = priced.usd if reading.final else max(priced.usd, call.reserved_usd)
        return usd, Usage(
            turns=1 if reading.tokens is not None else 0,
            input_tokens=tokens.input,
            output_tokens=tokens.output,
            cache_read_tokens=tokens.cache_read,
            cache_write_tokens=tokens.cache_write_5m + tokens.cache_write_1h,
            cost_usd=usd,
            context_tokens=reading.prompt_tokens,
        )

    def close(self) -> None:
        """End the stretch: nothing waits any more, nothing is served."""
        self.ended.set()
        self._books.close(self._stretch)

    def _plausible(self, request: ModelRequest) -> float:
        """The context seen last plus what came to it since; before the first answer all is new."""
        new = max(0, request.size - self._seen_bytes) // _BYTES_PER_TOKEN
        answer = min(request.max_tokens or _PLAUSIBLE_ANSWER, _PLAUSIBLE_ANSWER)
        return plausible_cost(request.model, self._usage.context_tokens + new, answer)

    def _refuse(self, ending: Ending, sentence: str, remedy: str) -> Metered:
        with self._lock:
            refusal = Metered(usage=self._usage, ending=ending, sentence=sentence, remedy=remedy)
            if not self.ended.is_set():
                self._refusal = self._refusal or refusal
            return refusal
