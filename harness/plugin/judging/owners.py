"""After the last check: whose finding is a precondition that was not met?"""

from collections.abc import Iterable
from dataclasses import replace

from harness.events import CheckResult
from harness.findings.finding import Finding
from harness.findings.rule import owners_of
from harness.verdict import Verdict


def with_owners_decided(results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """Decide what blocks a check and what is a finding of its own.

    A check is blocked only by a rule that one of the rule's owners reported in this run. Where the
    owners passed, or did not run, what the check could not make is its own finding.
    """
    every = tuple(results)
    reported = {finding.rule for result in every for finding in result.owned_findings}
    return tuple(_decided(result, reported) for result in every)


def _decided(result: CheckResult, reported: set[str]) -> CheckResult:
    own = tuple(each for each in result.blocked if each.rule not in reported)
    blocked = tuple(each for each in result.blocked if each.rule in reported)
    if own:
        findings = _each_once((*result.findings, *own))
        first = findings[0]
        return replace(
            result,
            verdict=Verdict.FAIL,
            findings=findings,
            blocked=blocked,
            message=first.message,
            where=first.where,
            allowed=False,
        )
    if blocked and result.verdict is Verdict.INCONCLUSIVE:
        rules = ", ".join(dict.fromkeys(each.rule for each in blocked))
        owners = ", ".join(
            dict.fromkeys(owner for each in blocked for owner in owners_of(each.rule))
        )
        why = f"blocked by {rules} (see {owners}): {blocked[0].message}"
        return replace(result, message=why, where=blocked[0].where)
    return result


def _each_once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple({finding.fingerprint: finding for finding in findings}.values())
