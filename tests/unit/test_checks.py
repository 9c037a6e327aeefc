"""Verification is judged against its baseline."""

import pytest
from hypothesis import given, settings, strategies as st

from autorun.core.checks import Comparison, Conclusion, Standing, compare
from autorun.core.model import CheckResult


def result(run: str, *, passed: bool | None) -> CheckResult:
    return CheckResult(run=run, exit_code=None if passed is None else int(not passed), seconds=1.0)


@pytest.mark.parametrize(
    ("before", "after", "standing", "conclusion"),
    [
        (True, True, Standing.PASSED, Conclusion.VERIFIED),
        (True, False, Standing.REGRESSION, Conclusion.REGRESSED),
        (True, None, Standing.REGRESSION, Conclusion.REGRESSED),
        (False, False, Standing.ALREADY_FAILING, Conclusion.NO_EVIDENCE),
        (None, False, Standing.ALREADY_FAILING, Conclusion.NO_EVIDENCE),
        (False, True, Standing.IMPROVEMENT, Conclusion.VERIFIED),
    ],
)
def test_one_check_before_and_after(
    before: bool | None, after: bool | None, standing: Standing, conclusion: Conclusion
) -> None:
    """A check that had to be killed is as red as one that failed."""
    comparison = compare([result("t", passed=before)], [result("t", passed=after)])
    assert [check.standing for check in comparison.checks] == [standing]
    assert comparison.conclusion is conclusion
    assert comparison.complete
    assert [r.run for r in comparison.regressions] == (["t"] if standing is Standing.REGRESSION else [])


def test_no_verification_is_no_evidence_of_its_own_kind() -> None:
    """Nothing configured is said as that."""
    assert compare([], []) == Comparison()
    assert Comparison().conclusion is Conclusion.NOT_CONFIGURED


def test_a_check_that_was_cut_short_proves_nothing() -> None:
    """Where work was stopped in the middle, the missing check is named and nothing counts as verified."""
    comparison = compare([result("a", passed=True), result("b", passed=True)], [result("a", passed=True)])
    assert [c.standing for c in comparison.checks] == [Standing.PASSED, Standing.NOT_RUN]
    assert comparison.checks[1].run == "b"
    assert not comparison.complete
    assert comparison.conclusion is Conclusion.NO_EVIDENCE


def test_a_check_without_a_baseline_has_to_pass() -> None:
    """What never ran at the base is judged by itself."""
    comparison = compare([], [result("new", passed=False), result("other", passed=True)])
    assert [c.standing for c in comparison.checks] == [Standing.REGRESSION, Standing.PASSED]


def test_the_same_command_listed_twice_is_paired_in_order() -> None:
    """The first before belongs to the first after."""
    comparison = compare(
        [result("t", passed=True), result("t", passed=False)], [result("t", passed=True), result("t", passed=False)]
    )
    assert [c.standing for c in comparison.checks] == [Standing.PASSED, Standing.ALREADY_FAILING]


RESULTS = st.lists(st.builds(result, st.sampled_from("abc"), passed=st.sampled_from([True, False, None])), max_size=5)


@settings(deadline=None)
@given(RESULTS, RESULTS)
def test_nothing_is_lost_in_pairing(before: list[CheckResult], after: list[CheckResult]) -> None:
    """Every result stands in exactly one pair, and one regression decides."""
    comparison = compare(before, after)
    assert [c.before for c in comparison.checks if c.before is not None] == before
    key = lambda r: (r.run, str(r.exit_code))  # noqa: E731 (a sort key)
    assert sorted((c.after for c in comparison.checks if c.after is not None), key=key) == sorted(after, key=key)
    assert (comparison.conclusion is Conclusion.REGRESSED) == bool(comparison.regressions)
