import json
import pickle

import pytest

from harness.untrusted.documents import parse
from harness.untrusted.spelling import Spelled, usual_spelling

ID = "0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d"


@pytest.mark.parametrize(
    "spellings",
    [
        (ID, ID.upper(), ID.replace("a", "A")),
        (
            "2026-11-30T09:49:24Z",
            "2026-11-30T09:49:24+00:00",
            "2026-11-30t09:49:24.000z",
            "2026-11-30T10:49:24+01:00",
            "2026-11-30T00:19:24.0-09:30",
        ),
        ("2026-11-30T09:49:24.12Z", "2026-11-30T09:49:24.120000000+00:00"),
    ],
)
def test_one_value_in_several_spellings_is_equal_everywhere(spellings: tuple[str, ...]) -> None:
    document = {"list": spellings, "one": spellings[-1]}
    read = parse(json.dumps(document).encode())
    assert all(one == another for one in read["list"] for another in read["list"])
    assert all(one == another for one in read["list"] for another in spellings[:1])
    assert len(set(read["list"])) == 1
    assert read["one"] in read["list"]
    assert not any(one != another for one in read["list"] for another in read["list"])


def test_what_was_read_is_what_is_sent_and_shown() -> None:
    given = ID.upper()
    read = parse(json.dumps({"id": given}).encode())["id"]
    assert f"/jobs/{read}" == f"/jobs/{given}"
    assert json.dumps(read) == f'"{given}"'
    assert repr(read) == repr(given)
    assert str(read) == ID, "the text of an id is still its value"
    assert pickle.loads(pickle.dumps(read)) == ID  # noqa: S301 - made above


@pytest.mark.parametrize(
    ("one", "another"),
    [
        (ID, ID.replace("0a", "0b")),
        ("2026-11-30T09:49:24Z", "2026-11-30T09:49:24.001Z"),
        ("2026-11-30T09:49:24Z", "2026-11-30T09:49:24+01:00"),
        ("Evidence", "EVIDENCE"),
        ("2026-11-30T09:49:24Z", "2026-11-30 09:49:24"),
        ("2026-13-30T09:49:24+01:00", "2026-13-30T08:49:24Z"),
    ],
)
def test_other_values_stay_different(one: str, another: str) -> None:
    left, right = parse(json.dumps({"v": [one, another.upper()]}).encode())["v"]
    assert left != right


def test_ordinary_texts_are_ordinary() -> None:
    for text in (ID, "2026-11-30T09:49:24Z", "", "title", ID[:-1], ID.upper() + "x"):
        assert usual_spelling(text) == text
        assert type(parse(json.dumps({"v": text}).encode())["v"]) is str


def test_a_whole_number_may_have_a_fraction_of_nothing() -> None:
    read = parse(b'{"v": [207.0, 1e2, -0.0, 1.5, 1e300, 9007199254740993.0]}')["v"]
    assert [type(each) for each in read] == [int, int, int, float, float, float]
    assert read[:4] == [207, 100, 0, 1.5]


def test_a_spelling_equals_no_other_kind_of_value() -> None:
    assert Spelled(ID.upper(), ID) != 7
    assert Spelled(ID.upper(), ID) is not None
