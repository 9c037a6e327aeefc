"""A ledger over HTTP stays true whatever the server, the line or another program does."""

import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from autorun.adapters.ledger import RefLedger
from autorun.core.errors import (
    BranchRefused,
    CredentialRefused,
    GitFailed,
    LeaseLost,
    ProviderError,
    PublishingRefused,
    RecordUnreadable,
)
from autorun.core.ledger import BranchMove, Seen
from autorun.core.ledger.codec import dump_record
from autorun.core.ledger.record import Record
from autorun.core.model import StopReason, TaskId, TaskState
from autorun.core.naming import ref
from autorun.effects.git import Remote
from kit.githttp import Cut, GitBackend
from kit.ledger_conformance import TASK, claim, in_review, race
from kit.places import Place
from kit.repos import add_hook, git


@pytest.fixture
def backend(http_place: Place) -> GitBackend:
    assert http_place.backend is not None
    return http_place.backend


def put_by_hand(place: Place, name: str, files: dict[str, str | bytes]) -> str:
    """Write a commit with `files` to a ref of the origin, as some other program might."""
    entries = ""
    for path, content in files.items():
        raw = content.encode() if isinstance(content, str) else content
        blob = git(place.origin, "hash-object", "-w", "--stdin", stdin=raw)
        entries += f"100644 blob {blob}\t{path}\n"
    tree = git(place.origin, "mktree", stdin=entries.encode())
    commit = git(place.origin, "commit-tree", tree, "-m", "by hand")
    git(place.origin, "update-ref", name, commit)
    return commit


def state(checkout: Path) -> list[str]:
    """What of a user's repository must stay as it was."""
    files = [checkout / ".git" / name for name in ("HEAD", "config", "index", "shallow", "packed-refs")]
    return [git(checkout, "for-each-ref"), *(path.read_text("latin-1") for path in files if path.is_file())]


def test_race_behind_the_clients_check(http_place: Place) -> None:
    """Two claims that both passed the client's own check: the server lets one through, round after round."""
    add_hook(http_place.origin, "pre-receive", "sleep 0.15")
    one, two = http_place.runner(), http_place.runner()
    for number in range(4):
        task = TaskId(provider="github", key=str(number))
        writers = [partial(it.write, claim(task, name), over=None) for name, it in (("one", one), ("two", two))]
        winners = race(writers)
        assert len(winners) == 1
        assert one.history().seen[task] == winners[0]


def test_race_of_two_publishers(http_place: Place) -> None:
    """Two that publish over the same record at once: one moves both refs, the other none."""
    one, two = http_place.runner(), http_place.runner()
    seen = one.write(claim(), over=None)
    two.history()
    add_hook(http_place.origin, "pre-receive", "sleep 0.15")
    commits = {"one": http_place.work("one", 0), "two": http_place.work("two", 1)}
    writers = [
        partial(
            it.publish,
            replace(in_review(seen.record), head=commits[name]),
            over=seen,
            branch=BranchMove(branch="autorun/x", commit=commits[name]),
        )
        for name, it in (("one", one), ("two", two))
    ]
    winners = race(writers)
    assert len(winners) == 1
    assert http_place.head("refs/heads/autorun/x") == winners[0].record.head
    assert one.history().seen == {TASK: winners[0]}


@pytest.mark.parametrize("cut", list(Cut))
def test_cut_connection(http_place: Place, backend: GitBackend, cut: Cut) -> None:
    """A push whose answer never came is a success if the server applied it, and is sent again if not."""
    ledger = http_place.runner()
    seen = ledger.write(claim(), over=None)
    backend.cuts = [cut]
    published = ledger.publish(
        in_review(seen.record), over=seen, branch=BranchMove(branch="autorun/x", commit=http_place.work("x"))
    )
    assert backend.cuts == []
    assert http_place.head(ref(TASK)) == published.commit
    assert http_place.head("refs/heads/autorun/x") is not None
    assert list(http_place.runner().trail(TASK)) == [seen, published]


