import pytest

from harness.client import Record
from harness.client.answers.chain_order import in_chain_order
from harness.target.tables.ledger import CONTRACT_CHAIN, ChainShape, Numbering

GENESIS = "0" * 8
UNNUMBERED = ChainShape(sequence="none", genesis=GENESIS)


def event(name: str, before: str, number: int | None = None, at: str = "") -> Record:
    numbered = {} if number is None else {"ledger_seq": number}
    return Record(id=name, prev_hash=before, hash=f"hash of {name}", created_at=at, **numbered)


A = event("a", GENESIS, at="2026-01-03")
B = event("b", "hash of a", at="2026-01-02")
C = event("c", "hash of b", at="2026-01-01")


@pytest.mark.parametrize("sequence", ["per-organization", "global", "gaps"])
def test_numbers_decide_where_there_are_some(sequence: Numbering) -> None:
    newest_first = [event("c", "", 40), event("b", "", 7), event("a", "", 2)]
    ordered = in_chain_order(newest_first, ChainShape(sequence=sequence))
    assert [each["id"] for each in ordered] == ["a", "b", "c"]


def test_links_decide_where_there_are_none() -> None:
    assert in_chain_order([C, A, B], UNNUMBERED) == [A, B, C]


def test_what_no_link_leads_to_is_ordered_by_its_time() -> None:
    assert in_chain_order([A, C], UNNUMBERED) == [A, C]
    assert in_chain_order([B, C], UNNUMBERED) == [C, B]


def test_a_number_that_is_none_is_for_a_check_to_tell() -> None:
    odd = [event("b", "", 2), Record(id="a", ledger_seq="1", created_at="")]
    assert in_chain_order(odd, CONTRACT_CHAIN) == odd
