"""A claim function whose arguments are not those declared: what differs, and the lines."""

import pytest

from harness.doctor.claiming import of_signature
from harness.system.claim_function import Overload
from harness.target.tables.claim import Claim, ClaimArguments

TAKE = Overload(names=["p_name", "p_kind", "p_most"], required=2)
OLDER = Overload(names=["p_older"], required=1)
RIGHT = {"worker": "p_name", "limit": "p_most", "per_org": "", "constants": {"p_kind": "a"}}


def claim(**changed: object) -> Claim:
    arguments = ClaimArguments.model_validate({**RIGHT, **changed})
    return Claim(function="take", arguments=arguments)


def test_a_function_that_takes_what_is_declared() -> None:
    step = of_signature(claim(), [OLDER, TAKE])
    assert (step.how, step.seen) == ("holds", "take(p_name, p_kind, p_most), as declared")


@pytest.mark.parametrize(
    ("changed", "lines"),
    [
        ({"worker": "p_nme"}, ['worker = "p_name"']),
        ({"limit": "zzzz", "per_org": "xyz"}, ['limit = ""', 'per_org = ""']),
        ({"constants": {}}, ["constants = { p_kind = … }"]),
        ({"constants": {"p_kind": "a", "p_x": 1}}, ['constants = { p_kind = "a" }']),
        ({"constants": {"p_kind": True, "p_x": 1}}, ["constants = { p_kind = true }"]),
    ],
)
def test_what_differs_has_its_lines(changed: dict[str, object], lines: list[str]) -> None:
    step = of_signature(claim(**changed), [OLDER, TAKE])
    assert step.how == "does not hold"
    assert list(step.lines) == ["[claim.arguments]", *lines]


def test_the_contracts_own_arguments_are_held_against_the_function_too() -> None:
    step = of_signature(Claim(function="take"), [OLDER])
    assert "it has no argument 'p_worker'" in step.seen
    assert "it needs 'p_older'" in step.seen
