"""Exports that are queued while no work can end: beside a full organization, and during a claim.

That a claim may have to wait for the table that holds work up is no excuse here: the same workers
have claimed other exports meanwhile.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta

from chaos.drills.waking.turns import Waking
from chaos.drills.waking.waits import waits
from chaos.faults.add_toxic import add_toxic
from chaos.faults.link import database_link
from harness.client import Organization
from harness.errors import Inconclusive
from harness.network.toxics import LatencyOfAnswers
from harness.plugin.cells import Cells
from harness.system import Instance
from harness.waiting import becomes_true

REQUESTED_WITHIN_S = 3.0
"""How long a request may take while work is held up: it may need the same table as the work."""

LATE_MS = 1000.0
"""How much later the answer to a claim arrives than the database has made it."""

IN_TIME_S = 0.8
"""Within how many seconds of a claim the next export must be queued: the answer is on its way."""

TRIES = 3
"""How often it is tried to queue one that soon."""

PLACES = 2
"""What a worker needs to take up an export while it has another one."""


async def wake_at_the_cap(waking: Waking, cells: Cells) -> None:
    """Request an export beside an idle worker, while another organization's must wait for its cap.

    No observation where requests cannot be answered while work is held up.
    """
    drill = waking.drill
    cap = drill.target.limits.per_org_in_progress
    full, jobs = await drill.backlog.jobs_of_one(cap + 1)
    owner, job_id, _ = await drill.backlog.job_with_evidence()
    await waking.wait_until_idle()
    async with cells.of(when="requested beside a full organization"), waking.held_up():
        for each in jobs:
            if await _requested(waking, full, each) is None:
                return
        for _ in jobs:  # a worker may have one place alone
            if len(await waking.until_full()) <= 1:
                break
            await waking.idle_worker()
        if not await waking.until_full():
            return  # the cap is not kept: other checks say so
        await waking.idle_worker()
        since = await drill.view.now()
        export = await _requested(waking, owner, job_id)
        if export is not None:
            what = f"requested while another organization had {cap} in progress and one queued"
            await waking.expect_claimed([export], since, what)


async def wake_during_a_claim(waking: Waking, worker: Instance, cells: Cells) -> None:
    """Queue an export when a worker has claimed another one, and has not got the answer yet.

    No observation where requests cannot be answered while work is held up.
    """
    async with cells.of(when="requested during a claim"):
        for _ in range(TRIES):
            if await _requested_during_a_claim(waking, worker):
                return
        raise Inconclusive(
            f"in {TRIES} tries no export was queued within {IN_TIME_S:g} s of the claim of another "
            "one: this machine is too busy, or requests are slow; run it again when it is idle"
        )


async def _requested_during_a_claim(waking: Waking, worker: Instance) -> bool:
    drill = waking.drill
    jobs = [(await drill.backlog.job_with_evidence())[:2] for _ in range(2)]
    await waking.wait_until_idle()
    late = add_toxic(
        database_link(drill.own.system, worker), LatencyOfAnswers(latency=LATE_MS), "downstream"
    )
    async with waking.held_up():
        async with drill.injected(late):
            since = await drill.view.now()
            exports: list[str] = []
            for owner, job_id in jobs:
                export = await _requested(waking, owner, job_id)
                if export is None:
                    return True
                exports.append(export)
                if len(exports) == 1:
                    await waking.until_held({export})
            seen = await drill.view.observed()
            first, second = waits(seen.transitions or (), exports, since)
            if first.claimed_at is None:
                return False  # it was given back meanwhile
            arrives = first.claimed_at + timedelta(milliseconds=LATE_MS)

            async def has_arrived() -> bool:
                return await drill.view.now() > arrives

            await becomes_true(has_arrived, LATE_MS / 1000)
        if second.since - first.claimed_at > timedelta(seconds=IN_TIME_S):
            return False
        what = f"requested while {worker.name} claimed another one"
        await waking.expect_claimed(exports[1:], since, what)
    return True


async def _requested(waking: Waking, owner: Organization, job_id: str) -> str | None:
    """Request an export; None where the answer does not come while work is held up."""
    with suppress(TimeoutError):
        async with asyncio.timeout(REQUESTED_WITHIN_S):
            return await waking.drill.backlog.request_one(owner, job_id)
    return None
