"""The chain of each organization, with every kind of event: over HTTP, in rows, in exports."""

import json
from datetime import timedelta

from contracts.hash.expected_ledger import (
    ExpectedLedger,
    cause_every_event,
    look_at_recorded_events,
    name_of,
)
from contracts.shared.exports.archive import ARCHIVE, unpack
from contracts.shared.exports.stored_manifest import stored_manifest
from contracts.shared.ledger.api_chain import expect_linked, expect_verified, places
from contracts.shared.ledger.hash_chain import StoredEvent
from contracts.shared.ledger.hash_form import SAID, expect_covered
from contracts.shared.ledger.ledger_file import WHOLE_LEDGER, expect_ledger_file
from contracts.shared.ledger.listed_events import ListedEvents
from contracts.shared.ledger.stored_ledger import StoredLedger
from contracts.shared.resources.conventions import time_of
from contracts.shared.resources.stored_objects import StoredObjects
from harness.check import check
from harness.client import Organizations, Record, Samples, together
from harness.database import Row
from harness.expect import expect, expect_equal, expect_status, showing
from harness.findings.preconditions import precondition
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.system import System
from harness.target import Capability, Target

TENANTS = 2
EVENTS = 2 + 2 * 2 + 2
"""The fewest of one organization: two uploads, two exports, and one canceled export."""

PAGE = 3
SHOWN_AS_STORED = ("organization_id", "actor_id", "event_name", "target_type", "target_id")
HASHES = ("hash", "prev_hash")
UNHASHED = ("id", "salt_key_id", "canonical_version")
PRECISION = timedelta(seconds=1)
"""RFC 3339 lets a backend show any number of digits of a second."""


@check(
    "hash.chain",
    "Every event is in its organization's chain",
    checklist="Verify ledger event and hash chain",
    needs={Capability.ORGANIZATIONS},
    observes=TENANTS * (2 * EVENTS + 2),
)
async def check_chain(
    organizations: Organizations,
    samples: Samples,
    system: System,
    target: Target,
    stored_ledger: StoredLedger | None,
    cover: Coverage,
    observe: Observations,
    cells: Cells,
) -> None:
    """Causes every kind of event in two organizations and reads each ledger in every way.

    Lists, pages, single events, rows of the database and `ledger.json` in exports hold the same
    chain, with every event once, its actor, and valid hashes. No salt is shown.
    Contract: the section on the ledger.
    """
    tenants = await organizations.several(TENANTS)
    objects = StoredObjects.of(system, target)
    ledgers = await together(
        cause_every_event(tenant, samples, target, objects if tenant is tenants[0] else None, cells)
        for tenant in tenants
    )
    for expected in ledgers:
        if not expected.is_whole:
            continue  # what still goes on may end between two of our questions
        listed = await ListedEvents.of(expected.org.client)
        events = listed.events
        valid, linked = stored_ledger is None, False
        if stored_ledger is not None:
            valid = await look_into_rows(stored_ledger, expected, listed, observe, cells)
            async with cells.of(what="no salt is shown"):
                listed.recall()
                expect_no_salt(stored_ledger, expected, events)
        async with cells.of(**listed.where, what="one chain"):
            listed.recall()
            expect_linked(events, expected.org.client.chain)
            observe(len(events), what="events over HTTP")
            linked = True
        await look_at_recorded_events(expected, events, listed.exchange, cells)
        if valid and linked:  # else verification must say so
            await look_at_verification(expected, events, cover, observe, cells)
        await look_over_http(expected, events, cells)
        await look_into_exports(expected, events, observe, cells)


async def look_at_verification(
    expected: ExpectedLedger,
    events: list[Record],
    cover: Coverage,
    observe: Observations,
    cells: Cells,
) -> None:
    """Look whether every event verifies."""
    depths = places(events)

    async def look_at(event: Record) -> None:
        async with cells.of(operation="verifyLedgerEvent", event=name_of(event)):
            await expect_verified(expected.org.client, event, depth=depths[event["id"]])
            observe(what="events that the backend verified")
        cover("ledger events", event=event["event_name"], verified="over HTTP")

    await together(map(look_at, events), at_once=8)


