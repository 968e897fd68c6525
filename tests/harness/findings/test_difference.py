"""Messages show what differs, member by member, never cut before it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.findings.difference import describe_difference, differences

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=400),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@given(JSON, JSON)
def test_both_sides_differ_in_what_is_shown(one: object, other: object) -> None:
    if one != other:
        expected, got = describe_difference(one, other)
        assert expected != got


@given(st.text(max_size=5_000), st.text(min_size=1, max_size=5), st.text(max_size=5_000))
def test_what_differs_is_within_the_part_shown(before: str, inserted: str, after: str) -> None:
    if before + after != before + inserted + after:
        expected, got = describe_difference(before + after, before + inserted + after)
        assert expected != got
        assert max(len(expected), len(got)) < 500


def test_members_are_shown_with_their_paths() -> None:
    expected = {
        "data": {"title": "one", "files": [{"sha256": "a"}, {"sha256": "b"}], "x": "y" * 90}
    }
    got = {"data": {"title": "two", "files": [{"sha256": "a"}], "x": "y" * 90, "extra": 1}}
    assert [(each.path, each.expected, each.got) for each in differences(expected, got)] == [
        ("data.title", "'one'", "'two'"),
        ("data.files[1]", "{'sha256': 'b'}", "missing"),
        ("data.extra", "absent", "1"),
    ]


@pytest.mark.parametrize("size", [10, 100_000])
def test_the_number_of_members_is_bounded(size: int) -> None:
    expected, got = describe_difference(list(range(size)), [-1] * size)
    assert len(expected.splitlines()) <= 13
    assert len(got) < 5_000
