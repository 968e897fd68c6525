"""What a checker found, and how a check fails by it."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import CheckFailed

SHOWN = 8
"""How many violations a message lists; the first ones usually tell the cause."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """One sentence of the contract, broken once."""

    rule: str
    """A short stable name: `lost`, `claimed-twice`, `over-cap` …"""
    subject: str
    """What it is about: an export's or an organisation's id."""
    expected: str
    """What the contract says."""
    came: str
    """What was there instead."""

    def describe(self) -> str:
        """Say it in one line."""
        return f"[{self.rule}] expected {self.expected}; came {self.came}"


def expect_no_violations(violations: Sequence[Violation], *, detail: str = "") -> None:
    """Fail the check unless nothing was found; the first violation speaks for all."""
    if not violations:
        return
    first = violations[0]
    listed = [violation.describe() for violation in violations[1:SHOWN]]
    if len(violations) > SHOWN:
        listed.append(f"… {len(violations)} violations in all")
    raise CheckFailed(
        expected=f"{first.expected} [{first.rule}]",
        came=first.came,
        detail="\n".join(filter(None, [detail, *listed])),
    )
