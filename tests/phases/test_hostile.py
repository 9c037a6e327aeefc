"""A runner that was taken over hands over what it likes: it costs its own task, and nothing else happens."""

import hashlib
import json
import os
import subprocess
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from autorun.adapters.handover import HandoverFolder, unpack
from autorun.core.errors import HandoverRefused
from autorun.core.ledger.handover import Leg
from autorun.core.model import Reason, TaskState
from autorun.effects.git import find_repository
from autorun.effects.store import Store
from kit.repos import git
from kit.split import Split
from kit.workshop import check, completed, make_workshop, needs_input, says, writes

RESERVED = 5.0
REFUSED = "What its runner handed over cannot be used"
SCRIPT = b"#!/bin/sh\ntouch /tmp/owned\n"


def worked(folder: Path) -> Split:
    """Two planned tasks, both worked: `evil`, whose result a test spoils, and `good`."""
    split = Split(shop=make_workshop(folder), folder=folder / "handover")
    for key in ("evil", "good"):
        split.shop.task(key)
    split.plan()
    split.execute("good", writes({"good.txt": ""}))
    split.execute("evil", writes({"evil.txt": "bad\n"}, completed("It is done.")))
    return split


@pytest.fixture
def handed(tmp_path: Path) -> Split:
    return worked(tmp_path)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Split:
    return worked(tmp_path_factory.mktemp("template"))


@dataclass
class Spoiled:
    """A copy of the hand-over to spoil: `result` is the evil task's folder, `scratch` a folder elsewhere."""

    handover: HandoverFolder
    leg: Leg
    scratch: Path

    @property
    def result(self) -> Path:
        return self.handover.path / self.leg.name

    @property
    def document(self) -> Any:
        return json.loads((self.result / "result.json").read_text())

    def write(self, document: object) -> None:
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        (self.result / "result.json").write_text(text)

    def edit(self, **values: object) -> None:
        """Change values of the result, at any depth (`usage__turns`), and write it as Autorun would."""
        document = self.document
        for path, value in values.items():
            *above, last = path.split("__")
            inner = document
            for name in above:
                inner = inner.setdefault(name, {})
            inner[last] = value
            if value is None:
                del inner[last]
        self.write(document)


def spoiled(split: Split) -> Spoiled:
    """The evil task's hand-over itself."""
    return Spoiled(handover=split.handover, leg=split.leg("evil"), scratch=split.shop.scratch)


@pytest.fixture
def copied(template: Split, tmp_path: Path) -> Spoiled:
    copytree(template.folder, tmp_path / "handover")
    return Spoiled(handover=HandoverFolder(path=tmp_path / "handover"), leg=template.leg("evil"), scratch=tmp_path)


# ------------ results

Sabotage = Callable[[Spoiled], object]


def text(content: bytes) -> Sabotage:
    return lambda it: (it.result / "result.json").write_bytes(content)


def edited(**values: object) -> Sabotage:
    return lambda it: it.edit(**values)


def linked_result(it: Spoiled) -> None:
    (it.result / "result.json").rename(it.scratch / "secret.json")
    (it.result / "result.json").symlink_to(it.scratch / "secret.json")


def linked_folder(it: Spoiled) -> None:
    it.result.rename(it.scratch / "elsewhere")
    it.result.symlink_to(it.scratch / "elsewhere")


def pipe(it: Spoiled) -> None:
    (it.result / "result.json").unlink()
    os.mkfifo(it.result / "result.json")


def duplicate_keys(it: Spoiled) -> None:
    found = (it.result / "result.json").read_text()
    (it.result / "result.json").write_text('{"nonce":"x",' + found[1:])


def huge_bundle(it: Spoiled) -> None:
    with (it.result / "work.bundle").open("wb") as file:
        file.truncate((32 << 20) + 1)


def result_of_another(it: Spoiled) -> None:
    for name in ("result.json", "work.bundle"):
        (it.result / name).write_bytes((it.handover.path / "autorun-result-good" / name).read_bytes())


