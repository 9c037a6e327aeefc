"""The reusable workflow as a caller has it, for act: its files beside the caller's, the action under its own name."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from kit import repos
from kit.act import OWN, ROOT

WORKFLOWS = ("backlog", "task")
CALLER = ".github/workflows/autorun.yml"


def text(name: str) -> str:
    """Read one of its files."""
    return (ROOT / f".github/workflows/{name}.yml").read_text()


def install(
    clone: Path,
    *,
    max_parallel: int = 2,
    given: Mapping[str, str] | None = None,
    changed: Callable[[str], str] = str,
) -> str:
    """Write the files, `changed`, and the example that calls them with `given`; return the caller's place."""
    for name in WORKFLOWS:
        own = text(name).replace("uses: $/.github", "uses: ./.github").replace("uses: $/", f"uses: {OWN}")
        # act knows neither
        own = own.replace("      queue: max\n", "").replace("${{ inputs.max-parallel }}", str(max_parallel))
        repos.write_files(clone, {f".github/workflows/{name}.yml": changed(own)})
    caller = (ROOT / "examples/reusable/autorun.yml").read_text()
    caller = re.sub(r"uses: OWNER\S+ # pin.*", "uses: ./.github/workflows/backlog.yml", caller)
    if given is not None:
        wanted = "".join(f'      {name}: "{value}"\n' for name, value in given.items())
        caller = re.sub(r"    with:\n(?: {6}.*\n)+", f"    with:\n{wanted}", caller)
    repos.write_files(clone, {CALLER: caller})
    return CALLER
