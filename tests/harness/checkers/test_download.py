"""The checker of downloads, and what a message says."""

import pytest

from harness.checkers import Download, Violation, download_violations, expect_no_violations
from harness.checkers.download import ACCEPTS, REJECTS
from harness.errors import CheckFailed


@pytest.mark.parametrize("good", ACCEPTS.values(), ids=ACCEPTS)
def test_accepts(good: Download) -> None:
    assert download_violations(good) == []


@pytest.mark.parametrize(("rule", "bad"), REJECTS.values(), ids=REJECTS)
def test_rejects_for_the_right_reason(rule: str, bad: Download) -> None:
    assert rule in {damage.rule for damage in download_violations(bad)}


@pytest.mark.parametrize("position", range(0, 300, 7))
def test_no_flipped_byte_goes_unseen(position: int) -> None:
    good = ACCEPTS["a whole export"]
    body = bytearray(good.body)
    body[position % len(body)] ^= 0xFF
    flipped = Download(
        export_id="e1",
        status=200,
        body=bytes(body),
        repr_digest=good.repr_digest,
        manifest_hash=good.manifest_hash,
    )
    assert download_violations(flipped)


def violation(number: int) -> Violation:
    return Violation(rule="lost", subject=f"e{number}", expected=f"e{number} there", got="gone")


def test_nothing_found_is_no_failure() -> None:
    expect_no_violations([], detail="never said")


def test_the_first_speaks_and_the_rest_is_listed_with_what_is_known() -> None:
    with pytest.raises(CheckFailed) as failed:
        expect_no_violations(
            [violation(number) for number in range(20)],
            detail="in this run",
            notes={"e0": "killed at after_claim", "e1": "killed at before_store"},
        )
    assert failed.value.expected == "e0 there [lost]"
    assert "about e0: killed at after_claim" in failed.value.detail
    assert "e1 there; got gone (killed at before_store)" in failed.value.detail
    assert "20 violations in all" in failed.value.detail
    assert "in this run" in failed.value.detail
    assert len(failed.value.detail.splitlines()) < 12
