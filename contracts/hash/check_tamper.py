"""Tampering with the ledger in the database: verification must detect every change."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial

from contracts.hash.expected_ledger import cause_every_event
from contracts.hash.ledger_editor import LedgerEditor, ledger_editor
from contracts.hash.tampering import (
    Tampering,
    field_tamperings,
    link_tamperings,
    metadata_tamperings,
    with_nested_key,
)
from contracts.hash.verified_chain import AFTER, VerifiedChain
from contracts.shared.exports.manifests import expect_valid
from contracts.shared.ledger.api_chain import expect_verified
from contracts.shared.ledger.stored_ledger import StoredLedger
from contracts.shared.resources.flags import RULES, expect_flags
from contracts.shared.resources.prometheus import total_of
from contracts.shared.resources.stored_objects import StoredObjects
from harness.check import check
from harness.client import Client, Organization, Record, Samples
from harness.errors import Inconclusive
from harness.expect import expect, expect_status, showing
from harness.findings.preconditions import precondition
from harness.plugin.cells import Cells
from harness.plugin.coverage import Coverage
from harness.plugin.fixtures import FreshSystem
from harness.plugin.observations import Observations
from harness.target import Capability, Target
from harness.target.tables.ledger import Ledger
from harness.vocabulary.events import EVENT_NAMES

LONG = 1_020
"""More events than any page, batch or limit is likely to hold."""

METRIC = "ledger_hash_mismatch_total"

FEWEST = 35
"""Five fields of one event, links of three, metadata of each kind, the order of the chain, a long
chain, and manifests."""


@check(
    "hash.tamper",
    "Verification detects any change of the ledger",
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
    cells: Cells,
) -> None:
    """Changes fields, links, metadata, times and the order of rows past the table's triggers.

    verifyLedgerEvent must answer `hash_matches` or `prev_hash_valid` false for the changed event
    (or the next one's link), `chain_ok` false for all later ones, and true before it; the metric
    of mismatches rises, and `ledger_match` of a manifest is false from the changed event on.
    Contract: "verifyLedgerEvent … really walks the chain".
    """
    if target.ledger is None:
        raise Inconclusive("the target file has no [ledger] table with the salts of the hashes")
    async with (
        fresh_system(api_instances=1, workers=1) as own,
        ledger_editor(own.control_database, target.ledger) as editor,
    ):
        stored = StoredLedger(database=own.database, ledger=target.ledger)
        org = await own.organizations.new("tampered")
        counted = await mismatches(org.client) if org.client.has("metrics") else 0.0
        objects = StoredObjects.of(own.system, target)
        expected = await cause_every_event(org, samples, target, objects, cells)
        if not expected.is_whole:
            return  # what still goes on would look like tampering
        chain = await VerifiedChain.of(org, editor, stored)
        with precondition(RULES["verifyLedgerEvent"]):
            await chain.expect_valid()

        await look_at_changes(chain, stored, cover, observe, cells)
        await look_at_order(chain, target.ledger, observe, cells)
        async with cells.of(operation="verifyLedgerEvent", case="after everything was restored"):
            await chain.expect_valid()
        await look_at_ledger_match(chain, expected.ready[0], stored, observe, cells)
        long = await own.organizations.new("long")
        await look_at_long_chain(long, samples, editor, stored, observe, cells)
        if org.client.has("metrics"):
            async with cells.of(operation="metrics"):
                await expect_counted(org.client, counted)


async def look_at_changes(
    chain: VerifiedChain,
    stored: StoredLedger,
    cover: Coverage,
    observe: Observations,
    cells: Cells,
) -> None:
    """Look whether each change of an event is detected."""
    for which, at, tampering in tamperings(chain, stored):
        async with cells.of(operation="verifyLedgerEvent", event=which, case=tampering.case):
            await chain.expect_detected(at, tampering)
            observe(what="events tampered with")
        kind = chain.rows[at].fields["event_name"] or ""
        cover("ledger tampering", event=kind, what=tampering.kind)


async def look_at_order(
    chain: VerifiedChain, ledger: Ledger, observe: Observations, cells: Cells
) -> None:
    """Look whether changes of an event's time, and of the order of events, are detected."""
    steps: dict[str, Callable[[], Awaitable[None]]] = {
        "moved by an hour": partial(chain.expect_move_detected, chain.middle),
        "removed": partial(chain.expect_removal_detected, chain.middle),
        # The last event's link must stay as it is: a chain without cancellations is short.
        "exchanged with the next one": partial(
            chain.expect_swap_detected, max(0, min(chain.middle, chain.last - 3))
        ),
        "removed, the first one": partial(chain.expect_removal_detected, 0),
    }
    if "US" in ledger.created_at_format:
        steps["moved by a microsecond"] = partial(
            chain.expect_move_detected, chain.middle, "1 microsecond"
        )
    for case, step in steps.items():
        async with cells.of(operation="verifyLedgerEvent", case=f"an event {case}"):
            await step()
            if case != "moved by a microsecond":
                observe(what="order and time tampered with")


def tamperings(chain: VerifiedChain, stored: StoredLedger) -> Iterator[tuple[str, int, Tampering]]:
    """Give every change, with which event it is of, and that event's index.

    All changes of one event, some of the others. Which event comes first or last is chance.
    """
    empty_link = chain.rows[0].prev_hash
    table = stored.table
    for tampering in field_tamperings(chain.rows[chain.middle], chain.rows):
        if not all(map(table.has, tampering.changes)):
            continue
        yield "one in the middle", chain.middle, tampering
    for which, at in (
        ("the first", 0),
        ("one in the middle", chain.middle),
        ("the last", chain.last),
    ):
        for tampering in link_tamperings(chain.rows[at], stored.salts, empty_link=empty_link):
            yield which, at, tampering
    words = {chain.org.client.event_word(name): name for name in EVENT_NAMES}
    for name, at in chain.one_of_each().items():
        for tampering in metadata_tamperings(chain.rows[at]):
            yield words.get(name, "another"), at, tampering


async def look_at_ledger_match(
    chain: VerifiedChain,
    export: Record,
    stored: StoredLedger,
    observe: Observations,
    cells: Cells,
) -> None:
    """Look whether `ledger_match` judges an export's `completed` event and the chain up to it."""
    at = chain.find("export.completed", export["id"])
    completed = chain.rows[at]
    recorded = export["manifest_hash"]
    another = completed.with_metadata((completed.metadata or "").replace(recorded, recorded[::-1]))
    forged = {"metadata": another.metadata, "hash": another.expected_hash(stored.salts)}
    rows = (0, at + 1) if at < chain.last else (0,)
    added = {row: {"metadata": with_nested_key(chain.rows[row].metadata)} for row in rows}
    cases: list[tuple[str, int, Mapping[str, str | int | None], bool]] = [
        ("the first event", 0, added[0], False),
        ("the export's event", at, forged, False),
    ]
    if at < chain.last:
        cases.append(("the event after the export's", at + 1, added[at + 1], True))
    for which, row, changes, matches in cases:
        async with (
            cells.of(operation="verifyManifest", case=f"{which} is changed"),
            chain.restored(),
        ):
            with showing(await chain.editor.change(chain.rows[row], changes)):
                asked = {"export_id": export["id"]}
                answer = await chain.org.client.call("verifyManifest", json=asked)
                flags = {"manifest_valid": True, "export_match": True, "ledger_match": matches}
                what = f"a ready export, while {which} is changed"
                expect_flags(answer, flags, what, detail=f"completed by {completed.name}")
            observe(what="manifests of a tampered ledger")
    async with cells.of(operation="verifyManifest", case="the ledger is restored"):
        await expect_valid(chain.org.client, {"export_id": export["id"]})
        observe(what="manifests of a tampered ledger")


async def look_at_long_chain(
    org: Organization,
    samples: Samples,
    editor: LedgerEditor,
    stored: StoredLedger,
    observe: Observations,
    cells: Cells,
) -> None:
    """Look whether verification walks a long chain from its first event to the one asked about."""
    await org.client.new_evidence((await org.new_job())["id"], samples.new())
    await editor.extend(stored, org.id, LONG)
    chain = await VerifiedChain.of(org, editor, stored)
    seq = chain.rows[-1].ledger_seq
    last = {"id": chain.ids[-1], "event_name": "evidence.sealed", "ledger_seq": seq}
    valid = False
    async with cells.of(operation="verifyLedgerEvent", case="a long chain"):
        await expect_verified(org.client, Record(last), depth=LONG)
        valid = True
    for which, at in (("first", 0), ("middle", LONG // 2)) if valid else ():
        async with (
            cells.of(operation="verifyLedgerEvent", case=f"a long chain, its {which} changed"),
            chain.restored(),
        ):
            changes = {"metadata": with_nested_key(chain.rows[at].metadata)}
            with showing(await editor.change(chain.rows[at], changes)):
                await chain.expect_flags({chain.last: AFTER}, "an early one is changed")
            observe(what="events of a long chain")


async def mismatches(client: Client) -> float:
    """Read the number of mismatches from the metrics; 0 where the metric is not there yet."""
    metrics = expect_status(await client.call("metrics"), 200)
    return total_of(metrics.text, METRIC) or 0.0


async def expect_counted(client: Client, before: float) -> None:
    """Fail unless the metric has risen, which is an alert."""
    after = await mismatches(client)
    expect(
        after > before,
        expected=f"a rise of {METRIC} after verification detected changes of the ledger",
        got=f"{before:g} before and {after:g} afterwards",
    )
