"""The possible orders of steps that went on together; a violation must hold in all of them.

When a commit lets two waiting steps go on, their answers may arrive in another order than that in
which the server let them through. What is right in one of the orders is no violation.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import permutations, product

from harness.explore.rules.violation import Violation
from harness.explore.trace import Committed, Event, Moment, Trace

_MOST_ORDERS = 64


def judge_in_every_order(
    trace: Trace, judge: Callable[[Trace], list[Violation]]
) -> tuple[Trace, list[Violation]]:
    """Judge a trace in every possible order; give the one with the fewest violations."""
    best = trace, judge(trace)
    if not best[1]:
        return best
    for number, candidate in enumerate(possible_orders(trace)):
        if number >= _MOST_ORDERS:
            break
        found = judge(candidate)
        if len(found) < len(best[1]):
            best = candidate, found
        if not found:
            break
    return best


def possible_orders(trace: Trace) -> Iterator[Trace]:
    """Give the trace with the events of each moment in every order that nothing rules out."""
    for moments in product(*(list(_orders(moment)) for moment in trace.moments)):
        yield replace(trace, moments=moments)


def _orders(moment: Moment) -> Iterator[Moment]:
    groups: dict[int, list[Event]] = {}
    for event in moment.events:
        step = event.steps[0] if isinstance(event, Committed) and event.steps else event
        worker = moment.call.worker if isinstance(step, Committed) else step.call.worker
        groups.setdefault(worker, []).append(event)
    own = groups.pop(moment.call.worker, [])
    if len(groups) < 2:
        yield moment
        return
    for order in permutations(groups.values()):
        events = [*own, *(event for group in order for event in group)]
        yield replace(moment, events=tuple(events))
