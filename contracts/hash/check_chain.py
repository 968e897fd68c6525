"""One chain per organization, of every kind of event, the same wherever it is looked at."""

import json
from datetime import timedelta

from contracts.hash.expected_ledger import ExpectedLedger, cause_every_event, expect_recorded_events
from contracts.shared.exports.archive import unpack
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
"""The fewest of one organization: two uploads, two exports that are made, one that is canceled."""

PAGE = 3
SHOWN_PRECISION = timedelta(seconds=1)
"""RFC 3339 leaves it to the backend how many digits of a second it shows."""


@check(
    "hash.chain",
    "Every event is a link of its organization's own chain, over HTTP, in rows and in exports",
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
    tenants = await organizations.several(TENANTS)
    objects = StoredObjects.of(system, target)
    histories = await together(
        cause_every_event(tenant, samples, target, objects if tenant is tenants[0] else None)
        for tenant in tenants
    )
    for history in histories:
        events = await history.org.client.ledger_events()
        expect_linked(events)
        expect_recorded_events(history, events)
        observe(len(events), what="events over HTTP")
        await expect_verified_everywhere(history, events, cover)
        observe(len(events), what="events that the backend verified")
        await expect_shown_alike(history, events)
        await expect_filed(history, events)
        observe(len(history.ready), what="ledgers in exports")
        if stored_ledger is not None:
            await expect_stored(stored_ledger, history, events)
            observe(len(events), what="rows recomputed")
            expect_secret(stored_ledger, history, events)


async def expect_verified_everywhere(
    history: ExpectedLedger, events: list[Record], cover: Coverage
) -> None:
    """Fail unless every event verifies, at whichever instance."""
    client = history.org.client
    await together((expect_verified(client, event) for event in events), at_once=8)
    for event in events:
        cover("ledger events", event=event["event_name"], verified="over HTTP")


async def expect_shown_alike(history: ExpectedLedger, events: list[Record]) -> None:
    """Fail unless lists, pages and single answers show the same events, in ascending order."""
    client = history.org.client
    paged = await client.listed("listLedgerEvents", query={"limit": PAGE})
    expect_equal(paged, events, f"the ledger in pages of {PAGE}, in ascending ledger_seq")
    for event in (events[0], events[-1]):
        answer = await client.call("getLedgerEvent", path={"event_id": event["id"]})
        expect_equal(expect_status(answer, 200).data, event, "an event asked for by its id")
        about = [one for one in events if one["target_id"] == event["target_id"]]
        listed = await client.ledger_events(target_id=event["target_id"])
        expect_equal(listed, about, "the events of one target_id, in ascending ledger_seq")
    for evidence in history.evidence.values():
        sealed = [event for event in events if event["target_id"] == evidence["id"]]
        expect_equal(
            [event["id"] for event in sealed],
            [evidence["ledger_event_id"]],
            "the event of evidence, and its ledger_event_id",
        )


async def expect_filed(history: ExpectedLedger, events: list[Record]) -> None:
    """Fail unless both kinds of export hold the chain up to their ledger head."""
    client = history.org.client
    for export in history.ready:
        entries = unpack(await client.download(export["id"]))
        expect(
            "ledger.json" in entries,
            expected=f"ledger.json in a {export['export_type']} export",
            got=str(sorted(entries)),
        )
        manifest = await client.call("getManifest", path={"export_id": export["id"]})
        expect_ledger_file(entries["ledger.json"], manifest.document, events)


async def expect_stored(
    stored: StoredLedger, history: ExpectedLedger, events: list[Record]
) -> None:
    """Fail unless the rows are the chain that was shown, and every hash of them is right."""
    rows = await stored.expect_valid_chain(history.org.id)
    beside = await stored.unhashed_columns(history.org.id)
    expect_equal(len(rows), len(events), "the number of rows of the organization's ledger")
    for event, row, more in zip(events, rows, beside, strict=True):
        for name in ("organization_id", "actor_id", "event_name", "target_type", "target_id"):
            said = event.contract_value(name, row.fields[name])
            expect_equal(event[name] or None, said or None, f"{name} of {row.name}")
        expect_equal(event["hash"], row.hash, f"the hash of {row.name}")
        expect_equal(event["prev_hash"] or None, row.prev_hash or None, f"prev_hash of {row.name}")
        for name in ("id", "salt_key_id", "canonical_version"):
            expect(
                more[name] is not None and str(event[name]) == str(more[name]),
                expected=f"{name} of {row.name} to be that of the row, {more[name]}",
                got=repr(event[name]),
            )
        expect_equal(
            event.received("metadata"),
            json.loads(row.metadata or "null"),
            f"the metadata of {row.name}",
        )
        expect(
            abs(time_of(event, "created_at") - more["created_at"]) < SHOWN_PRECISION,
            expected=f"created_at of {row.name} to be that of the row, {more['created_at']}",
            got=event["created_at"],
        )


def expect_secret(stored: StoredLedger, history: ExpectedLedger, events: list[Record]) -> None:
    """Fail when a salt stands in what was shown."""
    shown = repr(events)
    for key_id, salt in stored.salts.items():
        expect(
            salt not in shown,
            expected=f"the salt {key_id} to be a secret",
            got=f"it in the ledger of organization {history.org.id} over HTTP",
        )
