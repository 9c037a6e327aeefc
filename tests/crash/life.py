"""One life of a runner: the real wiring in a process of its own, with an actor for an agent."""

import json
import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import autorun.adapters.agents.claude_code
import autorun.adapters.notify.lines
import autorun.on_github  # noqa: F401  late imports of the wiring, paid once for all lives
from autorun.core.config.layers import load
from autorun.core.errors import AutorunError
from autorun.crew import crew
from autorun.effects.git import find_repository
from autorun.effects.place import Place
from autorun.session import Session
from autorun.shop import shop
from autorun.wiring import Opens, Staffs, session
from crash.actor import Actor
from crash.effects import Death, watch
from crash.machines import Machine

CONFIG = ".ai-agents/config.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a life ended: by itself with an exit code, or by a signal. `said` is its last words."""

    code: int = 0
    signal: int = 0
    said: str = ""


def _works_all(running: Session) -> tuple[int, str]:
    report = running.run()
    ended = {one.task.id.key: str(one.outcome.state) for one in report.settled}
    said = json.dumps({"end": report.end.reason, "sentence": report.end.sentence, **ended})
    return report.end.exit_code, said


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a life does with a session, and how that is opened; `does` returns an exit code and last words."""

    does: Callable[[Session], tuple[int, str]] = _works_all
    opens: Opens = shop
    staffs: Staffs = crew
    overrides: dict[str, object] = field(default_factory=dict)


def begin(
    machine: Machine, bank: Path, folder: Path, *, death: Death | None = None, work: Work | None = None
) -> tuple[Ended, int]:
    """Lead a life in a forked process until it ends or falls asleep; a sleeper's pid is the second value, else 0.

    `folder` gets `pid`, `effects` and `said`.
    """
    pid = start(machine, bank, folder, death=death, work=work)
    _, status = os.waitpid(pid, os.WUNTRACED)
    return (Ended(), pid) if os.WIFSTOPPED(status) else (_ended(status, folder), 0)


def wake(pid: int, folder: Path) -> Ended:
    """Let a sleeper go on and wait for its end."""
    os.kill(pid, signal.SIGCONT)
    return _ended(os.waitpid(pid, 0)[1], folder)


def _ended(status: int, folder: Path) -> Ended:
    code = os.waitstatus_to_exitcode(status)
    said = (folder / "said").read_text() if (folder / "said").exists() else ""
    return Ended(signal=-code, said=said) if code < 0 else Ended(code=code, said=said)


def start(
    machine: Machine,
    bank: Path,
    folder: Path,
    *,
    death: Death | None = None,
    actor_seconds: float = 0.0,
    work: Work | None = None,
) -> int:
    """Begin a life in a forked process and return its pid."""
    folder.mkdir(parents=True, exist_ok=True)
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        (folder / "pid").write_text(str(os.getpid()))
        os.chdir(machine.checkout)
        watch(death or Death(), folder / "effects", ignored=(*machine.private, folder))
        code = _work(machine, bank, folder, actor_seconds, work or Work())
    except AutorunError as error:
        code = error.exit_code
        (folder / "said").write_text(f"{error} ({error.hint})")
    except BaseException:  # noqa: BLE001  told to whoever judges this life
        (folder / "said").write_text(traceback.format_exc())
    finally:
        os._exit(code)


def _work(machine: Machine, bank: Path, folder: Path, seconds: float, work: Work) -> int:
    place = Place(repository=find_repository(machine.checkout), environ=machine.environ)
    found = load(place.read(Path(CONFIG)), CONFIG, place.environ, work.overrides, on_actions=place.on_actions)
    with session(place, found, opens=work.opens, staffs=work.staffs) as running:
        bench = running.bench
        actor = Actor(covers=bench.covers, bank=bank, roles=machine.roles, name=folder.name, seconds=seconds)
        running.bench = replace(
            bench,
            terms=machine.terms(bench.terms),
            world=replace(machine.equipped(bench.world), agent=machine.agent(bench.world.agent, actor)),
            now=machine.now,
        )
        code, said = work.does(running)
    (folder / "said").write_text(said)
    return code
