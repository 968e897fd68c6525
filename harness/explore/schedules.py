"""Interleavings of scripts: how many there are, which comes next, and which are the same.

A schedule says which worker takes the next step: `(0, 0, 1, 0, 1)`. Workers with the same script
are interchangeable, so only schedules in which they begin in their own order are counted.
"""

import random
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import factorial, prod
from typing import Protocol

Schedule = tuple[int, ...]


def count_schedules(scripts: Sequence[Sequence[Hashable]]) -> int:
    """Say how many interleavings there are, interchangeable workers counted once."""
    lengths = [len(each) for each in scripts]
    orders = factorial(sum(lengths)) // prod(map(factorial, lengths))
    # Whoever has no step changes nothing by being another worker.
    twins = Counter(tuple(each) for each in scripts if each)
    return orders // prod(map(factorial, twins.values()))


def all_schedules(scripts: Sequence[Sequence[Hashable]]) -> Iterator[Schedule]:
    """Give every interleaving, interchangeable workers in one order only."""
    before = predecessors(scripts)
    left = [len(each) for each in scripts]
    chosen: list[int] = []

    def extend() -> Iterator[Schedule]:
        if len(chosen) == total:
            yield tuple(chosen)
            return
        for worker, remaining in enumerate(left):
            if remaining and _may_begin(worker, chosen, before):
                left[worker] -= 1
                chosen.append(worker)
                yield from extend()
                chosen.pop()
                left[worker] += 1

    total = sum(left)
    yield from extend()


def predecessors(scripts: Sequence[Sequence[Hashable]]) -> Mapping[int, int]:
    """Say after which of its twins a worker may begin."""
    latest: dict[tuple[Hashable, ...], int] = {}
    found = {}
    for worker, each in enumerate(scripts):
        if each:
            if (twin := latest.get(tuple(each))) is not None:
                found[worker] = twin
            latest[tuple(each)] = worker
    return found


def canonical(schedule: Sequence[int], scripts: Sequence[Sequence[Hashable]]) -> Schedule:
    """Give the same schedule with interchangeable workers named in the order they begin in."""
    names: dict[int, int] = {}
    free: dict[tuple[Hashable, ...], list[int]] = {}
    for worker, each in enumerate(scripts):
        free.setdefault(tuple(each), []).append(worker)
    for worker in schedule:
        if worker not in names:
            names[worker] = free[tuple(scripts[worker])].pop(0)
    return tuple(names[worker] for worker in schedule)


def _may_begin(worker: int, chosen: Sequence[int], before: Mapping[int, int]) -> bool:
    return worker not in before or before[worker] in chosen or worker in chosen


def switches(schedule: Sequence[int]) -> int:
    """How often another worker goes on than the one before."""
    return sum(left != right for left, right in pairwise(schedule))


class Chooser(Protocol):
    """Decides who goes on, one interleaving after the other."""

    def more(self) -> bool:
        """Say whether there is another interleaving to run."""
        ...

    def choose(self, so_far: Schedule, able: Sequence[int]) -> int | None:
        """Choose among the workers that can go on; None when this way leads to nothing new."""
        ...

    def done(self, schedule: Schedule) -> None:
        """Note that this one, or this beginning of one, has been run."""
        ...


@dataclass(slots=True)
class _Node:
    """All schedules left that begin alike."""

    children: dict[int, "_Node"] = field(default_factory=dict)
    count: int = 0
    best: tuple[int, Schedule] = (0, ())
    """The fewest switches among them, and their first in order."""

    def refresh(self) -> None:
        self.count = sum(child.count for child in self.children.values())
        self.best = min((child.best for child in self.children.values()), default=(0, ()))


