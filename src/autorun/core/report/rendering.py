"""What people read on the forge and the tracker: commit message, pull request and status comment, as Markdown."""

import textwrap
from dataclasses import dataclass
from datetime import datetime

from autorun.core.checks import Comparison, Conclusion, Standing
from autorun.core.ledger.record import Attempt, Record
from autorun.core.model import Blocker, CheckResult, Statement, Task, TaskId, TaskState, Usage
from autorun.core.policy import Finding, Tier
from autorun.core.text import outgoing

_SUBJECT, _TITLE, _WIDTH = 72, 120, 76  # characters
_LISTED = 50  # rows of any table or list
_ATTEMPTS = 10

_HEADLINES = {
    TaskState.TODO: "waiting",
    TaskState.IN_PROGRESS: "in progress",
    TaskState.IN_REVIEW: "in review",
    TaskState.BLOCKED: "blocked, needs an answer",
    TaskState.PAUSED: "paused, needs approval",
    TaskState.FAILED: "failed",
    TaskState.DONE: "done",
    TaskState.CANCELLED: "cancelled",
}
_STANDINGS = {
    Standing.PASSED: "passes",
    Standing.REGRESSION: "**broken by this change**",
    Standing.ALREADY_FAILING: "already failing, no evidence",
    Standing.IMPROVEMENT: "**fixed by this change**",
    Standing.NOT_RUN: "not run",
}
_CONCLUSIONS = {
    Conclusion.VERIFIED: "Everything that passed before passes after the change.",
    Conclusion.REGRESSED: "Something that passed before fails after the change.",
    Conclusion.NO_EVIDENCE: "The commands gave no evidence: they failed before the change too, or did not run.",
    Conclusion.NOT_CONFIGURED: "No verification is configured: nothing but review stands between this and a merge.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestFacts:
    """What a pull request tells beside the task."""

    statement: Statement
    comparison: Comparison
    usage: Usage
    model: str
    session_id: str
    findings: tuple[Finding, ...] = ()
    run_url: str = ""
    blocked: tuple[str, ...] = ()


def task_marker(task: TaskId) -> str:
    """Return the hidden line by which our own comments and pull requests are found again."""
    return f"<!-- autorun:task={task} -->"


def commit_message(task: Task, statement: Statement, *, session_id: str) -> str:
    """Return subject, body and trailers."""
    wrapped = "\n".join(
        textwrap.fill(line, _WIDTH, break_long_words=False, break_on_hyphens=False)
        for line in outgoing.cut(outgoing.inert(statement.summary), 4000).split("\n")
    )
    trailers = f"Autorun-Task: {outgoing.line(str(task.id), 200)}\nAutorun-Run: {outgoing.line(session_id, 200)}"
    parts = (_title(task, statement, _SUBJECT), outgoing.prose(wrapped), trailers)
    return "\n\n".join(part for part in parts if part) + "\n"


def pull_request_title(task: Task, statement: Statement, *, prefix: str = "") -> str:
    """Return one line; `prefix` is the maintainer's and stands as it is."""
    return prefix + _title(task, statement, _TITLE)


def pull_request_body(task: Task, facts: PullRequestFacts) -> str:
    """Return the body: what and why, evidence, verification, cost; warnings first."""
    statement = facts.statement
    closes = f"Closes #{task.id.key}" if task.id.provider == "github" and task.id.key.isdecimal() else ""
    sections = (
        task_marker(task.id),
        closes,
        _warnings(facts.findings),
        f"## What and why\n\nIn the agent's words:\n\n{outgoing.quoted(statement.body or statement.summary)}",
        _criteria(statement),
        f"## Verification\n\n{verification(facts.comparison)}",
        _blocked(facts.blocked),
        f"## Run\n\n{_run(task, facts)}",
    )
    return outgoing.cut("\n\n".join(section for section in sections if section) + "\n")


def status_comment(task: Task, record: Record, *, run_url: str = "") -> str:
    """Return the one comment that shows a task's record: state, why, what is asked of people, attempts, cost."""
    outcome = record.outcome
    sections = [task_marker(task.id), f"### Autorun: {_HEADLINES[record.state]}"]
    if outcome is not None:
        # Behind a word of ours, so that no text opens a heading, a fence or a table.
        sections.append(f"**Why:** {outgoing.line(outcome.sentence, 4000)}")
        sections.append(f"**What to do:** {outgoing.line(outcome.remedy, 4000)}" if outcome.remedy else "")
        sections += [_blocker(blocker) for blocker in outcome.blockers[:_LISTED]]
    if record.pull_request is not None:
        number = record.pull_request.number
        sections.append(
            outgoing.link(f"Pull request{f' #{number}' if number else ''}", record.pull_request.url) + "."
        )
    if record.next_eligible_at is not None:
        sections.append(f"It is tried again after {_moment(record.next_eligible_at)}.")
    sections += [f"- {outgoing.line(warning, 400)}" for warning in task.warnings[:_LISTED]]
    if record.attempts:
        sections.append(_attempts(record))
    if run_url:
        sections.append(outgoing.link("The run", run_url) + " has the log.")
    return outgoing.cut("\n\n".join(section for section in sections if section) + "\n")


def verification(comparison: Comparison) -> str:
    """Return what the checks say: a sentence and a table of before and after."""
    sentence = _CONCLUSIONS[comparison.conclusion]
    if not comparison.checks:
        return sentence
    rows = [
        f"| {outgoing.code(c.run)} | {_ended(c.before)} | {_ended(c.after)} | {_STANDINGS[c.standing]} |"
        for c in comparison.checks[:_LISTED]
    ]
    return "\n".join((sentence, "", "| command | before | after | |", "|---|---|---|---|", *rows))


def money(usd: float, *, estimated: bool = False) -> str:
    """Return an amount of US dollars."""
    return f"${usd:.2f}" + (" (estimated)" if estimated else "")


def cost(usage: Usage) -> str:
    """Return what a usage cost, and whether that is an estimate."""
    return money(usage.cost_usd, estimated=usage.estimated)


def _title(task: Task, statement: Statement, limit: int) -> str:
    titles = (outgoing.line(text, limit) for text in (statement.title, task.title, str(task.id)))
    return next(title for title in titles if title)


def _warnings(findings: tuple[Finding, ...]) -> str:
    warned = [finding for finding in findings if finding.tier is Tier.WARN]
    if not warned:
        return ""
    rows = [f"> - {outgoing.code(f.path)}: {outgoing.line(f.sentence, 400)}" for f in warned[:_LISTED]]
    if len(warned) > _LISTED:
        rows.append(f"> - and {len(warned) - _LISTED} more")
    return "\n".join(("> [!WARNING]", "> Look at these with care before you merge:", ">", *rows))


def _criteria(statement: Statement) -> str:
    rows = [
        f"| {outgoing.cell(c.criterion)} | {'yes' if c.met else '**no**'} | {outgoing.cell(c.evidence)} |"
        for c in statement.criteria[:_LISTED]
    ]
    head = ("## Acceptance criteria", "", "| criterion | met | evidence, in the agent's words |", "|---|---|---|")
    return "\n".join((*head, *rows)) if rows else ""


def _run(task: Task, facts: PullRequestFacts) -> str:
    usage = facts.usage
    name = outgoing.code(str(task.id))
    lines = [
        f"- Task: {outgoing.link(name, task.url) if task.url else name}",
        f"- Cost: {cost(usage)}, {usage.turns} turns",
        f"- Model: {outgoing.code(facts.model)}",
        f"- Session: {outgoing.code(facts.session_id)}",
    ]
    if facts.run_url:
        lines.append(f"- {outgoing.link('Run', facts.run_url)}")
    return "\n".join(lines)


def _blocked(connections: tuple[str, ...]) -> str:
    if not connections:
        return ""
    rows = [f"- {outgoing.line(text, 400)}" for text in connections[:_LISTED]]
    return "\n".join(("## Refused connections", "", "The sandbox let none of these out:", "", *rows))


def _blocker(blocker: Blocker) -> str:
    parts = [f"**Blocked by**\n\n{outgoing.quoted(blocker.what, 4000)}"]
    if blocker.why:
        parts.append(f"**Why**\n\n{outgoing.quoted(blocker.why, 4000)}")
    if blocker.needed:
        parts.append(f"**What unblocks it**\n\n{outgoing.quoted(blocker.needed, 4000)}")
    return "\n\n".join(parts)


def _attempts(record: Record) -> str:
    attempts = record.attempts
    rows = [
        f"| {a.number} | {_moment(a.started_at)} | {_result(a)} | {a.usage.turns} "
        f"| {money(a.charged_usd, estimated=a.usage.estimated)} |"
        for a in attempts[-_ATTEMPTS:]
    ]
    total = money(record.charged_usd, estimated=record.estimated)
    head = ("| attempt | started | ended | turns | cost |", "|---|---|---|---|---|")
    return "\n".join((*head, *rows, "", f"{len(attempts)} attempt{'s' * (len(attempts) != 1)}, {total} in all."))


def _result(attempt: Attempt) -> str:
    return attempt.reason.value.replace("_", " ") if attempt.reason is not None else "running"


def _ended(result: CheckResult | None) -> str:
    if result is None:
        return "not run"
    if result.exit_code is None:
        return "ended by force"
    return "passes" if result.passed else f"fails ({result.exit_code})"


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