async def look_over_http(expected: ExpectedLedger, events: list[Record], cells: Cells) -> None:
    """Look whether lists, pages and single events are the same, in ascending order."""
    client = expected.org.client
    async with cells.of(operation="listLedgerEvents", what="pages"):
        pages = await client.listed("listLedgerEvents", query={"limit": PAGE})
        paged = client.in_chain_order(pages)
        what = f"ledger in pages of {PAGE}, in ascending ledger_seq"
        expect_equal(paged, events, what, rule="lists.whole", subject="listLedgerEvents")
    for event in (events[0], events[-1]):
        async with cells.of(operation="getLedgerEvent", event=name_of(event)):
            answer = await client.call("getLedgerEvent", path={"event_id": event["id"]})
            got, what = expect_status(answer, 200).data, "an event, by its id"
            expect_equal(got, event, what, rule="answer.consistent", subject="getLedgerEvent")
        async with cells.of(operation="listLedgerEvents", what="target_id", event=name_of(event)):
            about = [one for one in events if one["target_id"] == event["target_id"]]
            listed = await client.ledger_events(target_id=event["target_id"])
            expect_equal(listed, about, "events of a target_id, ascending")
    for evidence in expected.evidence.values():
        async with cells.of(operation="uploadEvidence", field="ledger_event_id"):
            sealed = [event["id"] for event in events if event["target_id"] == evidence["id"]]
            what = "ids of the events about an upload, its ledger_event_id"
            expect_equal(sealed, [evidence["ledger_event_id"]], what, detail=evidence["id"])


async def look_into_exports(
    expected: ExpectedLedger, events: list[Record], observe: Observations, cells: Cells
) -> None:
    """Look whether exports of both types hold the chain up to their ledger head."""
    client = expected.org.client
    for export in expected.ready:
        async with cells.of(operation="downloadExport", type=export["export_type"]):
            with precondition(ARCHIVE):
                entries = unpack(await client.download(export["id"]))
            entries.needs_ledger_file()
            expect(
                "ledger.json" in entries,
                expected=f"ledger.json in a {export['export_type']} export",
                got=str(sorted(entries)),
                rule=WHOLE_LEDGER,
                subject="ledger.json",
            )
            manifest = await stored_manifest(client, export["id"])
            expect_ledger_file(
                entries["ledger.json"], manifest.document, events, shape=client.chain
            )
            observe(what="ledgers in exports")


async def look_into_rows(
    stored: StoredLedger,
    expected: ExpectedLedger,
    listed: ListedEvents,
    observe: Observations,
    cells: Cells,
) -> bool:
    """Look whether the rows are the events of the API, and every hash is right; say the latter."""
    valid, events = False, listed.events
    async with cells.of(table="the ledger", what="chain and hashes"):
        await stored.expect_valid_chain(expected.org.id)
        observe(len(events), what="rows recomputed")
        valid = True
    for column in filter(stored.table.has, SAID):
        async with cells.of(table="the ledger", what="is hashed", field=column):
            expect_covered(stored.form, column)
    if listed.are_rows:
        return valid
    rows = await stored.chain(expected.org.id)
    others = await stored.unhashed_columns(expected.org.id)
    found: list[tuple[Record, StoredEvent, Row]] = []
    async with cells.of(table="the ledger", what="number of rows"):
        what = "number of rows of the organization's ledger"
        expect_equal(len(rows), len(events), what)
        found += zip(events, rows, others, strict=True)
    fields = (*SHOWN_AS_STORED, *HASHES, *UNHASHED, "metadata", "created_at")
    for field in filter(stored.table.has, fields if found else ()):
        async with cells.of(table="the ledger", field=field):
            for event, row, more in found:
                evidence = stored.rows_evidence(expected.org.id, rows, row.ledger_seq)
                with showing(evidence):
                    expect_field_as_in_row(field, event, row, more)
    return valid


def expect_field_as_in_row(field: str, event: Record, row: StoredEvent, more: Row) -> None:
    """Fail unless a field of an event is what its row holds."""
    what, detail = f"{field} of an event, as in its row", row.name
    if field in SHOWN_AS_STORED:
        stored_value = event.contract_value(field, row.fields[field])
        expect_equal(event[field] or None, stored_value or None, what, detail=detail)
    elif field in HASHES:
        stored_hash = row.hash if field == "hash" else row.prev_hash
        expect_equal(event[field] or None, stored_hash or None, what, detail=detail)
    elif field in UNHASHED:
        shown = None if event[field] is None else str(event[field])
        expect_equal(shown, None if more[field] is None else str(more[field]), what, detail=detail)
        expect(shown, expected=f"{field} of an event", got="null", detail=detail)
    elif field == "metadata":
        metadata = json.loads(row.metadata or "null")
        expect_equal(event.received("metadata"), metadata, what, detail=detail)
    else:
        expect(
            abs(time_of(event, "created_at") - more["created_at"]) < PRECISION,
            expected="created_at of an event, as in its row",
            got=f"{event['created_at']}, and {more['created_at']} in the row",
            detail=detail,
        )


def expect_no_salt(stored: StoredLedger, expected: ExpectedLedger, events: list[Record]) -> None:
    """Fail when an event shows a salt."""
    shown = repr(events)
    for key_id, salt in stored.salts.items():
        expect(
            not salt or salt not in shown,
            expected="no salt in any event over HTTP: salts are secrets",
            got=f"the salt {key_id} in the ledger of organization {expected.org.id}",
        )
