"""What the command line and action.yml offer, read off the option table."""

from dataclasses import dataclass

from autorun.core.config import Config
from autorun.core.config.options import Kind, Option, table
from autorun.core.config.values import expected, shown_default


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A command-line flag for the option `key`; a `switch` takes no value, a `multiple` one may be repeated."""

    key: str
    name: str
    kind: Kind
    about: str
    choices: tuple[str, ...] = ()
    multiple: bool = False
    switch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """An input of the action; `environment` is the variable by which its steps see it, empty if none does."""

    name: str
    about: str
    environment: str
    default: str = ""


_OWN_INPUTS = (
    Input(name="anthropic-api-key", about="API key of the model.", environment="ANTHROPIC_API_KEY"),
    Input(
        name="claude-code-oauth-token",
        about="Token of a subscription, made by `claude setup-token`; used without an API key.",
        environment="CLAUDE_CODE_OAUTH_TOKEN",
    ),
    Input(
        name="github-token",
        about="Token for issues, branches and pull requests.",
        environment="GITHUB_TOKEN",
        default="${{ github.token }}",
    ),
    Input(name="linear-api-key", about="API key of Linear, for its tasks.", environment="LINEAR_API_KEY"),
    Input(
        name="claude-version",
        about="Version of the Claude Code command line; the tested one if empty.",
        environment="",
    ),
)


def flags() -> tuple[Flag, ...]:
    """Return every flag; an absent one must reach `load` as None, or not at all."""
    return tuple(_flag(option) for option in table(Config) if option.spec.flag)


def inputs() -> tuple[Input, ...]:
    """Return every input of the action, the credentials first."""
    return _OWN_INPUTS + tuple(_input(option) for option in table(Config) if option.spec.input)


def _flag(option: Option) -> Flag:
    return Flag(
        key=option.key,
        name=option.spec.flag,
        kind=option.kind,
        about=option.spec.about,
        choices=option.choices,
        multiple=option.kind is Kind.TEXTS,
        switch=option.kind is Kind.SWITCH,
    )


def _input(option: Option) -> Input:
    lines = " One a line." if option.kind in {Kind.COMMANDS, Kind.TEXTS} else ""
    values = f" Values: {expected(option)}." if option.kind is not Kind.TEXT and not lines else ""
    default = f" Default: {shown_default(option)}."
    return Input(
        name=option.spec.input,
        about=f"{option.spec.about}{values}{lines}{default}",
        environment=option.input_environment,
    )
