"""A split run goes on where the one before it stopped, on other machines: the same conversation, the same files."""

import json
import re
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from autorun.core.errors import ProviderError
from autorun.core.ledger.handover import digest
from autorun.core.ledger.record import Kept
from autorun.core.model import AgentResult, Assignment, Ending, Reason, StopReason, TaskState
from autorun.demo.script import Conversation, Line, run, state, write
from autorun.demo.scripted_model import ScriptedModel
from github_adapters.scene import Scene, make_scene
from github_double.fixtures import need_descriptions
from github_double.hub import GitHubDouble
from github_double.site import Clock
from kit.commandline import Done, Project, eventually, make_project, with_agent
from kit.repos import git
from kit.split import Split
from kit.workshop import Turn, completed, ends, needs_input, says, writes

HALF = ends(Ending.STOPPED, "Stopped.", {"half.txt": ""})


def forget(split: Split) -> None:
    """Let the next runner be another machine."""
    shutil.rmtree(split.shop.scratch / "session")


def heard(told: list[Assignment], turn: Turn) -> Turn:
    """A turn whose assignment is kept."""

    def listens(assignment: Assignment) -> AgentResult:
        told.append(assignment)
        return turn(assignment)

    return listens


def first_run(split: Split) -> Kept:
    """A run whose runner was stopped halfway; return what its record tells the next one."""
    split.shop.task("one")
    split.plan()
    split.execute("one", HALF)
    split.publish()
    kept = split.shop.record("one").kept
    assert kept is not None
    return kept


# ------------ what the record says, and who goes by it


def test_a_second_machine_goes_on_from_the_hand_over_alone(split: Split) -> None:
    """The work and the conversation travel in a folder of their own; the branch lies on the base of the first run."""
    kept = first_run(split)
    base = split.leg("one").base
    assert (kept.run_id, kept.artifact, kept.base) == ("", "autorun-kept-one", base)
    forget(split)
    split.shop.task("other")  # the base moves
    assert split.plan(only=("one",)) == ["one"]
    assert split.leg("one").base != base
    told: list[Assignment] = []
    split.execute("one", heard(told, says(completed())))
    assert [it.session and it.session.id for it in told] == ["talk-one"]
    (settled,) = split.publish()
    assert settled.outcome.state is TaskState.IN_REVIEW
    assert split.shop.git("rev-parse", "autorun/file-one~") == base
    assert split.shop.git("diff", "--name-only", base, "autorun/file-one") == "half.txt"


def test_the_record_forgets_what_was_kept_as_it_moves_on(split: Split) -> None:
    """A claim, work that holds and the end of the task leave nothing behind that a later run would look for."""
    first_run(split)
    split.plan()
    assert split.shop.record("one").kept is None
    assert split.leg("one").kept is not None
    split.execute("one", says(completed()))
    assert split.result("one").kept
    split.publish()
    assert split.shop.record("one").kept is None


def test_a_runner_that_died_leaves_nothing_to_go_on_from(split: Split) -> None:
    """What an earlier attempt kept is not that of the last one."""
    first_run(split)
    split.plan()
    split.report()
    assert split.shop.record("one").kept is None


def test_a_task_that_a_human_ended_starts_afresh(split: Split) -> None:
    """Closed and opened again, it is another matter."""
    first_run(split)
    split.shop.task("one", status="done")
    split.plan()
    assert split.shop.record("one").state is TaskState.DONE
    assert split.shop.record("one").kept is None


def test_work_that_publication_could_not_publish_goes_on_as_well(split: Split) -> None:
    """A failure of publication does not cost the conversation: the next runner has it."""
    split.shop.task("one")
    split.plan()
    split.execute("one", writes({"one.txt": ""}))
    with split.idle() as bench:
        bench.world = replace(bench.world, ledger=_Unpublishing(bench.world.ledger))  # type: ignore[arg-type]  # stands for one
        split.publish_at(bench)
    record = split.shop.record("one")
    assert (record.outcome and record.outcome.reason, record.burned) == (Reason.SERVICE, 0)
    forget(split)
    split.shop.clock.pass_(hours=1)
    split.plan()
    split.execute("one", says(completed()))
    split.publish()
    assert split.shop.git("diff", "--name-only", "main", "autorun/file-one") == "one.txt"


