"""How a fuzzing check fails by what it found, and when it saw too little."""

from contracts.conformance.fuzzing.document import Document
from contracts.conformance.fuzzing.sending import Sent
from harness.errors import CheckFailed, Inconclusive


def expect_nothing_wrong(sent: Sent, seed: int) -> None:
    """Fail with the first wrong answers, each with the request that repeats it."""
    if not sent.findings:
        return
    findings = sorted(sent.findings, key=lambda finding: len(finding.case.body or b""))
    kinds = {finding.faults[0]: finding for finding in reversed(findings)}
    raise CheckFailed(
        expected="every answer as the contract and its document have it",
        got=f"{len(sent.findings)} wrong ones of {sent.requests} (seed {seed}); the simplest:",
        detail="\n".join(finding.tell() for finding in list(kinds.values())[:3]),
    )


def expect_reached(document: Document, sent: Sent) -> None:
    """`Inconclusive`, by name, where an operation was never answered with a success."""
    if missed := sorted(set(document.operations) - set(sent.succeeded)):
        raise Inconclusive(
            f"no made-up request to {', '.join(missed)} succeeded: "
            "what they answer then was not seen"
        )
