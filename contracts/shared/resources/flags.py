"""Judging the boolean fields of an answer, as verifyManifest and verifyLedgerEvent give them."""

from collections.abc import Mapping

from harness.client import Answer
from harness.expect import expect, expect_status


def expect_flags(answer: Answer, flags: Mapping[str, bool | None], what: str) -> None:
    """Fail unless the answer is 200 with these flags; None and other flags are not judged."""
    data = expect_status(answer, 200, detail=what).data
    for name, due in flags.items():
        expect(
            due is None or data[name] is due,
            expected=f"{name} {str(due).lower()} for {what}",
            got=answer.describe(),
        )