class _Unpublishing:
    """A ledger whose server takes records but no branches."""

    def __init__(self, inner: object) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def publish(self, *_: object, **__: object) -> object:
        raise ProviderError("The server is busy.")


def test_each_run_goes_on_from_the_one_before(split: Split) -> None:
    """Stopped twice, the third run has the work of both."""
    first_run(split)
    for turn in (ends(Ending.STOPPED, "Stopped.", {"more.txt": ""}), writes({"rest.txt": ""})):
        forget(split)
        split.plan()
        split.execute("one", turn)
        split.publish()
    names = split.shop.git("diff", "--name-only", "main", "autorun/file-one").split()
    assert names == ["half.txt", "more.txt", "rest.txt"]


def test_a_runner_that_was_stopped_before_its_agent_began_passes_on_what_it_was_given(split: Split) -> None:
    """A run that is cancelled while the workspace is prepared costs nothing of the work before it."""
    first_run(split)
    forget(split)
    split.plan()
    worktrees = split.shop.scratch / "worktrees"
    shutil.rmtree(worktrees)
    worktrees.write_text("")  # set-up that is cut off
    split.shop.stop_reasons.append(StopReason.SIGTERM)
    split.execute("one")
    split.publish()
    assert split.shop.record("one").state is TaskState.TODO
    worktrees.unlink()
    split.shop.stop_reasons.clear()
    forget(split)
    split.plan()
    told: list[Assignment] = []
    split.execute("one", heard(told, says(completed())))
    split.publish()
    assert told[0].session is not None
    assert split.shop.git("diff", "--name-only", "main", "autorun/file-one") == "half.txt"


def test_work_that_holds_a_secret_stays_where_it_is(split: Split) -> None:
    """A patch with a credential does not travel, and the record promises nothing."""
    split.terms = {"secrets": ("a-password-of-ours",)}
    split.shop.task("one")
    split.plan()
    split.execute("one", ends(Ending.STOPPED, "Stopped.", {"key.txt": "a-password-of-ours\n"}))
    assert not split.handover.kept(split.leg("one")).exists()
    split.publish()
    assert split.shop.record("one").kept is None


# ------------ whatever is wrong with it costs the resume


def _edited(name: str, change: Callable[[str], str]) -> Callable[[Path], object]:
    return lambda place: (place / name).write_text(change((place / name).read_text()))


def _relisted(change: Callable[[Any], object]) -> Callable[[Path], object]:
    def edit(text: str) -> str:
        document = json.loads(text)
        change(document["items"])
        return json.dumps(document, separators=(",", ":"))

    return _edited("manifest.json", edit)


def _elsewhere(place: Path) -> None:
    place.rename(place.parent / "elsewhere")
    place.symlink_to(place.parent / "elsewhere")


def _file(place: Path) -> None:
    shutil.rmtree(place)
    place.write_text("")


def _of_another(place: Path) -> None:
    (place / "tasks/one").rename(place / "tasks/two")
    _edited("manifest.json", lambda text: text.replace("tasks/one/", "tasks/two/"))(place)


