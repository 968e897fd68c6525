from typing import Any

import pytest
import rfc8785

from contracts.shared.resources import json_changes

DOCUMENT: dict[str, Any] = {
    "a": [1, {"b": {}, "c": None}],
    "d~/": "2026-01-31T12:00:00.000009Z",
    "e": [],
}


def test_every_leaf_and_container_is_found_once() -> None:
    assert list(json_changes.leaves(DOCUMENT)) == [
        ("a", 0), ("a", 1, "b"), ("a", 1, "c"), ("d~/",), ("e",),
    ]  # fmt: skip
    assert list(json_changes.containers(DOCUMENT)) == [
        (), ("a",), ("a", 1), ("a", 1, "b"), ("e",),
    ]  # fmt: skip


def test_every_change_changes_something_and_leaves_the_original_alone() -> None:
    before = rfc8785.dumps(DOCUMENT)
    results = [json_changes.changed(DOCUMENT, path) for path in json_changes.leaves(DOCUMENT)]
    results += [json_changes.without(DOCUMENT, path) for path in json_changes.leaves(DOCUMENT)]
    results += [json_changes.added(DOCUMENT, path) for path in json_changes.containers(DOCUMENT)]
    assert before not in {rfc8785.dumps(result) for result in results}
    assert rfc8785.dumps(DOCUMENT) == before


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, False),
        (1, 2),
        (2**53 - 1, 2**53 - 2),
        ("", "x"),
        ("ü", "üx"),
        ("0f", "0e"),
        ("2026-01-31T12:00:00.000009Z", "2026-01-31T12:00:00.000008Z"),
        (None, "forged"),
        ({}, {"forged": 1}),
        ([], ["forged"]),
    ],
)
def test_another_value_keeps_type_and_form(value: object, expected: object) -> None:
    assert json_changes.another(value) == expected
