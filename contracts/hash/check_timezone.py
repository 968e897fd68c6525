"""Hashes do not depend on the time zone or date style of a session."""

from functools import partial
from itertools import product

from contracts.hash.canonical_function import canonical_function, expect_canonical
from contracts.hash.session_settings import SessionSettings, restart_with_first_accepted
from contracts.shared.exports.manifests import expect_valid
from contracts.shared.ledger.api_chain import expect_linked, expect_verified
from contracts.shared.ledger.listed_events import ListedEvents
from contracts.shared.ledger.stored_ledger import DatabaseFunction, StoredLedger
from contracts.shared.resources.conventions import expect_recent
from harness.check import check
from harness.client import Organization, Record, Samples
from harness.errors import Inconclusive
from harness.plugin.cells import Cells
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
    cells: Cells,
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
        written = await look_at_written(stored, org, samples, FIRST, cells, "first")
        observe(len(written), what=f"written under {FIRST.time_zone}")

        settings = await restart_with_first_accepted(own, org.client, SECOND)
        async with cells.of(operation="verifyLedgerEvent", settings="others than when written"):
            for depth, event in enumerate(written, 1):
                await expect_verified(org.client, event, depth=depth)
                observe(what="verified under other settings")
        written = await look_at_written(stored, org, samples, settings, cells, "second")
        observe(len(written), what=f"written under {settings.time_zone}")

        async with canonical_function(target, own.system) as function:
            if function is not None:
                await look_at_text(function, stored, org, cover, cells)


async def look_at_written(
    stored: StoredLedger,
    org: Organization,
    samples: Samples,
    settings: SessionSettings,
    cells: Cells,
    which: str,
) -> list[Record]:
    """Write events, and look whether the whole chain is right and shows times in UTC.

    Gives the events where all is right.
    """
    export_id, right = await write_events(org, samples), 0
    listed = await ListedEvents.of(org.client)
    events = listed.events
    cell = partial(cells.of, settings=which)
    if listed.are_rows:  # which hold a moment, not how it is shown
        right += 1
    else:
        async with cell(operation="listLedgerEvents", field="created_at"):
            for event in events:
                expect_recent(event, "created_at")
            right += 1
    async with cell(**listed.where, what="one chain"):
        expect_linked(events, org.client.chain)
        right += 1
    async with cell(table="the ledger", what="chain and hashes"):
        await stored.expect_valid_chain(org.id, detail=f"written under {settings.name}")
        right += 1
    if right < 3:
        return []  # verification must say so
    if org.client.has("verifyLedgerEvent"):
        async with cell(operation="verifyLedgerEvent"):
            for depth, event in enumerate(events, 1):
                await expect_verified(org.client, event, depth=depth)
            right += 1
        if right < 4:
            return []
    async with cell(operation="verifyManifest"):
        await expect_valid(org.client, {"export_id": export_id})
    return events


async def write_events(org: Organization, samples: Samples) -> str:
    """Let API and worker write events; give the export's id."""
    job = await org.new_job()
    await org.client.new_evidence(job["id"], samples.new())
    export = await org.client.wait_for_export((await org.client.new_export(job["id"]))["id"])
    return str(export["id"])


async def look_at_text(
    function: DatabaseFunction,
    stored: StoredLedger,
    org: Organization,
    cover: Coverage,
    cells: Cells,
) -> None:
    """Look whether the canonical function writes the same text under every setting."""
    first, *_, last = await stored.chain(org.id)
    for zone, style in product(ZONES, DATE_STYLES):
        settings = SessionSettings(time_zone=zone, date_style=style)
        for name, value in settings.all().items():
            await function.database.fetch("SELECT set_config(%s, %s, false)", [name, value])
        async with cells.of(what="canonical text", time_zone=zone, date_style=style):
            for event in (first, last):
                got = await stored.canonical_from_backend(function, event, event.metadata or "{}")
                expect_canonical(function.name, event.canonical(), got, detail=settings.name)
        cover("session settings", time_zone=zone, date_style=style)
