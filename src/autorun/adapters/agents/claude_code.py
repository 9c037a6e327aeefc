"""The agent that is the claude CLI: a process of its own per stretch of work, driven over stdin and stdout."""

import json
import re
import shutil
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from autorun.adapters.agents.claude_stream import TOOL_SECONDS, Ran, Run, metered
from autorun.core.agent.endings import End, conclude, refused
from autorun.core.agent.statement import SCHEMA
from autorun.core.agent.transcript import Transcript
from autorun.core.errors import AgentUnavailable
from autorun.core.model import (
    Access,
    AgentResult,
    AgentSession,
    Assignment,
    Command,
    Confine,
    Ending,
    Guard,
    ModelAccess,
    Room,
    Stop,
    Usage,
    Watch,
    Workspace,
)
from autorun.effects import files, process
from autorun.effects.child import Child

BACKEND = "claude-code"
PINNED = "2.1.330"
MINIMUM = "2.1.248"  # earlier ones expand `@file` and `/command` in the text of a task
BUILT_IN_TOOLS = ("Bash", "Read", "Edit", "Write", "Glob", "Grep")
_INSTALL = f"install it with `npm install --global @anthropic-ai/claude-code@{PINNED}` (needs Node 22)"
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_PRIVATE = 0o700
_CONVERSATIONS = "projects"  # the part of the CLI's folder that a resume needs
_FIXED = {
    "DISABLE_AUTOUPDATER": "1",
    "BASH_MAX_TIMEOUT_MS": str(int(TOOL_SECONDS * 1000)),
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",  # a task left behind would keep the CLI from ever ending
    "CLAUDE_CODE_DISABLE_FILE_MENTIONS": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
}


