"""The chain of each organization, with every kind of event: over HTTP, in rows, in exports."""

import json
from datetime import timedelta

from contracts.hash.expected_ledger import ExpectedLedger, cause_every_event, expect_recorded_events
from contracts.shared.exports.archive import unpack
from contracts.shared.exports.stored_manifest import stored_manifest
from contracts.shared.ledger.api_chain import expect_linked, expect_verified
from contracts.shared.ledger.ledger_file import expect_ledger_file
from contracts.shared.ledger.stored_ledger import StoredLedger
from contracts.shared.resources.conventions import time_of
from contracts.shared.resources.stored_objects import StoredObjects
from harness.check import check
from harness.client import Organizations, Record, Samples, together
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.coverage import Coverage
from harness.plugin.observations import Observations
from harness.system import System
from harness.target import Capability, Target

TENANTS = 2
EVENTS = 2 + 2 * 2 + 2
"""The fewest of one organization: two uploads, two exports, and one canceled export."""

PAGE = 3
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
) -> None:
    """Causes every kind of event in two organizations and reads each ledger in every way.

    Lists, pages, single events, rows of the database and `ledger.json` in exports hold the same
    chain, with every event once, its actor, and valid hashes. No salt is shown.
    Contract: the section on the ledger.
    """
    tenants = await organizations.several(TENANTS)
    objects = StoredObjects.of(system, target)
    ledgers = await together(
        cause_every_event(tenant, samples, target, objects if tenant is tenants[0] else None)
        for tenant in tenants
    )
    for expected in ledgers:
        events = await expected.org.client.ledger_events()
        expect_linked(events)
        expect_recorded_events(expected, events)
        observe(len(events), what="events over HTTP")
        await expect_all_verified(expected, events, cover)
        observe(len(events), what="events that the backend verified")
        await expect_same_over_http(expected, events)
        await expect_same_in_exports(expected, events)
        observe(len(expected.ready), what="ledgers in exports")
        if stored_ledger is not None:
            await expect_same_in_rows(stored_ledger, expected, events)
            observe(len(events), what="rows recomputed")
            expect_no_salt(stored_ledger, expected, events)


async def expect_all_verified(
    expected: ExpectedLedger, events: list[Record], cover: Coverage
) -> None:
    """Fail unless every event verifies."""
    client = expected.org.client
    await together((expect_verified(client, event) for event in events), at_once=8)
    for event in events:
        cover("ledger events", event=event["event_name"], verified="over HTTP")


async def expect_same_over_http(expected: ExpectedLedger, events: list[Record]) -> None:
    """Fail unless lists, pages and single events are the same, in ascending order."""
    client = expected.org.client
    paged = await client.listed("listLedgerEvents", query={"limit": PAGE})
    expect_equal(paged, events, f"ledger in pages of {PAGE}, in ascending ledger_seq")
    for event in (events[0], events[-1]):
        answer = await client.call("getLedgerEvent", path={"event_id": event["id"]})
        expect_equal(expect_status(answer, 200).data, event, f"event {event['id']}, by its id")
        about = [one for one in events if one["target_id"] == event["target_id"]]
        listed = await client.ledger_events(target_id=event["target_id"])
        expect_equal(listed, about, f"events of target_id {event['target_id']}, ascending")
    for evidence in expected.evidence.values():
        sealed = [event for event in events if event["target_id"] == evidence["id"]]
        expect_equal(
            [event["id"] for event in sealed],
            [evidence["ledger_event_id"]],
            f"ids of the events about evidence {evidence['id']}, its ledger_event_id",
        )


async def expect_same_in_exports(expected: ExpectedLedger, events: list[Record]) -> None:
    """Fail unless exports of both types hold the chain up to their ledger head."""
    client = expected.org.client
    for export in expected.ready:
        entries = unpack(await client.download(export["id"]))
        expect(
            "ledger.json" in entries,
            expected=f"ledger.json in a {export['export_type']} export",
            got=str(sorted(entries)),
        )
        manifest = await stored_manifest(client, export["id"])
        expect_ledger_file(entries["ledger.json"], manifest.document, events)


async def expect_same_in_rows(
    stored: StoredLedger, expected: ExpectedLedger, events: list[Record]
) -> None:
    """Fail unless the rows are the events of the API, and every hash is right."""
    rows = await stored.expect_valid_chain(expected.org.id)
    others = await stored.unhashed_columns(expected.org.id)
    expect_equal(len(rows), len(events), "number of rows of the organization's ledger")
    for event, row, more in zip(events, rows, others, strict=True):
        for name in ("organization_id", "actor_id", "event_name", "target_type", "target_id"):
            stored_value = event.contract_value(name, row.fields[name])
            expect_equal(event[name] or None, stored_value or None, f"{name} of {row.name}")
        for name, stored_hash in (("hash", row.hash), ("prev_hash", row.prev_hash)):
            expect_equal(event[name] or None, stored_hash or None, f"{name} of {row.name}")
        for name in ("id", "salt_key_id", "canonical_version"):
            expect(
                more[name] is not None and str(event[name]) == str(more[name]),
                expected=f"{name} of {row.name}: {more[name]}, as in the row",
                got=repr(event[name]),
            )
        metadata = json.loads(row.metadata or "null")
        expect_equal(event.received("metadata"), metadata, f"metadata of {row.name}")
        expect(
            abs(time_of(event, "created_at") - more["created_at"]) < PRECISION,
            expected=f"created_at of {row.name}: {more['created_at']}, as in the row",
            got=event["created_at"],
        )


def expect_no_salt(stored: StoredLedger, expected: ExpectedLedger, events: list[Record]) -> None:
    """Fail when an event shows a salt."""
    shown = repr(events)
    for key_id, salt in stored.salts.items():
        expect(
            salt not in shown,
            expected="no salt in any event over HTTP: salts are secrets",
            got=f"the salt {key_id} in the ledger of organization {expected.org.id}",
        )
