"""One interleaving, run for real."""

from harness.explore.running.explored_database import ExploredDatabase
from harness.explore.running.steps import Run
from harness.explore.scripts.scenario import (
    Act,
    Kind,
    Scenario,
)
from harness.explore.scripts.schedules import Chooser
from harness.explore.trace import (
    FRESH,
    Trace,
)

_DRAIN_ROUNDS_MORE = 6
"""Rounds of draining beyond the number of exports: the attempts of each must run out, too."""


async def run_interleaving(
    database: ExploredDatabase, scenario: Scenario, chooser: Chooser
) -> Trace | None:
    """Run one interleaving of a scenario, then let a fresh worker finish what is left.

    None when the chooser found on the way that it would be nothing new. No worker is left in a
    transaction, whatever happens.
    """
    run = await Run.begin(database, scenario)
    try:
        while able := run.able():
            worker = chooser.choose(tuple(run.schedule), able)
            if worker is None:
                return None
            run.schedule.append(worker)
            await run.step(worker, scenario.scripts[worker][run.places[worker]])
            run.places[worker] += 1
        if not run.stuck():
            await _drain(run)
        chooser.done(tuple(run.schedule))
        return run.trace()
    finally:
        await database.roll_back()


async def _drain(run: Run) -> None:
    """Let a fresh worker take back what is owned, claim what is queued and complete it."""
    protocol = run.database.protocol
    state = protocol.state
    ending = next((k for k in (Kind.COMPLETE, Kind.FAIL) if protocol.owner_step(k)), None)
    for _ in range(len(run.before) + _DRAIN_ROUNDS_MORE):
        states = [export.state for export in run.latest().values()]
        owned = any(each in state.owned for each in states)
        if all(each in state.terminal for each in states) or not (
            any(each in state.queued for each in states) or (owned and protocol.age)
        ):
            return
        before = run.latest()
        if owned and protocol.age:
            await run.step(FRESH, Act(kind=Kind.RECLAIM if protocol.recover else Kind.AGE))
        run.held.pop(FRESH, None)
        if run.stuck():
            return
        await run.step(FRESH, Act(kind=Kind.CLAIM), limit=len(run.before))
        if run.stuck():
            return
        if ending and run.held.get(FRESH):
            await run.step(FRESH, Act(kind=ending))
        if run.stuck() or run.latest() == before:
            return
