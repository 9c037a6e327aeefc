"""Strikes known secrets from files that were written while an agent worked, before anyone is handed them."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from autorun.core.text.secrets import own_struck
from autorun.effects import files

_LARGEST = 256 * 1024 * 1024  # bytes; a larger file is no transcript, and is removed


def strike(folder: Path, secrets: tuple[str, ...]) -> None:
    """Replace every spelling of `secrets` in the regular files below `folder`; what cannot be read stays as it is.

    The folder may hold what an agent wrote: links are not followed, and no file that has another name is touched.
    """
    if not secrets:
        return
    for path in _regular(folder):
        with suppress(OSError):
            content = files.read(path, limit=_LARGEST)
            if len(content) > _LARGEST:
                path.unlink()
                continue
            struck = own_struck(content, secrets)
            if struck != content:
                files.replace(path, struck)


def _regular(folder: Path) -> Iterator[Path]:
    for top, _, names in os.walk(folder):
        for name in names:
            path = Path(top, name)
            with suppress(OSError):
                found = path.lstat()
                if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
                    yield path