def test_stolen_during_a_cut(http_place: Place, backend: GitBackend) -> None:
    """Whoever cannot tell whether a write arrived and finds another's record there has lost."""
    stolen: list[Seen] = []
    errors: list[BaseException] = []
    # It waits before it tries again until the thief was there.
    zombie = http_place.runner(pauses=(60.0,), stop=lambda: StopReason.ASKED if stolen else None)
    thief = http_place.runner()
    seen = zombie.write(claim(), over=None)
    thief.history()
    backend.cuts = [Cut.BEFORE] * 2  # git quietly repeats a request whose kept connection broke

    def renew() -> None:
        try:
            zombie.write(replace(seen.record, base="b"), over=seen)
        except LeaseLost as error:
            errors.append(error)

    thread = threading.Thread(target=renew)
    thread.start()
    while backend.cuts:
        time.sleep(0.01)
    stolen.append(thief.write(claim(nonce="thief", record=seen.record), over=seen))
    thread.join()
    assert len(errors) == 1
    assert thief.history().seen == {TASK: stolen[0]}


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_passing_trouble(http_place: Place, backend: GitBackend, status: int) -> None:
    """A server that stumbles once is asked again."""
    ledger = http_place.runner()
    backend.statuses = [status]
    assert ledger.history().seen == {}
    backend.statuses = [status]
    assert ledger.write(claim(), over=None) == ledger.history().seen[TASK]


def test_lasting_trouble(http_place: Place, backend: GitBackend) -> None:
    """A server that stays down is an error that names it, and nothing was written."""
    ledger = http_place.runner()
    backend.statuses = [503] * 20
    with pytest.raises(ProviderError, match="503"):
        ledger.write(claim(), over=None)
    backend.statuses = [503] * 20
    with pytest.raises(ProviderError, match=r"origin\.git cannot be reached"):
        ledger.history()
    backend.statuses = []
    assert ledger.history().seen == {}


def test_silent_server(http_place: Place, backend: GitBackend) -> None:
    """A server that never answers a push is given up, in bounded time."""
    ledger = http_place.runner(timeout=0.4)
    backend.delay = 3.0
    with pytest.raises(ProviderError, match="no end after"):
        ledger.write(claim(), over=None)


def test_a_signal_cuts_a_silent_server_short(http_place: Place, backend: GitBackend) -> None:
    """Whoever was sent a signal gives a call three more seconds, not its whole time-out, and makes none after it."""
    asked: list[StopReason] = []
    ledger = http_place.runner(timeout=120.0, pauses=(60.0,), stop=lambda: asked[0] if asked else None)
    seen = ledger.write(claim(), over=None)
    backend.delay = 30.0
    threading.Timer(0.5, lambda: asked.append(StopReason.SIGTERM)).start()
    with pytest.raises(ProviderError, match="before this run had to end"):
        ledger.write(replace(seen.record, base="b"), over=seen)
    before = len(backend.requests)
    with pytest.raises(ProviderError, match="before this run had to end"):
        ledger.stands(seen)
    assert len(backend.requests) == before
    backend.delay = 0.0


def test_a_signal_leaves_an_answering_server_its_time(http_place: Place, backend: GitBackend) -> None:
    """After a signal the task is given back as ever where the server takes a second."""
    ledger = http_place.runner(stop=lambda: StopReason.SIGINT)
    backend.delay = 1.0
    seen = ledger.write(claim(), over=None)
    assert http_place.runner().history().seen == {TASK: seen}


def test_nobody_there(place: Place) -> None:
    """An address at which nothing listens is an error with a remedy."""
    ledger = RefLedger(store=place.store(), remote=Remote(url="http://127.0.0.1:9/x.git"), pauses=())
    with pytest.raises(ProviderError) as caught:
        ledger.history()
    assert caught.value.hint


@pytest.mark.parametrize("header", ["", "Authorization: Basic d3Jvbmc6d3Jvbmc="])
def test_credential_refused(http_place: Place, header: str) -> None:
    """Without the right credential there is a clear error at once, which does not show it."""
    http_place.remote = replace(http_place.remote, header=header)
    ledger = http_place.runner()
    for act in (ledger.history, lambda: ledger.write(claim(), over=None)):
        with pytest.raises(CredentialRefused, match="does not accept our credential") as caught:
            act()
        assert "d3Jvbmc6d3Jvbmc" not in f"{caught.value} {caught.value.hint}"


