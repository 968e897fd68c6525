import hashlib
from dataclasses import replace

import pytest

from contracts.shared.ledger.hash_chain import StoredEvent, violations

SALTS = {"k1": "secret", "k2": "another"}


def chain(length: int, salt_key_id: str = "k1") -> list[StoredEvent]:
    """An honest chain, hashed as the contract says."""
    events: list[StoredEvent] = []
    for number in range(1, length + 1):
        event = StoredEvent(
            ledger_seq=number,
            fields={
                "organization_id": "0b8f",
                "actor_id": None if number % 2 else "7c1a",
                "event_name": "evidence.sealed",
                "target_type": "evidence",
                "target_id": "11ee",
                "created_at": "2026-01-31T12:00:00.000000Z",
            },
            metadata='{"size": 1.10, "deep": {"list": [1, {"x": null}]}}',
            prev_hash=events[-1].hash if events else None,
            hash="",
            salt_key_id=salt_key_id,
        )
        events.append(replace(event, hash=event.expected_hash(SALTS)))
    return events


def test_the_canonical_text_is_spelled_out() -> None:
    assert chain(1)[0].canonical() == (
        "{\n"
        '    "actor_id": "",\n'
        '    "metadata": {\n'
        '        "deep": {\n'
        '            "list": [\n'
        "                1,\n"
        "                {\n"
        '                    "x": null\n'
        "                }\n"
        "            ]\n"
        "        },\n"
        '        "size": 1.10\n'
        "    },\n"
        '    "target_id": "11ee",\n'
        '    "created_at": "2026-01-31T12:00:00.000000Z",\n'
        '    "event_name": "evidence.sealed",\n'
        '    "ledger_seq": 1,\n'
        '    "target_type": "evidence",\n'
        '    "organization_id": "0b8f"\n'
        "}"
    )


def test_a_hash_or_a_salt_that_is_null_is_a_violation_and_no_crash() -> None:
    events = chain(3)
    events[1] = replace(events[1], hash=None)
    assert [(each.ledger_seq, each.field) for each in violations(events, SALTS)] == [
        (2, "hash"),
        (3, "prev_hash"),
    ]
    events = chain(2)
    events[1] = replace(events[1], salt_key_id=None)
    [found] = violations(events, SALTS)
    assert (found.field, found.got) == ("salt_key_id", "NULL")


def test_the_hash_is_over_text_previous_hash_and_salt() -> None:
    first, second = chain(2)
    text = f"{second.canonical()}{first.hash}secret"
    assert second.hash == hashlib.sha256(text.encode()).hexdigest()


def test_an_honest_chain_has_no_breach_in_any_order() -> None:
    assert violations(reversed(chain(5)), SALTS) == []
    assert violations([], SALTS) == []


def changed(metadata: str) -> list[StoredEvent]:
    events = chain(3)
    events[1] = events[1].with_metadata(metadata)
    return events


def test_a_change_at_depth_is_a_wrong_hash_of_that_event_alone() -> None:
    found = violations(changed('{"size": 1.10, "deep": {"list": [1, {"x": 0}]}}'), SALTS)
    assert [(violation.ledger_seq, violation.field) for violation in found] == [(2, "hash")]


def test_another_scale_is_another_document() -> None:
    assert violations(changed('{"size": 1.1, "deep": {"list": [1, {"x": null}]}}'), SALTS)


def test_other_white_space_and_order_are_the_same_document() -> None:
    assert not violations(changed('{"deep":{"list":[1,{"x":null}]},"size":1.10}'), SALTS)


def test_a_gap_is_named() -> None:
    events = chain(4)
    del events[1]
    assert "a gap" in violations(events, SALTS)[0].got


def test_a_fork_is_named() -> None:
    events = chain(3)
    fork = replace(events[1], metadata="{}")
    events.append(replace(fork, hash=fork.expected_hash(SALTS)))
    assert any("a fork" in breach.got for breach in violations(events, SALTS))


def test_a_cut_chain_is_named() -> None:
    events = chain(3)
    loose = replace(events[2], prev_hash=None)
    events[2] = replace(loose, hash=loose.expected_hash(SALTS))
    found = violations(events, SALTS)
    assert [breach.got for breach in found] == ["nothing"]


def test_a_chain_that_does_not_begin_with_one_has_a_gap() -> None:
    assert violations(chain(2)[1:], SALTS)[0].got == "2 (a gap)"


def test_an_unknown_salt_is_not_guessed() -> None:
    with pytest.raises(KeyError):
        violations(chain(1), {"other": "salt"})


def test_each_event_is_hashed_with_its_own_salt() -> None:
    events = chain(2, "k2")
    assert not violations(events, SALTS)
    assert violations([replace(event, salt_key_id="k1") for event in events], SALTS)
