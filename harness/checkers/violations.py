"""What a checker found, and how a check fails by it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.checkers.facts import Transition
from harness.errors import CheckFailed
from harness.evidence import Evidence, transitions_evidence

SHOWN = 8
"""How many violations a message lists; the first ones usually show the cause."""

ONCE, ONE_OWNER, FINAL = "export.once", "export.one-owner", "export.states-in-order"
RULES: Mapping[str, str] = {
    "lost": ONCE,
    "not-ready": ONCE,
    "repeated": ONCE,
    "completed-unready": ONCE,
    "over-attempts": ONCE,
    "completed-twice": "ledger.event-once",
    "unrecorded": "ledger.event-written",
    "two-owners": ONE_OWNER,
    "stolen": ONE_OWNER,
    "nobodys": ONE_OWNER,
    "claim-unseen": ONE_OWNER,
    "attempt": ONE_OWNER,
    "claims-miscounted": ONE_OWNER,
    "attempts-lost": ONE_OWNER,
    "attempt-uncounted": ONE_OWNER,
    "undecided": FINAL,
    "no-such-way": FINAL,
    "over-cap": "export.cap",
    "overtaken": "export.oldest-first",
}
"""The sentence of the contract (`rules.toml`) by a violation's short name; of others the check's
own."""


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
    violations: Sequence[Violation],
    *,
    detail: str = "",
    notes: Mapping[str, str] | None = None,
    transitions: Iterable[Transition] | None = None,
) -> None:
    """Fail the check unless nothing was found; the message leads with the first violation.

    `notes` say what the check knows about a subject, such as what was done to it. Of the
    `transitions` those of the first violation's subject are shown as evidence.
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
    failure = CheckFailed(
        expected=f"{first.expected} [{first.rule}]",
        got=first.got,
        detail="\n".join(filter(None, [*lines, detail])),
        rule=RULES.get(first.rule, ""),
        evidence=_evidence(first.subject, transitions or ()),
    )
    failure.aspect = first.rule
    raise failure


def _evidence(subject: str, transitions: Iterable[Transition]) -> tuple[Evidence, ...]:
    steps = [
        step.describe() if step.export_id == subject else f"{step.export_id}: {step.describe()}"
        for step in transitions
        if subject in (step.export_id, step.organization_id)
    ]
    return (transitions_evidence(f"states of {subject}", steps),) if steps else ()