class Every(Chooser):
    """Every schedule once, those with few switches of workers first.

    A step that has to wait cuts off all schedules in which its worker would go on just then:
    what happens in them is what happens where it goes on later.
    """

    def __init__(self, schedules: Iterable[Schedule]) -> None:
        self.merged = 0
        """How many were cut off."""
        self._root = _Node()
        for schedule in schedules:
            self._add(schedule)
        self._refresh(self._root)

    @property
    def left(self) -> int:
        """How many have not been run or cut off."""
        return self._root.count

    def more(self) -> bool:
        """Say whether there is another one."""
        return self._root.count > 0

    def choose(self, so_far: Schedule, able: Sequence[int]) -> int | None:
        """Cut off those whose worker must wait, and follow the best of the rest."""
        way = self._way(so_far)
        if way is None:
            return None
        node = way[-1]
        for worker in [each for each in node.children if each not in able]:
            self.merged += node.children.pop(worker).count
        self._refresh_way(so_far, way)
        return None if not node.count else node.best[1][len(so_far)]

    def done(self, schedule: Schedule) -> None:
        """Take a schedule out."""
        way = self._way(schedule)
        if way is not None:
            way[-1].count = 0
            way[-1].children.clear()
            self._refresh_way(schedule[:-1], way[:-1], schedule[-1] if schedule else None)

    def _add(self, schedule: Schedule) -> None:
        node = self._root
        for worker in schedule:
            node = node.children.setdefault(worker, _Node())
        node.count, node.best = 1, (switches(schedule), schedule)

    def _refresh(self, node: _Node) -> None:
        if node.children:
            for child in node.children.values():
                self._refresh(child)
            node.refresh()

    def _way(self, schedule: Schedule) -> list[_Node] | None:
        """Give the nodes from the root to this beginning; None when nothing is left there."""
        way = [self._root]
        for worker in schedule:
            child = way[-1].children.get(worker)
            if child is None:
                return None
            way.append(child)
        return way

    def _refresh_way(self, so_far: Schedule, way: list[_Node], gone: int | None = None) -> None:
        if gone is not None:
            way[-1].children.pop(gone, None)
        way[-1].refresh()
        for depth in range(len(way) - 2, -1, -1):
            if not way[depth + 1].count:
                way[depth].children.pop(so_far[depth], None)
            way[depth].refresh()


class Sample(Chooser):
    """Schedules drawn at random, each as likely as the other, none drawn twice.

    Where the worker that was drawn has to wait, another one is drawn in its place.
    """

    def __init__(
        self, scripts: Sequence[Sequence[Hashable]], size: int, rng: random.Random
    ) -> None:
        self._steps = [worker for worker, each in enumerate(scripts) for _ in each]
        self._scripts = scripts
        self._size = min(size, count_schedules(scripts))
        self._rng = rng
        self._drawn: set[Schedule] = set()
        self._wanted: Schedule = ()

    def more(self) -> bool:
        """Say whether the sample is not complete."""
        return len(self._drawn) < self._size

    def choose(self, so_far: Schedule, able: Sequence[int]) -> int | None:
        """Follow the schedule that was drawn, as far as it goes."""
        if not so_far:
            self._draw()
        if self._wanted[: len(so_far)] == so_far and self._wanted[len(so_far)] in able:
            return self._wanted[len(so_far)]
        left = Counter(self._steps)
        left.subtract(so_far)
        (chosen,) = self._rng.choices(able, [left[worker] for worker in able])
        return chosen

    def done(self, schedule: Schedule) -> None:
        """It was taken note of when it was drawn."""

    def _draw(self) -> None:
        before = len(self._drawn)
        while len(self._drawn) == before:
            self._rng.shuffle(self._steps)
            self._wanted = canonical(self._steps, self._scripts)
            self._drawn.add(self._wanted)


class Fixed(Chooser):
    """One schedule as it stands, or not at all when a worker has to wait where it should go on."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._ran = False

    def more(self) -> bool:
        """Say whether it has not been run."""
        return not self._ran

    def choose(self, so_far: Schedule, able: Sequence[int]) -> int | None:
        """Give the next one, if it can go on."""
        wanted = self._schedule[len(so_far)]
        return wanted if wanted in able else None

    def done(self, schedule: Schedule) -> None:  # noqa: ARG002
        """It has been run."""
        self._ran = True
