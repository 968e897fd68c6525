from harness.explore.scripts.scenario import NAMEABLE_KINDS, Act, Kind, Scenario, needs, script
from harness.explore.scripts.scenarios import BRIEF, SAMPLED_ABOVE, plan
from harness.explore.scripts.schedules import count_schedules


def test_a_script_in_words() -> None:
    assert script("claim+ heartbeat complete-") == (
        Act(kind=Kind.CLAIM, held=True),
        Act(kind=Kind.COMMIT),
        Act(kind=Kind.HEARTBEAT),
        Act(kind=Kind.COMPLETE, held=True),
        Act(kind=Kind.ROLLBACK),
    )


def test_ageing_needs_a_recovery() -> None:
    assert needs([script("claim+"), script("age reclaim")]) == {Kind.CLAIM, Kind.RECOVER}


def test_every_scenario_is_there_once_and_small_ones_come_first() -> None:
    planned = plan(NAMEABLE_KINDS, workers=3)
    scenarios = [each.scenario for each in planned]
    assert len(set(scenarios)) == len(scenarios)
    assert len({each.title for each in scenarios}) == len(scenarios)
    counts = [each.interleavings for each in planned]
    assert counts == sorted(counts)
    assert all(each.interleavings == count_schedules(each.scenario.scripts) for each in planned)


def test_only_what_explodes_is_sampled() -> None:
    for each in plan(NAMEABLE_KINDS, workers=3):
        assert (each.sample is not None) == (each.interleavings > SAMPLED_ABOVE)
    assert all(each.sample is None for each in plan(NAMEABLE_KINDS, workers=2))


def test_two_workers_are_not_three() -> None:
    two, three = (plan(NAMEABLE_KINDS, workers=number) for number in (2, 3))
    assert max(len(each.scenario.scripts) for each in two) == 2
    assert max(len(each.scenario.scripts) for each in three) == 3
    assert {each.scenario for each in two} < {each.scenario for each in three}


def test_a_brief_exploration_is_short_and_meets_every_step() -> None:
    brief = plan(NAMEABLE_KINDS, workers=3, brief=True)
    assert max(each.interleavings for each in brief) <= BRIEF
    assert needs(script for each in brief for script in each.scenario.scripts) == set(
        NAMEABLE_KINDS
    )


def test_steps_that_are_not_named_are_not_explored() -> None:
    for each in plan({Kind.CLAIM, Kind.COMPLETE}, workers=3):
        assert needs(each.scenario.scripts) <= {Kind.CLAIM, Kind.COMPLETE}
    assert plan({Kind.CLAIM}, workers=2)


def test_no_scenario_claims_more_than_three_organizations_have() -> None:
    for each in plan(NAMEABLE_KINDS, workers=3):
        scenario: Scenario = each.scenario
        assert sum(scenario.exports) <= 7
        assert 1 <= scenario.limit <= 3
        assert 1 <= scenario.cap <= 3
