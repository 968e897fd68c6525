"""Two hundred appends at once, over all instances and several organizations."""

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
    f"{TENANTS * APPENDS} appends at once leave one chain per organization: no forks, no gaps",
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
    all_appends = [ConcurrentAppends(tenant) for tenant in await organizations.several(TENANTS)]
    await together(each.prepare() for each in all_appends)
    appends = [append for each in all_appends for append in each.appends(samples)]
    rng.shuffle(appends)
    await together(append() for append in appends)
    for each in all_appends:
        await each.settle()
        if stored_ledger is not None:
            # Before the look over HTTP: it can tell a fork from a gap, and what led to it.
            await stored_ledger.expect_valid_chain(
                each.org.id, detail=f"after {len(appends)} at once"
            )
        events = await each.org.client.ledger_events()
        expect_linked(events)
        each.expect_each_once(events)
        for event in (events[len(events) // 2], events[-1]):
            await expect_verified(each.org.client, event)
        observe(len(events), what="events")
