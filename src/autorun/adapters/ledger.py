"""The ledger in git refs: one ref per task, every write a compare-and-swap push, the same code for a path and a URL.

Whatever a push answers short of success, the server is read again: what it holds decides, not what was said.
"""

import io
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autorun.core import naming
from autorun.core.errors import BranchRefused, LeaseLost, RecordUnreadable
from autorun.core.ledger import BranchMove, History, Seen
from autorun.core.ledger.codec import dump_record, load_record
from autorun.core.ledger.push_answers import PushAnswer, access_refused, unreachable
from autorun.core.ledger.record import Record
from autorun.core.model import Fault, Stop, TaskId
from autorun.effects import host
from autorun.effects.git import RECEIVE_PACK, UPLOAD_PACK, Git, Remote
from autorun.effects.last_moment import CutShort, LastMoment
from autorun.effects.process import Finished
from autorun.effects.store import Store

FILE = "record.json"
_ALL = f"+{naming.REF_PREFIX}*:{naming.REF_PREFIX}*"
_WHOLE = "--depth=2147483647"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Push:
    """One atomic push: for each ref the commit to put there and the one expected there (empty: none)."""

    task: TaskId
    ref: str
    moves: dict[str, tuple[str, str]]

    @property
    def branch(self) -> str | None:
        return next((ref for ref in self.moves if ref != self.ref), None)


