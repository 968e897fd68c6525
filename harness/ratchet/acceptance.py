"""Applies a baseline, and a target file's `[[accepted]]`, to the results of a run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from functools import cached_property

from harness.events import CheckResult, Ratchet
from harness.findings.finding import Finding
from harness.ratchet.baseline import (
    NOTHING_KNOWN,
    Baseline,
    KnownFinding,
    KnownGap,
    gap_reason,
)
from harness.target.tables.accepted import Accepted
from harness.verdict import Verdict

MOST_ACCEPTED = 1_000
"""A check with more findings is red whatever a baseline says."""


@dataclass(frozen=True, kw_only=True)
class Acceptances:
    """What is accepted on this day."""

    baseline: Baseline = NOTHING_KNOWN
    patterns: tuple[Accepted, ...] = ()
    """Of the target file."""
    today: date

    def __bool__(self) -> bool:
        return self.baseline.path is not None or bool(self.patterns)

    @cached_property
    def _known(self) -> Mapping[str, KnownFinding]:
        return {each.fingerprint: each for each in self.baseline.findings}

    def reason_for(self, check_id: str, finding: Finding) -> str:
        """Give why a finding does not count, an empty text where it does."""
        known = self._known.get(finding.fingerprint)
        if known is not None and self._holds(known.until):
            return known.reason
        for pattern in self.patterns:
            if self._holds(pattern.until) and _fits(pattern, check_id, finding):
                return pattern.reason
        return ""

    def gap_for(self, result: CheckResult) -> KnownGap | None:
        """Give the gap that this inconclusive check is."""
        blocked_by = tuple(sorted({each.rule for each in result.blocked}))
        why = gap_reason(result.message)
        for gap in self.baseline.gaps:
            same = gap.check == result.id and (gap.why, gap.blocked_by) == (why, blocked_by)
            if same and self._holds(gap.until):
                return gap
        return None

    def expired(self) -> tuple[str, ...]:
        """Name what was accepted until a day that is over."""
        ends = [(each.fingerprint, each.until) for each in self.baseline.findings]
        ends += [(each.named, each.until) for each in self.patterns]
        return tuple(f"{name} (until {end})" for name, end in ends if not self._holds(end))

    def _holds(self, until: date | None) -> bool:
        return until is None or self.today <= until


def _fits(pattern: Accepted, check_id: str, finding: Finding) -> bool:
    if pattern.fingerprint is not None:
        return pattern.fingerprint == finding.fingerprint
    return (
        fnmatchcase(finding.rule, pattern.rule)
        and fnmatchcase(finding.subject, pattern.subject)
        and (check_id == pattern.check or fnmatchcase(check_id, pattern.check))
    )


def accept(
    results: Sequence[CheckResult], acceptances: Acceptances
) -> tuple[tuple[CheckResult, ...], Ratchet | None]:
    """Mark what is accepted, and say what is new, fixed and not seen.

    A check all of whose findings are accepted stays `fail` and does not count. What accepted
    findings block is allowed, and so is a check that is inconclusive as it was in the baseline.
    """
    if not acceptances:
        return tuple(results), None
    marked = [_marked(result, acceptances) for result in results]
    accepted_rules = _accepted_rules(marked)
    decided = tuple(_allowed(result, acceptances, accepted_rules) for result in marked)
    found = [finding for result in decided for finding in result.findings]
    fixed, not_seen = _gone(acceptances.baseline.findings, decided, found)
    return decided, Ratchet(
        known=sum(bool(each.accepted) for each in found),
        new=tuple(each.fingerprint for each in found if not each.accepted),
        fixed=tuple(_named(each) for each in fixed),
        not_seen=tuple(_named(each) for each in not_seen),
        expired=acceptances.expired(),
        blocked=sum(
            now.allowed and not before.allowed and bool(now.blocked)
            for before, now in zip(marked, decided, strict=True)
        ),
    )


def _marked(result: CheckResult, acceptances: Acceptances) -> CheckResult:
    if len(result.findings) > MOST_ACCEPTED:
        return result
    findings = tuple(
        replace(each, accepted=acceptances.reason_for(result.id, each)) for each in result.findings
    )
    return replace(result, findings=findings)


def _accepted_rules(results: Iterable[CheckResult]) -> set[str]:
    """Rules of preconditions of which everything that their owners reported is accepted."""
    reported: dict[str, list[bool]] = {}
    for result in results:
        for finding in result.owned_findings:
            reported.setdefault(finding.rule, []).append(bool(finding.accepted))
    return {rule for rule, accepted in reported.items() if all(accepted)}


def _allowed(
    result: CheckResult, acceptances: Acceptances, accepted_rules: set[str]
) -> CheckResult:
    if result.verdict is not Verdict.INCONCLUSIVE or result.allowed or not result.ran:
        return result
    rules = {each.rule for each in result.blocked}
    known = acceptances.gap_for(result) is not None or (rules and rules <= accepted_rules)
    return replace(result, allowed=True) if known else result


def _gone(
    known: Iterable[KnownFinding], results: Sequence[CheckResult], found: Iterable[Finding]
) -> tuple[list[KnownFinding], list[KnownFinding]]:
    """Tell what is fixed (its cell was looked at and is clean) from what was not seen."""
    seen = {finding.fingerprint for finding in found}
    by_id = {result.id: result for result in results}
    fixed: list[KnownFinding] = []
    not_seen: list[KnownFinding] = []
    for each in known:
        if each.fingerprint in seen:
            continue
        result = by_id.get(each.check)
        (fixed if result is not None and _is_clean(each, result) else not_seen).append(each)
    return fixed, not_seen


def _is_clean(known: KnownFinding, result: CheckResult) -> bool:
    return known.is_clean(result.verdict, result.cells.clean)


def _named(known: KnownFinding) -> str:
    subject = f" at {known.subject}" if known.subject else ""
    return f"{known.fingerprint} {known.rule}{subject} ({known.check})"
