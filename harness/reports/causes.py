"""Causes: findings of a run that have one reason, once, worst first, with what they block."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.events import CheckResult, RunSummary
from harness.findings.finding import Finding
from harness.findings.rule import Severity, rules, severity_of

Found = tuple[str, Finding]
"""A check's id, and what it found."""

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
    def heads(self) -> tuple[str, ...]:
        """The first part of each subject, usually an operation, each once."""
        heads = tuple(dict.fromkeys(filter(None, map(head_of, self.findings))))
        return self.subjects if len(heads) == 1 == len(self.subjects) else heads

    @property
    def aspects(self) -> tuple[Finding, ...]:
        """A finding for each expectation that was not met."""
        by_aspect: dict[str, Finding] = {}
        for each in self.findings:
            if each.message:
                by_aspect.setdefault(each.aspect, each)
        return tuple(by_aspect.values()) or self.findings[:1]

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
    by_rule: dict[str, list[Found]] = {}
    for result in results:
        for finding in result.findings:
            by_rule.setdefault(finding.rule, []).append((result.id, finding))
    blocks = _blocked_checks(results)
    causes = [
        _cause(rule, group, titles, blocks.get(rule, ()))
        for rule, found in by_rule.items()
        for group in (_connected(found) if rule in titles else [found])
    ]
    return tuple(_explanations_first(sorted(causes, key=_order)))


def _explanations_first(causes: list[Cause]) -> list[Cause]:
    """Move what follows from another cause behind it, where it stands before it.

    Only what counts explains anything: what is accepted stays last.
    """
    ordered = list(causes)
    for cause in causes:
        known = rules().get(cause.rule)
        explained = known.explains if known and not cause.accepted else ()
        before = ordered[: ordered.index(cause)]
        if found := [place for place, each in enumerate(before) if each.rule in explained]:
            ordered.remove(cause)
            ordered.insert(found[0], cause)
    return ordered


def _connected(found: Iterable[Found]) -> list[list[Found]]:
    """Group what a check found by its own rule: the same expectation or the same subject is one.

    A rule of the contract that several checks share is one cause by itself.
    """
    groups: list[tuple[set[tuple[str, str]], list[Found]]] = []
    for check, finding in found:
        keys = {("expected", finding.aspect), ("subject", head_of(finding))}
        keys.discard(("subject", ""))
        members = [(check, finding)]
        for group in [each for each in groups if each[0] & keys]:
            groups.remove(group)
            keys |= group[0]
            members = [*group[1], *members]
        groups.append((keys, members))
    return [members for _, members in groups]


def _order(cause: Cause) -> tuple[bool, int, int, int]:
    """What is accepted comes last; what blocks, or is seen by, the most checks comes first."""
    return (cause.accepted, cause.severity.rank, -len(cause.blocks), -len(cause.checks))


def head_of(finding: Finding) -> str:
    """The first part of a subject, usually an operation."""
    return finding.subject.partition(", ")[0]


def _blocked_checks(results: Iterable[CheckResult]) -> dict[str, tuple[str, ...]]:
    blocks: dict[str, dict[str, None]] = {}
    for result in results:
        for each in result.blocked:
            blocks.setdefault(each.rule, {})[result.id] = None
    return {rule: tuple(ids) for rule, ids in blocks.items()}


def _cause(
    rule_id: str,
    found: Sequence[Found],
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
