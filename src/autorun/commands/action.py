"""`autorun action`: the steps of action.yml around the run itself; of no use elsewhere, so not in the help."""

import os
from dataclasses import replace
from pathlib import Path

import click

from autorun.adapters import state_carrier
from autorun.adapters.handover import HandoverFolder
from autorun.adapters.journal import SessionFolder
from autorun.adapters.sandbox import apparmor_restricts, probe
from autorun.commands.between import planned
from autorun.commands.common import bare, effective, keeps_transcripts, note
from autorun.core.config.choices import Backend, Phase, SandboxMode
from autorun.core.config.derived import own_secrets
from autorun.core.config.layers import Effective
from autorun.core.errors import HandoverRefused, ResumeRefused
from autorun.core.ledger.carried import Ticket
from autorun.core.report.journal import Happening
from autorun.core.report.outputs import session_outputs
from autorun.core.report.summary import job_summary
from autorun.core.sandbox.remedies import Usable
from autorun.effects import actions, files
from autorun.effects.place import Place

_ENTRIES = 100_000
_REPORTED = {Happening.TASK_ENDED, Happening.TASK_SKIPPED, Happening.WARNING}
_FOLDER = click.Path(path_type=Path)


@click.group("action")
def command() -> None:
    """Do one of the steps of action.yml around the run itself."""


@command.command("needs")
@click.argument("state", type=_FOLDER)
def needs(state: Path) -> None:
    """Set outputs that say what this job needs, and go on from the counters that an earlier run left in `state`."""
    place, found = effective({})
    run = found.config.run
    works = run.phase in {Phase.ALL, Phase.EXECUTE} and not run.dry_run
    whole = works and run.phase is Phase.ALL
    backend = found.config.autonomous.backend
    confined = works and found.config.sandbox.mode is not SandboxMode.OFF
    ticket = _counted(place, state) if whole else None
    going_on = {
        "previous-run": ticket.run_id if ticket and ticket.artifact else "",
        "previous-artifact": ticket.artifact if ticket else "",
    }
    if works and run.phase is Phase.EXECUTE:
        going_on = _of_the_leg(place, found)
    actions.outputs(
        {
            "cli": _word(works and backend is Backend.CLAUDE_CODE),
            "sdk": _word(works and backend is Backend.ANTHROPIC_SDK),
            "sandbox": _word(confined and not isinstance(probe(place.environ), Usable)),
            "state": _word(whole),
            **going_on,
        }
    )


def _of_the_leg(place: Place, found: Effective) -> dict[str, str]:
    """Say where the unfinished work of a planned task comes from and goes to; nothing of a plan that is none."""
    run = found.config.run
    folder = HandoverFolder(path=place.root / (run.handover or ""))
    try:
        itinerary = planned(found, folder)
        leg = itinerary.leg(bare("".join(run.tasks[:1])))
    except HandoverRefused:  # the run itself says so
        return {}
    came = leg.kept if leg.kept and leg.kept.run_id.isascii() and leg.kept.run_id.isdecimal() else None
    return {
        "previous-run": came.run_id if came else "",
        "previous-artifact": came.artifact if came else "",
        "kept": itinerary.artifact(leg),
        "kept-folder": str(folder.kept(leg)),
    }


def _counted(place: Place, state: Path) -> Ticket | None:
    """Go on from the counters of an earlier run; return what says where its unfinished work lies."""
    ticket = state_carrier.ticket(state)
    if ticket is None:
        note("No earlier run left a state to go on from.")
        return None
    try:
        state_carrier.unpack_counters(state, place.session_folder)
    except ResumeRefused as error:
        actions.annotate("notice", f"{error} Unfinished tasks start afresh.", title="Autorun")
        return None
    if not ticket.artifact:
        note(f"Going on from run {ticket.run_id}, which kept no unfinished work.")
    return ticket


@command.command("sandbox")
def sandbox() -> None:
    """Make bubblewrap usable; on a machine that outlives the job only say what would."""
    place, _ = effective({})
    found = probe(place.environ)
    if place.environ.get("RUNNER_ENVIRONMENT") == "github-hosted":
        from autorun.adapters.bubblewrap_setup import make_usable  # noqa: PLC0415  only where it is used

        found = make_usable(
            lambda: probe(place.environ),
            place.environ,
            root=os.geteuid() == 0,
            restricted=apparmor_restricts,
            say=note,
        )
    note("The sandbox works." if isinstance(found, Usable) else f"{found.sentence} {found.remedy}")


@command.command("restore")
@click.argument("state", type=_FOLDER)
@click.argument("artifact", type=_FOLDER)
def restore(state: Path, artifact: Path) -> None:
    """Put an earlier run's unfinished work into the session folder; whatever is wrong with it costs the resume."""
    place, _ = effective({})
    ticket = state_carrier.ticket(state)
    try:
        if ticket is not None:
            came = state_carrier.unpack_work(artifact, place.session_folder, ticket.manifest)
            note(f"Going on from run {ticket.run_id}, unfinished tasks: {came}.")
    except ResumeRefused as error:
        actions.annotate("notice", f"{error} Unfinished tasks start afresh.", title="Autorun")
    finally:
        state_carrier.clear(artifact)


@command.command("save")
@click.argument("state", type=_FOLDER)
@click.argument("artifact", type=_FOLDER)
@click.argument("name")
def save(state: Path, artifact: Path, name: str) -> None:
    """Write the report and the action's outputs, and pack what a later run can go on from."""
    place, found = effective({})
    folder = place.session_folder
    entries = SessionFolder(folder).entries(_ENTRIES)
    told = tuple(entry for entry in entries if entry.what in _REPORTED)
    end = next((entry for entry in reversed(entries) if entry.what is Happening.SESSION_ENDED), None)
    report = folder / "report.md"
    if end is not None:
        files.replace(report, job_summary(told, end), mode=0o644)
    digest = (
        state_carrier.pack_work(folder, artifact, secrets=own_secrets(found.config, place.environ))
        if keeps_transcripts(place, found)
        else ""
    )
    ticket = Ticket(run_id=place.environ.get("GITHUB_RUN_ID", ""))
    if digest:
        ticket = replace(ticket, artifact=name, manifest=digest)
    packed = bool(entries) and state_carrier.pack_counters(folder, state, ticket)
    outputs = session_outputs(told, end, report=str(report) if end else "")
    actions.outputs({**outputs, "cache": _word(packed), "artifact": _word(packed and bool(digest))})


def _word(value: bool) -> str:
    return "true" if value else "false"
