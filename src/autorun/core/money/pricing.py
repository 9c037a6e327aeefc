"""What model usage costs: a table of prices per model and tier, in USD per million tokens."""

from dataclasses import astuple, dataclass

from autorun.core.money.catalogue import undated

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The tokens of one request, as the API reports them. Cache writes without a lifetime count as 5 minutes."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0

    @property
    def prompt(self) -> int:
        """Everything the model read: decides the tier."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h


@dataclass(frozen=True, slots=True)
class Rates:
    """USD per million tokens, in the order of `Tokens`."""

    input: float
    output: float
    cache_read: float
    cache_write_5m: float
    cache_write_1h: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Rates that hold for the whole request if its prompt has at most `up_to` tokens (None: any size)."""

    rates: Rates
    up_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """USD; `known` is False when the model's price had to be assumed."""

    usd: float
    known: bool


def _flat(*rates: float) -> tuple[Tier, ...]:
    return (Tier(rates=Rates(*rates)),)


PRICES: dict[str, tuple[Tier, ...]] = {
    "claude-fable-5-2": _flat(8, 40, 0.20, 10, 16),
    "claude-mythos-5-2": _flat(8, 40, 0.20, 10, 16),
    "claude-fable-5-1": _flat(10, 50, 0.25, 12.5, 20),
    "claude-mythos-5-1": _flat(10, 50, 0.25, 12.5, 20),
    "claude-fable-5": _flat(10, 50, 1.00, 12.5, 20),
    "claude-opus-5-5": _flat(4, 20, 0.20, 5, 8),
    "claude-opus-5": _flat(5, 25, 0.50, 6.25, 10),
    "claude-opus-4-8": _flat(5, 25, 0.50, 6.25, 10),
    "claude-opus-4-7": _flat(5, 25, 0.50, 6.25, 10),
    "claude-opus-4-6": _flat(5, 25, 0.50, 6.25, 10),
    "claude-opus-4-5": _flat(5, 25, 0.50, 6.25, 10),
    "claude-sonnet-5-5": _flat(2, 10, 0.10, 2.5, 4),
    "claude-sonnet-5": _flat(2, 10, 0.20, 2.5, 4),
    "claude-sonnet-4-6": _flat(3, 15, 0.30, 3.75, 6),
    "claude-sonnet-4-5": _flat(3, 15, 0.30, 3.75, 6),
    "claude-haiku-5-5": (
        Tier(rates=Rates(0.10, 0.50, 0.01, 0.125, 0.20), up_to=100_000),
        Tier(rates=Rates(0.50, 2.50, 0.05, 0.625, 1.00)),
    ),
    "claude-haiku-4-5": _flat(1, 5, 0.10, 1.25, 2),
}

# In every column at least as dear as any model: an assumed price never undercuts the real one of a known model.
DEAREST = Rates(*map(max, zip(*(astuple(tier.rates) for row in PRICES.values() for tier in row), strict=True)))


def price(model: str, tokens: Tokens) -> Priced:
    """Price one request of `model` (alias or id); an unknown model at the dearest known rates."""
    rates = _rates(model, tokens.prompt)
    amounts = zip(astuple(tokens), astuple(rates or DEAREST), strict=True)
    return Priced(usd=sum(count * rate for count, rate in amounts) / _MILLION, known=rates is not None)


def plausible_cost(model: str, context_tokens: int, answer_tokens: int) -> float:
    """Return the USD one more request can plausibly cost: its context, at the dearest cache rate, and its answer."""
    return price(model, Tokens(cache_write_1h=context_tokens, output=answer_tokens)).usd


def _rates(model: str, prompt: int) -> Rates | None:
    tiers = PRICES.get(undated(model), ())
    return next((tier.rates for tier in tiers if tier.up_to is None or prompt <= tier.up_to), None)
