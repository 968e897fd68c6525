"""Judging the boolean fields of an answer, as verifyManifest and verifyLedgerEvent give them."""

from collections.abc import Mapping

from harness.client import Answer
from harness.expect import expect, expect_status

RULES = {"verifyManifest": "verify.manifest", "verifyLedgerEvent": "verify.event"}
"""Which rule a wrong flag breaks, by operation."""


def expect_flags(
    answer: Answer, flags: Mapping[str, bool | None], what: str, *, detail: str = ""
) -> None:
    """Fail unless the answer is 200 with these flags; None and other flags are not judged.

    `what` is the same in every run; `detail` says which event or export it is.
    """
    rule = RULES.get(answer.operation_id, "")
    data = expect_status(answer, 200, detail=detail or what, rule=rule).data
    for name, due in flags.items():
        expect(
            due is None or data[name] is due,
            expected=f"{name} {str(due).lower()} for {what}",
            got=answer.describe(),
            detail=detail,
            rule=rule,
            subject=f"{name} of {answer.operation_id}",
        )
