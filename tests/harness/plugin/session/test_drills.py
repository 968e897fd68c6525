"""Which checks are drills, and which of them a command line names."""

from dataclasses import replace

import pytest

from harness.check import CheckSpec, Profile
from harness.errors import Misconfigured
from harness.plugin.session.drills import find_drills, patterns_of, shortest_profile

DRILLS = find_drills(())


def of_profile(profile: Profile) -> CheckSpec:
    return replace(DRILLS[0], profile=profile)


def test_the_drills_that_come_along_are_the_checks_of_their_family() -> None:
    ids = [spec.id for spec in DRILLS]
    assert {"chaos.worker-kill", "chaos.drain", "chaos.staging-fault"} <= set(ids)
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("worker-kill", "chaos.worker-kill"),
        ("chaos.worker-kill", "chaos.worker-kill"),
        ("worker-*", "chaos.worker-*"),
        ("*", "chaos.*"),
        ("chaos.*", "chaos.*"),
    ],
)
def test_a_name_stands_with_or_without_its_family(name: str, pattern: str) -> None:
    assert patterns_of([name], DRILLS) == (pattern,)


def test_every_name_that_is_none_is_told_at_once() -> None:
    with pytest.raises(Misconfigured) as refused:
        patterns_of(["drain", "wroker-kill", "golden.upload"], DRILLS)
    first, second = str(refused.value).splitlines()
    assert first.startswith("there is no drill wroker-kill; did you mean worker-kill?")
    assert second.startswith("there is no drill golden.upload (")


def test_the_shortest_profile_that_holds_them_all() -> None:
    quick, full = of_profile("quick"), of_profile("full")
    assert shortest_profile([quick]) == "quick"
    assert shortest_profile([full, quick]) == "full"
