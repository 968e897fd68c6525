"""How verdicts combine, and what a shell sees of them."""

import pytest

from harness.verdict import ExitCode, Verdict, combine, exit_code

PASS, FAIL, OPEN = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([PASS, PASS], PASS),
        ([PASS, OPEN], OPEN),
        ([PASS, OPEN, FAIL], FAIL),
        ([FAIL, PASS], FAIL),
        ([], OPEN),
    ],
)
def test_fail_dominates_then_inconclusive_and_nothing_is_never_a_pass(
    parts: list[Verdict], whole: Verdict
) -> None:
    assert combine(parts) is whole


def test_exit_codes_are_those_of_the_design() -> None:
    assert [int(exit_code(verdict)) for verdict in (PASS, FAIL, OPEN)] == [0, 1, 2]
    assert (ExitCode.MISCONFIGURED, ExitCode.INTERNAL_ERROR) == (3, 4)
