"""What a rule about the catalog found, for one table, function, role or schema."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

from harness.errors import CheckFailed

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


def expect_holds(result: RuleResult) -> None:
    """Fail unless a rule holds; what breaks one rule is one cause, whatever breaks it."""
    if not result.holds:
        raise CheckFailed(
            expected=result.expected,
            got=result.got,
            aspect=result.rule,
        )
