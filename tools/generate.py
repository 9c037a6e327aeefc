"""Write every file that is derived from another, or with `--check` tell which are stale."""

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import conformance

from autorun.core.config.reference import action_regions, generated_files

_ROOT = Path(__file__).parent.parent
_ACTION = "action.yml"


def texts(root: Path) -> Mapping[str, str]:
    """Return the text of every generated file, and of action.yml with its generated regions renewed."""
    action = root / _ACTION
    return {
        **generated_files(),
        **({_ACTION: _renewed(action.read_text())} if action.is_file() else {}),
        **({conformance.PAGE: conformance.page(root)} if (root / conformance.DATA).is_file() else {}),
    }


def _renewed(text: str) -> str:
    for name, lines in action_regions().items():
        region = re.search(rf"(?ms)^ *# generated: {name}\n(.*?)^ *# end of {name}\n", text)
        if region is None:
            raise SystemExit(f"error: {_ACTION} has no region `{name}`")
        text = text[: region.start(1)] + lines + text[region.end(1) :]
    return text


def stale(root: Path) -> list[str]:
    """Return the generated files under `root` that are missing or differ from what would be written."""
    wanted = texts(root).items()
    return [name for name, text in wanted if not (root / name).is_file() or (root / name).read_text() != text]


def write(root: Path) -> None:
    """Write every generated file under `root`."""
    for name, text in texts(root).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def main() -> int:
    """Write, or check and return 1 if a file is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a file is stale")
    parser.add_argument("--root", type=Path, default=_ROOT, help="the repository's root")
    arguments = parser.parse_args()
    if not arguments.check:
        write(arguments.root)
        return 0
    names = stale(arguments.root)
    if names:
        sys.stderr.write(f"error: not as their sources have it: {', '.join(names)}\nhint: run `make generate`\n")
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main())
