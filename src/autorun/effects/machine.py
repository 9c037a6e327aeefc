"""Reads the facts about this machine that decide what a sandbox shows."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from autorun.core.sandbox.confinement import LINKED, Machine, refusal, tool_root
from autorun.core.sandbox.known_places import HOME_SECRETS, HOME_TOOLS, MACHINE_SECRETS, SHARED_TOOLS

_TOOL_VARIABLES = ("RUNNER_TOOL_CACHE", "AGENT_TOOLSDIRECTORY")
_SECRET_VARIABLES = ("RUNNER_TEMP", "GITHUB_ACTION_PATH", "CLAUDE_CONFIG_DIR")
_LINK_FOLDERS = (Path("/usr/local/bin"), Path("/usr/local/sbin"))


def survey(environ: Mapping[str, str], *, home: Path, hidden: Iterable[Path] = ()) -> Machine:
    """Return the facts about this machine.

    `environ` is the runner's own environment, `home` the user's real home, `hidden` folders of the runner that
    no command may see. Every path comes back absolute and free of links.
    """
    home = home.resolve()
    named = (Path(environ[name]) for name in _SECRET_VARIABLES if environ.get(name))
    secrets = (*hidden, *named, *(home / name for name in HOME_SECRETS), *MACHINE_SECRETS)
    bare = Machine(
        home=home,
        links=tuple((path, str(path.readlink())) for path in LINKED if path.is_symlink()),
        hidden=tuple(dict.fromkeys(path.resolve() for path in secrets if path.exists())),
    )
    tools = {tool for tool in _tools(environ, home) if not refusal(tool.resolve(), bare)}
    outermost = sorted(tool for tool in tools if tools.isdisjoint(tool.parents))
    return Machine(home=home, links=bare.links, hidden=bare.hidden, tools=tuple(outermost))


def total_memory() -> int:
    """Return the machine's memory in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _tools(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    known = [path for path in (*(home / name for name in HOME_TOOLS), *SHARED_TOOLS) if path.exists()]
    yield from known
    yield from (Path(environ[name]) for name in _TOOL_VARIABLES if environ.get(name))
    search = [Path(entry) for entry in environ.get("PATH", "").split(":") if entry.startswith("/")]
    # Links are followed only where no agent can plant one: a virtual environment on PATH may be in its reach.
    settled = (folder for folder in search if any(folder.is_relative_to(root) for root in known))
    led_to = (target for folder in (*settled, *_LINK_FOLDERS) for target in _link_targets(folder))
    for folder in (*search, *led_to):
        if folder.is_dir() and not any(folder.is_relative_to(root) for root in (Path("/usr"), *LINKED)):
            yield _root(folder, home)


def _root(folder: Path, home: Path) -> Path:
    root = tool_root(folder, home)
    return folder if root == folder.parent and (root / ".git").exists() else root


def _link_targets(folder: Path) -> Iterator[Path]:
    """Yield the folders that links to programs elsewhere lead to."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink() and (target := Path(entry.path).resolve()).exists():
                yield target.parent
