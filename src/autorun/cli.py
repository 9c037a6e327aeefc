"""The command line: its commands by name, each loaded when it is called."""

from importlib import import_module

import click

from autorun import __version__
from autorun.core.errors import ConfigurationError
from autorun.core.text.loglines import one_line
from autorun.core.text.suggest import did_you_mean

COMMANDS = {
    "start": "Work the backlog until it is empty or a limit is met.",
    "status": "Show what the runner does and what became of the tasks.",
    "stop": "Ask the running runner to finish its task and end.",
    "logs": "Print the log, or one task's transcript.",
    "config": "Validate the configuration; print every value and its source.",
    "tasks": "List the queue in order, and why tasks would not run.",
    "show": "Print one task's record and its history.",
    "add": "Add a task to the file provider.",
    "command": "Do what a new `/autorun ...` comment asks for.",
    "doctor": "Check everything a run needs, each with its remedy.",
    "demo": "Run the whole line on a throw-away repository with a scripted model.",
    "plan": "Claim what a run will work, and print the matrix of jobs.",
    "execute": "Work one task of a plan, and hand over what came of it.",
    "publish": "Publish what runners handed over.",
    "report": "Release what a run still claims, and tell of all of it.",
}
_HIDDEN = ("action",)  # the steps of action.yml


class _Lazy(click.Group):
    """A group whose commands live in modules of their own, so that `--help` and `--version` load none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:  # noqa: ARG002  click's signature
        if cmd_name not in COMMANDS and cmd_name not in _HIDDEN:
            raise ConfigurationError(
                f"there is no command `{one_line(cmd_name, 80)}`", hint=did_you_mean(cmd_name, COMMANDS)
            )
        command: click.Command = import_module(f"autorun.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's signature
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="autorun")
def cli() -> None:
    """Autorun turns a labelled backlog into pull requests worth reviewing."""
