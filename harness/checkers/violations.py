"""What a checker found, and how a check fails by it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.errors import CheckFailed

SHOWN = 8
"""How many violations a message lists; the first ones usually show the cause."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """One sentence of the contract, broken once."""

    rule: str
    """A short stable name: `lost`, `claimed-twice`, `over-cap` …"""
    subject: str
    """What it is about: an export's or an organization's id."""
    expected: str
    """What the contract demands."""
    got: str
    """What was there instead."""

    def describe(self) -> str:
        """Say it in one line."""
        return f"[{self.rule}] expected {self.expected}; got {self.got}"


def expect_no_violations(
    violations: Sequence[Violation], *, detail: str = "", notes: Mapping[str, str] | None = None
) -> None:
    """Fail the check unless nothing was found; the message leads with the first violation.

    `notes` say what the check knows about a subject, such as what was done to it.
    """
    if not violations:
        return
    first, known = violations[0], notes or {}
    lines = [f"about {first.subject}: {known[first.subject]}"] if first.subject in known else []
    for violation in violations[1:SHOWN]:
        note = known.get(violation.subject)
        lines.append(violation.describe() + (f" ({note})" if note else ""))
    if len(violations) > SHOWN:
        lines.append(f"… {len(violations)} violations in all")
    raise CheckFailed(
        expected=f"{first.expected} [{first.rule}]",
        got=first.got,
        detail="\n".join(filter(None, [*lines, detail])),
    )
