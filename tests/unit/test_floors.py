"""The floors: imports point down only, only effects touch the world, the core is pure."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import autorun

SOURCE = Path(autorun.__file__).parent

FLOORS = {
    "core.errors": 0,
    "core.model": 0,
    "core": 1,
    "ports": 2,
    "effects": 3,
    "pipeline": 3,
    "session": 3,
    "terms": 3,
    "claim": 3,
    "reconcile": 3,
    "attempt": 3,
    "evidence": 3,
    "phases": 3,
    "adapters": 4,
    "demo.script": 4,
    "demo.scripted_model": 4,
    "demo.sse": 4,
    "cli": 5,
    "commands": 5,
    "demo": 5,
    "runner": 5,
    "wiring": 5,
    "shop": 5,
    "crew": 5,
    "oversight": 5,
    "on_github": 5,
    "quarters": 5,
    "__main__": 6,
}
# Where a floor alone says too little: who may never import whom.
FORBIDDEN = {
    "adapters": ("ports",),
    "pipeline": ("effects",),
    "session": ("effects",),
    "phases": ("effects",),
    "effects": ("ports", "pipeline", "session"),
}
# What pure code may not import, whole modules first.
WORLDLY = {
    "asyncio", "ctypes", "fcntl", "ftplib", "getpass", "glob", "http", "io", "logging", "multiprocessing", "os",
    "platform", "pty", "random", "requests", "sched", "secrets", "select", "selectors", "shutil", "signal", "smtplib",
    "socket", "socketserver", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib.request", "uuid",
}  # fmt: skip
WORLDLY_CALLS = {
    "open", "input", "print", "now", "utcnow", "today", "read_text", "write_text", "read_bytes", "write_bytes",
    "exists", "is_file", "is_dir", "mkdir", "unlink", "resolve", "iterdir", "stat",
}  # fmt: skip
PROCESSLY = {"subprocess", "multiprocessing", "pty", "signal"}


def module_name(path: Path, source: Path) -> str:
    parts = path.relative_to(source).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def floor_of(module: str) -> int:
    """The floor of the longest listed prefix; the package itself hands out what stands below it."""
    if module == "":
        return 6
    matching = [prefix for prefix in FLOORS if module == prefix or module.startswith(f"{prefix}.")]
    assert matching, f"{module} stands on no floor: list it in FLOORS"
    return FLOORS[max(matching, key=len)]


def imports(tree: ast.Module) -> Iterator[tuple[ast.stmt, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node, f"{node.module}.{alias.name}"


def inside(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def violations(source: Path) -> list[str]:
    """Every breach below `source`, as sentences."""
    found: list[str] = []
    for path in sorted(source.rglob("*.py")):
        name = module_name(path, source)
        tree = ast.parse(path.read_text())
        late = (
            name not in {"", "wiring", "crew", "shop", "__main__"}
            and not inside(name, "cli")
            and not inside(name, "commands")
        )
        for node, target in imports(tree):
            found += [f"{name} {breach}" for breach in _breaches(name, node, target, tree, late=late)]
        if inside(name, "core"):
            found += [f"{name} calls {call}()" for call in _worldly_calls(tree)]
    return found


def _breaches(name: str, node: ast.stmt, target: str, tree: ast.Module, *, late: bool) -> Iterator[str]:
    if late and node not in tree.body:
        yield f"imports {target} below the top of the file"
    if inside(target, "autorun"):
        inner = target.removeprefix("autorun").removeprefix(".")
        if _known(inner) and floor_of(inner) > floor_of(name):
            yield f"imports upwards: {inner}"
        for package, banned in FORBIDDEN.items():
            if inside(name, package) and any(inside(inner, other) for other in banned):
                yield f"may not import {inner}"
        if inside(name, "adapters") and inside(inner, "adapters") and _adapter(inner) != _adapter(name):
            yield f"imports another adapter: {inner}"
        return
    if inside(name, "core") and any(inside(target, module) for module in WORLDLY):
        yield f"is pure and may not import {target}"
    elif name != "__main__" and not inside(name, "effects") and any(inside(target, m) for m in PROCESSLY):
        yield f"may not import {target}: processes and signals are for effects"


def _known(inner: str) -> bool:
    return inner == "" or any(inner == p or inner.startswith(f"{p}.") for p in FLOORS)


def _adapter(module: str) -> str:
    """The adapter a module belongs to: `adapters.agents.claude_code` and its helpers share the folder."""
    return ".".join(module.split(".")[:2])


def _worldly_calls(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            callee = node.func
            name = callee.id if isinstance(callee, ast.Name) else getattr(callee, "attr", "")
            if name in WORLDLY_CALLS:
                yield name


def test_the_house_keeps_its_floors() -> None:
    """No module imports upwards, sideways or late, and the core touches nothing of the world."""
    assert violations(SOURCE) == []


@pytest.mark.parametrize(
    ("where", "line", "complaint"),
    [
        ("core/naming.py", "from autorun.adapters import ledger", "imports upwards"),
        ("core/naming.py", "import subprocess", "is pure"),
        ("core/naming.py", "from os import environ", "is pure"),
        ("core/naming.py", "THEN = datetime.now()", "calls now()"),
        ("core/naming.py", "TEXT = open('x')", "calls open()"),
        ("core/naming.py", "from autorun.ports import Tasks", "imports upwards"),
        ("adapters/ledger.py", "from autorun.adapters.tasks.files import FileTasks", "imports another adapter"),
        ("adapters/ledger.py", "from autorun.ports import Ledger", "may not import"),
        ("adapters/ledger.py", "import subprocess", "for effects"),
        ("pipeline.py", "from autorun.effects.process import run", "may not import"),
        ("effects/process.py", "from autorun.adapters import ledger", "imports upwards"),
        ("session.py", "def late():\n    import json", "below the top"),
    ],
)
def test_a_planted_violation_is_caught(tmp_path: Path, where: str, line: str, complaint: str) -> None:
    """The test of the floors can fail: one forbidden line in an otherwise lawful tree is named."""
    planted = tmp_path / where
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(f'"""A module."""\n\n{line}\n')
    (found,) = violations(tmp_path)
    assert complaint in found