RUBBISH: dict[str, Sabotage] = {
    "oversized": text(b" " * ((1 << 20) + 1)),
    "no text": text(b"\xff\xfe"),
    "empty": text(b""),
    "a list": text(b"[]"),
    "deep": text(b"[" * 500_000),
    "an endless number": text(b'{"v":' + b"9" * 100_000 + b"}"),
    "another version": edited(v=2),
    "another task": edited(task__key="good"),
    "the result of another task": result_of_another,
    "another claim": edited(nonce="nonce-9"),
    "an unknown field": edited(extra="x"),
    "one key twice": duplicate_keys,
    "a negative cost": edited(usage__cost_usd=-3.0),
    "a cost without end": text(b'{"task":{"provider":"file","key":"evil"},"usage":{"cost_usd":1e999}}'),
    "a cost that is no number": edited(usage__cost_usd="3"),
    "negative turns": edited(usage__turns=-1),
    "work without a bundle": lambda it: (it.result / "work.bundle").unlink(),
    "work without a statement": edited(statement=None),
    "in review without work": edited(head=None),
    "an outcome beside work": edited(outcome__state="blocked"),
    "a pull request of its own": edited(outcome__pull_request={"branch": "main", "url": "https://evil.example/1"}),
    "a conversation that cannot be": edited(session__id="--resume=../../x y"),
    "a head that is no commit": edited(head="HEAD"),
    "work on a commit that was not planned": edited(base="4" * 40),
    "work on no commit": edited(base=None),
    "a list of files that cannot be": edited(kept="../manifest.json"),
    "a list of files by another digest": edited(kept="a" * 40),
    "a file that does not belong": lambda it: (it.result / "plan.json").write_text("{}"),
    "a hidden file": lambda it: (it.result / ".git").mkdir(),
    "a link for a result": linked_result,
    "a link for a folder": linked_folder,
    "a pipe for a result": pipe,
    "a bundle too large": huge_bundle,
}


@pytest.mark.parametrize("name", RUBBISH)
def test_a_result_that_no_runner_of_ours_would_write_is_refused(copied: Spoiled, name: str) -> None:
    """Size, form, identity and consistency are checked before anything of a result is used."""
    assert copied.handover.take(copied.leg) is not None
    RUBBISH[name](copied)
    with pytest.raises(HandoverRefused):
        copied.handover.take(copied.leg)


def expect_refused(split: Split) -> str:
    """Publish, and check that the evil task cost its reservation while the good one is in review."""
    split.publish()
    evil, good = split.shop.record("evil"), split.shop.record("good")
    assert good.state is TaskState.IN_REVIEW
    assert (evil.state, evil.holder, evil.burned, evil.branch) == (TaskState.TODO, None, 1, "")
    assert evil.charged_usd == RESERVED
    branches = split.shop.git("branch", "--list", "--format=%(refname:short)").splitlines()
    assert branches == ["autorun/file-good", "main"]
    assert evil.outcome is not None
    assert evil.outcome.sentence.startswith(REFUSED)
    return evil.outcome.sentence


def test_rubbish_costs_its_own_task(handed: Split) -> None:
    """The task is charged what was reserved and tried again; the other one is published."""
    text(b"[]")(spoiled(handed))
    expect_refused(handed)


def test_folders_of_strangers_are_not_even_opened(handed: Split) -> None:
    """Results of tasks that were not planned are nobody's."""
    (handed.folder / "autorun-result-..").mkdir()
    (handed.folder / "autorun-result-other").symlink_to("/etc")
    assert [one.outcome.state for one in handed.publish()] == [TaskState.IN_REVIEW] * 2


# ------------ bundles


@dataclass
class Forge:
    """Writes objects as no git would, and bundles them."""

    store: Path
    base: str
    elsewhere: str

    def blob(self, content: bytes) -> str:
        return git(self.store, "hash-object", "-w", "--stdin", stdin=content)

    def tree(self, *entries: tuple[str, bytes, str]) -> str:
        data = b"".join(f"{mode} ".encode() + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries)
        return git(self.store, "hash-object", "-w", "--literally", "-t", "tree", "--stdin", stdin=data)

    def commit(self, tree: str, *parents: str) -> str:
        people = (f"{who} E <e@example.org> 1 +0000" for who in ("author", "committer"))
        lines = "\n".join([f"tree {tree}", *(f"parent {each}" for each in parents), *people, "", "x", ""])
        return git(self.store, "hash-object", "-w", "--literally", "-t", "commit", "--stdin", stdin=lines.encode())

    def bundle(self, head: str, *, only: tuple[str, ...] = (), header: str = "") -> bytes:
        """Bundle `head` without what the base has, or `only` some objects, under a header that lies if it must."""
        asked = "\n".join([*(only or (head, f"^{self.base}")), ""])
        revs = () if only else ("--revs",)
        command = ["git", "pack-objects", *revs, "--stdout", "--quiet"]
        packed = subprocess.run(command, cwd=self.store, input=asked.encode(), capture_output=True, check=True)
        header = header or f"# v2 git bundle\n-{self.base} Want\n{head} refs/autorun/work\n\n"
        return header.encode() + packed.stdout


