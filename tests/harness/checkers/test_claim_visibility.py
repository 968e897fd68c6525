"""Whether a claim could be seen: only its transaction tells."""

from dataclasses import replace

import pytest

from harness.checkers import Transition, claims_are_visible
from harness.checkers.examples import transitions_of


def within(txids: list[int | None], steps: str) -> list[Transition]:
    return [
        replace(step, txid=txid) for step, txid in zip(transitions_of(steps), txids, strict=True)
    ]


def test_a_claim_with_a_transaction_of_its_own_is_seen() -> None:
    assert claims_are_visible(within([1, 2, 3], "e1 queued\ne1 claimed w1\ne1 ready")) == []


def test_a_claim_that_was_taken_back_and_made_again_is_seen() -> None:
    steps = "e1 queued\ne1 claimed w1\ne1 returned\ne1 claimed w2\ne1 failed"
    assert claims_are_visible(within([1, 2, 3, 4, 5], steps)) == []


def test_one_transaction_may_claim_many_and_complete_others() -> None:
    steps = "e1 queued\ne2 queued\ne1 claimed w1\ne2 claimed w1\ne1 ready\ne2 ready"
    assert claims_are_visible(within([1, 1, 2, 2, 3, 3], steps)) == []


@pytest.mark.parametrize("end", ["ready", "failed", "canceled", "returned"])
def test_a_claim_that_commits_with_its_result_is_not_seen(end: str) -> None:
    [found] = claims_are_visible(within([1, 2, 2], f"e1 queued\ne1 claimed w1\ne1 {end}"))
    assert found.rule == "claim-unseen"
    assert found.subject == "e1"


def test_unknown_transactions_say_nothing() -> None:
    assert claims_are_visible(transitions_of("e1 queued\ne1 claimed w1\ne1 ready")) == []


def test_a_claim_of_nobody_is_found() -> None:
    [found] = claims_are_visible(transitions_of("e1 queued\ne1 claimed"))
    assert found.rule == "nobodys"
