"""What a checker found, and how a check fails by it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.checkers.facts import Transition
from harness.errors import CheckFailed
from harness.evidence import Evidence, transitions_evidence

SHOWN = 4
"""How many violations a message lists; the first ones usually show the cause."""

ONCE, ONE_OWNER, FINAL = "export.once", "export.one-owner", "export.states-in-order"
LIVING, ARCHIVE = "recovery.living-keep", "export.archive"
RULES: Mapping[str, str] = {
    "nobodys": ONE_OWNER,
    "claim-unseen": ONE_OWNER,
    "stolen": LIVING,
    "reclaimed-early": LIVING,
    "reclaimed-late": "recovery.in-time",
    "finished-by-zombie": "stale-worker.changes-nothing",
    "two-owners": ONE_OWNER,
    "undecided": FINAL,
    "no-such-way": FINAL,
    "over-cap": "export.cap",
    "overtaken": "export.oldest-first",
    "attempt": ONE_OWNER,
    "attempts": ONE_OWNER,
    "attempts-lost": ONE_OWNER,
    "attempt-uncounted": ONE_OWNER,
    "token-reused": "claim.new-token",
    "token-changed": ONE_OWNER,
    "claims-miscounted": ONE_OWNER,
    "completed-twice": "ledger.event-once",
    "unrecorded": "ledger.event-written",
    "completed-unready": ONCE,
    "over-attempts": ONCE,
    "given-up-early": ONCE,
    "key-twice": "idempotency.one-record",
    "chain-gap": "ledger.chain-valid",
    "chain-broken": "ledger.chain-valid",
    "seen-by-other": "tenancy.no-foreign-data",
    "drain-late": "drain.in-time",
    "drain-kept": "drain.gives-back",
    "changed-by-stale": "stale-worker.changes-nothing",
    "lost": ONCE,
    "not-ready": ONCE,
    "repeated": ONCE,
    "no-object": ARCHIVE,
    "no-zip": ARCHIVE,
    "files": "manifest.files-match",
    "manifest": "manifest.recorded",
    "digest": "download.digest",
    "other-bytes": "export.same-bytes",
}
"""The sentence of the contract (`rules.toml`) by a violation's short name; of others the check's
own. What usually is the cause stands before what follows from it."""

_RANK = {kind: rank for rank, kind in enumerate(RULES)}


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
    if violations:
        raise _failure(violations, detail, notes or {}, transitions or ())


def failures_of(
    violations: Sequence[Violation],
    *,
    detail: str = "",
    notes: Mapping[str, str] | None = None,
    transitions: Iterable[Transition] | None = None,
    explained: Collection[str] = (),
) -> list[CheckFailed]:
    """Give one failure for each rule that is broken, causes first.

    What is wrong with a subject usually has one cause: only its likeliest violation counts, and
    nothing of those that are `explained` by an earlier failure. Kinds of one rule are one failure:
    which of them a fault shows as is a matter of timing.
    """
    by_rule: dict[str, list[Violation]] = {}
    kind_of = dict.fromkeys(explained, "")
    for each in sorted(violations, key=lambda one: _RANK.get(one.rule, len(_RANK))):
        if kind_of.setdefault(each.subject, each.rule) == each.rule:
            by_rule.setdefault(RULES.get(each.rule, each.rule), []).append(each)
    steps = list(transitions or ())
    return [_failure(found, detail, notes or {}, steps, aspect="") for found in by_rule.values()]


def _failure(
    violations: Sequence[Violation],
    detail: str,
    notes: Mapping[str, str],
    transitions: Iterable[Transition],
    aspect: str | None = None,
) -> CheckFailed:
    first = violations[0]
    lines = [f"about {first.subject}: {notes[first.subject]}"] if first.subject in notes else []
    for violation in violations[1:SHOWN]:
        note = notes.get(violation.subject)
        lines.append(violation.describe() + (f" ({note})" if note else ""))
    if len(violations) > SHOWN:
        lines.append(f"… {len(violations)} violations in all")
    return CheckFailed(
        expected=f"{first.expected} [{first.rule}]",
        got=first.got,
        detail="\n".join(filter(None, [*lines, detail])),
        rule=RULES.get(first.rule, ""),
        aspect=first.rule if aspect is None else aspect,
        evidence=_evidence(first.subject, transitions),
    )


def _evidence(subject: str, transitions: Iterable[Transition]) -> tuple[Evidence, ...]:
    steps = [
        step.describe() if step.export_id == subject else f"{step.export_id}: {step.describe()}"
        for step in transitions
        if subject in (step.export_id, step.organization_id)
    ]
    return (transitions_evidence(f"states of {subject}", steps),) if steps else ()
