"""Verification compared with its baseline: what was green at the base must be green now."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from autorun.core.model import CheckResult


class Standing(StrEnum):
    """What one check says about the change."""

    PASSED = "passed"
    REGRESSION = "regression"
    ALREADY_FAILING = "already failing"
    IMPROVEMENT = "improvement"
    NOT_RUN = "not run"


class Conclusion(StrEnum):
    """What all checks together say about the change."""

    VERIFIED = "verified"
    REGRESSED = "regressed"
    NO_EVIDENCE = "no evidence"
    NOT_CONFIGURED = "not configured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One check before and after. `before` is None if it never ran at the base, `after` if it was cut short."""

    before: CheckResult | None
    after: CheckResult | None

    @property
    def run(self) -> str:
        """The command."""
        return self.after.run if self.after else self.before.run if self.before else ""

    @property
    def standing(self) -> Standing:
        """What this check says; without a baseline it has to pass."""
        if self.after is None:
            return Standing.NOT_RUN
        was_red = self.before is not None and not self.before.passed
        if self.after.passed:
            return Standing.IMPROVEMENT if was_red else Standing.PASSED
        return Standing.ALREADY_FAILING if was_red else Standing.REGRESSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Every check, in the order of the configuration."""

    checks: tuple[Compared, ...] = ()

    @property
    def regressions(self) -> tuple[CheckResult, ...]:
        """The results that are red now and were not before."""
        return tuple(c.after for c in self.checks if c.after is not None and c.standing is Standing.REGRESSION)

    @property
    def complete(self) -> bool:
        """Every check of the baseline ran again; if not, the work was stopped and nothing is decided."""
        return all(check.standing is not Standing.NOT_RUN for check in self.checks)

    @property
    def conclusion(self) -> Conclusion:
        """The sum: one regression outweighs everything; what was red before is no evidence either way."""
        standings = {check.standing for check in self.checks}
        if not standings:
            return Conclusion.NOT_CONFIGURED
        if Standing.REGRESSION in standings:
            return Conclusion.REGRESSED
        if Standing.NOT_RUN in standings or standings == {Standing.ALREADY_FAILING}:
            return Conclusion.NO_EVIDENCE
        return Conclusion.VERIFIED


def compare(baseline: Sequence[CheckResult], after: Sequence[CheckResult]) -> Comparison:
    """Pair the results of the same command, the first with the first where one is listed twice."""
    waiting: dict[str, list[CheckResult]] = defaultdict(list)
    for result in after:
        waiting[result.run].append(result)
    pairs = [Compared(before=b, after=waiting[b.run].pop(0) if waiting[b.run] else None) for b in baseline]
    left = {id(result) for results in waiting.values() for result in results}
    pairs += [Compared(before=None, after=result) for result in after if id(result) in left]
    return Comparison(checks=tuple(pairs))
