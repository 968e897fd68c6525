"""Writes of an API instance whose commit is done, and whose answer it never gets."""

import asyncio
from collections.abc import Awaitable, Callable

from chaos.drills.cut_writes.agreement import expect_agreement, outcome_of
from chaos.drills.cut_writes.committed import Wanted, changes_of, noted
from chaos.drills.cut_writes.writes import Write
from chaos.drills.worker_drill import WorkerDrill
from chaos.faults.lose_answers import lose_answers
from harness.errors import Inconclusive

MOST_COMMITS = 4
"""How many commits of one request are cut, each in a request of its own."""

SETTLES_WITHIN_S = 5.0

NewWrite = Callable[[], Awaitable[Write]]


async def lose_each_answer(drill: WorkerDrill, make: NewWrite, operation_id: str) -> int:
    """Send a write once in peace, and then once for each of its commits, whose answer is lost.

    Gives the number of answers that were lost. A write that commits nothing that can be seen is
    not looked at; nothing is judged of the one in peace, which other checks look at.
    """
    is_change = await changes_of(drill.own)
    victim = drill.own.system.api[0]
    count = 0
    async with drill.cells.of(operation=operation_id, lost="no answer"):
        write = await make()
        async with noted(drill.own, victim, is_change) as commits:
            answer = await write.send(0)
        count = min(len(commits.answered), MOST_COMMITS)
        if not count:
            raise Inconclusive(f"no commit of {operation_id} was seen: {answer.describe()}")
    for number in range(count):
        async with drill.cells.of(
            operation=operation_id, lost=f"the answer to commit {number + 1}"
        ):
            await _lose(drill, await make(), is_change, number)
    return count


async def _lose(drill: WorkerDrill, write: Write, is_change: Wanted, number: int) -> None:
    system = drill.own.system
    fault = lose_answers(
        system,
        system.api[0],
        is_change,
        what=write.operation_id,
        after=number,
        within_s=SETTLES_WITHIN_S,
    )
    sending = asyncio.ensure_future(outcome_of(write.send(0)))
    try:
        async with drill.injected(fault):
            outcome = await sending
    finally:
        sending.cancel()
    harm = f"its instance got no answer to commit {number + 1} of it"
    await expect_agreement(write, outcome, harm)
    drill.observe(what="writes whose commit was not answered")
