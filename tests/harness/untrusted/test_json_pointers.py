"""JSON Pointers, and references that lead somewhere, nowhere, or in a circle."""

from typing import Any

import pytest

from harness.untrusted.json_pointers import BrokenReference, follow, followed, pointer, steps

DOCUMENT: dict[str, Any] = {
    "a": {"$ref": "#/b"},
    "b": {"c": 1},
    "d~/": [],
    "round": {"$ref": "#/about"},
    "about": {"$ref": "#/round"},
}


def test_pointers_are_escaped_and_read_back() -> None:
    assert pointer(("a", 1, "d~/")) == "/a/1/d~0~1"
    assert steps("#/a/1/d~0~1") == ("a", "1", "d~/")
    assert pointer(()) == ""
    assert steps("") == ()


def test_a_reference_is_followed_with_what_is_beside_it() -> None:
    assert follow(DOCUMENT, {"$ref": "#/a"}) == {"c": 1}
    assert follow(DOCUMENT, {"$ref": "#/a", "d": 2}) == {"c": 1, "d": 2}
    assert follow(DOCUMENT, {"$ref": "#/d~0~1"}) == []
    assert follow(DOCUMENT, "no reference") == "no reference"


@pytest.mark.parametrize("reference", ["#/none", "#/b/c/x", "#/round", "other.yaml#/b"])
def test_a_broken_reference_is_an_error_or_empty(reference: str) -> None:
    with pytest.raises(BrokenReference, match=r"\$ref"):
        follow(DOCUMENT, {"$ref": reference})
    assert followed(DOCUMENT, {"$ref": reference}) == {}


def test_what_is_no_object_is_empty_where_a_document_is_not_trusted() -> None:
    assert followed(DOCUMENT, {"$ref": "#/d~0~1"}) == {}
    assert followed(DOCUMENT, None) == {}
