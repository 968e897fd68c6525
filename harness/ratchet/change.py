"""What `shakedown accept` changes in a baseline: added, fixed and kept, a line each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from harness.errors import Misconfigured
from harness.findings.fingerprint import shown_cell
from harness.ratchet.baseline import (
    NOTHING_KNOWN,
    Baseline,
    KnownFinding,
    KnownGap,
    of_results,
    read_baseline,
    read_json,
)


@dataclass(frozen=True, kw_only=True)
class Change:
    """A baseline before and after."""

    after: Baseline
    added: tuple[str, ...]
    fixed: tuple[str, ...]
    """Taken out: its place was looked at and is clean."""
    kept: tuple[str, ...]

    @property
    def is_any(self) -> bool:
        """Whether anything changes."""
        return bool(self.added or self.fixed)


def change_of(
    run: Path, baseline: Path, *, patterns: Sequence[str], reason: str, until: date | None
) -> Change:
    """Say what accepting a run's findings changes; a run of some checks drops no other entry.

    Raises `Misconfigured`: the run or the baseline cannot be read, or a pattern matches nothing.
    """
    plain = read_json(run)
    found = of_results(plain, run, reason=reason, until=until)
    before = read_baseline(baseline) if baseline.exists() else NOTHING_KNOWN
    _refuse_unmatched(patterns, found)
    findings = {each.fingerprint: each for each in before.findings}
    gaps = {each.check: each for each in before.gaps}
    fixed = [each for each in before.findings if _is_fixed(each, plain["checks"])]
    for each in fixed:
        del findings[each.fingerprint]
    passed = {check["id"] for check in plain["checks"] if check["verdict"] == "pass"}
    closed = [gap for gap in before.gaps if gap.check in passed]
    for gap in closed:
        del gaps[gap.check]
    kept = [_named(each) for each in findings.values()]
    kept += [_named_gap(gap) for gap in gaps.values()]
    new = [
        each
        for each in found.findings
        if each.fingerprint not in findings and _is_meant(each, patterns)
    ]
    new_gaps = [
        gap
        for gap in found.gaps
        if (gap.check not in gaps or gaps[gap.check].why != gap.why)
        and (not patterns or any(fnmatchcase(gap.check, each) for each in patterns))
    ]
    return Change(
        after=Baseline(
            findings=(*findings.values(), *new),
            gaps=tuple({**gaps, **{gap.check: gap for gap in new_gaps}}.values()),
        ),
        added=(*map(_named, new), *map(_named_gap, new_gaps)),
        fixed=(*map(_named, fixed), *map(_named_gap, closed)),
        kept=tuple(kept),
    )


def _refuse_unmatched(patterns: Sequence[str], found: Baseline) -> None:
    for pattern in patterns:
        fits = any(_is_meant(each, (pattern,)) for each in found.findings)
        if not fits and not any(fnmatchcase(gap.check, pattern) for gap in found.gaps):
            known = sorted({each.rule for each in found.findings})
            raise Misconfigured(
                f"{pattern}: the run has no such finding, by fingerprint, rule or check; "
                f"its rules: {', '.join(known[:10]) or 'none'}"
            )


def _is_meant(known: KnownFinding, patterns: Sequence[str]) -> bool:
    words = (known.fingerprint, known.rule, known.check)
    return not patterns or any(fnmatchcase(word, each) for each in patterns for word in words)


def _is_fixed(known: KnownFinding, checks: Sequence[Mapping[str, Any]]) -> bool:
    for check in checks:
        if check["id"] == known.check:
            if any(each["fingerprint"] == known.fingerprint for each in check["findings"]):
                return False
            return known.is_clean(check["verdict"], check["cells"]["clean"])
    return False


def _named(known: KnownFinding) -> str:
    cell = f" ({shown_cell(known.cell)})" if known.cell else ""
    return f"{known.fingerprint} {known.rule} {known.subject}{cell} [{known.check}]"


def _named_gap(gap: KnownGap) -> str:
    blocked = f", blocked by {', '.join(gap.blocked_by)}" if gap.blocked_by else ""
    return f"inconclusive: {gap.check}{blocked}: {gap.why}"
