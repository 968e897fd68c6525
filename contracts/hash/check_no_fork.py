"""Two hundred concurrent appends to the ledgers of several organizations."""

import random
from collections.abc import Awaitable, Callable

from contracts.hash.concurrent_appends import APPENDS, FEWEST_JOBS, JOBS, ConcurrentAppends
from contracts.shared.ledger.api_chain import expect_linked, expect_verified, places
from contracts.shared.ledger.listed_events import ListedEvents
from contracts.shared.ledger.stored_ledger import StoredLedger
from harness.check import check
from harness.client import Organizations, Samples, together
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.target import Capability, Target
from harness.vocabulary.exports import EXPORT_TYPES

TENANTS = 4


@check(
    "hash.no-fork",
    "Concurrent appends leave one chain without forks",
    checklist="Verify the audit log under concurrent writes",
    observes=TENANTS * APPENDS,
    needs={Capability.ORGANIZATIONS, Capability.LOAD},
)
async def check_no_fork(
    organizations: Organizations,
    samples: Samples,
    rng: random.Random,
    stored_ledger: StoredLedger | None,
    target: Target,
    observe: Observations,
    cells: Cells,
) -> None:
    """Sends 200 requests at once that append to the ledgers of four organizations.

    Each ledger is then one chain, `ledger_seq` 1, 2, 3 … without gaps or forks, which verifies
    and holds the events of every accepted request once.
    Contract: "without gaps or forks under concurrency".
    """
    exports_of_a_job = TENANTS * len(EXPORT_TYPES)
    usual = JOBS * exports_of_a_job
    made = target.pace.amount(usual, fewest=FEWEST_JOBS * exports_of_a_job)
    jobs = made // exports_of_a_job
    ledgers = [ConcurrentAppends(each, jobs) for each in await organizations.several(TENANTS)]
    if missing := TENANTS * APPENDS - sum(ledger.appends for ledger in ledgers):
        observe.excuse(missing, target.pace.reason(jobs * exports_of_a_job, usual))
    await together(ledger.create_jobs() for ledger in ledgers)
    fewer = sum(2 * jobs * len(each.org.client.without.export_types) for each in ledgers)
    observe.excuse(fewer, "events of types of exports that are absent")
    requests = [request for ledger in ledgers for request in ledger.requests(samples)]
    rng.shuffle(requests)

    async def send(operation: str, request: Callable[[], Awaitable[None]]) -> None:
        async with cells.of(operation=operation, case="with others that append"):
            await request()

    await together(send(*request) for request in requests)
    for ledger in ledgers:
        ended = False
        async with cells.of(what="exports end"):
            await ledger.wait_for_exports()
            ended = True
        valid = stored_ledger is None
        if stored_ledger is not None:
            # Before reading over HTTP: only the rows tell a fork from a gap.
            async with cells.of(table="the ledger", what="chain and hashes"):
                detail = f"after {len(requests)} concurrent requests"
                await stored_ledger.expect_valid_chain(ledger.org.id, detail=detail)
                valid = True
        await look_over_http(ledger, observe, cells, ended=ended, valid=valid)


async def look_over_http(
    ledger: ConcurrentAppends, observe: Observations, cells: Cells, *, ended: bool, valid: bool
) -> None:
    """Look whether a ledger holds every event once, in one chain that verifies.

    Where its exports did not end, or its rows are no chain, that is not asked again.
    """
    listed = await ListedEvents.of(ledger.org.client)
    events = listed.events
    if ended:
        async with cells.of(**listed.where, what="every event once"):
            listed.recall()
            ledger.expect_each_once(events)
    linked = False
    if valid:
        async with cells.of(**listed.where, what="one chain"):
            listed.recall()
            expect_linked(events, ledger.org.client.chain)
            observe(len(events), what="events")
            linked = True
    for event in (events[len(events) // 2], events[-1]) if events and linked else ():
        async with cells.of(operation="verifyLedgerEvent"):
            await expect_verified(ledger.org.client, event, depth=places(events)[event["id"]])
