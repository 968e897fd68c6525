import pytest

from contracts.golden.fields import (
    COUNT,
    ID,
    OBJECT,
    PERCENTAGE,
    POSITIVE,
    SHA256,
    TEXT,
    TIME,
    Kind,
    expect_fields,
    one_of,
    or_null,
)
from harness.client import Record
from harness.errors import CheckFailed


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (ID, ["3f0e1e56-6a0f-4c2b-9a52-0a3a1c3f6a10"], ["", "3", 3, None]),
        (TEXT, ["a"], ["", 1, None, []]),
        (TIME, ["2026-01-31T12:00:00Z", "2026-01-31t12:00:00.123456+00:00"],
               ["2026-01-31 12:00:00", "2026-01-31T14:00:00+02:00", 1769860800, None]),
        (SHA256, ["0f" * 32], ["0f" * 31, "zz" * 32, None]),
        (COUNT, [0, 7], [-1, True, "1", 1.0, None]),
        (POSITIVE, [1], [0, True, None]),
        (PERCENTAGE, [0, 100], [-1, 101, "50", 50.5]),
        (OBJECT, [{}, {"a": 1}], [[], "{}", None]),
        (one_of("a", "b"), ["a"], ["c", None]),
        (or_null(COUNT), [None, 1], ["", -1]),
    ],
)  # fmt: skip
def test_kinds_allow_what_they_say(kind: Kind, good: list[object], bad: list[object]) -> None:
    assert all(map(kind.allows, good))
    assert not any(map(kind.allows, bad))


def test_a_field_of_another_kind_is_named() -> None:
    record = Record(progress="50")
    record.source = "the answer to getExport"
    with pytest.raises(CheckFailed, match="progress in the answer to getExport") as failed:
        expect_fields(record, {"progress": PERCENTAGE})
    assert failed.value.got == "'50'"


def test_a_missing_field_is_named() -> None:
    with pytest.raises(CheckFailed, match="'attempt'"):
        expect_fields(Record(progress=1), {"attempt": COUNT})