@pytest.fixture
def forge(template: Split, tmp_path: Path) -> Forge:
    git(tmp_path, "clone", "--quiet", "--bare", str(template.shop.root), "forge.git")
    base = template.leg("evil").base
    return Forge(store=tmp_path / "forge.git", base=base, elsewhere=template.shop.git("rev-parse", f"{base}~1"))


@pytest.fixture
def store(template: Split, tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store.git", borrowed=find_repository(template.shop.root))


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("100644", b".git"),
        ("100644", b".GIT"),
        ("100644", b"git~1"),
        ("100644", b".."),
        ("100644", b"."),
        ("100644", b"a/b"),
        ("100644", b"../../escape"),
        ("100644", b"/etc/passwd"),
        ("120000", b".gitmodules"),
    ],
)
def test_a_tree_that_git_would_not_write_is_refused(store: Store, forge: Forge, mode: str, name: bytes) -> None:
    """Names and modes that lead out of a checkout do not get past git's own strict check."""
    head = forge.commit(forge.tree((mode, name, forge.blob(SCRIPT))), forge.base)
    with pytest.raises(HandoverRefused, match="unsound"):
        unpack(store, forge.bundle(head), head=head, base=forge.base)


@pytest.mark.parametrize(("odd", "plain"), [("100664", "100644"), ("777777", "160000")])
def test_odd_modes_become_what_git_takes_them_for(store: Store, forge: Forge, odd: str, plain: str) -> None:
    """A mode that only hostile hands write is judged, and published, as the plain one that git reads in it."""
    head = forge.commit(forge.tree((odd, b"odd", forge.blob(SCRIPT))), forge.base)
    tree = unpack(store, forge.bundle(head), head=head, base=forge.base)
    assert store.git("ls-tree", tree).startswith(plain)


@pytest.mark.parametrize("shape", ["no parent", "another base", "two parents", "two commits"])
def test_work_lies_on_the_planned_base_alone(store: Store, forge: Forge, shape: str) -> None:
    """One commit with one parent, which is the commit that was planned: anything else is refused."""
    tree = forge.tree(("100644", b"x.txt", forge.blob(SCRIPT)))
    parents = {
        "no parent": (),
        "another base": (forge.elsewhere,),
        "two parents": (forge.base, forge.elsewhere),
        "two commits": (forge.commit(tree, forge.base),),
    }[shape]
    head = forge.commit(tree, *parents)
    with pytest.raises(HandoverRefused, match="planned base alone"):
        unpack(store, forge.bundle(head), head=head, base=forge.base)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "# v9 git bundle\n-{base}\n{head} refs/autorun/work\n\n",
        "# v3 git bundle\n@filter=blob:none\n-{base}\n{head} refs/autorun/work\n\n",
        "# v2 git bundle\n{head} refs/autorun/work\n\n",
        "# v2 git bundle\n-{base}\n{head} refs/heads/main\n\n",
        "# v2 git bundle\n-{base}\n{head} refs/autorun/work\n{head} refs/heads/main\n\n",
        "# v2 git bundle\n-{base}\n-{elsewhere}\n{head} refs/autorun/work\n\n",
        "# v2 git bundle\n-{elsewhere}\n{head} refs/autorun/work\n\n",
        "# v2 git bundle\n-{base}" + "x" * 70_000 + "\n{head} refs/autorun/work\n\n",
    ],
)
def test_a_bundle_brings_one_commit_and_no_refs_of_its_own(store: Store, forge: Forge, header: str) -> None:
    """A header that names other refs, capabilities or prerequisites is refused before its pack is read."""
    head = forge.commit(forge.tree(("100644", b"x", forge.blob(SCRIPT))), forge.base)
    bundle = forge.bundle(head, header=header.format(head=head, base=forge.base, elsewhere=forge.elsewhere) or "\n\n")
    with pytest.raises(HandoverRefused, match="something else"):
        unpack(store, bundle, head=head, base=forge.base)
    assert store.git("for-each-ref") == ""


