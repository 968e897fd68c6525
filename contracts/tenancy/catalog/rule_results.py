"""What a rule about the catalog found, for one table, function, role or schema."""

from collections.abc import Iterable
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
    broken: str = ""
    """The id of the rule that is broken; empty for that of the check."""


KINDS: tuple[Kind, ...] = ("table", "role", "schema", "function")
"""What is reported first: what has tenants' data, then who may reach it, then with what."""


def by_weight(results: Iterable[RuleResult]) -> list[RuleResult]:
    """Put results in the order in which they matter to tenants."""
    return sorted(results, key=lambda one: (bool(one.broken), KINDS.index(one.kind)))


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
            rule=result.broken,
        )
