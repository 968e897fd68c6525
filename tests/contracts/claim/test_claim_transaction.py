from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.claim.check_oldest_first import first_claimable
from contracts.claim.claim_transaction import IssuedTokens
from contracts.claim.export_rows import ExportRow, expect_unchanged
from harness.errors import CheckFailed
from harness.target.tables.claim import Claim

CLAIM = Claim()
NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def queued(name: str, **changed: str | int) -> ExportRow:
    """An export of the organization that its name begins with, older than those named later."""
    values: dict[str, Any] = {
        "id": name,
        "organization_id": name[0],
        "state": "queued",
        "attempt": 0,
        "claimed_by": None,
        "created_at": NOON + timedelta(seconds=int(name[1:])),
        "stamped_at": None,
    }
    return ExportRow(**values | changed)


def test_a_token_is_issued_once() -> None:
    tokens = IssuedTokens()
    tokens.add({"id": 1, "claim_token": "a"}, "f()", CLAIM)
    tokens.add({"id": 1, "claimToken": "b"}, "f()", CLAIM)
    for refused in ("a", "b", None):
        with pytest.raises(CheckFailed):
            tokens.add({"id": 2, "claim_token": refused}, "f()", CLAIM)
    assert tokens.issued == {"a", "b"}


def test_a_claim_without_a_column_for_the_token_is_counted() -> None:
    tokens = IssuedTokens()
    tokens.add({"id": 1, "attempt": 1}, "f()", CLAIM)
    assert tokens.missing == 1


def test_only_the_claimed_may_change() -> None:
    before = {"a1": queued("a1"), "a2": queued("a2")}
    after = before | {"a1": queued("a1", state="preparing", attempt=1)}
    expect_unchanged(before, after, "f()", but=frozenset({"a1"}))
    for changed in (after, {"a1": before["a1"]}, before | {"b3": queued("b3")}):
        with pytest.raises(CheckFailed) as failure:
            expect_unchanged(before, changed, "f()")
        assert failure.value.got.startswith("1 ")


def test_the_oldest_that_the_cap_leaves_room_for() -> None:
    queue = [queued(name) for name in ("a1", "a2", "b3", "a4", "b5")]

    def names(taken: dict[str, int], limit: int, cap: int) -> list[str]:
        return [each.id for each in first_claimable(queue, Counter(taken), limit, cap)]

    assert names({}, 2, 9) == ["a1", "a2"]
    assert names({}, 9, 1) == ["a1", "b3"]
    assert names({"a": 1}, 3, 2) == ["a1", "b3", "b5"]
    assert names({"a": 2, "b": 2}, 3, 2) == []