SPOILED: dict[str, Callable[[Path], object]] = {
    "gone": shutil.rmtree,
    "without its list": lambda place: (place / "manifest.json").unlink(),
    "another list": _edited("manifest.json", lambda text: text + " "),
    "an altered patch": _edited("tasks/one/diff.patch", lambda text: text.replace("half", "evil")),
    "a truncated patch": _edited("tasks/one/diff.patch", lambda text: text[:-10]),
    "a file less": lambda place: (place / "tasks/one/unfinished.json").unlink(),
    "a list that is none": lambda place: (place / "manifest.json").write_bytes(b"\xff" * 100),
    "a huge list": lambda place: (place / "manifest.json").write_bytes(b" " * ((8 << 20) + 1)),
    "a link for a folder": _elsewhere,
    "a file for a folder": _file,
}
# What a hostile runner would list, so that even the digest in the record is its own.
FORGED: dict[str, Callable[[Path], object]] = {
    "a huge file": _relisted(lambda items: items[0].update(size=1 << 40)),
    "a way out": _relisted(lambda items: items[0].update(path="tasks/../../x/unfinished.json")),
    "a file of its own": _relisted(lambda items: items[0].update(path="tasks/one/agent/settings.json")),
    "work of another task": _of_another,
    "a list of another version": _edited("manifest.json", lambda text: text.replace("{", '{"v":2,', 1)),
    "deep": lambda place: (place / "manifest.json").write_text("[" * 100_000),
}


def afresh(split: Split) -> list[str]:
    """Plan and work the task anew, check that it starts afresh on the present base, and return the warnings."""
    forget(split)
    (split.shop.scratch / "session/tasks/two").mkdir(parents=True)
    split.shop.task("other")
    split.plan(only=("one",))
    split.execute("one", lambda it: writes({"new.txt": it.session.id if it.session else ""})(it))
    (settled,) = split.publish()
    assert settled.outcome.state is TaskState.IN_REVIEW
    assert split.shop.git("rev-parse", "autorun/file-one~") == split.leg("one").base
    assert split.shop.git("diff", "--name-only", "main", "autorun/file-one") == "new.txt"
    assert not any((split.shop.scratch / "session/tasks/two").iterdir())
    assert not (split.shop.scratch / "x").exists()
    return [entry.text for entry in split.shop.notes.entries if entry.text.endswith("The task starts afresh.")]


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_not_as_it_was_packed_costs_the_resume(split: Split, name: str) -> None:
    """The task starts afresh, on the base as it is now, and one sentence says so."""
    first_run(split)
    SPOILED[name](split.handover.kept(split.leg("one")))
    told = afresh(split)
    assert len(told) == (0 if name == "gone" else 1)  # by hand it may lie in the session folder all along


@pytest.mark.parametrize("name", FORGED)
def test_what_a_hostile_runner_packs_costs_the_resume(split: Split, name: str) -> None:
    """A digest that proves a lawless list proves nothing, and no other task's folder is touched."""
    split.shop.task("one")
    split.plan()
    split.execute("one", HALF)
    leg = split.leg("one")
    place = split.handover.kept(leg)
    FORGED[name](place)
    split.handover.put(leg, replace(split.result("one"), kept=digest((place / "manifest.json").read_bytes())))
    split.publish()
    assert len(afresh(split)) == 1


def test_a_base_that_is_gone_costs_the_resume(split: Split) -> None:
    """History may have been rewritten: what lies on a commit that nobody has any more cannot be taken up."""
    kept = first_run(split)
    with split.idle() as bench:
        ledger = bench.world.ledger
        (seen,) = ledger.history().seen.values()
        ledger.write(replace(seen.record, kept=replace(kept, base="4" * 40)), over=seen)
    (told,) = afresh(split)
    assert "not here any more" in told


def test_the_session_folder_of_another_base_is_not_used(split: Split) -> None:
    """Work that lies in the session folder but on no planned commit could not be published."""
    first_run(split)
    with split.idle() as bench:
        ledger = bench.world.ledger
        (seen,) = ledger.history().seen.values()
        ledger.write(replace(seen.record, kept=None), over=seen)
    split.shop.task("other")
    split.plan(only=("one",))
    split.execute("one", writes({"new.txt": ""}))
    assert any("another commit than the plan allows" in entry.text for entry in split.shop.notes.entries)
    split.publish()
    assert split.shop.git("diff", "--name-only", "main", "autorun/file-one") == "new.txt"


