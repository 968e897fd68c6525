"""Something is queued while workers are idle, and one of them takes it up at once."""

import random

from chaos.drills.waking.held_up import PLACES, wake_at_the_cap, wake_during_a_claim
from chaos.drills.waking.turns import LISTENS_WITHIN_S, Waking, waking_drill
from chaos.exports.failed_export import failed_export
from chaos.faults.add_toxic import add_toxic
from chaos.faults.link import database_link
from harness.check import check
from harness.expect import expect_status
from harness.findings.preconditions import as_subject
from harness.history import HistoryWriter
from harness.network.toxics import Latency
from harness.plugin.cells import Cells
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.system import Instance
from harness.target import Capability, Target
from harness.waiting import becomes_true

LATE_MS = 120.0
"""How much later each statement of a request reaches the database: a notification that is sent
before the commit is there long before what it speaks of."""

NOT_AGAIN = f"no connection of it listened again within {LISTENS_WITHIN_S:g} s"

CROWD = 3
"""Organizations whose exports are more than one worker has places for."""


async def wake_by_request(waking: Waking, cells: Cells) -> None:
    """Queue exports in different ways beside one idle worker."""
    drill = waking.drill
    async with cells.of(when="requested"):
        await waking.expect_taken("requested while it was idle")
    if drill.own.system.network is not None and drill.own.system.database_url is not None:
        async with cells.of(when="requested slowly"):
            link = database_link(drill.own.system, drill.own.system.api[0])
            late = add_toxic(link, Latency(latency=LATE_MS), "upstream")
            owner, job_id, _ = await drill.backlog.job_with_evidence()
            await waking.wait_until_idle()
            since = await drill.view.now()
            async with drill.injected(late):
                export = await drill.backlog.request_one(owner, job_id)
            await waking.expect_claimed([export], since, "its request committed slowly")
    made = await failed_export(drill.own, drill.target, drill.backlog)
    if made is not None:
        owner, export, has_failed = made
        drill.looks.harmed([{"job": export}])
        if has_failed and owner.client.has("retryExport"):
            async with cells.of(when="retried"):
                await waking.wait_until_idle()
                since = await drill.view.now()
                answer = await owner.client.call("retryExport", path={"export_id": export})
                expect_status(answer, 202)
                await waking.expect_claimed([export], since, "retried after it had failed")


async def take_what_waits(waking: Waking, cells: Cells) -> Instance:
    """Start a worker with fewer places than there are exports, and give it when all are done."""
    drill = waking.drill
    await drill.backlog.grow(CROWD)
    async with cells.of(when="all places taken"):
        async with waking.held_up():
            worker = await waking.idle_worker()
            queued = await waking.until_full()
            waking.places = len(await drill.view.heartbeats(worker.name))
            since = await drill.view.now()
        await waking.expect_places_filled(queued, since, "queued while it had no free place")
    return worker


async def listen_again(waking: Waking, worker: Instance, cells: Cells) -> None:
    """End the connection on which a worker listens, while no new one can be opened."""
    async with cells.of(when="listens again"):
        async with waking.unheard(worker):
            pass
        again = await becomes_true(lambda: waking.listens(worker), LISTENS_WITHIN_S)
        what = "requested after the connection on which it listened was ended"
        await waking.expect_taken(what if again else f"{what}; {NOT_AGAIN}")


@check(
    "chaos.wake-up",
    "Idle workers take up new exports at once",
    checklist="Verify that an export starts within a second, and still starts without NOTIFY",
    observes=2,
    needs=frozenset({Capability.TENANTS, Capability.SPAWN, Capability.RESTART}),
    deadline_s=120,
)
async def check_wake_up(
    fresh_system: FreshSystem,
    target: Target,
    rng: random.Random,
    history: HistoryWriter,
    observe: Observations,
    cells: Cells,
) -> None:
    """Queue exports beside idle workers that poll once a minute: each is claimed in six seconds.

    By a request, by one that commits slowly, while a worker claims another one, or while another
    organization waits for its cap; by a retry, and when places are free again. After the connection
    is lost on which a worker listens it listens again. Where the target does not fill in
    `{poll_interval_s}`, workers poll as they do, and have the contract's second.
    """
    async with waking_drill(fresh_system, target, rng, history, observe, cells) as waking:
        with as_subject():
            if is_held_up := await waking.can_be_held_up():
                worker = await take_what_waits(waking, cells)
            else:
                worker = await waking.idle_worker()
            await wake_by_request(waking, cells)
            if waking.listens(worker):
                await listen_again(waking, worker, cells)
                if waking.places >= PLACES:
                    await wake_during_a_claim(waking, worker, cells)
            if is_held_up:
                await wake_at_the_cap(waking, cells)
            await waking.judge_end(cells)
