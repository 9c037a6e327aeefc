"""The sweep: every point at which a life may end, and whether the next life leaves what an undisturbed one would.

`python -m crash.sweep` sweeps all of it, `--sample N` so many points; what deviates is printed, kind by kind.
"""

import argparse
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from crash import jobs
from crash.effects import Death, Manner
from crash.life import Ended, begin, wake
from crash.scenes import SCENES, InJobs, Scene
from crash.servers import Ill, Trouble

BACKLOGS = {"one": ("done",), "two": ("done", "ask"), "three": ("done", "ask", "mend")}
# Where lives take their time: which backlog is worked by those that are cut, and by those whose server fails.
_CUT_OF = {"cli": "one", "jobs": "two"}
_ILLS_OF = {"cli": "one", "github": "one", "jobs": "one"}
# Where an effect is known by its name and how often that came before: others' haste decides what comes between.
_BY_NAME = {"cli"}
_WIDTH = os.cpu_count() or 2
_LIVES = 3
_BUG = 70
_ASLEEP_SECONDS = 1500.0
_T = TypeVar("_T")
_CENT = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Where the first life is disturbed: at the n-th effect of its process, or the n-th request to the server."""

    scene: str
    backlog: str
    death: Death = Death()  # noqa: RUF009  frozen
    ill: Ill = Ill.NONE
    at: int = 0
    effect: str = ""

    @property
    def kind(self) -> str:
        """What befalls the first life, without where."""
        if self.ill is not Ill.NONE:
            return f"{self.scene}: {self.ill}"
        return f"{self.scene}: {self.death.manner}"

    def __str__(self) -> str:
        where = f"request {self.at}" if self.at else f"effect {self.death.at}"
        return f"{self.kind}, {self.backlog}, {where}: {self.effect}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What came of a point: nothing in `deviations` if all is as it would have been. `lives` is how many it took.

    Unless it was `reached` the first life was not disturbed, so nothing is known of the point.
    """

    point: Point
    deviations: tuple[str, ...]
    lives: int
    reached: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Undisturbed:
    """What a life leaves that nothing disturbed, its effects and what it asked of the server."""

    picture: dict[str, Any]
    effects: tuple[str, ...]
    requests: tuple[str, ...]


def _in_scene(point: Point, folder: Path, lead: Callable[[Scene], Any]) -> Any:
    scene = SCENES[point.scene](folder=folder, keys=BACKLOGS[point.backlog])
    trouble = Trouble(ill=point.ill, at=point.at, victim=folder / "life-0/pid", log=folder / "requests")
    with scene.open(trouble):
        return lead(scene)


@cache
def undisturbed(point: Point) -> Undisturbed:
    """Lead one life without any trouble."""

    def lead(scene: Scene) -> Undisturbed:
        ended, _ = _lead(scene, 0)
        assert ended.code == ended.signal == 0, ended
        requests = scene.folder / "requests"
        return Undisturbed(
            picture=scene.picture(),
            effects=_lines(scene.folder / "life-0/effects", scene.folder),
            requests=_lines(requests, scene.folder) if requests.exists() else (),
        )

    with tempfile.TemporaryDirectory(prefix="crash-") as folder:
        found: Undisturbed = _in_scene(point, Path(folder), lead)
        return found


def _lines(path: Path, folder: Path) -> tuple[str, ...]:
    return tuple(path.read_text().replace(str(folder), "").splitlines())


def try_point(point: Point, expected: dict[str, Any], keep: str = "") -> Found:
    """Disturb a first life at `point`, let others finish, and compare what is left with what should be."""
    folder = Path(tempfile.mkdtemp(prefix="crash-"))
    try:
        found: Found = _in_scene(point, folder, partial(_tried, point, expected))
    except Exception as error:  # noqa: BLE001  a harness that breaks is a deviation to look at
        found = Found(point=point, deviations=(f"the harness broke: {error!r}",), lives=0)
    if keep and found.deviations:
        shutil.copytree(folder, Path(keep) / folder.name, symlinks=True)
    shutil.rmtree(folder, ignore_errors=True)
    return found


def _tried(point: Point, expected: dict[str, Any], scene: Scene) -> Found:
    deviations: list[str] = []
    first, sleeper = _lead(scene, 0, point.death)
    if not _reached(point, scene):
        return Found(point=point, deviations=(), lives=1, reached=False)
    deviations += scene.strays()
    if first.code == _BUG:
        deviations.append(f"the first life broke down: {first.said[-300:]}")
    for number in range(1, _LIVES):
        ended, _ = _lead(scene, number)
        deviations += _broken(f"life {number}", ended)
        if sleeper:
            for home in scene.folder.glob("home-0*"):
                (home / "clock").write_text(str(_ASLEEP_SECONDS))
            deviations += _broken("who slept", wake(sleeper, scene.folder / "life-0"))
            sleeper = 0
        picture = scene.picture()
        if picture == expected:
            break
    deviations += _differences(expected, picture)
    if number > 1:
        deviations.append(f"it took {number} more lives")
    return Found(point=point, deviations=(*deviations, *_miscounted(scene)), lives=number + 1)


