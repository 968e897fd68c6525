"""How a fuzzing check fails by what it found, and when it saw too little."""

from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.sending import Results
from harness.errors import CheckFailed, Inconclusive


def expect_no_findings(results: Results, seed: int) -> None:
    """Fail with the first wrong answers, each with the request that repeats it."""
    if not results.findings:
        return
    findings = sorted(results.findings, key=lambda finding: len(finding.case.body or b""))
    kinds = {finding.violations[0]: finding for finding in reversed(findings)}
    raise CheckFailed(
        expected="every answer as the contract and its document have it",
        got=f"{len(results.findings)} wrong ones of {results.requests} (seed {seed}):",
        detail="\n".join(finding.tell() for finding in list(kinds.values())[:3]),
    )


def expect_every_operation_succeeded(document: Document, results: Results) -> None:
    """`Inconclusive`, by name, where an operation was never answered with a success."""
    if missed := sorted(set(document.operations) - set(results.succeeded)):
        raise Inconclusive(
            f"no made-up request to {', '.join(missed)} succeeded: "
            "what they answer then was not seen"
        )
