"""The error boundary: what a user can mend, what was interrupted, and what is a bug."""

import io
import os
import platform
import sys
import traceback

import click

from autorun import __version__
from autorun.cli import cli
from autorun.core.errors import AutorunError
from autorun.core.text.loglines import inert, one_line
from autorun.core.text.suggest import did_you_mean

_BUG = 70
_INTERRUPTED = 130
_SECRET_NAMES = ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "GITHUB_TOKEN", "GH_TOKEN", "LINEAR_API_KEY")


def main(command: click.Command = cli) -> None:
    """Run the command line and exit with the contract's code."""
    _mend_streams()
    code = _run(command)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _run(command: click.Command) -> int:
    try:
        result = command.main(prog_name="autorun", standalone_mode=False)
    except click.ClickException as error:
        _misused(error)
        return error.exit_code
    except AutorunError as error:
        _say(str(error), error.hint)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted", "`autorun start` continues unfinished tasks")
        return _INTERRUPTED
    except (BrokenPipeError, SystemExit):  # whoever read our output has seen enough; click makes it an exit
        return 0
    except Exception as error:  # noqa: BLE001  the last line of defence
        _report_bug(error)
        return _BUG
    return result if isinstance(result, int) else 0


def _mend_streams() -> None:
    """Let a closed standard stream be an empty one, and no character be too strange to print."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w" if number else "r", encoding="utf-8"))  # noqa: SIM115, PTH123  stays open
        elif number and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _misused(error: click.ClickException) -> None:
    context = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
    elif isinstance(error, click.NoSuchOption) and context is not None:
        flags = [name for parameter in context.command.get_params(context) for name in parameter.opts]
        hint = did_you_mean(error.option_name, (name for name in flags if name.startswith("--")))
        _say(f"there is no option `{error.option_name}`", hint)
    else:
        path = context.command_path if context is not None else "autorun"
        _say(error.format_message().rstrip("."), f"`{path} --help` tells how to use it")


def _say(text: str, hint: str) -> None:
    for kind, said in (("error", text), ("hint", hint)):
        for line in inert(said).splitlines():
            click.echo(f"{kind}: {line}", err=True)
    _annotate(f"{text} ({hint})" if hint else text)


def _report_bug(error: Exception) -> None:
    """Print what a bug report needs; exception texts and paths may be quoted, environment and arguments may not."""
    from autorun.core.text.secrets import redacted  # noqa: PLC0415  only a bug needs it

    known = [os.environ[name] for name in _SECRET_NAMES if os.environ.get(name)]
    frames = redacted("".join(traceback.format_exception(error)), known)
    click.echo(
        "error: Autorun has a bug: this should not have happened. Your work is safe: what is not published is\n"
        "released, and `autorun start` tries it again.\n"
        "hint: please report the lines below (check them for anything private first)\n\n"
        f"autorun {__version__}, Python {platform.python_version()}, {platform.platform()}\n{inert(frames)}",
        err=True,
    )
    _annotate(f"Autorun has a bug: {redacted(repr(error), known)}")


def _annotate(text: str) -> None:
    """Show an error on the run's page; on stderr, for stdout belongs to data."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        click.echo(f"::error title=Autorun::{one_line(text, 1000).replace('%', '%25')}", err=True)


if __name__ == "__main__":
    main()
