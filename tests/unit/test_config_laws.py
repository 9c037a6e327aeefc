"""Laws of the configuration that hold for every document and every layer."""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings, strategies as st
from jsonschema import Draft202012Validator

from autorun.core.config import Config
from autorun.core.config.layers import Effective, load, value_of
from autorun.core.config.options import Kind, Option, sections
from autorun.core.config.retired import RETIRED
from autorun.core.config.schema import document_schema
from autorun.core.config.settings import OPTIONS, Origin
from autorun.core.config.values import from_text, read, unstructured
from autorun.core.errors import ConfigurationError
from autorun.core.policy import Tier

NAME = "config.yml"
SCHEMA = Draft202012Validator(document_schema())
IN_FILE = [option for option in OPTIONS.values() if option.spec.in_file]
DEPENDENT = {key for key, option in OPTIONS.items() if option.spec.by}

patiently = settings(deadline=None, max_examples=settings().max_examples // 2)  # a busy machine is no counterexample
letters = st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="$")
printable = st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="$")
texts = st.text(letters, min_size=1, max_size=12)
commands = texts.filter(str.strip)
timed = st.fixed_dictionaries({"run": commands}, optional={"timeout": st.floats(0.1, 1e6)})
scalars = (
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats(allow_nan=False, allow_infinity=False) | texts
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=5
)


def _bounded(option: Option) -> tuple[float, float]:
    low, high = option.spec.minimum, option.spec.maximum
    return 0 if low is None else low, 10**6 if high is None else high


def _text(option: Option) -> st.SearchStrategy[str]:
    if option.key.endswith("model"):
        return texts.map(lambda text: f"claude-{text}")
    return st.from_regex(option.spec.pattern, fullmatch=True, alphabet=printable) if option.spec.pattern else texts


def plain_values(option: Option) -> st.SearchStrategy[Any]:
    """Values that the option takes in a file."""
    low, high = _bounded(option)
    strategies: dict[Kind, st.SearchStrategy[Any]] = {
        Kind.TEXT: _text(option),
        Kind.PATH: texts,
        Kind.INTEGER: st.integers(int(low), int(high)),
        Kind.NUMBER: st.floats(low, high) | st.integers(int(low), int(high)).filter(lambda count: count >= low),
        Kind.SWITCH: st.booleans() | st.sampled_from(["yes", "no", "on", "off"]),
        Kind.CHOICE: st.sampled_from([str(choice) for choice in option.choices] or [""]),
        Kind.TEXTS: st.lists(st.sampled_from(option.choices) if option.choices else _text(option), max_size=3),
        Kind.COMMANDS: commands | timed | st.lists(commands | timed, max_size=3),
        Kind.PATH_RULES: st.lists(texts, max_size=3)
        | st.dictionaries(texts, st.sampled_from([str(tier) for tier in Tier]), max_size=3),
    }
    return strategies[option.kind]


def some(options: list[Option]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the options, each with a value it takes."""
    return st.fixed_dictionaries({}, optional={option.key: plain_values(option) for option in options})


def document(values: Mapping[str, object]) -> dict[str, Any]:
    """Nest values with dotted keys into the shape of a file."""
    nested: dict[str, Any] = {}
    for key, value in values.items():
        *path, leaf = key.split(".")
        inner = nested
        for section in path:
            inner = inner.setdefault(section, {})
        inner[leaf] = value
    return nested


def _load(values: Mapping[str, object], overrides: Mapping[str, object] | None = None) -> Effective:
    text = json.dumps(document(values), ensure_ascii=False)
    return load(text, NAME, {}, overrides or {}, on_actions=False)


def _refusal(text: str) -> ConfigurationError | None:
    try:
        load(text, NAME, {}, {}, on_actions=False)
    except ConfigurationError as error:
        return error
    return None


def _loads(whole: object) -> bool:
    return _refusal(json.dumps(whole, ensure_ascii=False)) is None


@patiently
@given(some(IN_FILE))
def test_load_and_schema_take_every_legal_document(values: dict[str, Any]) -> None:
    assert SCHEMA.is_valid(document(values))
    assert _loads(document(values))


@patiently
@given(
    st.dictionaries(
        st.sampled_from(
            [*(option.key for option in IN_FILE), *(retired.key for retired in RETIRED), "policy.x", "x"]
        ),
        anything,
        max_size=3,
    )
)
def test_schema_and_load_agree_on_every_document(values: dict[str, Any]) -> None:
    # What only the catalogue of models can tell is no matter of the schema.
    sane = {key: value for key, value in values.items() if not (key.endswith("model") and isinstance(value, str))}
    assert SCHEMA.is_valid(document(sane)) == _loads(document(sane))


@patiently
@given(st.dictionaries(st.sampled_from([*sections(Config), "session", "security", "typo"]), anything, max_size=3))
def test_schema_and_load_agree_on_every_section(whole: dict[str, Any]) -> None:
    assert SCHEMA.is_valid(whole) == _loads(whole)


@patiently
@given(some(IN_FILE), some(list(OPTIONS.values())))
def test_a_higher_layer_wins_for_the_keys_it_sets_and_changes_nothing_else(
    lower: dict[str, Any], upper: dict[str, Any]
) -> None:
    both, below, above = _load(lower, upper), _load(lower), _load({}, upper)
    for key in OPTIONS:
        winner = above if above.explicit(key) else below
        assert both.sources[key] == winner.sources[key]
        if key not in DEPENDENT or both.explicit(key):
            assert value_of(both.config, key) == value_of(winner.config, key)


@patiently
@given(some(IN_FILE), some(list(OPTIONS.values())))
def test_every_value_has_a_source_and_it_is_the_layer_that_set_it(
    lower: dict[str, Any], upper: dict[str, Any]
) -> None:
    effective = _load(lower, upper)
    assert effective.sources.keys() == OPTIONS.keys()
    for key, source in effective.sources.items():
        above = upper.get(key) not in (None, [])
        assert source.origin is (Origin.COMMAND_LINE if above else Origin.FILE if key in lower else Origin.DEFAULT)


@patiently
@given(st.data(), st.sampled_from(list(OPTIONS.values())))
def test_a_value_read_and_written_again_is_the_same_value(data: st.DataObject, option: Option) -> None:
    value = read(option, data.draw(plain_values(option)), "it")
    if value is not None:
        assert read(option, unstructured(value), "it") == value


@patiently
@given(st.data(), st.sampled_from([o for o in OPTIONS.values() if o.kind not in {Kind.COMMANDS, Kind.PATH_RULES}]))
def test_text_means_what_it_says(data: st.DataObject, option: Option) -> None:
    plain = data.draw(plain_values(option))
    text = "\n".join(plain) if isinstance(plain, list) else str(plain)
    if option.kind is not Kind.TEXTS or all(item == item.strip() for item in plain):
        assert read(option, from_text(option, text), "it") == read(option, plain, "it")


@patiently
@given(st.text() | st.text(st.sampled_from("autonomous:model \n-[]{}&*!|>'\"%@`#?,0.~<\t"), max_size=80))
def test_any_text_loads_or_is_refused_with_a_sentence(text: str) -> None:
    refusal = _refusal(text)
    assert refusal is None or (NAME in str(refusal) and refusal.hint)
