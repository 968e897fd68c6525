"""Which exports were overtaken, and how well an order agrees with age."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from harness.checkers import Transition, overtaken, rank_correlation
from harness.checkers.examples import MIDNIGHT, transitions_of

CREATED: dict[str, datetime] = {
    f"o{organization}.e{number}": MIDNIGHT + timedelta(seconds=10 * organization + number)
    for organization in (1, 2)
    for number in (1, 2, 3)
}
QUEUED = "\n".join(f"{export} queued" for export in CREATED)


def found(claims: str, *, slack: int = 0, cap: int = 9) -> set[str]:
    steps = transitions_of(f"{QUEUED}\n{claims}")
    return {each.subject for each in overtaken(steps, CREATED, cap=cap, slack=slack)}


def test_the_oldest_first_overtakes_nobody() -> None:
    claims = "\n".join(f"{export} claimed w1" for export in CREATED)
    assert found(claims) == set()


def test_the_youngest_first_overtakes_all_others() -> None:
    claims = "\n".join(f"{export} claimed w1" for export in reversed(CREATED))
    assert found(claims) == set(CREATED) - {"o2.e3"}
    assert found(claims, slack=3) == {"o1.e1", "o1.e2"}


def test_an_organization_at_its_cap_is_passed() -> None:
    claims = "o1.e1 claimed w1\no2.e1 claimed w1\no1.e1 ready\no1.e2 claimed w1"
    assert found(claims, cap=1) == set()
    assert found(claims, cap=2) == {"o1.e2", "o1.e3"}


def test_what_is_back_in_the_queue_has_its_place() -> None:
    claims = "o1.e1 claimed w1\no1.e1 returned\no1.e2 claimed w2\no1.e1 claimed w2"
    assert found(claims) == {"o1.e1"}


def test_one_transaction_has_no_order() -> None:
    steps = transitions_of(f"{QUEUED}\no1.e2 claimed w1\no1.e1 claimed w1")
    batch: list[Transition] = [replace(step, txid=7) for step in steps]
    assert overtaken(batch, CREATED, cap=9, slack=0) == []


def test_exports_of_unknown_age_are_not_judged() -> None:
    assert overtaken(transitions_of(f"{QUEUED}\no2.e3 claimed w1"), {}, cap=9, slack=0) == []


def test_rank_correlation() -> None:
    ordered = list(CREATED)
    assert rank_correlation(ordered, CREATED) == pytest.approx(1)
    assert rank_correlation(reversed(ordered), CREATED) == pytest.approx(-1)
    assert rank_correlation([*ordered, ordered[0], "unknown"], CREATED) == pytest.approx(1)
    assert rank_correlation(ordered[:1], CREATED) == 0
