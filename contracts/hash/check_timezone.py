"""Hashes do not depend on where, or in whose notation, a session says that it is."""

from itertools import product

from contracts.hash.canonical_function import canonical_function, expect_canonical
from contracts.hash.session_settings import SessionSettings, restart_with_first_accepted
from contracts.shared.exports.manifests import expect_valid
from contracts.shared.ledger.api_chain import expect_linked, expect_verified
from contracts.shared.ledger.stored_ledger import DatabaseFunction, StoredLedger
from contracts.shared.resources.conventions import expect_recent
from harness.check import check
from harness.client import Organization, Record, Samples
from harness.errors import Inconclusive
from harness.plugin.coverage import Coverage
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target

ZONES = ("Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati", "UTC")
"""A quarter of an hour off, half an hour off, another day, and none of it."""

DATE_STYLES = ("German", "SQL, DMY", "Postgres, MDY", "ISO, YMD")

FIRST = SessionSettings(time_zone="Asia/Kathmandu", date_style="ISO, MDY")
SECOND = tuple(
    SessionSettings(time_zone="America/St_Johns", date_style=style)
    for style in ("SQL, DMY", "ISO, DMY")
)
"""The second of them for a driver that reads no other notation."""

EVENTS = 3
"""What one visit leaves: an upload, and the request and completion of an export."""


@check(
    "hash.timezone",
    "A hash written under one TimeZone and DateStyle is right, and verifies, under any other",
    checklist="Verify hashes do not depend on session settings",
    observes=2 * EVENTS + 2 * EVENTS,
    needs={Capability.DATABASE, Capability.SPAWN, Capability.DATABASE_CONTROL},
)
async def check_timezone(
    fresh_system: FreshSystem,
    samples: Samples,
    target: Target,
    cover: Coverage,
    observe: Observations,
) -> None:
    if target.ledger is None:
        raise Inconclusive("the target file has no [ledger] table with the salts of the hashes")
    # The database's own defaults at first: only the processes say that they are elsewhere.
    async with fresh_system(api_instances=1, workers=1, environment=FIRST.environment()) as own:
        stored = StoredLedger.of(own.database, target.ledger)
        org = await own.organizations.new("traveler")
        written = await visit(org, samples)
        await expect_right(stored, org, FIRST)
        observe(len(written), what=f"written under {FIRST.time_zone}")

        settings = await restart_with_first_accepted(own, org.client, SECOND)
        for event in written:
            await expect_verified(org.client, event)
        observe(len(written), what="verified after the move")
        written = await visit(org, samples)
        await expect_right(stored, org, settings)
        observe(len(written), what=f"written under {settings.time_zone}")

        async with canonical_function(target, own.system) as function:
            if function is not None:
                await expect_steady(function, stored, org, cover)


async def visit(org: Organization, samples: Samples) -> list[Record]:
    """Let API and worker write events; give all that there are now."""
    job = await org.new_job()
    await org.client.new_evidence(job["id"], samples.new())
    export = await org.client.wait_for_export((await org.client.new_export(job["id"]))["id"])
    await expect_valid(org.client, {"export_id": export["id"]})
    return await org.client.ledger_events()


async def expect_right(stored: StoredLedger, org: Organization, settings: SessionSettings) -> None:
    """Fail unless the whole chain is right, verifies, and shows UTC times."""
    events = await org.client.ledger_events()
    for event in events:
        expect_recent(event, "created_at")
    expect_linked(events)
    await stored.expect_valid_chain(org.id, detail=f"written under {settings.name}")
    for event in events:
        await expect_verified(org.client, event)


async def expect_steady(
    function: DatabaseFunction, stored: StoredLedger, org: Organization, cover: Coverage
) -> None:
    """Fail unless the canonical function writes the same under every setting of its session."""
    first, *_, last = await stored.chain(org.id)
    for zone, style in product(ZONES, DATE_STYLES):
        settings = SessionSettings(time_zone=zone, date_style=style)
        for name, value in settings.all().items():
            await function.database.fetch("SELECT set_config(%s, %s, false)", [name, value])
        for event in (first, last):
            got = await stored.canonical_from_backend(function, event, event.metadata or "{}")
            expect_canonical(function.name, event.canonical(), got, detail=settings.name)
        cover("session settings", time_zone=zone, date_style=style)
