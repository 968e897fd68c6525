"""Causes: findings of a run that have one reason, once, worst first, with what they block."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.events import CheckResult, RunSummary
from harness.findings.finding import Finding
from harness.findings.rule import Severity, rules, severity_of

SHOWN_SUBJECTS = 3
"""Subjects that a line names; the others are counted."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One thing that is broken in the backend, as far as a run can tell."""

    rule: str
    sentence: str
    """What should hold."""
    severity: Severity
    findings: tuple[Finding, ...]
    checks: tuple[str, ...]
    """The checks that found it."""
    blocks: tuple[str, ...]
    """The checks that could not look because of it."""

    @property
    def first(self) -> Finding:
        """The finding that is shown."""
        return next((each for each in self.findings if each.message), self.findings[0])

    @property
    def subjects(self) -> tuple[str, ...]:
        """What breaks the rule, each once."""
        return tuple(dict.fromkeys(each.subject for each in self.findings if each.subject))

    @property
    def accepted(self) -> bool:
        """Whether all of it is known and does not count."""
        return all(each.accepted for each in self.findings)

    def shown_subjects(self) -> str:
        """Name some of the subjects and count the rest."""
        named, rest = self.subjects[:SHOWN_SUBJECTS], len(self.subjects) - SHOWN_SUBJECTS
        return "; ".join(named) + (f" and {rest} more" if rest > 0 else "")


def causes_of(summary: RunSummary) -> tuple[Cause, ...]:
    """Group a run's findings, the worst first: by severity, then by how much they block."""
    return causes_of_checks(summary.checks)


def causes_of_checks(checks: Iterable[CheckResult]) -> tuple[Cause, ...]:
    """Group the findings of these checks; see `causes_of`."""
    results = tuple(checks)
    titles = {result.id: result.title for result in results}
    groups: dict[tuple[str, str], list[tuple[str, Finding]]] = {}
    for result in results:
        for finding in result.findings:
            groups.setdefault(_key(finding, titles), []).append((result.id, finding))
    blocks = _blocked_checks(results)
    causes = [
        _cause(rule, found, titles, blocks.get(rule, ())) for (rule, _), found in groups.items()
    ]
    return tuple(
        sorted(causes, key=lambda each: (each.accepted, each.severity.rank, -len(each.blocks)))
    )


def _key(finding: Finding, titles: Mapping[str, str]) -> tuple[str, str]:
    """A rule of the contract is one cause; of a check's own, what it expected tells them apart."""
    return (finding.rule, finding.aspect if finding.rule in titles else "")


def _blocked_checks(results: Iterable[CheckResult]) -> dict[str, tuple[str, ...]]:
    blocks: dict[str, dict[str, None]] = {}
    for result in results:
        for each in result.blocked:
            blocks.setdefault(each.rule, {})[result.id] = None
    return {rule: tuple(ids) for rule, ids in blocks.items()}


def _cause(
    rule_id: str,
    found: list[tuple[str, Finding]],
    titles: Mapping[str, str],
    blocks: tuple[str, ...],
) -> Cause:
    rule = rules().get(rule_id)
    sentence = titles.get(rule_id) or (rule.sentence if rule else rule_id)
    return Cause(
        rule=rule_id,
        sentence=sentence,
        severity=severity_of(rule_id),
        findings=tuple({each.fingerprint: each for _, each in found}.values()),
        checks=tuple(dict.fromkeys(check for check, _ in found)),
        blocks=blocks,
    )
