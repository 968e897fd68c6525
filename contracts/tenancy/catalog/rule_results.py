"""What a rule about the catalog came to, for one table, function, role or schema."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from harness.expect import expect

Kind = Literal["table", "function", "role", "schema"]
"""What a rule is about; views count as tables."""


@dataclass(frozen=True, kw_only=True)
class RuleResult:
    """One thing that was looked at by one rule, and what is wrong with it if anything is."""

    kind: Kind
    about: str
    """Its name."""
    rule: str
    expected: str = ""
    got: str = ""

    @property
    def wrong(self) -> bool:
        """Whether the rule is broken."""
        return bool(self.expected)


def rule_result(
    kind: Kind, about: str, rule: str, holds: object, *, expected: str, got: str
) -> RuleResult:
    """Say what a rule found."""
    if holds:
        return RuleResult(kind=kind, about=about, rule=rule)
    return RuleResult(kind=kind, about=about, rule=rule, expected=expected, got=got)


def expect_no_violations(results: Iterable[RuleResult]) -> None:
    """Fail the check with the first thing that is wrong, and with the others as its detail."""
    wrong = list(dict.fromkeys(one for one in results if one.wrong))
    expect(
        not wrong,
        expected=wrong[0].expected if wrong else "",
        got=wrong[0].got if wrong else "",
        detail="\n".join(f"and: expected {one.expected}; got: {one.got}" for one in wrong[1:]),
    )
