"""Model usage is priced as the public table says, and never too low."""

import pytest
from hypothesis import given, strategies as st

from autorun.core.errors import ConfigurationError
from autorun.core.money.catalogue import ALIASES, CONTEXT_WINDOWS, RETIRED, context_window, identify, undated
from autorun.core.money.pricing import PRICES, Tokens, plausible_cost, price

counts = st.integers(0, 2_000_000)
tokens = st.builds(
    Tokens, input=counts, output=counts, cache_read=counts, cache_write_5m=counts, cache_write_1h=counts
)
models = st.sampled_from(sorted(PRICES))


@pytest.mark.parametrize(
    ("model", "used", "usd"),
    [
        ("claude-opus-5-5", Tokens(input=1_000_000), 4),
        ("claude-opus-5-5", Tokens(output=1_000_000), 20),
        ("claude-opus-5-5", Tokens(cache_read=1_000_000), 0.20),
        ("claude-opus-5-5", Tokens(cache_write_5m=1_000_000), 5),
        ("claude-opus-5-5", Tokens(cache_write_1h=1_000_000), 8),
        ("opus", Tokens(input=1000, output=1000), 0.024),
        ("claude-sonnet-5-5", Tokens(input=1000, output=1000, cache_read=1000), 0.0121),
        ("claude-sonnet-4-5-20250929", Tokens(input=1_000_000), 3),
        ("claude-haiku-4-5-20251001", Tokens(output=1_000_000), 5),
        ("claude-fable-5-2", Tokens(cache_write_1h=1_000_000), 16),
    ],
)
def test_known_usage_costs_what_the_table_says(model: str, used: Tokens, usd: float) -> None:
    assert price(model, used).usd == pytest.approx(usd)
    assert price(model, used).known


@pytest.mark.parametrize(
    ("prompt", "output_rate"),
    [
        (Tokens(input=100_000, output=1_000_000), 0.50),
        (Tokens(input=100_001, output=1_000_000), 2.50),
        (Tokens(input=1, cache_read=50_000, cache_write_5m=25_000, cache_write_1h=25_000, output=1_000_000), 2.50),
        (Tokens(cache_read=50_000, cache_write_5m=25_000, cache_write_1h=25_000, output=1_000_000), 0.50),
    ],
)
def test_the_whole_prompt_decides_the_tier_of_the_whole_request(prompt: Tokens, output_rate: float) -> None:
    without = Tokens(
        input=prompt.input,
        cache_read=prompt.cache_read,
        cache_write_5m=prompt.cache_write_5m,
        cache_write_1h=prompt.cache_write_1h,
    )
    cost = price("claude-haiku-5-5", prompt).usd - price("claude-haiku-5-5", without).usd
    assert cost == pytest.approx(output_rate)


@given(models, tokens)
def test_an_unknown_model_is_never_priced_below_a_known_one(model: str, used: Tokens) -> None:
    assumed = price("claude-tomorrow-7", used)
    assert not assumed.known
    assert assumed.usd >= price(model, used).usd


@given(models, tokens, st.sampled_from(["input", "output", "cache_read", "cache_write_5m", "cache_write_1h"]))
def test_more_tokens_never_cost_less(model: str, used: Tokens, column: str) -> None:
    more = {name: getattr(used, name) + (name == column) for name in Tokens.__dataclass_fields__}
    assert price(model, Tokens(**more)).usd >= price(model, used).usd >= 0


@given(models, st.integers(0, 1_000_000), st.integers(0, 64_000), st.data())
def test_a_request_within_its_bounds_never_costs_more_than_is_plausible(
    model: str, context: int, answer: int, data: st.DataObject
) -> None:
    read = data.draw(st.integers(0, context))
    brief = data.draw(st.integers(0, context - read))
    used = Tokens(
        input=context - read - brief,
        cache_read=read,
        cache_write_5m=brief,
        output=data.draw(st.integers(0, answer)),
    )
    assert price(model, used).usd <= plausible_cost(model, context, answer) * (1 + 1e-9)


def test_every_known_model_has_a_price_and_every_name_leads_to_a_known_model() -> None:
    assert PRICES.keys() == CONTEXT_WINDOWS.keys()
    assert set(ALIASES.values()) <= PRICES.keys()
    assert {retirement.successor for retirement in RETIRED.values()} <= PRICES.keys() - RETIRED.keys()


@pytest.mark.parametrize(
    ("model", "window"),
    [("opus", 1_000_000), ("claude-opus-4-5-20251101", 200_000), ("claude-haiku-5-5", 1_000_000), ("new", 200_000)],
)
def test_the_context_window_is_known_and_cautious_for_an_unknown_model(model: str, window: int) -> None:
    assert context_window(model) == window


@pytest.mark.parametrize(("name", "model"), [*ALIASES.items(), ("Opus", "claude-opus-5-5")])
def test_an_alias_stands_for_an_id(name: str, model: str) -> None:
    assert (identify(name).id, identify(name).warning) == (model, "")


@pytest.mark.parametrize("name", ["claude-opus-5", "claude-haiku-4-5-20251001"])
def test_a_known_id_stands_for_itself(name: str) -> None:
    assert (identify(name).id, identify(name).warning) == (name, "")


@pytest.mark.parametrize("name", sorted(RETIRED))
def test_a_retired_id_runs_its_successor_with_a_warning(name: str) -> None:
    found = identify(name)
    assert found.id == RETIRED[name].successor
    assert found.warning.startswith(f"the model {name} is retired")
    assert RETIRED[name].ended in found.warning


@pytest.mark.parametrize("name", ["claude-opus-7", "gateway-model", "default"])
def test_an_unknown_model_passes_through_with_a_warning(name: str) -> None:
    assert identify(name).id == name
    assert "dearest" in identify(name).warning


@pytest.mark.parametrize(
    ("name", "meant"), [("opsu", "opus"), ("sonet", "sonnet"), ("opus5", "opus"), ("HAKU", "haiku")]
)
def test_a_misspelt_alias_is_an_error_with_the_right_one(name: str, meant: str) -> None:
    with pytest.raises(ConfigurationError, match=name) as caught:
        identify(name)
    assert caught.value.hint == f"did you mean `{meant}`?"


@given(models)
def test_an_id_without_date_stays_as_it_is(model: str) -> None:
    assert undated(model) == model
