"""The old names that teams' own checks may use: each works, and says what to write instead."""

import pytest

import harness.client
from harness.client import Organization, Organizations, Record
from harness.errors import CheckFailed
from harness.expect import expect, expect_equal
from harness.renamed import RenamedWarning
from harness.target import Capability


def test_came_is_got() -> None:
    with pytest.warns(RenamedWarning, match=r"write got= instead of came="):
        expect(True, expected="one", came="two")  # type: ignore[call-arg]
    with (
        pytest.warns(RenamedWarning, match=r"write got= instead of came="),
        pytest.raises(CheckFailed, match="expected one\ngot two") as failed,
    ):
        expect(False, expected="one", came="two")  # type: ignore[call-arg]
    with pytest.warns(RenamedWarning, match="write got instead of came"):
        assert failed.value.came == "two"
    with (
        pytest.warns(RenamedWarning, match=r"write got= instead of came="),
        pytest.raises(CheckFailed, match="got 2"),
    ):
        expect_equal(came=2, expected=1, what="the number")  # type: ignore[call-arg]
    with pytest.warns(RenamedWarning, match=r"write got= instead of came="):
        assert CheckFailed("one", came="two").got == "two"  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("old", "new"), [("Organisation", Organization), ("Organisations", Organizations)]
)
def test_classes_of_the_client(old: str, new: type) -> None:
    with pytest.warns(RenamedWarning, match=f"write {new.__name__} instead of {old}"):
        assert getattr(harness.client, old) is new


def test_attributes_of_records_and_answers() -> None:
    record = Record(state="x")
    with pytest.warns(RenamedWarning, match=r"write Record.received instead of Record.shown"):
        assert record.shown("state") == "x"
    with pytest.warns(RenamedWarning, match=r"write Record.contract_value instead"):
        assert record.meant("state", "x") == "x"
    with pytest.warns(RenamedWarning, match=r"write Record.dialect instead of Record.spoken"):
        assert record.spoken is record.dialect


def test_the_capability_keeps_its_value() -> None:
    assert Capability["ORGANISATIONS"] is Capability["ORGANIZATIONS"]
    assert str(Capability.ORGANIZATIONS) == "organisations"