def test_a_pack_that_is_none_is_refused(store: Store, forge: Forge) -> None:
    """A torn or forged pack changes nothing."""
    head = forge.commit(forge.tree(("100644", b"x", forge.blob(SCRIPT))), forge.base)
    whole = forge.bundle(head)
    for bundle in (whole[:-30], whole[:-1] + b"x", whole[: whole.find(b"PACK")]):
        with pytest.raises(HandoverRefused):
            unpack(store, bundle, head=head, base=forge.base)


def test_objects_that_are_missing_are_noticed(store: Store, forge: Forge) -> None:
    """A pack without everything its commit needs is refused."""
    tree = forge.tree(("100644", b"x", "3" * 40))
    head = forge.commit(tree, forge.base)
    with pytest.raises(HandoverRefused):
        unpack(store, forge.bundle(head, only=(head, tree)), head=head, base=forge.base)


def test_a_giant_that_fits_into_a_small_bundle_is_refused_unread(store: Store, forge: Forge) -> None:
    """A file of a hundred megabytes of nothing packs into a few kilobytes, and is never held in memory."""
    giant = b"\0" * (100 << 20)
    assert len(zlib.compress(giant, 9)) < 200_000
    head = forge.commit(forge.tree(("100644", b"giant.bin", forge.blob(giant))), forge.base)
    with pytest.raises(HandoverRefused, match="more than 16 MiB"):
        unpack(store, forge.bundle(head), head=head, base=forge.base)


def test_very_many_objects_are_refused(store: Store, forge: Forge) -> None:
    """A change of more files than anybody reviews is refused before its files are looked at."""
    stream = "".join(f"M 100644 inline {number}\ndata 6\n{number:06}\n" for number in range(20_100))
    author = "committer E <e@example.org> 1 +0000\ndata 1\nx\n"
    commands = f"commit refs/heads/many\n{author}from {forge.base}\n{stream}\n"
    git(forge.store, "fast-import", "--quiet", stdin=commands.encode())
    head = git(forge.store, "rev-parse", "refs/heads/many")
    with pytest.raises(HandoverRefused, match="more than 20000 objects"):
        unpack(store, forge.bundle(head), head=head, base=forge.base)


def test_hooks_and_configuration_do_not_travel(store: Store, forge: Forge, tmp_path: Path) -> None:
    """Reading a bundle runs nothing, even where the store has hooks and the tree has attributes and filters."""
    for name in ("post-index-change", "reference-transaction", "post-checkout", "post-update"):
        hook = store.git.git_dir / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/owned\n")
        hook.chmod(0o755)
    attributes = forge.blob(b"* filter=evil diff=evil\n")
    head = forge.commit(
        forge.tree(("100644", b".gitattributes", attributes), ("100755", b"run", forge.blob(SCRIPT))), forge.base
    )
    unpack(store, forge.bundle(head), head=head, base=forge.base)
    assert not (tmp_path / "owned").exists()


def test_what_the_policy_forbids_is_blocked_again(tmp_path: Path) -> None:
    """Links, submodules and protected paths are refused once more, whatever the runner says of them."""
    entries = {
        "link": ("120000", b"link", ""),
        "module": ("160000", b"module", "1" * 40),
        "action": ("100644", b"action.yml", ""),
        "owners": ("100644", b"CODEOWNERS", ""),
        "fold": ("100644", b"readme.md", ""),
    }
    split = Split(shop=make_workshop(tmp_path), folder=tmp_path / "handover")
    for key in entries:
        split.shop.task(key)
    split.plan()
    git(tmp_path, "clone", "--quiet", "--bare", str(split.shop.root), "forge.git")
    for key, (mode, name, oid) in entries.items():
        split.execute(key, writes({f"{key}.txt": ""}))
        leg = split.leg(key)
        forge = Forge(store=tmp_path / "forge.git", base=leg.base, elsewhere="")
        kept = [
            tuple(line.replace("\t", " ").split(" ")) for line in split.shop.git("ls-tree", leg.base).splitlines()
        ]
        listed = [(mode, name, oid or forge.blob(SCRIPT))]
        listed += [(known.lstrip("0"), path.encode(), found) for known, _, found, path in kept]
        head = forge.commit(
            forge.tree(*sorted(listed, key=lambda one: one[1] + b"/" * (one[0] == "40000"))), leg.base
        )
        (split.folder / leg.name / "work.bundle").write_bytes(forge.bundle(head))
        Spoiled(handover=split.handover, leg=leg, scratch=tmp_path).edit(head=head)
    split.publish()
    outcomes = {key: split.shop.record(key).outcome for key in entries}
    assert {key: outcome and outcome.reason for key, outcome in outcomes.items()} == dict.fromkeys(
        entries, Reason.POLICY
    )
    assert split.shop.git("branch", "--list", "--format=%(refname:short)") == "main"


