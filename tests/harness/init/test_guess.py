"""Pairs that together fit best, and how sure each is."""

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.init.guess import Certainty, assign


def test_each_goes_where_all_fit_best() -> None:
    # Alone, `a` would take 1; then `b` would have nothing.
    pairs = {one.ours: one.theirs for one in assign({("a", 1): 0.9, ("a", 2): 0.8, ("b", 1): 0.85})}
    assert pairs == {"a": 2, "b": 1}


def test_two_that_are_as_good_are_not_sure() -> None:
    (one,) = assign({("a", 1): 1.0, ("a", 2): 1.0})
    assert one.margin == 0
    assert one.certainty is Certainty.DOUBTFUL


def test_what_has_no_rival_is_sure() -> None:
    (one,) = assign({("a", 1): 1.0})
    assert one.certainty is Certainty.SURE


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 3), st.integers(0, 3)),
        st.floats(0.41, 1.0),
        min_size=1,
    )
)
def test_no_other_pairs_have_a_higher_sum(scores: dict[tuple[int, int], float]) -> None:
    best = max(
        sum(scores.get((row, column), 0.0) for row, column in enumerate(order))
        for order in permutations(range(4))
    )
    found = assign(scores)
    assert abs(sum(one.score for one in found) - best) < 1e-9
    assert len({one.ours for one in found}) == len({one.theirs for one in found}) == len(found)
