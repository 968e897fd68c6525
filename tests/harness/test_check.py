"""What a declaration of a check must be."""

from typing import Any

import pytest

from harness.check import check, spec_of
from harness.errors import Misconfigured
from harness.target.capability import Capability


async def _nothing() -> None:
    pass


def _declare(**options: object) -> None:
    defaults: dict[str, Any] = {
        "id": "golden.upload", "title": "A title", "checklist": "A line", "observes": 1,
    }  # fmt: skip
    check(**defaults | options)(_nothing)


def test_a_declared_check_is_the_function_itself_and_carries_its_declaration() -> None:
    @check("claim.once", "Once", checklist="Line", observes=3, needs=[Capability.DATABASE])
    async def check_once() -> None:
        pass

    spec = spec_of(check_once)
    assert spec is not None
    assert (spec.id, spec.family, spec.observes) == ("claim.once", "claim", 3)
    assert spec.needs == {Capability.DATABASE}
    assert spec_of(_nothing) is None


def test_the_docstring_is_the_description_with_each_paragraph_on_one_line() -> None:
    @check("claim.once", "Once", checklist="Line", observes=1)
    async def check_once() -> None:
        """Two workers claim
        at once.

        One of them gets the export:
        - one attempt,
        - one owner.
        """

    spec = spec_of(check_once)
    assert spec is not None
    assert spec.description.splitlines() == [
        "Two workers claim at once.",
        "One of them gets the export:",
        "- one attempt,",
        "- one owner.",
    ]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"id": "upload"}, "family.name"),
        ({"id": "Golden.Upload"}, "family.name"),
        ({"observes": 0}, "observes must be at least 1"),
        ({"title": " "}, "must not be empty"),
        ({"profile": "quik"}, "one of quick, full, soak"),
        ({"deadline_s": 0}, "deadline_s"),
        ({"needs": ["databse"]}, "members of Capability"),
    ],
)
def test_a_declaration_that_cannot_be_true_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(Misconfigured, match=told) as refused:
        _declare(**wrong)
    assert "test_check.py:" in str(refused.value.where)


def test_a_synchronous_function_is_refused_because_no_deadline_could_cancel_it() -> None:
    with pytest.raises(Misconfigured, match="async function"):

        @check("golden.upload", "A title", checklist="A line", observes=1)
        def check_upload() -> None:
            pass


def test_each_profile_holds_those_before_it() -> None:
    @check("load.long", "Long", checklist="Line", observes=1, profile="full")
    async def check_long() -> None:
        pass

    spec = spec_of(check_long)
    assert spec is not None
    assert [spec.belongs_to(profile) for profile in ("quick", "full", "soak")] == [
        False,
        True,
        True,
    ]
