from typing import Any

import pytest

from contracts.shared.exports.claim_result import attempt_of, claimed_rows, tokens_of
from harness.errors import CheckFailed, Inconclusive
from harness.target.tables.claim import Claim, ClaimResult

CONTRACT = Claim()
OWN = Claim(
    function="work.take_package",
    result=ClaimResult(id="package", attempt="tries", claim_token="lease"),
)


@pytest.mark.parametrize(
    ("rows", "claimed"),
    [
        ([], []),
        ([{"id": None, "attempt": None}], []),
        ([{"id": 1, "attempt": 1}], [{"id": 1, "attempt": 1}]),
        ([{"claim": {"id": 1, "attempt": 1}}], [{"id": 1, "attempt": 1}]),
        ([{"claim": None}], []),
        ([{"claim": [{"id": 1}, {"id": 2}]}], [{"id": 1}, {"id": 2}]),
        ([{"claim": []}], []),
        ([{"claim": ["a", "b"]}], [{"id": "a"}, {"id": "b"}]),
        ([{"claim_export_job": 7}], [{"id": 7}]),
        ([{"claim_export_job": None}], []),
    ],
)
def test_what_a_function_returns_for_its_claims(
    rows: list[dict[str, Any]], claimed: list[dict[str, Any]]
) -> None:
    assert list(claimed_rows(rows, CONTRACT)) == claimed


def test_a_plain_value_is_the_id_under_its_declared_name() -> None:
    assert list(claimed_rows([{"take_package": "a"}], OWN)) == [{"package": "a"}]
    assert list(claimed_rows([{"package": "a"}], OWN)) == [{"package": "a"}]


def test_attempts_and_tokens_by_their_declared_names() -> None:
    row = {"package": 1, "tries": 2, "lease": "a", "some_token": "b"}
    assert attempt_of(row, OWN, "f()") == 2
    assert tokens_of(row, OWN) == {"lease": "a"}
    assert tokens_of(row, CONTRACT) == {"some_token": "b"}
    assert tokens_of(row, Claim(result=ClaimResult(claim_token=""))) == {}


def test_who_is_blamed_for_a_column_that_is_not_there() -> None:
    with pytest.raises(CheckFailed):
        attempt_of({"id": 1}, CONTRACT, "f()")
    with pytest.raises(Inconclusive, match=r"attempt = 'tries'.*returns 'id'"):
        attempt_of({"id": 1}, OWN, "f()")
    with pytest.raises(Inconclusive, match=r"claim_token = 'lease'"):
        tokens_of({"id": 1}, OWN)
