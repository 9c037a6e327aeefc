"""A git server, and a GitHub, in processes of their own, with trouble in store for their n-th request."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, TextIO, TypeVar

from autorun.core.money.pricing import Tokens, price
from autorun.demo.script import Answer, Line, Script, drop, refuse
from autorun.demo.scripted_model import ScriptedModel
from autorun.effects import files
from github_double.contract import contract
from github_double.gql import schema
from github_double.hub import GitHubDouble
from github_double.repository import Repository
from github_double.server import Reply, Request
from kit.githttp import ConnectionCut, GitBackend, git_server

_SILENT_SECONDS = 3.0
_MARK = "<!-- autorun:task="
_WORKFLOW = "name: Autorun\non: {workflow_dispatch: {}}\njobs: {}\n"
_T = TypeVar("_T")


class Ill(StrEnum):
    """What befalls a request."""

    NONE = "nothing"
    DEATH_BEFORE = "the client dies, nothing was applied"
    DEATH_AFTER = "the client dies, all was applied"
    ERROR = "a 503"
    RESET_BEFORE = "a reset, nothing was applied"
    RESET_AFTER = "a reset, all was applied"
    SILENCE = "a time-out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What befalls the n-th request, counted from 1. The client's pid stands in `victim`."""

    ill: Ill = Ill.NONE
    at: int = 0
    victim: Path = Path("/nonexistent")
    log: Path = Path("/dev/null")

    def kill(self) -> None:
        """Kill the client's runner."""
        with suppress(ProcessLookupError):
            os.kill(int(self.victim.read_text()), signal.SIGKILL)


@dataclass(kw_only=True)
class Fate:
    """Brings a trouble when its time has come."""

    trouble: Trouble
    count: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def bring(self, request: str, answer: Callable[[], _T], refusal: _T, cut: _T | None = None) -> _T:
        """Answer a request, or refuse it, or cut it off: by returning `cut`, or raising ConnectionCut."""
        trouble = self.trouble
        with self.lock:
            self.count += 1
            ill = trouble.ill if self.count == trouble.at else Ill.NONE
            with trouble.log.open("a") as log:
                log.write(f"{request}\n")
        if ill is Ill.ERROR:
            return refusal
        if ill is Ill.SILENCE:
            time.sleep(_SILENT_SECONDS)
        if ill is Ill.DEATH_BEFORE:
            trouble.kill()
        given = answer() if ill in {Ill.NONE, Ill.DEATH_AFTER, Ill.RESET_AFTER} else None
        if ill is Ill.DEATH_AFTER:
            trouble.kill()
        if given is not None and ill is Ill.NONE:
            return given
        if cut is None:
            raise ConnectionCut
        return cut


