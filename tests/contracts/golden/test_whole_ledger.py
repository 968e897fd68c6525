import json

import pytest

from contracts.golden.whole_ledger import expect_whole_ledger
from contracts.shared.exports.archive import Entries
from harness.client import Record
from harness.errors import CheckFailed


def event(number: int, name: str = "evidence.sealed", target: str = "e") -> Record:
    return Record(
        ledger_seq=number,
        hash=f"hash-{number}",
        prev_hash=f"hash-{number - 1}" if number > 1 else None,
        event_name=name,
        target_id=target,
    )


LEDGER = [event(1), event(2), event(3, "export.requested", "x"), event(4, "export.completed", "x")]


def judge(exported: list[Record], last: int, hash_of_head: str | None = None) -> None:
    head = Record(ledger_seq=last, hash=hash_of_head or f"hash-{last}")
    export = Record(id="x", manifest=Record(ledger_head=head))
    packed = Entries({"ledger.json": json.dumps(exported).encode()})
    expect_whole_ledger(packed, export, LEDGER)


@pytest.mark.parametrize("last", [2, 3])
def test_the_head_is_the_request_or_the_event_before(last: int) -> None:
    judge(LEDGER[:last], last)


@pytest.mark.parametrize(
    ("exported", "last"),
    [
        (LEDGER[:2], 3),
        (LEDGER[1:3], 3),
        (LEDGER, 4),
        (LEDGER[:1], 1),
        ([*LEDGER[:2], event(3, "export.canceled", "x")], 3),
        ([], 3),
    ],
)
def test_a_chain_that_lacks_or_changes_anything_fails(exported: list[Record], last: int) -> None:
    with pytest.raises(CheckFailed):
        judge(exported, last)


def test_a_head_with_another_hash_fails() -> None:
    with pytest.raises(CheckFailed):
        judge(LEDGER[:3], 3, "hash-2")


def test_a_zip_without_the_ledger_fails() -> None:
    export = Record(id="x", manifest=Record(ledger_head=Record(ledger_seq=3, hash="hash-3")))
    with pytest.raises(CheckFailed, match="ledger"):
        expect_whole_ledger(Entries({"manifest.json": b"{}"}), export, LEDGER)
