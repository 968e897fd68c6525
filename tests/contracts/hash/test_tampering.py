from dataclasses import replace
from typing import Any

import pytest

from contracts.hash.tampering import (
    Tampering,
    field_tamperings,
    link_tamperings,
    metadata_tamperings,
)
from contracts.shared.ledger.hash_chain import StoredEvent, violations
from tests.contracts.shared.ledger.test_hash_chain import SALTS, chain

VICTIM = 2


def all_tamperings(event: StoredEvent) -> list[Tampering]:
    return [
        *field_tamperings(event),
        *link_tamperings(event, SALTS, empty_link=None),
        *metadata_tamperings(event),
    ]


def tampered(event: StoredEvent, tampering: Tampering) -> StoredEvent:
    changes: dict[str, Any] = dict(tampering.changes)
    own = {name: changes.pop(name) for name in ("metadata", "hash", "prev_hash") if name in changes}
    return replace(event, **own, fields={**event.fields, **changes})


def test_all_that_is_hashed_is_tampered_with() -> None:
    changed = {name for each in all_tamperings(chain(3)[VICTIM]) for name in each.changes}
    assert changed == {
        "actor_id", "event_name", "target_type", "target_id", "metadata", "prev_hash", "hash",
    }  # fmt: skip


@pytest.mark.parametrize("tampering", all_tamperings(chain(3)[VICTIM]), ids=lambda one: one.name)
def test_the_flags_are_what_the_harness_itself_finds(tampering: Tampering) -> None:
    events = chain(5)
    victim = events[VICTIM] = tampered(events[VICTIM], tampering)
    assert (victim.hash == victim.expected_hash(SALTS)) is tampering.hash_matches
    assert (victim.prev_hash == events[VICTIM - 1].hash) is tampering.prev_hash_valid
    found = {breach.ledger_seq for breach in violations(events, SALTS)}
    assert found
    assert found <= {victim.ledger_seq, victim.ledger_seq + 1}
    if tampering.breaks_next_link:
        assert victim.ledger_seq + 1 in found


def test_a_first_event_has_no_link_to_cut_off() -> None:
    names = [one.name for one in link_tamperings(chain(1)[0], SALTS, empty_link=None)]
    assert "linked to nothing, hashed anew with the salt" not in names


def test_the_same_case_is_named_alike_whatever_the_metadata_hold() -> None:
    def case(name: str) -> str:
        return Tampering(name=name, changes={"metadata": "{}"}).case

    assert case("metadata/filters/a b/0 changed") == "metadata, a value at depth 3 changed"
    assert case("metadata/manifest_hash removed") == "metadata, a value at depth 1 removed"
    assert case("metadata, a key at depth three added") == "metadata, a key at depth three added"
    assert case("prev_hash") == "prev_hash"
