"""The effective configuration: default < file < environment and action inputs < command line."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from autorun.core.config import DEFAULT_FILE, Config
from autorun.core.config.options import Option, build
from autorun.core.config.settings import (
    OPTIONS,
    Finding,
    Notice,
    Origin,
    Problem,
    Setting,
    Source,
    from_file,
    from_overrides,
    from_variables,
)
from autorun.core.config.values import read, shown
from autorun.core.config.yamltext import parse
from autorun.core.errors import ConfigurationError
from autorun.core.money.catalogue import identify
from autorun.core.text.suggest import did_you_mean

_MODELS = ("autonomous.model", "autonomous.fallback_model")
_CONFIG = OPTIONS["run.config"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """The configuration that holds, the source of every value by dotted key, and what the user should know."""

    config: Config
    sources: Mapping[str, Source]
    warnings: tuple[str, ...] = ()

    def explicit(self, key: str) -> bool:
        """Tell whether somebody set the key; False if its default holds."""
        return self.sources[key].origin is not Origin.DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One effective value as text, secrets hidden, and its source."""

    key: str
    value: str
    source: str


def load(
    file_text: str | None,
    file_name: str,
    environ: Mapping[str, str],
    overrides: Mapping[str, object],
    *,
    on_actions: bool,
    origin: Origin = Origin.COMMAND_LINE,
) -> Effective:
    """Return the effective configuration.

    `file_text` is None when there is no file. `overrides` are values by dotted key, as text or typed; `origin`
    says whose they are. Raises ConfigurationError that tells everything that is wrong, each with its place.
    """
    findings: list[Finding] = []
    if file_text is not None:
        findings += from_file(parse(file_text, file_name), file_name, environ)
    findings += from_variables(environ)
    findings += from_overrides(overrides, origin)
    values = {key: _default(option, on_actions=on_actions) for key, option in OPTIONS.items()}
    sources = dict.fromkeys(OPTIONS, Source(origin=Origin.DEFAULT))
    warnings = [finding.sentence for finding in findings if isinstance(finding, Notice)]
    problems = _apply(findings, values, sources)
    problems += _resolve_models(values, sources, warnings)
    if problems:
        hints = dict.fromkeys(problem.hint for problem in problems)
        raise ConfigurationError("\n".join(problem.sentence for problem in problems), hint="\n".join(hints))
    _fill_dependents(values, sources)
    return Effective(config=build(Config, values), sources=sources, warnings=tuple(dict.fromkeys(warnings)))


def from_keywords(
    keywords: Mapping[str, object],
    environ: Mapping[str, str],
    *,
    on_actions: bool,
    file_text: str | None = None,
    file_name: str = DEFAULT_FILE,
) -> Effective:
    """Return the effective configuration for flat names such as `model` or `max_tasks_per_session`.

    A name is the last part of a key, or a flag without its dashes (`mode` is `--mode`, `sandbox` is `--sandbox`).
    Raises ConfigurationError as `load` does, and for an unknown name.
    """
    names = keyword_names()
    for name in keywords:
        if name not in names:
            raise ConfigurationError(f"there is no setting `{name}`", hint=did_you_mean(name, names))
    overrides = {names[name]: value for name, value in keywords.items()}
    return load(file_text, file_name, environ, overrides, on_actions=on_actions, origin=Origin.KEYWORD)


def keyword_names() -> dict[str, str]:
    """Return the dotted key of every flat name."""
    leaves = Counter(option.leaf for option in OPTIONS.values())
    flags = {option.spec.flag[2:].replace("-", "_"): key for key, option in OPTIONS.items() if option.spec.flag}
    unique = {option.leaf: key for key, option in OPTIONS.items() if leaves[option.leaf] == 1}
    return unique | flags


def config_file(environ: Mapping[str, str], flag: str | None = None) -> tuple[Path, bool]:
    """Return the configuration file to read, and whether somebody named it: a named one must exist."""
    named = flag or environ.get(_CONFIG.input_environment) or environ.get(_CONFIG.environment)
    return Path(named or DEFAULT_FILE), bool(named)


def rows(effective: Effective) -> tuple[Shown, ...]:
    """Return every effective value with its source, in the order of the documentation."""
    return tuple(
        Shown(key=key, value=_shown(effective, key, option), source=str(effective.sources[key]))
        for key, option in OPTIONS.items()
    )


def _shown(effective: Effective, key: str, option: Option) -> str:
    value = value_of(effective.config, key)
    unset = value in (None, ()) and not effective.explicit(key) and not option.spec.by
    in_words = option.spec.shown if unset else ""
    return in_words.replace("`", "") or shown(option, value)


def value_of(config: Config, key: str) -> object:
    """Return the value at a dotted key."""
    found: object = reduce(getattr, key.split("."), config)
    return found


def _default(option: Option, *, on_actions: bool) -> object:
    elsewhere = option.spec.on_actions
    return elsewhere if on_actions and elsewhere is not None else option.default


def _apply(findings: list[Finding], values: dict[str, object], sources: dict[str, Source]) -> list[Problem]:
    problems = [finding for finding in findings if isinstance(finding, Problem)]
    for setting in (finding for finding in findings if isinstance(finding, Setting)):
        key = setting.option.key
        try:
            values[key], sources[key] = read(setting.option, setting.plain, setting.place), setting.source
        except ConfigurationError as error:
            problems.append(Problem(sentence=str(error), hint=error.hint))
    return problems


def _resolve_models(values: dict[str, object], sources: Mapping[str, Source], warnings: list[str]) -> list[Problem]:
    problems = []
    for key in _MODELS:
        if not isinstance(name := values[key], str):
            continue
        try:
            resolved = identify(name)
        except ConfigurationError as error:
            problems.append(Problem(sentence=f"{sources[key]}: {error}", hint=error.hint))
            continue
        values[key] = resolved.id
        if resolved.warning:
            warnings.append(f"{sources[key]}: {resolved.warning}")
    return problems


def _fill_dependents(values: dict[str, object], sources: Mapping[str, Source]) -> None:
    for key, option in OPTIONS.items():
        if option.spec.by and sources[key].origin is Origin.DEFAULT:
            sibling = key.removesuffix(option.leaf) + option.spec.by
            brought = (default for value, default in option.spec.brings if value == values[sibling])
            values[key] = next(brought, option.default)
