from collections.abc import Sequence

import pytest

from harness.checkers import Sighting, impossible_lives
from harness.checkers.sightings import ACCEPTS, REJECTS


@pytest.mark.parametrize("life", ACCEPTS.values(), ids=ACCEPTS)
def test_lives_that_exports_may_have(life: Sequence[Sighting]) -> None:
    assert impossible_lives(life, max_attempts=3) == []


@pytest.mark.parametrize(("rule", "life"), REJECTS.values(), ids=REJECTS)
def test_lives_that_no_export_can_have(rule: str, life: Sequence[Sighting]) -> None:
    assert {found.rule for found in impossible_lives(life, max_attempts=3)} == {rule}


def test_lives_of_several_exports_are_told_apart() -> None:
    seen = [
        Sighting(export_id="a", state="preparing", attempt=2, claimed_by="w1"),
        Sighting(export_id="b", state="preparing", attempt=1, claimed_by="w2"),
        Sighting(export_id="a", state="ready", attempt=2, claimed_by="w1"),
        Sighting(export_id="b", state="queued", attempt=0, claimed_by=None),
    ]
    (found,) = impossible_lives(seen, max_attempts=3)
    assert (found.subject, found.rule) == ("b", "attempts-lost")
