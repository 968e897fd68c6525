import json
from typing import Any

import pytest

from contracts.shared.ledger.ledger_file import expect_ledger_file
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


def test_the_chain_up_to_the_head_in_either_form() -> None:
    judge(CHAIN[:2])
    judge({"organization_id": "o", "events": CHAIN[:2]})
    judge(
        [{name: event[name] for name in ("ledger_seq", "hash", "prev_hash")} for event in CHAIN[:2]]
    )
    judge([{**CHAIN[0], "prev_hash": ""}, CHAIN[1]])


@pytest.mark.parametrize(
    "document",
    [
        CHAIN, CHAIN[:1], [], CHAIN[1::-1], "text", [1, 2], {"a": [], "b": []}, None,
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
