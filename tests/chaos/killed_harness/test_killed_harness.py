"""A harness is killed in the middle of faults; after `recover` nothing of its run is left."""

import pytest

from tests.chaos.killed_harness.kill import kill_at_a_random_moment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(170)]


@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_after_a_kill_at_a_random_moment_nothing_is_left(seed: str) -> None:
    killed = kill_at_a_random_moment(seed)
    assert any(each.startswith("process ") for each in killed.left), "it was not killed at work"
    assert any(each.startswith("port ") for each in killed.left)
    assert killed.problems == ()
    assert killed.still_there == frozenset()
