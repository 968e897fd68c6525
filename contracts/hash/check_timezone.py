"""Hashes do not depend on the time zone or date style of a session."""

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
"""Offsets of a quarter hour and of half an hour, another day, and UTC."""

DATE_STYLES = ("German", "SQL, DMY", "Postgres, MDY", "ISO, YMD")

FIRST = SessionSettings(time_zone="Asia/Kathmandu", date_style="ISO, MDY")
SECOND = tuple(
    SessionSettings(time_zone="America/St_Johns", date_style=style)
    for style in ("SQL, DMY", "ISO, DMY")
)
"""The second one is for drivers that read ISO dates only."""

EVENTS = 3
"""Events per call of `write_events`: an upload, the request and completion of an export."""


@check(
    "hash.timezone",
    "Hashes do not depend on TimeZone and DateStyle",
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
    """Writes events, restarts the system with another TimeZone and DateStyle, and writes more.

    All hashes are right, verify under both settings, and times are shown in UTC. The backend's
    own canonical function, where the target names it, writes the same text under any setting.
    Contract: "`created_at` is text in fixed UTC form (never the session's TimeZone)".
    """
    if target.ledger is None:
        raise Inconclusive("the target file has no [ledger] table with the salts of the hashes")
    # The database keeps its defaults at first: only the processes have another time zone.
    async with fresh_system(api_instances=1, workers=1, environment=FIRST.environment()) as own:
        stored = StoredLedger(database=own.database, ledger=target.ledger)
        org = await own.organizations.new("time zone")
        written = await write_events(org, samples)
        await expect_right(stored, org, FIRST)
        observe(len(written), what=f"written under {FIRST.time_zone}")

        settings = await restart_with_first_accepted(own, org.client, SECOND)
        for event in written:
            await expect_verified(org.client, event)
        observe(len(written), what="verified under other settings")
        written = await write_events(org, samples)
        await expect_right(stored, org, settings)
        observe(len(written), what=f"written under {settings.time_zone}")

        async with canonical_function(target, own.system) as function:
            if function is not None:
                await expect_same_text(function, stored, org, cover)


async def write_events(org: Organization, samples: Samples) -> list[Record]:
    """Let API and worker write events; return all events of the organization."""
    job = await org.new_job()
    await org.client.new_evidence(job["id"], samples.new())
    export = await org.client.wait_for_export((await org.client.new_export(job["id"]))["id"])
    await expect_valid(org.client, {"export_id": export["id"]})
    return await org.client.ledger_events()


async def expect_right(stored: StoredLedger, org: Organization, settings: SessionSettings) -> None:
    """Fail unless the whole chain is right, verifies, and shows times in UTC."""
    events = await org.client.ledger_events()
    for event in events:
        expect_recent(event, "created_at")
    expect_linked(events)
    await stored.expect_valid_chain(org.id, detail=f"written under {settings.name}")
    for event in events:
        await expect_verified(org.client, event)


async def expect_same_text(
    function: DatabaseFunction, stored: StoredLedger, org: Organization, cover: Coverage
) -> None:
    """Fail unless the canonical function writes the same text under every setting."""
    first, *_, last = await stored.chain(org.id)
    for zone, style in product(ZONES, DATE_STYLES):
        settings = SessionSettings(time_zone=zone, date_style=style)
        for name, value in settings.all().items():
            await function.database.fetch("SELECT set_config(%s, %s, false)", [name, value])
        for event in (first, last):
            got = await stored.canonical_from_backend(function, event, event.metadata or "{}")
            expect_canonical(function.name, event.canonical(), got, detail=settings.name)
        cover("session settings", time_zone=zone, date_style=style)