def test_a_question_and_its_answer_are_one_conversation(split: Split) -> None:
    """The answer reaches the agent that asked."""
    split.shop.task("one")
    split.plan()
    split.execute("one", says(needs_input("Which?")))
    split.publish()
    forget(split)
    split.shop.task("one", "The second one.")
    split.plan()
    told: list[Assignment] = []
    split.execute("one", heard(told, writes({"a": ""})))
    assert told[0].session is not None
    assert "The second one." in told[0].prompt


# ------------ whole processes


@dataclass
class Jobs:
    """Runs of the split topology as jobs on GitHub: each in a clone, a home and a hand-over folder of its own."""

    scene: Scene
    model: ScriptedModel
    scratch: Path
    digest: str = ""

    def handover(self, job: str) -> Path:
        return self.scratch / job / "temp/autorun-handover"

    def project(self, run_id: int, phase: str, token: str) -> Project:
        place = self.scratch / f"{run_id}-{phase}"
        for name in ("home", "temp"):
            (place / name).mkdir(parents=True)
        git(place, "clone", "--quiet", f"file://{self.scene.repo.git.path}", "app")
        git(place / "app", "remote", "set-url", "origin", self.scene.repo.web(".git"))
        environ = {"HOME": str(place / "home"), "LANG": "C.UTF-8", "GITHUB_OUTPUT": str(place / "outputs")}
        environ |= self.scene.hub.env(self.scene.repo) | {
            "AUTORUN_SANDBOX_MODE": "off",
            "AUTORUN_INPUT_PHASE": phase,
            "AUTORUN_INPUT_TASK": "" if phase == "plan" else "1",
            "AUTORUN_INPUT_HANDOVER": str(place / "temp/autorun-handover"),
            "AUTORUN_RUN_PLAN": self.digest,
            "GITHUB_ACTIONS": "true",
            "GITHUB_TOKEN": token,
            "GITHUB_RUN_ID": str(run_id),
            "GITHUB_RUN_ATTEMPT": "1",
            "RUNNER_TEMP": str(place / "temp"),
        }
        found = Project(root=place / "app", home=place / "home", environ=environ)
        with_agent(found, self.model.url)
        return found

    def plan(self, run_id: int) -> None:
        done = self.project(run_id, "plan", self.scene.token).run("plan")
        assert done.code == 0, done.err
        (entry,) = json.loads(done.out)["include"]
        self.digest = entry["plan"]

    def execute(self, run_id: int, *args: str) -> Done:
        """Work the task as the job would: with what the steps before it downloaded."""
        reads = self.scene.hub.token(repository=self.scene.repo, permissions={"contents": "read", "actions": "read"})
        project = self.project(run_id, "execute", reads)
        shutil.copytree(self.handover(f"{run_id}-plan"), self.handover(f"{run_id}-execute"))
        asked = project.run("action", "needs", str(self.scratch / "none"))
        assert asked.code == 0, asked.err
        said = (self.scratch / f"{run_id}-execute/outputs").read_text()
        named = {name: value for name, _, value in re.findall(r"(?m)^([a-z-]+)<<(\S+)\n(.*)\n\2$", said)}
        assert named["kept"] == "autorun-kept-1-1"
        if before := named["previous-run"]:
            assert named["previous-artifact"] == "autorun-kept-1-1"
            shutil.copytree(self.handover(f"{before}-execute") / "autorun-kept-1", named["kept-folder"])
        return project.run("execute", *args)

    def publish(self, run_id: int) -> None:
        project = self.project(run_id, "publish", self.scene.token)
        shutil.copytree(self.handover(f"{run_id}-plan"), self.handover(f"{run_id}-publish"))
        result = "autorun-result-1"
        shutil.copytree(self.handover(f"{run_id}-execute") / result, self.handover(f"{run_id}-publish") / result)
        done = project.run("publish")
        assert done.code == 0, done.err


@pytest.fixture
def hub() -> GitHubDouble:
    need_descriptions()
    return GitHubDouble(clock=Clock(live=True))


