"""What each backend sends and how long it takes of its own, on the same scripted task of twenty turns.

The model answers at once, so all the time is the backend's. Run: `python benchmarks/backends.py`.
"""

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from os.path import commonprefix
from pathlib import Path
from typing import Any

from autorun.adapters.agents.anthropic_sdk import AnthropicSdk
from autorun.adapters.agents.claude_code import ClaudeCode
from autorun.core.agent.briefing import standing_orders
from autorun.core.model import Assignment, Ending, Limits, TaskId, Workspace
from autorun.demo.script import edit, read, run, state, write
from autorun.demo.scripted_model import Request, ScriptedModel
from autorun.ports import Agent

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from kit.direct_access import DirectAccess

TURNS = 20
ROUNDS = 3
AIM_SHARE = 0.5
BYTES_PER_TOKEN = 4
CLAUDE = Path(__file__).parents[1] / "tools/claude/node_modules/.bin/claude"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One task: bytes of the first request, how later ones begin, and times.

    `hits` counts the requests that begin with all of the one before, `repeated` is the share of all prompts so begun.
    """

    tools: int
    system: int
    beside: int
    hits: int
    repeated: float
    start_ms: float
    turn_ms: float
    whole_s: float

    @property
    def own(self) -> int:
        """Everything in the first request that is not the task, in bytes."""
        return self.tools + self.system + self.beside


def script() -> list[Any]:
    """Twenty turns as an agent takes them: look, write, edit, run, report."""
    turns = [write("notes.txt", "line 0\n")]
    for number in range(6):
        turns += [read("notes.txt"), edit("notes.txt", f"line {number}", f"line {number + 1}"), run(f"echo {number}")]
    return [*turns, state(completed="Done.")]


def measured(hire: Callable[[str], Agent], folder: Path) -> Measured:
    """Let an agent work the task once."""
    workspace = folder / "workspace"
    workspace.mkdir()
    prompt = "Count to six in notes.txt."
    assignment = Assignment(
        task=TaskId(provider="file", key="bench"),
        prompt=prompt,
        system=standing_orders(""),
        workspace=Workspace(path=workspace, base="0" * 40, git_dir=workspace / ".git"),
        folder=folder,
        limits=Limits(seconds=120.0),
    )
    lines = script()
    with ScriptedModel([at(line, workspace) for line in lines]) as model, inside(workspace):
        agent = hire(model.url)
        began = time.monotonic()
        result = agent.work(assignment, stop=lambda: None, watch=lambda _: None)
        ended = time.monotonic()
        asked = model.asked
    assert result.ending is Ending.STATED, result.sentence  # a benchmark of failures would be void
    assert len(asked) == len(lines) == TURNS
    body = asked[0].body
    hits, share = repeated(asked)
    return Measured(
        tools=size(body["tools"]),
        system=size(body["system"]) - size(standing_orders("")),
        beside=size(body["messages"]) - size(prompt),
        hits=hits,
        repeated=share,
        start_ms=(asked[0].at - began) * 1000,
        turn_ms=statistics.median(later.at - earlier.at for earlier, later in pairwise(asked)) * 1000,
        whole_s=ended - began,
    )


def at(line: Any, workspace: Path) -> Any:
    """Return a scripted answer with absolute paths, which one of the backends insists on."""
    for block in line.blocks:
        if "path" in block.given:
            block.given["path"] = str(workspace / block.given["path"])
    return line


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def size(document: Any) -> int:
    """Return the bytes of a part of a request, without the marks for the cache."""
    return len(plain(document).encode())


def plain(document: Any) -> str:
    """Return a document as text; the marks for the cache move, and are no part of what is cached."""
    match document:
        case dict():
            parts = (f"{json.dumps(k)}:{plain(v)}" for k, v in document.items() if k != "cache_control")
            return "{" + ",".join(parts) + "}"
        case list():
            return "[" + ",".join(map(plain, document)) + "]"
        case _:
            return json.dumps(document)


def repeated(asked: list[Request]) -> tuple[int, float]:
    """Return how many requests begin with all of the one before, and which share of all bytes a cache can serve."""
    texts = [plain([r.body["tools"], r.body["system"], r.body["messages"]]) for r in asked]
    pairs = [(len(one), len(commonprefix([one, two]))) for one, two in pairwise(texts)]  # noqa: RUF071  of texts, not paths
    hits = sum(same >= whole - len("]}]]") for whole, same in pairs)
    return hits, sum(same for _, same in pairs) / sum(map(len, texts[1:]))


def main() -> int:
    """Print the table; 1 if our own loop sends more than its aim."""
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8"}

    def terms(url: str) -> dict[str, Any]:
        access = DirectAccess({"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "fake", "HOME": "/nonexistent"})
        return {
            "access": access,
            "confine": lambda command, _: command,
            "credential": access.credential,
            "model": "opus",
            "environ": environ,
        }

    cli = CLAUDE if CLAUDE.exists() else Path(shutil.which("claude") or CLAUDE)
    backends: dict[str, Callable[[str], Agent]] = {
        "claude-code": lambda url: ClaudeCode(cli, **terms(url)),
        "anthropic-sdk": lambda url: AnthropicSdk(**terms(url)),
    }
    best: dict[str, Measured] = {}
    for name, hire in backends.items():
        rounds = []
        for _ in range(ROUNDS):
            with tempfile.TemporaryDirectory() as folder:
                rounds.append(measured(hire, Path(folder)))
        best[name] = min(rounds, key=lambda one: one.whole_s)
    print(f"{TURNS} turns, best of {ROUNDS}. Not counted: task and standing orders, which are the same for both, and")
    print("what the service itself tells the model of the bash and editor tools it defines.\n")
    print(
        "| backend | tools | system text | beside the task | sum in the first request | cache hits | start | turn |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name, one in best.items():
        own = f"{one.own:,} B, about {one.own // BYTES_PER_TOKEN:,} tokens"
        sizes = f"{one.tools:,} B | {one.system:,} B | {one.beside:,} B | {own}"
        hits = f"{one.hits} of {TURNS - 1} ({one.repeated:.1%} of the bytes)"
        print(f"| {name} | {sizes} | {hits} | {one.start_ms:.0f} ms | {one.turn_ms:.0f} ms |")
    share = best["anthropic-sdk"].own / best["claude-code"].own
    print(f"\nour loop sends {share:.0%} of what the CLI sends (aim <= {AIM_SHARE:.0%})")
    return share > AIM_SHARE


if __name__ == "__main__":
    sys.exit(main())