# ------------ what may be said, and is not believed


def test_a_runner_cannot_charge_more_than_was_reserved(handed: Split) -> None:
    """More than the reservation is charged as the reservation; the branch is published all the same."""
    spoiled(handed).edit(usage__cost_usd=1e6)
    handed.publish()
    record = handed.shop.record("evil")
    assert (record.state, record.charged_usd) == (TaskState.IN_REVIEW, RESERVED)


def test_the_words_of_a_runner_are_made_inert(handed: Split) -> None:
    """Mentions, closing words, markers and images of a forged statement do nothing in the pull request."""
    words = "Fixes #1 @everyone ![x](https://evil.example/x.png) <!-- autorun:task=file/good -->"
    spoiled(handed).edit(statement__body=words, statement__title=words, statement__summary=words)
    handed.publish()
    page = (handed.shop.root / ".ai-agents/pull-requests/evil.md").read_text()
    for live in ("Fixes #1", "@everyone", "![x]", "<!-- autorun:task=file/good"):
        assert live not in page
    message = handed.shop.git("log", "-1", "--format=%B", "autorun/file-evil")
    assert "@everyone" not in message
    assert "Autorun-Task: file/evil" in message


def test_a_secret_in_forged_words_blocks(handed: Split) -> None:
    """Words that hold a credential are not published, and the credential stands in no record."""
    token = "ghp_" + "A1b2" * 9
    spoiled(handed).edit(statement__body=f"use {token}")
    handed.publish()
    record = handed.shop.record("evil")
    assert (record.state, record.outcome and record.outcome.reason) == (TaskState.BLOCKED, Reason.POLICY)
    assert token not in handed.shop.git("log", "-p", "refs/autorun/tasks/file/evil")


def test_outcomes_that_no_runner_can_bring_about_are_refused(tmp_path: Path) -> None:
    """A runner cannot declare its task done, withdrawn, or anything else that is not its own to say."""
    said = [
        ("done", "merged"), ("cancelled", "withdrawn"), ("todo", "checkpoint"), ("paused", "service"),
        ("in_progress", "claimed"),
    ]  # fmt: skip
    split = Split(shop=make_workshop(tmp_path), folder=tmp_path / "handover")
    for _, reason in said:
        split.shop.task(reason)
    split.plan()
    for state, reason in said:
        split.execute(reason, says(needs_input()))
        outcome = {"state": state, "reason": reason, "sentence": "So it is."}
        Spoiled(handover=split.handover, leg=split.leg(reason), scratch=tmp_path).edit(outcome=outcome)
    for one in split.publish():
        assert one.outcome.sentence.startswith(REFUSED)
        assert split.shop.record(one.task.id.key).charged_usd == 2.0


def test_a_runner_cannot_hold_its_task_back_for_ever(split: Split) -> None:
    """The time of the next try is bounded."""
    split.shop.task("evil")
    split.plan()
    split.execute("evil", says(needs_input()))
    late = {"state": "todo", "reason": "usage_window", "sentence": "Wait.", "retry_at": "2099-01-01T00:00:00+00:00"}
    spoiled(split).edit(outcome=late)
    split.publish()
    eligible = split.shop.record("evil").next_eligible_at
    assert eligible is not None
    assert (eligible - split.shop.clock.now()).days <= 8


@pytest.mark.parametrize("forged", ["left out", "red"])
def test_checks_count_as_they_are_configured(split: Split, forged: str) -> None:
    """A runner that leaves a check out, or calls a red one green enough, is not believed."""
    for key in ("evil", "good"):
        split.shop.task(key)
    split.terms = {"verify": check("true")}
    split.plan()
    split.execute("good", writes({"good.txt": ""}))
    split.execute("evil", writes({"evil.txt": ""}))
    it = spoiled(split)
    document = it.document
    if forged == "red":
        document["checks"]["checks"][0]["after"]["exit_code"] = 1
    else:
        del document["checks"]
    it.write(document)
    assert ("speak against it" if forged == "red" else "not checked") in expect_refused(split)


def test_a_plan_with_another_digest_is_refused(template: Split) -> None:
    """The digest that the plan phase printed is that of the file it wrote."""
    assert hashlib.sha256((template.folder / "plan.json").read_bytes()).hexdigest() == template.digest
