"""What one worker alone shows of a protocol, before its interleavings are judged.

Interleavings judge who owns what by the rows that transactions commit. A queue that keeps that
elsewhere, or that ends its exports in a way the file does not say, would be accused of what is
right in it.
"""

from collections.abc import Sequence

from harness.errors import Misconfigured
from harness.explore.protocol.protocol import Protocol
from harness.explore.running.explored_database import ExploredDatabase
from harness.explore.running.steps import Run
from harness.explore.scripts.scenario import ENDING_KINDS, Act, Kind, Scenario, script
from harness.explore.trace import Hold

RESTLESS = (
    "[state] query gives another answer each time, though no step was done: leave out columns that "
    "change with time by themselves"
)
NOT_COMMITTED = (
    "[state] query shows a claim before it has committed ({change}): ownership is kept in "
    "something that does not follow transactions, such as a session's lock (pg_advisory_lock). "
    "This cannot be explored; what can be is a queue whose claims write their owner into rows"
)
UNCHANGED = (
    "[claim] sql returned {export} and committed, and nothing that [state] query selects has "
    "changed: it does not show that the export is owned. If the claim writes a row, select what "
    "it writes. If a worker owns by a session's lock (pg_advisory_lock), or by a transaction that "
    "it keeps open until it is done, this cannot be explored. If the claim should have written a "
    "row, that is the fault: any other worker gets the same export"
)
POPPED = (
    "[claim] sql removed {export}: nothing is left that shows who owns it. A queue that removes "
    "what it hands out cannot be explored, and loses it when the worker dies"
)
UNKNOWN = (
    "[claim] sql returned {export}, which [state] query does not ({known}): [claim] id and "
    "[state] id must be the same column"
)
REMOVED = (
    "[{step}] sql removed {export}. If that is how this queue ends one, write "
    'deleted_by = ["{step}"] in [state]; if it should stay, write deleted_by = [], and it is '
    "reported as lost"
)
TAKEN_OVER = (
    "[claim] sql took over {export}, whose owner had been silent for an hour, without [recover]. "
    "If claims are meant to (a lease or visibility timeout has run out), write takes_over = true "
    "in [claim]; if not, write takes_over = false, and it is reported as claimed-twice"
)
NOT_AGED = (
    "[{section}] age returned no id for {export}, which a claim had just returned: it must make "
    "every owned export look silent for an hour, and return their ids"
)


async def rehearse(database: ExploredDatabase) -> None:
    """Do each step with one worker alone.

    Raises `Misconfigured` where the protocol file does not say what the SQL does, or where the
    queue keeps its owners where interleavings cannot show them.
    """
    protocol = database.protocol
    try:
        await _claim(database)
        for kind in ENDING_KINDS:
            if protocol.owner_step(kind) and protocol.state.deleted_by is None:
                await _end(database, kind)
        if protocol.age:
            await _let_time_pass(database, protocol)
    finally:
        await database.roll_back()


async def _begin(database: ExploredDatabase) -> Run:
    title = "one worker alone"
    return await Run.begin(database, Scenario(title=title, scripts=(script("claim"),) * 2))


async def _claimed(run: Run, worker: int = 0, *, held: bool = False) -> Sequence[Hold]:
    await run.step(worker, Act(kind=Kind.CLAIM, held=held))
    return [hold for ended in run.moments[-1].ended() for hold in ended.claimed]


async def _claim(database: ExploredDatabase) -> None:
    run = await _begin(database)
    if await database.look() != run.before:
        raise Misconfigured(RESTLESS)
    claimed = await _claimed(run, held=True)
    shown = await database.look()
    if shown != run.before:
        (export,) = run.before
        now = shown[export].state if export in shown else "gone"
        raise Misconfigured(
            NOT_COMMITTED.format(change=f"export {export}: {run.before[export].state} → {now}")
        )
    await run.step(0, Act(kind=Kind.COMMIT))
    after = run.latest()
    for hold in claimed:
        export = f"export {hold.export}"
        if hold.export not in run.before:
            raise Misconfigured(UNKNOWN.format(export=export, known=", ".join(run.before)))
        if hold.export not in after:
            raise Misconfigured(POPPED.format(export=export))
        if after[hold.export] == run.before[hold.export]:
            raise Misconfigured(UNCHANGED.format(export=export))


async def _end(database: ExploredDatabase, kind: Kind) -> None:
    run = await _begin(database)
    claimed = await _claimed(run)
    await run.step(0, Act(kind=kind))
    for hold in claimed:
        if hold.export not in run.latest():
            raise Misconfigured(REMOVED.format(step=kind, export=f"export {hold.export}"))


async def _let_time_pass(database: ExploredDatabase, protocol: Protocol) -> None:
    run = await _begin(database)
    claimed = await _claimed(run)
    aged = await database.age()
    for hold in claimed:
        if hold.export not in aged:
            section = "recover" if protocol.recover else "claim"
            raise Misconfigured(NOT_AGED.format(section=section, export=f"export {hold.export}"))
    if protocol.recover is None or protocol.claim.takes_over is not None:
        return
    for hold in await _claimed(run, worker=1):
        if hold.export in {each.export for each in claimed}:
            raise Misconfigured(TAKEN_OVER.format(export=f"export {hold.export}"))
