import json
from typing import Any

import pytest

from contracts.golden.ledger_export import expect_chain_in, expect_whole_ledger
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
EXPORT = Record(id="x")


def head(number: int) -> Record:
    return Record(ledger_seq=number, hash=f"hash-{number}")


@pytest.mark.parametrize(
    "document", [LEDGER, {"events": LEDGER}, {"organization_id": "o", "ledger": {"chain": LEDGER}}]
)
def test_the_chain_is_found_in_any_wrapping(document: object) -> None:
    found = expect_chain_in({"ledger.json": json.dumps(document).encode()})
    assert [each["ledger_seq"] for each in found] == [1, 2, 3, 4]


@pytest.mark.parametrize("content", [b"", b"not json", b"[]", b'{"events": []}', b'[{"a": 1}]'])
def test_what_is_no_chain_is_refused(content: bytes) -> None:
    with pytest.raises(CheckFailed, match=r"the chain as JSON in ledger\.json"):
        expect_chain_in({"ledger.json": content})


@pytest.mark.parametrize("last", [2, 3])
def test_the_head_is_the_request_or_the_event_before(last: int) -> None:
    expect_whole_ledger(LEDGER[:last], LEDGER, head(last), EXPORT)


@pytest.mark.parametrize(
    ("exported", "last", "said"),
    [
        (LEDGER[:2], 3, "exported events"),
        (LEDGER[1:3], 3, "exported events"),
        (LEDGER, 4, "as of the request"),
        (LEDGER[:1], 1, "as of the request"),
        ([*LEDGER[:2], event(3, "export.canceled", "x")], 3, "event_name of exported event 3"),
    ],
)
def test_a_chain_that_lacks_or_changes_anything_is_refused(
    exported: list[dict[str, Any]], last: int, said: str
) -> None:
    with pytest.raises(CheckFailed, match=said):
        expect_whole_ledger(exported, LEDGER, head(last), EXPORT)
