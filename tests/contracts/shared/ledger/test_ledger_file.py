import json
from typing import Any

import pytest

from contracts.shared.ledger.ledger_file import CHAIN_FIELDS, expect_ledger_file
from harness.client import Record
from harness.errors import CheckFailed

FIELDS = {
    "id": "x",
    "organization_id": "o",
    "actor_id": None,
    "event_name": "evidence.sealed",
    "target_type": "evidence",
    "salt_key_id": "k",
    "canonical_version": 1,
}
CHAIN = [
    Record(
        **FIELDS,
        target_id=str(seq),
        metadata={"n": [seq]},
        ledger_seq=seq,
        hash=f"h{seq}",
        prev_hash=f"h{seq - 1}" if seq > 1 else None,
    )
    for seq in (1, 2, 3)
]
MANIFEST = Record(ledger_head=Record(ledger_seq=2, hash="h2"))


def judge(document: object) -> None:
    expect_ledger_file(json.dumps(document).encode(), MANIFEST, CHAIN)


def changed(**fields: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any JSON
    return [dict(CHAIN[0]), {**CHAIN[1], **fields}]


def test_the_chain_up_to_the_head_is_accepted_in_any_wrapping() -> None:
    judge(CHAIN[:2])
    judge({"organization_id": "o", "events": CHAIN[:2]})
    judge({"organization_id": "o", "ledger": {"chain": CHAIN[:2]}, "keys": []})
    judge(
        [{name: event[name] for name in ("ledger_seq", "hash", "prev_hash")} for event in CHAIN[:2]]
    )
    judge([{**CHAIN[0], "prev_hash": ""}, CHAIN[1]])


def test_a_required_field_must_be_in_the_file() -> None:
    bare = [{name: event[name] for name in CHAIN_FIELDS} for event in CHAIN[:2]]
    content = json.dumps(bare).encode()
    with pytest.raises(CheckFailed, match="event_name"):
        expect_ledger_file(content, MANIFEST, CHAIN, required=(*CHAIN_FIELDS, "event_name"))


def test_before_the_first_event_the_file_may_be_empty() -> None:
    head = Record(ledger_head=Record(ledger_seq=0, hash=""))
    expect_ledger_file(b"[]", head, CHAIN)


@pytest.mark.parametrize(
    "document",
    [
        CHAIN, CHAIN[:1], [], CHAIN[1::-1], "text", [1, 2], {"a": [], "b": []}, None,
        {"a": CHAIN[:2], "b": CHAIN[:2]},
        changed(hash="x"), changed(prev_hash=None), changed(metadata={"n": [1]}),
        changed(target_id="1"),
    ],
)  # fmt: skip
def test_anything_else_fails(document: object) -> None:
    with pytest.raises(CheckFailed):
        judge(document)


def test_what_is_no_json_fails() -> None:
    with pytest.raises(CheckFailed):
        expect_ledger_file(b"\xff", MANIFEST, CHAIN)
