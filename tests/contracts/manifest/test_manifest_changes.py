import json
from typing import Any

import pytest
import rfc8785

from contracts.manifest.manifest_changes import Change, every_change
from contracts.manifest.rfc8785_examples import FILTERS, SERIALIZATIONS
from contracts.shared.resources.digests import jcs_hash

FILE = {"name", "type", "size", "sha256", "evidence_id"}


def manifest() -> dict[str, Any]:
    return {
        "version": "1.0",
        "export_id": "0b8fe1f6-6a0f-4c2b-9a52-0a3a1c3f6a10",
        "organization_id": "1b8fe1f6-6a0f-4c2b-9a52-0a3a1c3f6a10",
        "job_id": "2b8fe1f6-6a0f-4c2b-9a52-0a3a1c3f6a10",
        "generated_at": "2026-01-31T12:00:00.000001Z",
        "filters": FILTERS,
        "files": [
            {
                "name": name,
                "type": "image/png",
                "size": 68,
                "sha256": digit * 64,
                "evidence_id": id_,
            }
            for name, digit, id_ in (("evidence/a.png", "a", "11"), ("ledger.json", "b", None))
        ],
        "ledger_head": {"ledger_seq": 1, "hash": "c" * 64},
    }


def test_no_change_leaves_the_hash_as_it_was() -> None:
    original = jcs_hash(manifest())
    for change in every_change(manifest()):
        assert jcs_hash(change.manifest) != original, change


def test_every_leaf_is_changed_and_removed() -> None:
    places = {(change.what, change.path) for change in every_change(manifest())}
    for path in (
        ("version",),
        ("files", 1, "evidence_id"),
        ("filters", "range", "tags", 2, "deep"),
    ):
        assert {("changed", path), ("removed", path)} <= places


def test_what_is_called_well_formed_has_all_fields_in_their_types() -> None:
    def shape(value: object) -> dict[str, type]:
        assert isinstance(value, dict)
        return {name: type(each) for name, each in value.items()}

    def well_formed(change: Change) -> bool:
        document = change.manifest
        return (
            shape(document) == shape(manifest())
            and shape(document["ledger_head"]) == shape(manifest()["ledger_head"])
            and all(shape(file).keys() == FILE for file in document["files"])
        )

    for change in every_change(manifest()):
        if change.manifest_valid:
            assert well_formed(change), change


@pytest.mark.parametrize("name", SERIALIZATIONS)
def test_a_spelling_is_another_text_of_the_same_document(name: str) -> None:
    text = SERIALIZATIONS[name](manifest())
    assert text.encode() != rfc8785.dumps(manifest())
    assert jcs_hash(json.loads(text)) == jcs_hash(manifest())


def test_the_filters_tell_rfc_8785_from_sorted_python_json() -> None:
    by_python = json.dumps(FILTERS, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert by_python.encode() != rfc8785.dumps(FILTERS)