class TroubledBackend(GitBackend):
    """A git server that brings its trouble."""

    fate: Fate

    def respond(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        answer = partial(super().respond, method, target, headers, body)
        refusal: tuple[int, list[tuple[str, str]], bytes] = (503, [], b"")
        return self.fate.bring(f"{method} {target}", answer, refusal)


class TroubledHub(GitHubDouble):
    """A GitHub that brings its trouble."""

    fate: Fate

    def _reply(self, request: Request) -> Reply:
        unavailable = Reply(status=503, headers=[("Content-Type", "text/html")], body=b"Unicorn!")
        said = request.body.decode("utf-8", "replace")[:60] if request.target.endswith("graphql") else ""
        asked = f"{request.method} {request.target} {said!r}"
        return self.fate.bring(asked, partial(super()._reply, request), unavailable, Reply(cut=True))


class PaidModel(ScriptedModel):
    """A Messages API that brings its trouble. What an answer costs stands in the bank before any of it is sent."""

    def __init__(self, script: Script, key: str, bank: Path, fate: Fate) -> None:
        super().__init__(script)
        self._key = key
        self._bank = bank
        self._fate = fate

    def line(self, body: dict[str, Any]) -> Line:
        unavailable: Line = refuse(503, "api_error", "Service unavailable")
        return self._fate.bring("POST /v1/messages", partial(self._paid, body), unavailable, drop())

    def _paid(self, body: dict[str, Any]) -> Line:
        line = super().line(body)
        if isinstance(line, Answer):
            given = line.tokens
            tokens = Tokens(
                input=given.input, output=given.output, cache_read=given.cache_read, cache_write_5m=given.cache_write
            )
            usd = price(str(body["model"]), tokens).usd
            files.append(self._bank, f"{self._key} {usd} model {time.time()}\n")
        return line


def serve_model(script: Script, key: str, bank: Path, trouble: Trouble) -> AbstractContextManager[str]:
    """Serve a model that works the task `key` by a script, from a forked process, and give its base URL."""
    return _forked(_modelled(PaidModel(script, key, bank, Fate(trouble=trouble))))


@contextmanager
def _modelled(model: ScriptedModel) -> Iterator[str]:
    with model:
        yield model.url


def serve(root: Path, trouble: Trouble) -> AbstractContextManager[str]:
    """Serve the repositories under `root` from a forked process and give the base URL."""
    backend = TroubledBackend(root=root)
    backend.fate = Fate(trouble=trouble)
    return _forked(git_server(backend))


@contextmanager
def _forked(server: AbstractContextManager[str]) -> Iterator[str]:
    """Enter a server in a forked process and give its base URL."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        with server as url:
            os.write(writing, url.encode())
            os.close(writing)
            while os.getppid() != 1:
                time.sleep(1)
        os._exit(0)
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            yield pipe.read()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def prepare() -> None:
    """Load what a hub needs, once for all that are forked later."""
    contract()
    schema()


@dataclass(kw_only=True)
class HubProcess:
    """A hub in another process, which answers questions: `job`, `server`, `shown`."""

    questions: TextIO
    answers: TextIO

    def ask(self, question: str) -> Any:
        """Ask and wait for the answer."""
        self.questions.write(f"{question}\n")
        self.questions.flush()
        return json.loads(self.answers.readline())


@contextmanager
def serve_hub(folder: Path, keys: tuple[str, ...], config: str, trouble: Trouble) -> Iterator[HubProcess]:
    """Serve a hub with an issue for each key from a forked process."""
    folder.mkdir()
    asked, asking = os.pipe()
    told, telling = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(asking)
        os.close(told)
        code = 1
        try:
            with os.fdopen(asked) as questions, os.fdopen(telling, "w") as answers:
                _be_hub(folder, keys, config, trouble, questions, answers)
            code = 0
        except BaseException as error:  # noqa: BLE001  a forked process must not return
            sys.stderr.write(f"hub: {error!r}\n")
        finally:
            os._exit(code)
    os.close(asked)
    os.close(telling)
    try:
        with os.fdopen(asking, "w") as questions, os.fdopen(told) as answers:
            yield HubProcess(questions=questions, answers=answers)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _be_hub(
    folder: Path, keys: tuple[str, ...], config: str, trouble: Trouble, questions: TextIO, answers: TextIO
) -> None:
    TroubledHub.fate = Fate(trouble=trouble)
    with TroubledHub(folder=folder) as hub:
        files = {".github/workflows/autorun.yml": _WORKFLOW, ".ai-agents/config.yml": config, "README.md": "# App\n"}
        repo = hub.repository("octo/app", files=files)
        repo.user("ana", role="write")
        for key in keys:
            body = f"Please.\n\n## Acceptance Criteria\n- [ ] {key}.txt is there\n"
            repo.issue(f"Do {key}", body, by="ana").label("autorun", by="ana")
        for line in questions:
            answers.write(json.dumps(_answer(hub, repo, line.strip())) + "\n")
            answers.flush()


def _answer(hub: GitHubDouble, repo: Repository, question: str) -> Any:
    match question:
        case "server":
            return str(repo.git.path)
        case "job":
            for run in repo.runs:
                if run.status != "completed":
                    run.finish("failure")
            run = repo.run("autorun.yml").start()
            token = hub.token(repository=repo)
            return {**hub.env(repo), "GITHUB_TOKEN": token, "GITHUB_RUN_ID": str(run.id), "GITHUB_RUN_ATTEMPT": "1"}
        case _:
            return _shown(hub, repo)


def _shown(hub: GitHubDouble, repo: Repository) -> dict[str, Any]:
    """What people see of issues and pull requests, and what GitHub would have forbidden."""
    issues = {
        str(number): {
            "state": issue.state,
            "labels": sorted(issue.label_names),
            "status comments": [
                (comment.body or "").partition("### ")[2].partition("\n")[0]
                for comment in issue.comments
                if (comment.body or "").startswith(_MARK)
            ],
            "comments": len(issue.comments),
        }
        for number, issue in repo.issues.items()
        if not issue.is_pull_request
    }
    pulls = sorted(f"{pull.head} {pull.state} {pull.title}" for pull in repo.pull_requests)
    # Who dies while it speaks says half a sentence.
    violations = {
        each for each in hub.violations if not each.endswith(("the body is no JSON", "the body is missing"))
    }
    return {"issues": issues, "pull requests": pulls, "violations": sorted(violations)}