def test_read_only_credential(http_place: Place, backend: GitBackend) -> None:
    """A token that may read and not write cannot publish; the error says what to grant."""
    backend.read_only = True
    ledger = http_place.runner()
    assert ledger.history().seen == {}
    with pytest.raises(PublishingRefused) as caught:
        ledger.write(claim(), over=None)
    assert "contents: write" in caught.value.hint


def test_reading_forbidden(http_place: Place, backend: GitBackend) -> None:
    """A token that may not even read is an error that says what to grant."""
    backend.statuses = [403]
    with pytest.raises(ProviderError, match="forbids") as caught:
        http_place.runner().history()
    assert "contents: write" in caught.value.hint


def test_moved_repository(http_place: Place, backend: GitBackend) -> None:
    """A redirect is not followed, since the credential would follow it too; the error says where we looked."""
    backend.statuses = [301]
    with pytest.raises(ProviderError, match=r"origin\.git"):
        http_place.runner().history()


def test_no_room_for_the_ref(http_place: Place) -> None:
    """A ref that stands where our folder should be is named, whatever put it there."""
    git(http_place.origin, "update-ref", "refs/autorun/tasks", "main")
    with pytest.raises(PublishingRefused, match="refs/autorun/tasks"):
        http_place.runner().write(claim(), over=None)


def test_full_server(http_place: Place) -> None:
    """A server that cannot take the objects takes neither ref; if it cannot take a record, the session ends."""
    ledger = http_place.runner()
    seen = ledger.write(claim(), over=None)
    git(http_place.origin, "config", "receive.maxInputSize", "100")
    with pytest.raises(BranchRefused):
        ledger.publish(
            in_review(seen.record), over=seen, branch=BranchMove(branch="autorun/x", commit=http_place.work("x"))
        )
    with pytest.raises(PublishingRefused):
        ledger.write(in_review(seen.record), over=seen)
    assert ledger.history().seen == {TASK: seen}


def test_no_such_repository(http_place: Place) -> None:
    """A wrong address is an error that names it."""
    http_place.remote = replace(http_place.remote, url=http_place.remote.url.replace("origin", "nothing"))
    with pytest.raises(ProviderError, match="nothing"):
        http_place.runner().history()


def test_server_without_atomic_pushes(http_place: Place) -> None:
    """Nothing is published to a server that could do half of it."""
    git(http_place.origin, "config", "receive.advertiseAtomic", "false")
    ledger = http_place.runner()
    seen = ledger.write(claim(), over=None)
    with pytest.raises(PublishingRefused, match="atomic"):
        ledger.publish(
            in_review(seen.record), over=seen, branch=BranchMove(branch="autorun/x", commit=http_place.work("x"))
        )
    assert http_place.head("refs/heads/autorun/x") is None
    assert ledger.history().seen == {TASK: seen}


@pytest.mark.parametrize("hook", ["update", "pre-receive"])
def test_namespace_refused(http_place: Place, hook: str) -> None:
    """A server that takes no refs outside heads and tags is told so, with the server's own words."""
    add_hook(http_place.origin, hook, 'echo "only branches and tags here" >&2; exit 1')
    with pytest.raises(PublishingRefused, match="only branches and tags here"):
        http_place.runner().write(claim(), over=None)


def test_branch_refused_by_a_rule_for_whole_pushes(http_place: Place) -> None:
    """A hook that refuses the push as a whole is about the branch: the record alone went through before."""
    ledger = http_place.runner()
    seen = ledger.write(claim(), over=None)
    add_hook(
        http_place.origin,
        "pre-receive",
        'if grep -q refs/heads/; then echo "refusing workflow without workflows permission" >&2; exit 1; fi',
    )
    with pytest.raises(BranchRefused, match="without workflows permission") as caught:
        ledger.publish(
            in_review(seen.record), over=seen, branch=BranchMove(branch="autorun/x", commit=http_place.work("x"))
        )
    assert "workflows" in caught.value.hint
    assert ledger.history().seen == {TASK: seen}
    assert ledger.write(in_review(seen.record), over=seen).record.state is TaskState.IN_REVIEW


