import pytest

from harness.errors import CheckFailed, Inconclusive
from harness.history import HistoryEntry
from load.check_exactly_once import expect_served
from load.users.gateway import REFUSED


def entry(error: str | None) -> HistoryEntry:
    return HistoryEntry(i=0, t_ns=0, process="user", type="fail", f="createJob", error=error)


def test_answers_without_trouble_are_served() -> None:
    expect_served([entry(None)])


def test_a_gateway_that_lets_nothing_through_is_nobodys_fault() -> None:
    with pytest.raises(Inconclusive, match=r"2 requests .* 429: slow down"):
        expect_served([entry(f"{REFUSED}429: slow down")] * 2)


def test_a_gateway_does_not_excuse_what_the_backend_does() -> None:
    with pytest.raises(CheckFailed, match="500: oops"):
        expect_served([entry(f"{REFUSED}429: slow down"), entry("500: oops")])