class RefLedger:
    """Records in the refs of a remote. `pauses` are the seconds to wait before each further try of a push or read.

    Once `stop` tells of a signal a call has 3 s left, and after one that took longer no other is made.
    """

    def __init__(
        self,
        *,
        store: Store,
        remote: Remote,
        pauses: tuple[float, ...] = (0.5, 2.0, 5.0),
        timeout: float = 60.0,
        stop: Stop = lambda: None,
    ) -> None:
        self._git: Git = store.git.with_(remote=remote)
        self._store = store
        self._remote = remote
        self._pauses = pauses
        self._timeout = timeout
        self._stop = stop
        self._last_moment = LastMoment(stop)
        self._contents: dict[str, bytes | None] = {}
        # The user's own repository may be at the other end: none of its hooks may run.
        self._receive = (f"--receive-pack={RECEIVE_PACK}",) if remote.local else ()
        self._upload = (f"--upload-pack={UPLOAD_PACK}",) if remote.local else ()

    def history(self) -> History:
        """Read every record. Damaged ones are faults. Raises ProviderError."""
        refs = self._server([f"{naming.REF_PREFIX}*"])
        if not self._contents.keys() >= set(refs.values()):
            self._fetch("--depth=1", "--prune", refspec=_ALL)
            lines = self._git("for-each-ref", "--format=%(refname) %(objectname)", naming.REF_PREFIX).splitlines()
            refs = dict(line.split(" ", 1) for line in lines)
        seen: dict[TaskId, Seen] = {}
        faults: dict[TaskId, Fault] = {}
        contents = self._read_commits(refs.values())
        for ref, commit in refs.items():
            try:
                record = _record(contents[commit], ref)
            except RecordUnreadable as error:
                provider, _, key = ref.removeprefix(naming.REF_PREFIX).partition("/")
                faults[TaskId(provider=provider, key=key)] = Fault(place=ref, reason=str(error))
            else:
                seen[record.task] = Seen(commit=commit, record=record)
        return History(seen=seen, faults=faults)

    def write(self, record: Record, *, over: Seen | None) -> Seen:
        """Put `record` in the place of what was seen (None: of nothing).

        Raises LeaseLost if something else is there now, PublishingRefused, ProviderError.
        """
        return self._move(record, over, None)

    def publish(self, record: Record, *, over: Seen, branch: BranchMove) -> Seen:
        """Move the work branch and the record together, or neither.

        Raises LeaseLost, BranchRefused (the lease still holds), PublishingRefused, ProviderError.
        """
        return self._move(record, over, branch)

    def stands(self, seen: Seen) -> bool:
        """Tell whether a record is still as it was seen; one round trip. Raises ProviderError."""
        ref = naming.ref(seen.record.task)
        return self._server([ref]).get(ref) == seen.commit

    def trail(self, task: TaskId) -> Sequence[Seen]:
        """Read one task's records, oldest first; empty if there is none. Raises ProviderError, RecordUnreadable."""
        ref = naming.ref(task)
        if ref not in self._server([ref]):
            return ()
        self._fetch(_WHOLE, refspec=f"+{ref}:{ref}")
        commits = self._git("rev-list", "--reverse", ref).splitlines()
        contents = self._read_commits(commits)
        return [Seen(commit=commit, record=_record(contents[commit], ref)) for commit in commits]

    def _move(self, record: Record, over: Seen | None, branch: BranchMove | None) -> Seen:
        ref = naming.ref(record.task)
        # The random word keeps two runners' equal records from being one commit, which both would take for their own.
        reason = record.outcome.reason if record.outcome else "recorded"
        message = f"{record.state}: {reason}\n\nwrite {secrets.token_hex(8)}"
        if over is not None and over.commit not in self._contents:
            self._borrow(record.task, over.commit)
        content = dump_record(record).encode()
        tree = self._store.folder(FILE, self._store.blob(content))
        commit = self._store.commit(tree, (over.commit,) if over else (), message)
        moves = {ref: (commit, over.commit if over else "")}
        if branch is not None:
            moves[f"refs/heads/{branch.branch}"] = (branch.commit, branch.expected or "")
        self._push_until_known(_Push(task=record.task, ref=ref, moves=moves))
        self._contents[commit] = content
        return Seen(commit=commit, record=record)

    def _borrow(self, task: TaskId, commit: str) -> None:
        """Fetch a commit that another process saw: ours will be its child."""
        ref = naming.ref(task)
        if self._server([ref]).get(ref) != commit:
            raise _lost(task)
        self._fetch("--depth=1", refspec=f"+{ref}:{ref}")

    def _push_until_known(self, push: _Push) -> None:
        """Push until it is known to have happened; raise once it is known that it cannot."""
        for pause in (*self._pauses, None):
            answer = self._push(push)
            if answer.accepted:
                return
            if error := answer.hopeless(self._remote.url):
                raise error
            if self._has_happened(push, answer):
                return
            if pause is not None:
                host.wait(pause, self._stop)
        if push.branch in answer.refusals:
            raise answer.branch_refused(self._remote.url, push.branch)
        if push.ref in answer.refusals:
            raise answer.record_refused(self._remote.url, push.ref)
        raise unreachable(self._remote.url, answer.said)

    def _push(self, push: _Push) -> PushAnswer:
        leases = (f"--force-with-lease={ref}:{expected}" for ref, (_, expected) in push.moves.items())
        specs = (f"{commit}:{ref}" for ref, (commit, _) in push.moves.items())
        options = ("--atomic",) if push.branch else ()
        finished = self._finished(
            *(("-c", "push.negotiate=true") if push.branch else ()),
            *("push", "--porcelain", "--no-verify", "--no-thin" if self._remote.local else "--thin", *self._receive),
            *(*options, *leases, "--", self._remote.url, *specs),
        )
        said = self._git.redacted(finished.stderr.decode("utf-8", "replace")).strip() or finished.killed
        return PushAnswer.read(finished.stdout.decode("utf-8", "replace"), said, accepted=finished.ok)

    def _has_happened(self, push: _Push, answer: PushAnswer) -> bool:
        """Read what the server holds: True if it is ours, False if another try makes sense, else raise."""
        held = self._server(list(push.moves))
        commit, expected = push.moves[push.ref]
        if held.get(push.ref) == commit:
            return True
        if held.get(push.ref, "") != expected:
            raise _lost(push.task)
        if push.branch is not None and held.get(push.branch, "") != push.moves[push.branch][1]:
            raise BranchRefused(
                f"someone else has pushed to {push.branch.removeprefix('refs/heads/')}",
                hint="merge or delete that branch, then answer `/autorun retry`",
            )
        if push.branch is not None and answer.own_reason(push.branch):
            raise answer.branch_refused(self._remote.url, push.branch)
        if answer.own_reason(push.ref):
            raise answer.record_refused(self._remote.url, push.ref)
        return False

    def _server(self, patterns: Sequence[str]) -> dict[str, str]:
        """Ask the server which refs there are, and their commits."""
        output = self._read("ls-remote", *self._upload, "--", self._remote.url, *patterns)
        held = (line.split("\t") for line in output.splitlines())
        return {ref: commit for commit, ref in held if ref.startswith(("refs/heads/", naming.REF_PREFIX))}

    def _fetch(self, *options: str, refspec: str) -> None:
        fixed = ("--quiet", "--no-tags", "--no-write-fetch-head", "--force", "--update-shallow")
        self._read("fetch", *fixed, *options, *self._upload, "--", self._remote.url, refspec)

    def _read(self, *arguments: str) -> str:
        for pause in (*self._pauses, None):
            finished = self._finished(*arguments)
            if finished.ok:
                return finished.stdout.decode("utf-8", "surrogateescape")
            said = self._git.redacted(finished.stderr.decode("utf-8", "replace")).strip() or finished.killed
            if error := access_refused(self._remote.url, said):
                raise error
            if pause is not None:
                host.wait(pause, self._stop)
        raise unreachable(self._remote.url, said)

    def _finished(self, *arguments: str) -> Finished:
        try:
            return self._git.finished(*arguments, timeout=self._timeout, stop=self._last_moment.of_a_call())
        except CutShort as error:
            raise unreachable(self._remote.url, str(error)) from None

    def _read_commits(self, commits: Iterable[str]) -> dict[str, bytes | None]:
        """Return each commit's record as it is written, None where it has none."""
        unread = [commit for commit in commits if commit not in self._contents]
        wanted = "".join(f"{commit}:{FILE}\n" for commit in unread)
        answer = io.BytesIO(self._git.bytes("cat-file", "--batch", stdin=wanted.encode()) if unread else b"")
        for commit in unread:
            _, *found = answer.readline().split(b" ")
            kind, size = found if len(found) > 1 else (b"missing", b"0")
            content = answer.read(int(size))
            self._contents[commit] = content if kind == b"blob" else None
            answer.read(1 if kind != b"missing" else 0)
        return self._contents


def _record(content: bytes | None, ref: str) -> Record:
    if content is None:
        raise RecordUnreadable(f"{ref} holds no {FILE}", hint="`autorun doctor` explains how to drop it")
    try:
        record = load_record(content.decode())
    except UnicodeDecodeError as error:
        raise RecordUnreadable(f"the record is damaged: {error}") from None
    if naming.ref(record.task) != ref:
        raise RecordUnreadable(f"the record at {ref} is that of {record.task}")
    return record


def _lost(task: TaskId) -> LeaseLost:
    return LeaseLost(f"another runner has written to {task} since it was read")
