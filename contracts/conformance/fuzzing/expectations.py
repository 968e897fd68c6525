"""The verdict of a fuzzing check: findings fail it, missing successes make it inconclusive."""

from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.sending import Results
from harness.errors import CheckFailed, Inconclusive


def expect_no_findings(results: Results, seed: int) -> None:
    """Fail with the simplest findings, each with the command that repeats the request."""
    if not results.findings:
        return
    findings = sorted(results.findings, key=lambda finding: len(finding.case.body or b""))
    by_violation = {finding.violations[0]: finding for finding in reversed(findings)}
    raise CheckFailed(
        expected="every answer to follow the contract and its OpenAPI document",
        got=f"{len(results.findings)} wrong answers of {results.requests} (seed {seed})",
        detail="\n".join(finding.describe() for finding in list(by_violation.values())[:3]),
    )


def expect_every_operation_succeeded(document: Document, results: Results) -> None:
    """Raise `Inconclusive` with the operations that never succeeded."""
    if missed := sorted(set(document.operations) - set(results.succeeded)):
        raise Inconclusive(
            f"no generated request to {', '.join(missed)} succeeded, "
            "so their successful answers were not checked"
        )
