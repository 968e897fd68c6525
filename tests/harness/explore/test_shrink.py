from harness.explore.scripts.scenario import Scenario, script
from harness.explore.scripts.shrink import Case, shorter


def case(schedule: tuple[int, ...], *scripts: str, exports: tuple[int, ...] = (2,)) -> Case:
    scenario = Scenario(title="t", scripts=tuple(map(script, scripts)), exports=exports)
    return Case(scenario=scenario, schedule=schedule)


def shrunk(of: Case, fails: "set[str]") -> Case:
    """Shrink as the explorer does; a case fails when all these steps are still in it."""
    improved = True
    while improved:
        improved = False
        for candidate in shorter(of):
            if fails <= {f"{worker}{act}" for worker, act in named(candidate)}:
                of, improved = candidate, True
                break
    return of


def named(of: Case) -> list[tuple[str, str]]:
    return [("AB"[worker], str(act)) for worker, act in of.steps()]


def test_steps_are_given_with_their_workers() -> None:
    assert named(case((0, 1, 0), "claim+", "claim")) == [
        ("A", "claim"),
        ("B", "claim"),
        ("A", "commit"),
    ]


def test_whatever_the_failure_does_not_need_goes() -> None:
    long = case((0, 0, 1, 1, 0, 1, 0), "claim+ heartbeat+", "reclaim claim complete")
    found = shrunk(long, {"Aclaim", "Breclaim"})
    assert named(found) == [("A", "claim"), ("B", "reclaim")]
    assert found.scenario.exports == (1,)


def test_a_commit_that_matters_stays_with_its_step() -> None:
    long = case((0, 1, 0, 1), "claim+", "claim+")
    found = shrunk(long, {"Aclaim", "Acommit", "Bclaim"})
    assert named(found) in (
        [("A", "claim"), ("A", "commit"), ("B", "claim")],
        [("B", "claim"), ("A", "claim"), ("A", "commit")],
    )


def test_every_candidate_is_a_case_of_its_own_scripts() -> None:
    for candidate in shorter(case((0, 1, 0, 1, 1), "claim+", "reclaim+ claim")):
        assert len(candidate.schedule) == sum(candidate.scenario.lengths)
        candidate.steps()


def test_nothing_is_shorter_than_one_step_on_one_export() -> None:
    assert list(shorter(case((0,), "claim", exports=(1,)))) == []
