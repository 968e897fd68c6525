"""Making a failing interleaving shorter, as long as it breaks the same rule."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.explore.scripts.scenario import TRANSACTION_ENDS, Act, Kind, Scenario
from harness.explore.scripts.schedules import Schedule, switches


@dataclass(frozen=True, kw_only=True)
class Case:
    """A scenario and one schedule of it."""

    scenario: Scenario
    schedule: Schedule

    @property
    def size(self) -> tuple[int, int, int]:
        """What a shorter one has less of: steps, then switches of workers, then exports."""
        return len(self.schedule), switches(self.schedule), sum(self.scenario.exports)

    def steps(self) -> list[tuple[int, Act]]:
        """The steps in order, with their workers."""
        places = [iter(each) for each in self.scenario.scripts]
        return [(worker, next(places[worker])) for worker in self.schedule]

    def with_steps(self, steps: list[tuple[int, Act]]) -> "Case":
        """The same queue with other steps; workers without one are left out."""
        workers = list(dict.fromkeys(worker for worker, _ in steps))
        scripts = tuple(tuple(act for who, act in steps if who == worker) for worker in workers)
        schedule = tuple(workers.index(worker) for worker, _ in steps)
        return Case(scenario=replace(self.scenario, scripts=scripts), schedule=schedule)


def shorter(case: Case) -> Iterator[Case]:
    """Give cases that are simpler by one thing, the greatest simplifications first."""
    steps = case.steps()
    for start in reversed(range(len(steps))):
        if steps[start][1].kind not in TRANSACTION_ENDS:
            left = _without_transaction(steps, start)
            if left:
                yield case.with_steps(left)
    for start, (worker, act) in enumerate(steps):
        end = _end_of(steps, start) if act.held else None
        if end is not None and steps[end][1].kind is Kind.COMMIT:
            at_once = [*steps[:start], (worker, replace(act, held=False)), *steps[start + 1 :]]
            yield case.with_steps([each for n, each in enumerate(at_once) if n != end])
    for place, count in enumerate(case.scenario.exports):
        if sum(case.scenario.exports) > 1:
            fewer = [*case.scenario.exports]
            fewer[place] = count - 1
            exports = tuple(each for each in fewer if each)
            yield replace(case, scenario=replace(case.scenario, exports=exports))
    yield from _with_fewer_switches(case, steps)


def _without_transaction(steps: list[tuple[int, Act]], start: int) -> list[tuple[int, Act]]:
    gone = {start}
    if steps[start][1].held and (end := _end_of(steps, start)) is not None:
        gone.add(end)
    return [each for place, each in enumerate(steps) if place not in gone]


def _end_of(steps: list[tuple[int, Act]], start: int) -> int | None:
    worker = steps[start][0]
    later = range(start + 1, len(steps))
    mine = [n for n in later if steps[n][0] == worker]
    return next((n for n in mine if steps[n][1].kind in TRANSACTION_ENDS), None)


def _with_fewer_switches(case: Case, steps: list[tuple[int, Act]]) -> Iterator[Case]:
    for place in range(len(steps) - 1):
        if steps[place][0] != steps[place + 1][0]:
            swapped = [*steps]
            swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]
            candidate = case.with_steps(swapped)
            if candidate.size < case.size:
                yield candidate