class ClaudeCode:
    """Works by the CLI at `cli`.

    `access` opens the way to the model and `credential` names what pays for it (raising AgentUnavailable when
    there is nothing); `environ` is what the CLI may see of the environment. `project_settings` lets the CLI
    read the repository's own settings and instructions: only sensible where `confine` really confines.
    `guard` makes a watch over the processes of one stretch, which are killed when it raises an alarm.
    `retries` is how often the CLI itself asks a failing service again, `max_tokens` the longest answer.
    """

    def __init__(
        self,
        cli: Path,
        *,
        access: Access,
        confine: Confine,
        credential: Callable[[], str],
        model: str,
        environ: Mapping[str, str],
        fallback_model: str | None = None,
        effort: str | None = None,
        max_tokens: int | None = None,
        allowed_tools: tuple[str, ...] = BUILT_IN_TOOLS,
        project_settings: bool = False,
        guard: Callable[[Workspace], Guard] | None = None,
        retries: int = 2,
    ) -> None:
        self._cli = cli
        self._access = access
        self._confine = confine
        self._credential = credential
        self._model = model
        self._environ = dict(environ)
        self._fallback_model = fallback_model
        self._effort = effort
        self._max_tokens = max_tokens
        self._tools = allowed_tools
        self._project_settings = project_settings
        self._guard = guard
        self._retries = retries

    def ready(self) -> str:
        """Return one line naming version, model and credential. Raises AgentUnavailable."""
        version = self._version()
        if _number(version) < _number(MINIMUM):
            raise AgentUnavailable(
                f"the claude CLI at {self._cli} is version {version}; {MINIMUM} is the oldest that is safe to drive",
                hint=_INSTALL,
            )
        note = "" if version == PINNED else f" (tested with {PINNED})"
        return f"claude {version}{note}, model {self._model}, {self._credential()}"

    def work(self, assignment: Assignment, *, stop: Stop, watch: Watch) -> AgentResult:
        """Run the CLI on the assignment until it ends. Raises AgentUnavailable only before anything was spent."""
        home = assignment.folder / "agent"
        home.mkdir(parents=True, exist_ok=True)
        _tidy(home)
        session = assignment.session.id if assignment.session else str(uuid.uuid4())
        try:
            with self._access(assignment) as access:
                instructions = _instructions(assignment)
                command = self._command(
                    assignment, access, home, _conversing(assignment, home, session, instructions)
                )
                room = Room(
                    workspace=assignment.workspace,
                    writable=(home,),
                    readable=instructions,
                    sockets=access.sockets,
                )
                run = Run(
                    limits=assignment.limits,
                    access=access,
                    log=assignment.folder / "transcript.jsonl",
                    stop=stop,
                    watch=watch,
                    guard=self._guard(assignment.workspace) if self._guard else None,
                )
                ran = self._run(run, self._confine(command, room), assignment.prompt)
        finally:
            _tidy(home)
        reading = metered(access.meter, ran.transcript)  # the way is closed: nothing is spent any more
        end = conclude(ran.transcript, cut=ran.cut or refused(reading), exited=ran.exited)
        return self._result(ran.transcript, end, reading.usage, _kept(home, ran.transcript.session or session))

    def _run(self, run: Run, command: Command, prompt: str) -> Ran:
        try:
            child = Child(command)
        except OSError as error:
            raise AgentUnavailable(f"the claude CLI cannot be started: {error}", hint=_INSTALL) from error
        with child:
            return run.through(child, _line(prompt))

    def _result(self, transcript: Transcript, end: End, usage: Usage, kept: str | None) -> AgentResult:
        stated = transcript.end if end.ending is Ending.STATED else None
        session = AgentSession(backend=BACKEND, id=kept, model=transcript.model or self._model) if kept else None
        return AgentResult(
            ending=end.ending,
            usage=usage,
            statement=stated.statement if stated else None,
            session=session if end.ending is not Ending.SESSION_LOST else None,
            sentence=end.sentence,
            remedy=end.remedy,
            denials=transcript.end.denials if transcript.end else (),
            retry_at=end.retry_at,
        )

    def _command(
        self, assignment: Assignment, access: ModelAccess, home: Path, conversing: tuple[str, ...]
    ) -> Command:
        env = {
            **self._environ,
            **_FIXED,
            "CLAUDE_CODE_MAX_RETRIES": str(self._retries),
            "CLAUDE_CONFIG_DIR": str(home),
            "CLAUDE_CODE_TMPDIR": str(home / "tmp"),
            **access.env,
        }
        if self._max_tokens is not None:
            env["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] = str(self._max_tokens)
        argv = (*self._argv(), *_limiting(assignment), *conversing)
        return Command(argv=argv, cwd=assignment.workspace.path, env=env)

    def _argv(self) -> tuple[str, ...]:
        chosen = {"model": self._model, "fallback-model": self._fallback_model, "effort": self._effort}
        return (
            str(self._cli),
            "-p",
            "--verbose",
            "--input-format=stream-json",
            "--output-format=stream-json",
            "--include-partial-messages",
            *(f"--{name}={value}" for name, value in chosen.items() if value),
            "--permission-mode=dontAsk",
            "--permission-prompts=none",
            f"--tools={','.join(dict.fromkeys(tool.partition('(')[0] for tool in self._tools))}",
            f"--allowedTools={','.join(self._tools)}",
            f"--setting-sources={'project' if self._project_settings else ''}",
            "--strict-mcp-config",
            f"--json-schema={json.dumps(SCHEMA)}",
        )

    def _version(self) -> str:
        command = Command(argv=(str(self._cli), "--version"), cwd=Path("/"), env={**self._environ, **_FIXED})
        try:
            said = process.run(command, timeout=30.0, limit=4096)
        except OSError as error:
            raise AgentUnavailable(
                f"Claude Code CLI not found: nothing to run at {self._cli}", hint=_INSTALL
            ) from error
        found = _VERSION.search(said.stdout.decode(errors="replace"))
        if not said.ok or found is None:
            raise AgentUnavailable(f"{self._cli} does not tell its version, so it is no claude CLI", hint=_INSTALL)
        return found[0]


def _limiting(assignment: Assignment) -> tuple[str, ...]:
    limits = assignment.limits
    flags = {"max-turns": limits.turns, "max-budget-usd": limits.cost_usd}
    return tuple(f"--{name}={value}" for name, value in flags.items() if value is not None)


def _conversing(assignment: Assignment, home: Path, session: str, instructions: tuple[Path, ...]) -> tuple[str, ...]:
    """Name the conversation; a continued one by its file, which is found whatever the workspace is called now."""
    if assignment.session:
        return (f"--resume={_file_of(home, session) or session}",)
    return (f"--session-id={session}", *(f"--append-system-prompt-file={path}" for path in instructions))


def _instructions(assignment: Assignment) -> tuple[Path, ...]:
    """Write down what a new conversation is told; not in the agent's own folder, where it could rewrite it."""
    if assignment.session or not assignment.system:
        return ()  # a continued conversation repeats what it was told first
    path = assignment.folder / "system.md"
    files.replace(path, assignment.system)
    return (path,)


def _line(prompt: str) -> bytes:
    """Return the prompt as the CLI's input line; `client_composed` makes it plain text, whatever it begins with."""
    message = {"role": "user", "content": [{"type": "text", "text": prompt}]}
    line = {"type": "user", "client_composed": True, "uuid": str(uuid.uuid4()), "message": message}
    return json.dumps({**line, "parent_tool_use_id": None, "session_id": ""}).encode()


def _file_of(home: Path, session: str) -> Path | None:
    found = [
        path for path in home.glob(f"{_CONVERSATIONS}/*/{session}.jsonl") if path.is_file() and not path.is_symlink()
    ]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def _kept(home: Path, session: str) -> str | None:
    return session if _file_of(home, session) else None


def _tidy(home: Path) -> None:
    """Leave only conversations in the CLI's folder: the agent can write there, and must not set anything."""
    with suppress(OSError):  # whatever it did to the folder, the work is done and its result counts
        home.chmod(_PRIVATE)
        for path in home.iterdir():
            if not path.is_dir() or path.is_symlink():
                path.unlink()
            elif path.name != _CONVERSATIONS:
                shutil.rmtree(path, ignore_errors=True)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
