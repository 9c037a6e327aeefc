"""What one run leaves for the next: nothing secret, nothing that was changed on the way, never more than a resume."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from autorun.adapters import state_carrier
from autorun.core.errors import ResumeRefused
from autorun.core.ledger import carried, codec
from autorun.core.ledger.carried import Item, Manifest, Ticket
from autorun.core.ledger.record import Holder
from autorun.core.model import TaskState, Usage
from autorun.core.report.status import SessionState
from kit.secret_samples import SAMPLES

SESSION = "01234567-89ab-cdef-0123-456789abcdef"
CONVERSATION = f"tasks/7/agent/projects/-home-work/{SESSION}.jsonl"
KEY = "sk-own-key-that-has-no-known-format"


def at(minute: int) -> datetime:
    return datetime(2026, 11, 23, 1, minute, tzinfo=UTC)


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """The session folder of a run that left one task unfinished and one done."""
    folder = tmp_path / "session"
    state = SessionState(
        session="20261123-010000-abcdef",
        holder=Holder(nonce="n", host="h", pid=1, process_started=1, run_id="101", run_attempt=1),
        started_at=at(0),
        updated_at=at(9),
        planned="2 to do",
        title="A private title",
        activity="The agent said something",
        sentence="It ended",
        usage=Usage(turns=5),
        ended={TaskState.IN_REVIEW: 1},
        reason="limit",
    )
    texts = {
        "session.json": codec.dumps(state),
        "events.jsonl": "{}\n",
        "tasks/7/unfinished.json": '{"v":1}',
        "tasks/7/diff.patch": "diff --git a/x b/x\n",
        "tasks/7/transcript.jsonl": '{"said":"hello"}\n',
        CONVERSATION: '{"role":"user"}\n',
        "tasks/8/transcript.jsonl": '{"said":"done"}\n',
        "tasks/8/result.json": "{}",
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def files_below(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_unfinished_work_arrives_as_it_left(session: Path, tmp_path: Path) -> None:
    """The next run finds the work and the conversation of what is unfinished, and nothing of what is done."""
    digest = state_carrier.pack_work(session, tmp_path / "artifact", secrets=())
    assert state_carrier.unpack_work(tmp_path / "artifact", tmp_path / "next", digest) == 1
    came = files_below(tmp_path / "next")
    assert set(came) == {"tasks/7/unfinished.json", "tasks/7/diff.patch", CONVERSATION}
    assert all(came[name] == (session / name).read_text() for name in came)


def test_counters_arrive_and_words_do_not(session: Path, tmp_path: Path) -> None:
    """A cache, which everybody may read, holds numbers and ids; no title, no sentence, no word of the agent."""
    ticket = Ticket(run_id="101", artifact="autorun-x-1", manifest="0" * 64)
    assert state_carrier.pack_counters(session, tmp_path / "cache", ticket)
    packed = "".join(files_below(tmp_path / "cache").values())
    assert not any(word in packed for word in ("private", "agent said", "It ended"))
    assert state_carrier.ticket(tmp_path / "cache") == ticket
    state_carrier.unpack_counters(tmp_path / "cache", tmp_path / "next")
    state = codec.loads((tmp_path / "next/session.json").read_text(), SessionState)
    assert (state.session, state.tasks_ended, state.usage.turns) == ("20261123-010000-abcdef", 1, 5)


def test_a_run_without_a_session_leaves_nothing(tmp_path: Path) -> None:
    """Where no session began there is nothing to carry, and that is no error."""
    (tmp_path / "session").mkdir()
    assert not state_carrier.pack_counters(tmp_path / "session", tmp_path / "cache", Ticket(run_id="1"))
    assert state_carrier.pack_work(tmp_path / "session", tmp_path / "artifact", secrets=()) == ""
    assert state_carrier.ticket(tmp_path / "cache") is None


@pytest.mark.parametrize("secret", [KEY, *SAMPLES.values()])
def test_secrets_are_struck_out(session: Path, tmp_path: Path, secret: str) -> None:
    """A credential is in no file of the artifact; work that held one stays behind: it would not fit any more."""
    (session / "tasks/8/transcript.jsonl").write_text(json.dumps({"said": f"token {secret} here"}))
    (session / "tasks/7/diff.patch").write_text(f"+key = {secret}\n")
    state_carrier.pack_work(session, tmp_path / "artifact", secrets=(KEY,))
    packed = files_below(tmp_path / "artifact")
    assert not any(secret in text for text in packed.values())
    assert "[removed: " in packed["tasks/8/transcript.jsonl"]
    assert not {"tasks/7/diff.patch", "tasks/7/unfinished.json"} & set(packed)


def test_only_files_of_ours_travel(session: Path, tmp_path: Path) -> None:
    """What an agent left beside its conversation stays behind: other names, links, folders of other tasks."""
    outside = tmp_path / "outside"
    outside.write_text("secret of the machine")
    projects = session / "tasks/7/agent/projects/x"
    projects.mkdir(parents=True)
    (projects / "settings.json").write_text("{}")
    (projects / f"{SESSION}.jsonl").symlink_to(outside)
    (session / "tasks/7/agent/.credentials.json").write_text("{}")
    (session / "tasks/9").symlink_to(session / "tasks/8")
    state_carrier.pack_work(session, tmp_path / "artifact", secrets=())
    packed = files_below(tmp_path / "artifact")
    assert {name for name in packed if name != "manifest.json"} == {
        *("tasks/7/unfinished.json", "tasks/7/diff.patch", "tasks/7/transcript.jsonl", CONVERSATION),
        *("tasks/8/transcript.jsonl", "tasks/8/result.json"),
    }


@pytest.mark.parametrize("name", ["tasks/7/diff.patch", "tasks/7/unfinished.json", CONVERSATION, "manifest.json"])
@pytest.mark.parametrize("change", ["altered", "longer", "gone", "a link"])
def test_what_was_changed_on_the_way_is_refused_whole(session: Path, tmp_path: Path, name: str, change: str) -> None:
    """One file that is not as it was packed, and nothing is put anywhere; the reason is a sentence."""
    artifact = tmp_path / "artifact"
    digest = state_carrier.pack_work(session, artifact, secrets=())
    place, text = artifact / name, (artifact / name).read_text()
    place.unlink()
    if change == "altered":
        place.write_text(text[:-1] + "~")
    elif change == "longer":
        place.write_text(text + " ")
    elif change == "a link":
        (tmp_path / "elsewhere").write_text(text[:-1] + "~")
        place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ResumeRefused, match=r"^The last run's unfinished work .*\.$"):
        state_carrier.unpack_work(artifact, tmp_path / "next", digest)
    assert not (tmp_path / "next").exists()


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (Manifest(v=2), "version 2"),
        (Manifest(items=(Item(path="../../x", size=1, sha256=""),)), "never keeps"),
        (Manifest(items=(Item(path="/etc/passwd", size=1, sha256=""),)), "never keeps"),
        (Manifest(items=(Item(path="tasks/7/agent/settings.json", size=1, sha256=""),)), "never keeps"),
        (Manifest(items=(Item(path="tasks/7/diff.patch", size=1 << 40, sha256=""),)), "larger"),
        (
            Manifest(items=tuple(Item(path=f"tasks/{n}/diff.patch", size=1 << 26, sha256="") for n in range(5))),
            "larger",
        ),
    ],
)
def test_a_hostile_list_is_refused(manifest: Manifest, reason: str) -> None:
    """A list of another version, of foreign files or of too much is objected to."""
    assert reason in carried.objection(manifest)


@given(st.text(max_size=80))
def test_no_lawful_path_leads_out(path: str) -> None:
    """Whatever the text: a path that may travel stays below the folder it is put into."""
    for tried in (path, f"tasks/{path}/diff.patch", f"tasks/7/agent/projects/{path}/{SESSION}.jsonl"):
        if carried.lawful(tried):
            assert Path("/a", tried).is_relative_to("/a/tasks")
            assert ".." not in tried.split("/")
            assert "\n" not in tried


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"run_id":"1; rm"}', '{"run_id":"7","v":9}', '{"run_id":"\u0661"}']
)
def test_an_unreadable_ticket_is_none(tmp_path: Path, text: str) -> None:
    """What cannot be a ticket of ours is as if there were none."""
    (tmp_path / "ticket.json").write_text(text)
    assert state_carrier.ticket(tmp_path) is None
