"""The runner's own log and files on GitHub Actions; the only writer of workflow commands."""

import sys
from base64 import b64encode
from collections.abc import Mapping
from contextlib import redirect_stdout

import github_action_utils as toolkit

from autorun.core.text.loglines import inert, one_line

_SUMMARY_BYTES = 900_000  # a step may write 1 MiB; more fails the upload, not the step


def line(text: str) -> None:
    """Print text from anywhere; nothing in it is obeyed."""
    print(inert(text), file=sys.stderr, flush=True)  # noqa: T201  the log is this module's work


def group(title: str) -> None:
    """Open a foldable group of lines; the next `group` or `end_group` closes it."""
    with redirect_stdout(sys.stderr):  # the runner reads both, and stdout belongs to data
        toolkit.start_group(one_line(title))


def end_group() -> None:
    """Close the open group."""
    with redirect_stdout(sys.stderr):
        toolkit.end_group()


def annotate(level: str, text: str, title: str = "") -> None:
    """Attach a notice, warning or error to the run. At most ten of a kind are shown per step."""
    emit = {"notice": toolkit.notice, "warning": toolkit.warning, "error": toolkit.error}[level]
    with redirect_stdout(sys.stderr):
        emit(one_line(text, 1000), title=one_line(title, 100) or None)


def mask(value: str) -> None:
    """Let the runner hide a secret wherever it would appear in the log, also as git sends a token."""
    with redirect_stdout(sys.stderr):
        for part in filter(None, value.splitlines()):
            toolkit.add_mask(part)
            toolkit.add_mask(b64encode(f"x-access-token:{part}".encode()).decode())


def outputs(values: Mapping[str, str]) -> None:
    """Set outputs of the step."""
    for name, value in values.items():
        toolkit.set_output(name, value)


def summary(markdown: str) -> None:
    """Append to the job's summary, cut where GitHub would refuse it."""
    encoded = markdown.encode()[:_SUMMARY_BYTES]
    toolkit.append_job_summary(encoded.decode(errors="ignore"))
