"""Two hundred concurrent appends to the ledgers of several organizations."""

import random

from contracts.hash.concurrent_appends import APPENDS, ConcurrentAppends
from contracts.shared.ledger.api_chain import expect_linked, expect_verified
from contracts.shared.ledger.stored_ledger import StoredLedger
from harness.check import check
from harness.client import Organizations, Samples, together
from harness.plugin.observations import Observations
from harness.target import Capability

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
    observe: Observations,
) -> None:
    """Sends 200 requests at once that append to the ledgers of four organizations.

    Each ledger is then one chain, `ledger_seq` 1, 2, 3 … without gaps or forks, which verifies
    and holds the events of every accepted request once.
    Contract: "without gaps or forks under concurrency".
    """
    ledgers = [ConcurrentAppends(tenant) for tenant in await organizations.several(TENANTS)]
    await together(ledger.create_jobs() for ledger in ledgers)
    requests = [request for ledger in ledgers for request in ledger.requests(samples)]
    rng.shuffle(requests)
    await together(request() for request in requests)
    for ledger in ledgers:
        await ledger.wait_for_exports()
        if stored_ledger is not None:
            # Before reading over HTTP: only the rows tell a fork from a gap.
            await stored_ledger.expect_valid_chain(
                ledger.org.id, detail=f"after {len(requests)} concurrent requests"
            )
        events = await ledger.org.client.ledger_events()
        expect_linked(events)
        ledger.expect_each_once(events)
        for event in (events[len(events) // 2], events[-1]):
            await expect_verified(ledger.org.client, event)
        observe(len(events), what="events")
