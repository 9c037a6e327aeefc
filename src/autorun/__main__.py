"""The error boundary: what a user can mend, what was interrupted, and what is a bug."""

import os
import platform
import sys
import traceback

import click

from autorun import __version__
from autorun.cli import cli
from autorun.core.errors import AutorunError
from autorun.core.loglines import inert, one_line

_BUG = 70
_INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit with the contract's code."""
    sys.exit(_run())


def _run() -> int:
    try:
        result = cli.main(prog_name="autorun", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except AutorunError as error:
        _say("error", str(error), error.hint)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        _say("error", "interrupted", "`autorun start` continues unfinished tasks")
        return _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001  the last line of defence
        _report_bug(error)
        return _BUG
    return result if isinstance(result, int) else 0


def _say(kind: str, text: str, hint: str) -> None:
    for line in inert(text).splitlines():
        click.echo(f"{kind}: {line}", err=True)
    for line in inert(hint).splitlines():
        click.echo(f"hint: {line}", err=True)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        click.echo(f"::error::{one_line(text, 1000).replace('%', '%25')}")


def _report_bug(error: Exception) -> None:
    """Print what a bug report needs; exception texts and paths may be quoted, environment and arguments may not."""
    frames = "".join(traceback.format_exception(error))
    click.echo(
        "error: Autorun has a bug: this should not have happened. Your work is safe: what is not published is\n"
        "released, and `autorun start` tries it again.\n"
        "hint: please report the lines below (check them for anything private first)\n\n"
        f"autorun {__version__}, Python {platform.python_version()}, {platform.platform()}\n{inert(frames)}",
        err=True,
    )
    if os.environ.get("GITHUB_ACTIONS") == "true":
        click.echo(f"::error::Autorun has a bug: {one_line(repr(error), 500).replace('%', '%25')}")


if __name__ == "__main__":
    main()
