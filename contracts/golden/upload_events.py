"""The ledger event of an upload, and the chain that it stands in, cell by cell."""

from contracts.golden.fields import LEDGER_EVENT, expect_fields
from contracts.golden.new_resources import look_at_headers, look_at_new
from contracts.shared.ledger.api_chain import expect_linked, expect_verified
from contracts.shared.ledger.stored_ledger import StoredLedger
from contracts.shared.resources.pages import Listing, expect_listed
from contracts.shared.resources.rule_ids import EVENT_WRITTEN
from contracts.shared.resources.sealed_event import sealed_event_id
from harness.client import Answer, Organization, Record
from harness.expect import expect_equal, expect_status
from harness.findings.preconditions import precondition
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.vocabulary.events import EVIDENCE_SEALED

CONSISTENT = "answer.consistent"


async def look_at_event(
    org: Organization, evidence: Record, number: int, cells: Cells, observe: Observations
) -> None:
    """Judge the event of the organization's upload with this number, from 1."""
    found: list[Answer] = []
    async with cells.of(operation="getLedgerEvent", event=EVIDENCE_SEALED):
        with precondition(EVENT_WRITTEN):
            path = {"event_id": await sealed_event_id(org.client, evidence)}
            shown = await org.client.call("getLedgerEvent", path=path)
            found.append(expect_status(shown, 200, detail="the event of an upload"))
    for shown in found:
        await look_at_headers(cells, shown, event=EVIDENCE_SEALED)
        expected = {
            "organization_id": org.id,
            "event_name": EVIDENCE_SEALED,
            "target_id": evidence["id"],
            "actor_id": org.users["member"],
        } | ({"ledger_seq": number} if org.is_fresh and org.client.chain.is_counted else {})
        rule = "ledger.event-describes"
        await look_at_new(cells, shown, LEDGER_EVENT, expected, rule=rule, event=EVIDENCE_SEALED)
        async with cells.of(operation="verifyLedgerEvent", event=EVIDENCE_SEALED):
            depth = number if org.is_fresh else None
            await expect_verified(org.client, shown.data, depth=depth)
            observe(what="verified by the backend")


async def look_at_chain(
    org: Organization, stored_ledger: StoredLedger | None, cells: Cells, observe: Observations
) -> None:
    """Judge the organization's whole chain over HTTP, and in the database where it is readable."""
    events: list[Record] = []
    is_listed = org.client.has("listLedgerEvents")
    where = {"operation": "listLedgerEvents"} if is_listed else {"table": "the ledger"}
    async with cells.of(**where):
        events += await org.client.ledger_events()
    if org.is_fresh and is_listed:  # else other clients may append events meanwhile
        await look_at_lists(org, events, cells)
    async with cells.of(**where, what="chain"):
        expect_linked(events, org.client.chain)
        observe(what="chain read over HTTP")
    for last in events[-1:]:
        async with cells.of(operation="verifyLedgerEvent", what="the last event"):
            await expect_verified(org.client, last, depth=len(events))
    if stored_ledger is not None:
        async with cells.of(table="ledger"):
            rows = await stored_ledger.expect_valid_chain(org.id)
            what = "hashes in the database, as in the API"
            hashes = [event["hash"] for event in events]
            expect_equal([row.hash for row in rows], hashes, what, rule=CONSISTENT)
            observe(len(rows), what="recomputed from the database")


async def look_at_lists(org: Organization, events: list[Record], cells: Cells) -> None:
    """Judge that lists show the same events as getLedgerEvent, in ascending ledger_seq."""
    ids = [event["id"] for event in events]
    listing = Listing(operation_id="listLedgerEvents")
    for case, limit in {"pages of one": 1, "pages of two": 2, "no limit": None}.items():
        async with cells.of(operation="listLedgerEvents", case=case):
            items = await expect_listed(org.client, listing, ids, limit=limit)
            items = org.client.in_chain_order(items)
            expect_equal(items, events, "events of the ledger in pages", rule="lists.whole")
    async with cells.of(operation="listLedgerEvents", what="fields"):
        for event in events:
            expect_fields(event, LEDGER_EVENT)
    async with cells.of(operation="getLedgerEvent", what="as in the list"):
        for event in events:
            shown = await org.client.call("getLedgerEvent", path={"event_id": event["id"]})
            got = expect_status(shown, 200).data
            expect_equal(got, event, "data of a listed event", rule=CONSISTENT)
    async with cells.of(operation="listLedgerEvents", case="of one target"):
        for target_id in {event["target_id"] for event in events}:
            await expect_events_of_target(org, events, target_id)


async def expect_events_of_target(org: Organization, events: list[Record], target_id: str) -> None:
    """Fail unless the list of one target's events has exactly those, in pages of one."""
    of_target = [event for event in events if event["target_id"] == target_id]
    listing = Listing(operation_id="listLedgerEvents", query={"target_id": target_id})
    wanted = [event["id"] for event in of_target]
    items = await expect_listed(org.client, listing, wanted, limit=1)
    items = org.client.in_chain_order(items)
    expect_equal(items, of_target, "events of one target in pages of one", rule="lists.whole")
