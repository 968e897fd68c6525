from collections.abc import Sequence

import pytest

from harness.checkers import PolledState, impossible_sequences
from harness.checkers.polled_states import ACCEPTS, REJECTS


@pytest.mark.parametrize("life", ACCEPTS.values(), ids=ACCEPTS)
def test_lives_that_exports_may_have(life: Sequence[PolledState]) -> None:
    assert impossible_sequences(life, max_attempts=3) == []


@pytest.mark.parametrize(("rule", "life"), REJECTS.values(), ids=REJECTS)
def test_lives_that_no_export_can_have(rule: str, life: Sequence[PolledState]) -> None:
    assert {found.rule for found in impossible_sequences(life, max_attempts=3)} == {rule}


def test_lives_of_several_exports_are_told_apart() -> None:
    seen = [
        PolledState(export_id="a", state="preparing", attempt=2, claimed_by="w1"),
        PolledState(export_id="b", state="preparing", attempt=1, claimed_by="w2"),
        PolledState(export_id="a", state="ready", attempt=2, claimed_by="w1"),
        PolledState(export_id="b", state="queued", attempt=0, claimed_by=None),
    ]
    (found,) = impossible_sequences(seen, max_attempts=3)
    assert (found.subject, found.rule) == ("b", "attempts-lost")
