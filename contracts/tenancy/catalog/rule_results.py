"""What a rule about the catalog found, for one table, function, role or schema."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from harness.expect import expect

Kind = Literal["table", "function", "role", "schema"]
"""What a rule is about; views count as tables."""


@dataclass(frozen=True)
class RuleResult:
    """One rule applied to one thing, and what is wrong if it does not hold."""

    kind: Kind
    name: str
    rule: str
    holds: bool
    expected: str = ""
    got: str = ""


table_rule = partial(RuleResult, "table")
function_rule = partial(RuleResult, "function")
role_rule = partial(RuleResult, "role")
schema_rule = partial(RuleResult, "schema")


def violations_of(results: Iterable[RuleResult]) -> list[RuleResult]:
    """The results whose rule does not hold, each once."""
    return list(dict.fromkeys(result for result in results if not result.holds))


def expect_no_violations(results: Iterable[RuleResult]) -> None:
    """Fail the check with the first violation, and with the others as its detail."""
    violations = violations_of(results)
    expect(
        not violations,
        expected=violations[0].expected if violations else "",
        got=violations[0].got if violations else "",
        detail="\n".join(f"and: expected {one.expected}; got: {one.got}" for one in violations[1:]),
    )
