"""The tamper drill: whoever rewrites the ledger behind the backend's back is found out."""

from collections.abc import Iterator

from contracts.hash.expected_ledger import cause_every_event
from contracts.hash.ledger_editor import LedgerEditor
from contracts.hash.tampering import (
    Tampering,
    field_tamperings,
    link_tamperings,
    metadata_tamperings,
    with_nested_key,
)
from contracts.hash.verified_chain import AFTER, Drill
from contracts.shared.exports.manifests import expect_valid
from contracts.shared.ledger.api_chain import expect_verified
from contracts.shared.ledger.stored_ledger import StoredLedger
from contracts.shared.resources.prometheus import total_of
from contracts.shared.resources.stored_objects import StoredObjects
from harness.check import check
from harness.client import Client, Organization, Record, Samples
from harness.errors import Inconclusive
from harness.expect import expect, expect_status
from harness.plugin.coverage import Coverage
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

LONG = 1_020
"""More events than any page, batch or limit somebody might have thought of would hold."""

METRIC = "ledger_hash_mismatch_total"

FEWEST = 35
"""Of one event five fields; links of three; metadata of each kind; the order of the chain, a long
one, and what a manifest is told of them."""


@check(
    "hash.tamper",
    "Whatever is changed in the ledger behind the backend's back, verification names the event",
    checklist="Verify tampering with the audit log is detected",
    observes=FEWEST,
    needs={Capability.DATABASE, Capability.SPAWN, Capability.DATABASE_CONTROL},
)
async def check_tamper(
    fresh_system: FreshSystem,
    samples: Samples,
    target: Target,
    cover: Coverage,
    observe: Observations,
) -> None:
    if target.ledger is None:
        raise Inconclusive("the target file has no [ledger] table with the salts of the hashes")
    async with (
        fresh_system(api_instances=1, workers=1) as own,
        LedgerEditor.open(own.control_database, target.ledger) as editor,
    ):
        stored = StoredLedger.of(own.database, target.ledger)
        org = await own.organizations.new("tampered")
        counted = await mismatches(org.client) if "metrics" in org.client.routes else 0.0
        objects = StoredObjects.of(own.system, target)
        history = await cause_every_event(org, samples, target, objects)
        drill = await Drill.on(org, editor, stored)
        await drill.expect_valid_chain()

        for at, tampering in tamperings(drill, stored):
            await drill.tampered(at, tampering)
            kind = drill.rows[at].fields["event_name"] or ""
            cover("ledger tampering", event=kind, what=tampering.kind)
            observe(what="events tampered with")
        for change in (drill.moved_in_time, drill.removed, drill.swapped):
            await change(drill.middle)
            observe(what="order and time tampered with")
        await drill.removed(0)
        observe(what="order and time tampered with")
        if "US" in target.ledger.created_at_format:
            await drill.moved_in_time(drill.middle, "1 microsecond")
        await drill.expect_valid_chain()

        await expect_ledger_match(drill, history.ready[0], stored)
        observe(4, what="manifests of a tampered ledger")
        await expect_long_walk(await own.organizations.new("long"), samples, editor, stored)
        observe(2, what="events of a long chain")
        if "metrics" in org.client.routes:
            await expect_counted(org.client, counted)


def tamperings(drill: Drill, stored: StoredLedger) -> Iterator[tuple[int, Tampering]]:
    """Give what to do to which event: all of it to one, to some only what differs by kind."""
    victim = drill.rows[drill.middle]
    nothing = drill.rows[0].prev_hash
    for tampering in field_tamperings(victim):
        yield drill.middle, tampering
    for at in (0, drill.middle, drill.last):
        for tampering in link_tamperings(drill.rows[at], stored.salts, nothing=nothing):
            yield at, tampering
    for at in drill.one_of_each():
        for tampering in metadata_tamperings(drill.rows[at]):
            yield at, tampering


async def expect_ledger_match(drill: Drill, export: Record, stored: StoredLedger) -> None:
    """Fail unless a manifest's `ledger_match` is of its completed event and the chain up to it."""
    at = drill.find("export.completed", export["id"])
    completed = drill.rows[at]
    recorded = export["manifest_hash"]
    another = completed.with_metadata((completed.metadata or "").replace(recorded, recorded[::-1]))
    forged = {"metadata": another.metadata, "hash": another.expected_hash(stored.salts)}
    added = {row: {"metadata": with_nested_key(drill.rows[row].metadata)} for row in (0, at + 1)}
    for row, changes, holds in (
        (0, added[0], False),
        (at, forged, False),
        (at + 1, added[at + 1], True),
    ):
        await drill.editor.change(drill.rows[row], changes)
        answer = await drill.org.client.call("verifyManifest", json={"export_id": export["id"]})
        verdict = expect_status(answer, 200).data
        what = f"{drill.rows[row].name} tampered with; the export was completed by {completed.name}"
        for flag, due in (
            ("manifest_valid", True),
            ("export_match", True),
            ("ledger_match", holds),
        ):
            expect(
                verdict[flag] is due,
                expected=f"{flag} {str(due).lower()}, with {what}",
                got=answer.describe(),
            )
        await drill.editor.restore(drill.org.id)
    await expect_valid(drill.org.client, {"export_id": export["id"]})


async def expect_long_walk(
    org: Organization, samples: Samples, editor: LedgerEditor, stored: StoredLedger
) -> None:
    """Fail unless verification walks a long chain from its first event to the one asked about."""
    await org.client.new_evidence((await org.new_job())["id"], samples.new())
    await editor.extend(await stored.chain(org.id), LONG, stored.salts)
    drill = await Drill.on(org, editor, stored)
    last = {"id": drill.ids[-1], "event_name": "evidence.sealed", "ledger_seq": LONG}
    await expect_verified(org.client, Record(last))
    for at in (0, LONG // 2):
        changes = {"metadata": with_nested_key(drill.rows[at].metadata)}
        await editor.change(drill.rows[at], changes)
        await drill.expect_flags({drill.last: AFTER}, f"{drill.rows[at].name} tampered with")
        await editor.restore(org.id)


async def mismatches(client: Client) -> float:
    """Give how many mismatches the metrics tell of; a metric may appear with its first one."""
    metrics = expect_status(await client.call("metrics"), 200)
    return total_of(metrics.text, METRIC) or 0.0


async def expect_counted(client: Client, before: float) -> None:
    """Fail unless the metric, which any rise of is an alert, has risen."""
    after = await mismatches(client)
    expect(
        after > before,
        expected=f"{METRIC} to rise when verification finds the ledger tampered with",
        got=f"{before:g} before and {after:g} afterwards",
    )
