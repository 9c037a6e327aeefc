"""What speaks for a change: the difference itself, the policy on it, the checks before and after it."""

from dataclasses import dataclass, field

from autorun.claim import Hold
from autorun.core import verdicts
from autorun.core.checks import Comparison, compare
from autorun.core.errors import Interrupted
from autorun.core.model import Change, CheckResult, Statement, Workspace
from autorun.core.policy import PATCH_LIMIT, Finding, judge_change
from autorun.core.verdicts import Publish, Verdict
from autorun.terms import Bench


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one look at the workspace brought to light."""

    change: Change
    findings: tuple[Finding, ...] = ()
    checks: Comparison = field(default_factory=Comparison)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A verdict and what it rests on."""

    verdict: Verdict
    evidence: Evidence


def baseline(hold: Hold, workspace: Workspace) -> tuple[CheckResult, ...]:
    """Return the checks' results at the base revision, run once a session for each base."""
    known = hold.bench.baselines.get(workspace.base)
    if known is None:
        known = _verify(hold, workspace, "verify-base.log")
        hold.bench.baselines[workspace.base] = known
    return known


def look(
    hold: Hold, workspace: Workspace, change: Change, statement: Statement, before: tuple[CheckResult, ...]
) -> Judged:
    """Gather the evidence in the order of its price, and stop at the first thing that is not right.

    `before` are the checks' results at the base. Raises Interrupted when the run is asked to end meanwhile.
    """
    terms = hold.bench.terms
    findings = judged_by_policy(hold.bench, change, statement)
    if verdict := verdicts.on_change(change, findings, statement):
        return Judged(verdict=verdict, evidence=Evidence(change=change, findings=findings))
    checks = compare(before, _verify(hold, workspace, "verify.log"))
    verdict = verdicts.on_checks(checks, hold.attempts, pauses=terms.checkpoints.on_regression_failure)
    return Judged(
        verdict=verdict or Publish(statement=statement),
        evidence=Evidence(change=change, findings=findings, checks=checks),
    )


def judged_by_policy(bench: Bench, change: Change, statement: Statement) -> tuple[Finding, ...]:
    """Return what the policy of the base has to say about a change and the words that go with it."""
    changes = bench.world.changes
    around = changes.surroundings(change)
    return judge_change(
        change,
        bench.terms.policy,
        patch=changes.patch(change, max_bytes=PATCH_LIMIT),
        texts=_leaving(statement),
        canaries=bench.terms.secrets,
        filtered=around.filtered,
        base_paths=around.paths,
    )


def _leaving(statement: Statement) -> dict[str, str]:
    """All the agent's words that a commit message or pull request would carry."""
    evidence = "\n".join(f"{one.criterion}\n{one.evidence}" for one in statement.criteria)
    return {
        "the title": statement.title,
        "the body": statement.body,
        "the summary": statement.summary,
        "the evidence": evidence,
    }


def _verify(hold: Hold, workspace: Workspace, log: str) -> tuple[CheckResult, ...]:
    bench = hold.bench
    results = bench.world.verifier.run(bench.terms.verify, workspace, log=hold.folder / log, stop=hold.stop)
    if reason := hold.stop():
        raise Interrupted(f"The verification was broken off ({reason}).")
    return results