CONFIG = "workspace:\n  verify:\n    - test ! -e bad.txt\n  max_repair_attempts: 0\n"
STORY = [
    write("good.txt", "good\n"),
    write("bad.txt", "bad\n"),
    state(completed="Both are there.", title="Add both"),
    run("rm bad.txt"),
    state(completed="One is there.", title="Add one"),
]


@pytest.mark.parametrize("private", [True, False])
def test_an_approval_with_guidance_goes_on_in_the_same_conversation(
    hub: GitHubDouble, tmp_path: Path, *, private: bool
) -> None:
    """Paused by red checks, approved with guidance: another machine's agent has its files and hears of both.

    On a public repository nothing is kept, and the task starts afresh.
    """
    with hub, ScriptedModel({"Add a file": STORY}) as model:
        scene = make_scene(hub)
        scene.repo.private = private
        scene.repo.commit({".ai-agents/config.yml": CONFIG})
        issue = scene.issue("Add a file", "## Acceptance Criteria\n- [ ] good.txt is there")
        jobs = Jobs(scene=scene, model=model, scratch=tmp_path)
        jobs.plan(5)
        done = jobs.execute(5)
        assert done.code == 0, done.err
        jobs.publish(5)
        assert "autorun:paused" in {label.name for label in issue.labels}
        assert (jobs.handover("5-execute") / "autorun-kept-1").exists() is private
        time.sleep(1.1)  # times are told in whole seconds, and an answer must be later than what it answers
        issue.comment("/autorun approve Remove the bad file.", by="ana")
        asked = len(model.asked)
        jobs.plan(6)
        done = jobs.execute(6)
        assert done.code == 0, done.err
        jobs.publish(6)
        messages = model.asked[asked].body["messages"]
        assert any(message["role"] == "assistant" for message in messages) is private
        assert "Remove the bad file." in json.dumps(messages)
        if private:
            assert "Going on from run 5." in done.err
            (pull,) = scene.repo.pull_requests
            assert git(scene.repo.git.path, "diff", "--name-only", "main", pull.head) == "good.txt"
        assert hub.violations == []


def test_a_leg_that_was_cancelled_goes_on_on_another_machine(tmp_path: Path) -> None:
    """By hand: a signal ends the first runner; the second one, elsewhere, has its files and its conversation."""
    busy = [True]

    def script(conversation: Conversation) -> Line:
        lines: list[Line] = [
            write("half.txt", "half\n"),
            run("sleep 600" if busy else "true"),
            write("rest.txt", "rest\n"),
            state(completed="All is there.", title="Do all of it"),
        ]
        return lines[conversation.turns]

    project, handover = make_project(tmp_path), tmp_path / "handover"
    (project.root / ".gitignore").write_text(".ai-agents/session/\n.ai-agents/logs/\n.ai-agents/pull-requests/\n")
    project.task("long")
    project.commit()
    with ScriptedModel({"Task long": script}) as model:
        project.environ["AUTORUN_AUTONOMOUS_BACKEND"] = "anthropic-sdk"
        with_agent(project, model.url)
        for number in range(2):
            planned = project.run("plan", f"--handover={handover}")
            assert [each["task"] for each in planned.data["include"]] == ["long"], planned.err
            git(tmp_path, "clone", "--quiet", str(project.root), f"machine-{number}")
            runner = replace(project, root=tmp_path / f"machine-{number}")
            asked = len(model.asked)
            with runner.started("execute", f"--handover={handover}", "--task=long") as process:
                if number == 0:
                    eventually(lambda: len(model.asked) == 2, "the agent is at work")
                    process.send_signal(signal.SIGTERM)
                    busy.clear()
                _, errors = process.communicate(timeout=60)
            assert process.returncode == (143 if number == 0 else 0), errors.decode()
            assert project.run("publish", f"--handover={handover}").code == 0
        assert any(message["role"] == "assistant" for message in model.asked[asked].body["messages"])
    assert project.record("long")["state"] == "in_review"
    names = git(project.root, "diff", "--name-only", "main", "autorun/file-long").split()
    assert names == ["half.txt", "rest.txt"]