BROKEN: dict[str, dict[str, str | bytes]] = {
    "newer": {"record.json": '{"v": 99, "task": {"provider": "github", "key": "7"}}'},
    "cut": {"record.json": '{"v": 1, "task": {"provi'},
    "list": {"record.json": "[]"},
    "binary": {"record.json": b"\xff\0"},
    "elsewhere": {"record.json": dump_record(Record(task=TaskId(provider="github", key="other")))},
    "fileless": {"other.txt": "x"},
}


@pytest.mark.parametrize("damage", BROKEN)
def test_unreadable_records_are_faults(http_place: Place, damage: str) -> None:
    """A damaged or newer record is named, spoils no other, and cannot be overwritten."""
    broken = TaskId(provider="github", key=damage)
    theirs = put_by_hand(http_place, ref(broken), BROKEN[damage])
    ledger = http_place.runner()
    sound = ledger.write(claim(), over=None)
    history = ledger.history()
    assert history.seen == {TASK: sound}
    assert list(history.faults) == [broken]
    assert history.faults[broken].place == ref(broken)
    with pytest.raises(RecordUnreadable):
        ledger.trail(broken)
    with pytest.raises(LeaseLost):
        ledger.write(claim(broken), over=None)
    assert http_place.head(ref(broken)) == theirs


def test_depth_one_detached_without_credentials(http_place: Place, human: Callable[[Place, str], str]) -> None:
    """From a checkout as Actions makes it, everything works, even when the base branch has moved on."""
    for number in range(3):
        (http_place.clone / "README.md").write_text(f"{number}\n")
        git(http_place.clone, "commit", "--quiet", "--all", "--message", f"{number}")
    git(http_place.clone, "push", "--quiet", str(http_place.origin), "main")
    checkout = http_place.root / "checkout"
    git(http_place.root, "clone", "--quiet", "--depth=1", f"file://{http_place.origin}", str(checkout))
    git(checkout, "checkout", "--quiet", "--detach")
    human(http_place, "moved")
    before = state(checkout)
    head = git(checkout, "rev-parse", "HEAD")

    http_place.clone = checkout
    store = http_place.store()
    ledger = RefLedger(store=store, remote=http_place.remote, pauses=())
    seen = ledger.write(claim(), over=None)
    seen = ledger.write(replace(seen.record, base=head), over=seen)
    work = store.commit(store.folder("x", store.blob(b"x")), (head,), "work")
    ledger.publish(in_review(seen.record), over=seen, branch=BranchMove(branch="autorun/x", commit=work))
    assert len(ledger.trail(TASK)) == 3
    assert git(http_place.origin, "rev-parse", "autorun/x^") == head
    assert git(http_place.origin, "rev-list", "--count", "autorun/x") == "5"
    assert state(checkout) == before


def test_server_keeps_whole_valid_chain(http_place: Place) -> None:
    """What runners wrote is a sound repository with every record in it, readable with plain git."""
    one, two = http_place.runner(), http_place.runner()
    seen = one.write(claim(), over=None)
    seen = two.write(replace(seen.record, base="b"), over=two.history().seen[TASK])
    seen = one.write(in_review(seen.record), over=one.history().seen[TASK])
    git(http_place.origin, "fsck", "--strict", "--no-dangling")
    assert git(http_place.origin, "log", "--format=%s", ref(TASK)).splitlines() == [
        "in_review: published",
        "in_progress: claimed",
        "in_progress: claimed",
    ]
    assert git(http_place.origin, "show", f"{ref(TASK)}:record.json") + "\n" == dump_record(seen.record)


def test_no_credential_on_disk_or_in_arguments(
    http_place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token is in no argument list and no file."""
    log = tmp_path / "argv.log"
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    real = shutil.which("git")
    wrapper.write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    ledger = http_place.runner()
    ledger.write(claim(), over=None)
    ledger.history()
    header = http_place.remote.header
    secrets = (b"secret-token", header.rpartition(" ")[2].encode())
    assert b"push" in log.read_bytes()
    files = [log, *(path for path in http_place.stores[-1].git.git_dir.rglob("*") if path.is_file())]
    assert not [path for path in files for secret in secrets if secret in path.read_bytes()]
    assert header not in repr(http_place.remote)
    failure = http_place.stores[-1].git.with_(remote=http_place.remote)
    with pytest.raises(GitFailed) as caught:
        failure("rev-parse", header)
    assert header.rpartition(" ")[2] not in str(caught.value)
