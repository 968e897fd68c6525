"""Interleavings of scripts: how many there are, which is next, and which are the same.

A schedule says which worker takes the next step: `(0, 0, 1, 0, 1)`. Workers with the same script
are interchangeable, so only schedules in which they begin in their own order are counted.
"""

import random
import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import factorial, prod
from typing import Protocol

Schedule = tuple[int, ...]


def count_schedules(scripts: Sequence[Sequence[Hashable]]) -> int:
    """Count the interleavings; interchangeable workers count once."""
    lengths = [len(each) for each in scripts]
    orders = factorial(sum(lengths)) // prod(map(factorial, lengths))
    # Workers without steps do not make more schedules.
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
    """After which of its twins each worker may begin."""
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
        """Whether there is another interleaving to run."""
        ...

    def choose(self, so_far: Schedule, able: Sequence[int]) -> int | None:
        """Choose among the workers that can go on; None when no new one begins like this."""
        ...

    def done(self, schedule: Schedule) -> None:
        """Note that this one, or this beginning of one, has been run."""
        ...


class Every(Chooser):
    """Every schedule once, those with few switches of workers first.

    A step that has to wait cuts off all schedules in which its worker would go on just then:
    they are the same as those in which it goes on later.
    """

    def __init__(self, schedules: Iterable[Schedule]) -> None:
        self.merged = 0
        """How many were cut off."""
        self._left = sorted(schedules)  # those that begin alike stand side by side
        self._order = {each: (switches(each), each) for each in self._left}

    @property
    def left(self) -> int:
        """How many have not been run or cut off."""
        return len(self._left)

    def more(self) -> bool:
        """Whether there is another one."""
        return bool(self._left)

    def choose(self, so_far: Schedule, able: Sequence[int]) -> int | None:
        """Cut off those whose worker must wait, and follow the best of the rest."""
        alike = self._that_begin_with(so_far)
        kept = [each for each in self._left[alike] if each[len(so_far)] in able]
        self.merged += alike.stop - alike.start - len(kept)
        self._left[alike] = kept
        return min(kept, key=self._order.__getitem__)[len(so_far)] if kept else None

    def done(self, schedule: Schedule) -> None:
        """Take a schedule out."""
        del self._left[self._that_begin_with(schedule)]

    def _that_begin_with(self, beginning: Schedule) -> slice:
        end = (*beginning, sys.maxsize)
        return slice(bisect_left(self._left, beginning), bisect_left(self._left, end))


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
        """Whether the sample is not complete."""
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
        """It was recorded when it was drawn."""

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
        """Whether it has not been run."""
        return not self._ran

    def choose(self, so_far: Schedule, able: Sequence[int]) -> int | None:
        """Give the next one, if it can go on."""
        wanted = self._schedule[len(so_far)]
        return wanted if wanted in able else None

    def done(self, schedule: Schedule) -> None:  # noqa: ARG002
        """It has been run."""
        self._ran = True