def _reached(point: Point, scene: Scene) -> bool:
    if point.at:
        return len(_lines(scene.folder / "requests", scene.folder)) >= point.at
    return point.death.reached(_lines(scene.folder / "life-0/effects", scene.folder))


def _lead(scene: Scene, number: int, death: Death | None = None) -> tuple[Ended, int]:
    """Lead the n-th life; the second value is a sleeper's pid, else 0."""
    if isinstance(scene, InJobs):
        return jobs.lead(scene, number, death)
    return begin(scene.machine(number), scene.bank, scene.folder / f"life-{number}", death=death)


def _broken(who: str, ended: Ended) -> list[str]:
    if ended.code or ended.signal:
        return [f"{who} ended with {ended.code or -ended.signal}: {ended.said[-300:]}"]
    return []


def _miscounted(scene: Scene) -> Iterator[str]:
    """Money that was paid is charged, and for each life that died at most the reservation more."""
    for key, (paid, charged, deaths) in scene.costs().items():
        if charged < paid - _CENT:
            yield f"{key}: {paid:.2f} was paid, only {charged:.2f} is charged"
        if charged > paid + deaths * scene.reserve + _CENT:
            yield f"{key}: {paid:.2f} was paid, {charged:.2f} is charged after {deaths} deaths"


def _differences(expected: Any, found: Any, where: str = "") -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(expected.keys() | found.keys()):
            yield from _differences(expected.get(key), found.get(key), f"{where}/{key}")
    elif expected != found:
        yield f"{where}: {found!r} in the place of {expected!r}"


def points(scenes: Iterable[str]) -> Iterator[tuple[Point, dict[str, Any]]]:
    """Give every point there is, with the picture that must be left."""
    for scene in scenes:
        backlog = _CUT_OF.get(scene, "three")
        whole = undisturbed(Point(scene=scene, backlog=backlog))
        for number, effect in enumerate(whole.effects, 1):
            named = effect if scene in _BY_NAME else ""
            at = whole.effects[:number].count(effect) if named else number
            for manner in _manners(scene, effect):
                death = Death(at=at, manner=manner, named=named)
                yield Point(scene=scene, backlog=backlog, death=death, effect=effect), whole.picture
        backlog = _ILLS_OF.get(scene, "three")
        whole = undisturbed(Point(scene=scene, backlog=backlog))
        for at, request in enumerate(whole.requests, 1):
            for ill in list(Ill)[1:]:
                yield Point(scene=scene, backlog=backlog, ill=ill, at=at, effect=request), whole.picture


def _manners(scene: str, effect: str) -> Iterator[Manner]:
    yield Manner.BEFORE
    outward = effect.startswith(("git", "run", "call"))
    if outward:
        yield Manner.DURING
    # A call to GitHub cannot be refused to a sleeper; what it leaves is put right by the next status.
    if scene not in {"local", "cli"} and effect.startswith(("git", "run", "mkdir /srv", "write /bank")):
        yield Manner.SLEEP


def sweep(chosen: Sequence[tuple[Point, dict[str, Any]]], keep: str = "") -> list[Found]:
    """Try points, as many at a time as there are processors, and print what deviates."""
    with ProcessPoolExecutor(_WIDTH, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = []
        for one in pool.map(try_point, *zip(*chosen, strict=True), [keep] * len(chosen)):
            found.append(one)
            if not one.reached:
                sys.stdout.write(f"{one.point}: was not reached\n")
            if one.deviations:
                sys.stdout.write("\n    ".join([str(one.point), *one.deviations]) + "\n")
                sys.stdout.flush()
        return found


def sampled(whole: Sequence[_T], count: int) -> list[_T]:
    """Return `count` of them, chosen anew whenever there are more or fewer; all for 0."""
    chance = random.Random(len(whole))  # noqa: S311  a seed
    return chance.sample(whole, min(count or len(whole), len(whole)))


def report(found: Sequence[Found], seconds: float) -> Iterator[str]:
    """Say how much there was of each kind, how much deviates, and how much was not put to the test."""
    deviating = [one for one in found if one.deviations]
    for kind, count in sorted(Counter(one.point.kind for one in found).items()):
        yield f"{count:5} points, {sum(one.point.kind == kind for one in deviating):3} deviate: {kind}"
    missed = sum(not one.reached for one in found)
    yield f"{len(found):5} points, {len(deviating):3} deviate, {missed} not reached, {seconds:.0f} s"


def main() -> int:
    """Sweep, print what was found, and return 1 if anything deviates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=0, help="try only so many points")
    parser.add_argument("--scene", action="append", choices=list(SCENES))
    parser.add_argument("--keep", default="", help="a folder for what is left of deviating points")
    asked = parser.parse_args()
    started = time.monotonic()
    chosen = sampled(list(points(asked.scene or SCENES)), asked.sample)
    found = sweep(chosen, asked.keep)
    sys.stdout.writelines(f"{line}\n" for line in report(found, time.monotonic() - started))
    return 1 if any(one.deviations for one in found) or not any(one.reached for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
