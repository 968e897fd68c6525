import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_backend.api.ranges import ByteRange, UnsatisfiableRangeError, parse_range


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, 10),
        ("bytes=9-", 9, 10),
        ("bytes=3-5", 3, 6),
        ("bytes=3-99", 3, 10),
        ("bytes=-4", 6, 10),
        ("bytes=-99", 0, 10),
        ("BYTES = 1-2", 1, 3),
    ],
)
def test_satisfiable(header: str, start: int, stop: int) -> None:
    assert parse_range(header, 10) == ByteRange(start=start, stop=stop, size=10)


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "bytes", "bytes=", "bytes=-", "bytes=5-3", "bytes=0-1,3-4", "lines=0-1"),
        *("bytes=a-b", "bytes=\u0663-\u0664", "bytes=1-2 x", "bytes=0-" + "9" * 5000, "bytes=--1"),
    ],
)
def test_ignored(header: str | None) -> None:
    assert parse_range(header, 10) is None


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=999999999999-", "bytes=-0"])
def test_unsatisfiable(header: str) -> None:
    with pytest.raises(UnsatisfiableRangeError):
        parse_range(header, 10)


def test_an_empty_file_has_no_range() -> None:
    for header in ("bytes=0-", "bytes=-1"):
        with pytest.raises(UnsatisfiableRangeError):
            parse_range(header, 0)


@given(st.integers(1, 50), st.integers(0, 60), st.integers(0, 60))
def test_like_slicing(size: int, first: int, last: int) -> None:
    content = bytes(range(size))
    try:
        part = parse_range(f"bytes={first}-{last}", size)
    except UnsatisfiableRangeError:
        assert first >= size
        return
    if part is None:
        assert last < first
        return
    assert content[part.start : part.stop] == content[first : last + 1]
    assert part.content_range == f"bytes {first}-{min(last, size - 1)}/{size}"
    assert part.length == len(content[first : last + 1])
