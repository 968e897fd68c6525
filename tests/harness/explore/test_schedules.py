"""The enumeration is held against the simplest one: all permutations without duplicates."""

import random
from collections.abc import Sequence
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.explore.scripts.schedules import (
    Every,
    Fixed,
    Sample,
    Schedule,
    all_schedules,
    canonical,
    count_schedules,
    switches,
)

Scripts = list[tuple[str, ...]]

few_scripts = st.lists(
    st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map(tuple), min_size=1, max_size=3
).filter(lambda scripts: sum(map(len, scripts)) <= 6)


def brute_force(scripts: Scripts) -> set[Schedule]:
    """All orders of all steps; of those that differ only in who is who of equals, the first."""
    steps = [worker for worker, script in enumerate(scripts) for _ in script]
    found = set(permutations(steps))
    return {min(renamed(schedule, scripts)) for schedule in found}


def renamed(schedule: Schedule, scripts: Scripts) -> set[Schedule]:
    workers = range(len(scripts))
    return {
        tuple(names[worker] for worker in schedule)
        for names in permutations(workers)
        if all(scripts[names[worker]] == scripts[worker] for worker in workers)
    }


@settings(deadline=None)
@given(few_scripts)
def test_every_interleaving_once_and_equals_counted_once(scripts: Scripts) -> None:
    listed = list(all_schedules(scripts))
    assert len(set(listed)) == len(listed) == count_schedules(scripts)
    assert {min(renamed(schedule, scripts)) for schedule in listed} == brute_force(scripts)


@settings(deadline=None)
@given(few_scripts, st.randoms(use_true_random=False))
def test_any_order_has_one_canonical_form(scripts: Scripts, rng: random.Random) -> None:
    steps = [worker for worker, script in enumerate(scripts) for _ in script]
    rng.shuffle(steps)
    form = canonical(steps, scripts)
    assert form in set(all_schedules(scripts))
    assert form in renamed(tuple(steps), scripts)


def test_the_sizes_that_the_documentation_names() -> None:
    assert count_schedules([("a", "b"), ("a", "b")]) == 3
    assert count_schedules([("a", "b"), ("c", "d")]) == 6
    assert count_schedules([tuple("abcdef"), tuple("ghijkl")]) == 924
    assert count_schedules([("a",)] * 3) == 1


def run_all(
    chooser: Every | Sample, lengths: Sequence[int], blocked: dict[Schedule, set[int]]
) -> list[Schedule]:
    """What an exploration runs when after these beginnings these workers must wait."""
    ran = []
    while chooser.more():
        so_far: list[int] = []
        while True:
            able = [
                worker
                for worker, length in enumerate(lengths)
                if so_far.count(worker) < length and worker not in blocked.get(tuple(so_far), set())
            ]
            if not able:
                ran.append(tuple(so_far))
                chooser.done(tuple(so_far))
                break
            chosen = chooser.choose(tuple(so_far), able)
            if chosen is None:
                break
            so_far.append(chosen)
    return ran


@settings(deadline=None)
@given(few_scripts)
def test_without_waits_every_schedule_is_run_once(scripts: Scripts) -> None:
    schedules = list(all_schedules(scripts))
    every = Every(schedules)
    ran = run_all(every, [len(script) for script in scripts], {})
    assert sorted(ran) == sorted(schedules)
    assert every.merged == 0


@settings(deadline=None)
@given(few_scripts, st.randoms(use_true_random=False))
def test_what_must_wait_is_cut_off_and_the_rest_is_run(
    scripts: Scripts, rng: random.Random
) -> None:
    """Run or cut off: each schedule is one of the two, and nothing is run twice."""
    schedules = list(all_schedules(scripts))
    lengths = [len(script) for script in scripts]
    blocked: dict[Schedule, set[int]] = {}
    for schedule in schedules:
        cut = rng.randrange(len(schedule) + 1)
        left = set(schedule[cut:])
        if len(left) > 1:  # never all of them: somebody holds what the others wait for
            blocked[schedule[:cut]] = {rng.choice(sorted(left))}
    every = Every(schedules)
    ran = run_all(every, lengths, blocked)
    possible = [
        schedule
        for schedule in schedules
        if not any(
            schedule[length] in blocked.get(schedule[:length], set())
            for length in range(len(schedule))
        )
    ]
    assert len(set(ran)) == len(ran)
    assert sorted(ran) == sorted(possible)
    assert every.merged == len(schedules) - len(possible)
    assert every.left == 0


def test_few_switches_come_first() -> None:
    scripts = [tuple("abc"), tuple("def")]
    ran = run_all(Every(all_schedules(scripts)), (3, 3), {})
    assert switches(ran[0]) == 1
    assert [switches(each) for each in ran] == sorted(switches(each) for each in ran)


def test_a_sample_has_no_repeats_and_follows_the_seed() -> None:
    scripts = [tuple("abcd"), tuple("abcd"), tuple("xy")]
    ran = [run_all(Sample(scripts, 50, random.Random(7)), (4, 4, 2), {}) for _ in range(2)]
    assert ran[0] == ran[1]
    assert len(set(ran[0])) == len(ran[0]) == 50
    assert set(ran[0]) <= set(all_schedules(scripts))


def test_a_sample_ends_although_there_are_fewer() -> None:
    sample = Sample([("a",), ("b",)], 50, random.Random(1))
    assert set(run_all(sample, (1, 1), {})) == {(0, 1), (1, 0)}


def test_a_fixed_schedule_is_that_or_nothing() -> None:
    fixed = Fixed((0, 1, 1))
    assert fixed.more()
    assert fixed.choose((), [0, 1]) == 0
    assert fixed.choose((0,), [0]) is None
    fixed.done((0, 1, 1))
    assert not fixed.more()
