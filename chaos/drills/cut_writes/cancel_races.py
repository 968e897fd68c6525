"""Cancellations that meet the completion of the same export at a lock."""

import asyncio
from contextlib import AsyncExitStack

from chaos.drills.cut_writes.agreement import expect_agreement, outcome_of
from chaos.drills.cut_writes.cut_requests import WRITES_ONLY, wait_until_blocked
from chaos.drills.cut_writes.writes import Cancellation
from chaos.drills.lockable import locks_of
from chaos.drills.new_exports import accepted, new_job
from chaos.drills.worker_drill import WorkerDrill
from harness.errors import Inconclusive
from harness.vocabulary.exports import TERMINAL_STATES
from harness.waiting import becomes_true, wait_until

RACES = 2
"""One cancellation waits before its completion does, the other after it."""

HELD_WITHIN_S = 2.0
_POLL_S = 0.03


async def race_cancellations(drill: WorkerDrill) -> None:
    """Let a worker complete exports that are canceled at the same moment; judge who has won.

    `Inconclusive` where the tables of evidence and exports are not known.
    """
    evidence = await locks_of(drill, "evidence")
    exports = await locks_of(drill, "exports", mode=WRITES_ONLY)
    if not (evidence and exports):
        raise Inconclusive(
            "no export can be kept from its completion: name the tables in [catalog.tables]"
        )
    jobs = [await new_job(drill) for _ in range(RACES)]
    async with AsyncExitStack() as writing, AsyncExitStack() as working:
        await working.enter_async_context(drill.injected(*evidence))
        races = [
            Cancellation(
                org=org, reads_at=1, export_id=str((await org.client.new_export(job_id))["id"])
            )
            for org, job_id in jobs
        ]

        async def are_held() -> bool:
            held = {each.export_id for each in await drill.view.in_progress()}
            return held >= {each.export_id for each in races}

        await becomes_true(are_held, HELD_WITHIN_S, poll_s=_POLL_S)
        await writing.enter_async_context(drill.injected(*exports))
        first = asyncio.ensure_future(outcome_of(races[0].send(1)))
        await wait_until_blocked(drill, 1)
        await working.aclose()
        await wait_until_blocked(drill, 1 + RACES)
        second = asyncio.ensure_future(outcome_of(races[1].send(1)))
        await wait_until_blocked(drill, 2 + RACES)
        await writing.aclose()
    for race, outcome in zip(races, await asyncio.gather(first, second), strict=True):
        await _wait_until_ended(drill, race)
        await expect_agreement(race, outcome, "it met the completion of its export")
        if not await race.records():
            accepted(drill, race.org, race.export_id)


async def _wait_until_ended(drill: WorkerDrill, race: Cancellation) -> None:
    async def has_ended() -> bool:
        shown = await race.reading.get_export(race.export_id)
        return shown["state"] in TERMINAL_STATES

    within_s = drill.times.stuck_timeout_s + drill.target.pace.wait_s(10.0)
    what = f"export {race.export_id} to end"
    await wait_until(has_ended, within_s, what, poll_s=_POLL_S, error=Inconclusive)
