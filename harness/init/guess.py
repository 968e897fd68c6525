"""What `init` thinks of one line of a target file: the value, how sure it is, and why."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

TomlValue = str | bool | int | float | Sequence[str | int]


class Certainty(IntEnum):
    """How sure a line is; a doubtful one is written as a comment."""

    DOUBTFUL = 0
    LIKELY = 1
    SURE = 2

    @property
    def is_written(self) -> bool:
        """Whether the line counts in the file."""
        return self is not Certainty.DOUBTFUL


@dataclass(frozen=True, kw_only=True)
class Guess:
    """One line: `key = value` in a table."""

    table: tuple[str, ...]
    key: tuple[str, ...]
    value: TomlValue
    certainty: Certainty
    why: str


A = TypeVar("A", bound=Hashable)
B = TypeVar("B", bound=Hashable)


@dataclass(frozen=True, kw_only=True)
class Pair(Generic[A, B]):
    """One thing of the contract and one of the backend, taken for the same."""

    ours: A
    theirs: B
    score: float
    margin: float
    """How much worse the best pairs of all are without this one."""

    @property
    def certainty(self) -> Certainty | None:
        """How sure the pair is; None where it is nothing to mention."""
        if self.score >= 0.8 and self.margin >= 0.1:
            return Certainty.SURE
        if self.score >= 0.62 and self.margin >= 0.06:
            return Certainty.LIKELY
        return Certainty.DOUBTFUL if self.score >= 0.4 else None


def assign(scores: Mapping[tuple[A, B], float], least: float = 0.4) -> list[Pair[A, B]]:
    """Pair each of ours with one of theirs so that the scores of all pairs together are highest.

    A pair's margin is what the whole would lose without it: where two choices are as good, none
    is sure. The surest pair is the first.
    """
    left = {pair: score for pair, score in scores.items() if score >= least}
    best = _best(left)
    total = sum(left[pair] for pair in best)
    pairs = []
    for pair in best:
        without = {each: score for each, score in left.items() if each != pair}
        margin = total - sum(without[each] for each in _best(without))
        pairs.append(Pair(ours=pair[0], theirs=pair[1], score=left[pair], margin=margin))
    return sorted(pairs, key=lambda pair: (-pair.score - min(pair.margin, 0.3), str(pair.ours)))


def _best(scores: Mapping[tuple[A, B], float]) -> list[tuple[A, B]]:
    """Solve the assignment problem: shortest augmenting paths over potentials (Kuhn, Munkres).

    A row may stay alone, which costs what any score would have given.
    """
    rows = sorted({pair[0] for pair in scores}, key=str)
    columns = sorted({pair[1] for pair in scores}, key=str)
    wide = len(columns) + len(rows)  # a place to stay alone in for each row
    costs = [
        [-scores.get((row, column), 0.0) for column in columns] + [0.0] * len(rows) for row in rows
    ]
    of_row, of_column, owner = [0.0] * (len(rows) + 1), [0.0] * (wide + 1), [0] * (wide + 1)
    for row in range(1, len(rows) + 1):
        _augment(row, costs, of_row, of_column, owner)
    found = [
        (rows[owner[place + 1] - 1], column)
        for place, column in enumerate(columns)
        if owner[place + 1]
    ]
    return [pair for pair in found if pair in scores]


def _augment(
    row: int,
    costs: Sequence[Sequence[float]],
    of_row: list[float],
    of_column: list[float],
    owner: list[int],
) -> None:
    """Give one more row a column, moving the owners of others along the cheapest path."""
    wide = len(owner) - 1
    cheapest, before, seen = [math.inf] * (wide + 1), [0] * (wide + 1), [False] * (wide + 1)
    owner[0], here = row, 0
    while owner[here]:
        seen[here] = True
        current, step, following = owner[here], math.inf, 0
        for place in range(1, wide + 1):
            if seen[place]:
                continue
            cost = costs[current - 1][place - 1] - of_row[current] - of_column[place]
            if cost < cheapest[place]:
                cheapest[place], before[place] = cost, here
            if cheapest[place] < step:
                step, following = cheapest[place], place
        for place in range(wide + 1):
            if seen[place]:
                of_row[owner[place]] += step
                of_column[place] -= step
            else:
                cheapest[place] -= step
        here = following
    while here:
        owner[here] = owner[before[here]]
        here = before[here]
