"""The ledger's hashes, computed again from PostgreSQL's canonical text."""

import json

from contracts.hash import json_documents
from contracts.hash.async_hypothesis import for_each_example
from contracts.hash.canonical_function import canonical_function, expect_canonical
from contracts.shared.ledger.api_chain import expect_verified, places
from contracts.shared.ledger.canonical_json import compact_text, jsonb_pretty, parse
from contracts.shared.ledger.hash_chain import StoredEvent
from contracts.shared.ledger.stored_ledger import StoredLedger
from contracts.shared.resources.rule_ids import EVENT_WRITTEN
from harness.check import check
from harness.client import Answer, Client, Organization, Organizations, Record, together
from harness.database import Database
from harness.errors import Inconclusive
from harness.expect import expect, expect_equal, expect_status
from harness.findings.preconditions import precondition
from harness.plugin.cells import Cells
from harness.plugin.observations import Observations
from harness.system import System
from harness.target import Capability, Target

DOCUMENTS = 120
"""Documents compared with the database itself."""

SENT = 20
"""Documents sent one by one, so that a failing one can be shrunk."""

CONCURRENT = 16
"""Documents sent at once."""

OPTIONAL = {
    "a name twice": '{"a": 1, "a": 2, "b": {"c": 1, "c": 1.10}}',
    "a NUL in a string": r'{"text": "before\u0000after"}',
    "half a surrogate pair": r'{"text": "\ud800"}',
    "a number of many digits": '{"number": 123456789012345678901234567890.12345678901234567890}',
    "a number beyond doubles": '{"number": 1e400}',
    "NaN": '{"number": NaN}',
    "deep nesting": '{"deep": ' + "[" * 200 + "]" * 200 + "}",
}
"""Documents that a backend may accept or refuse. The hash of an accepted one must be right."""


@check(
    "hash.database-parity",
    "Every hash is that of PostgreSQL's canonical text",
    checklist="Verify audit-log hashes are computed as the database does",
    observes=DOCUMENTS + SENT,
    needs={Capability.DATABASE},
)
async def check_database_parity(
    organizations: Organizations,
    target: Target,
    system: System,
    database: Database,
    stored_ledger: StoredLedger | None,
    seed: int,
    observe: Observations,
    cells: Cells,
) -> None:
    """Requests exports with generated JSON documents as filters, one by one and concurrently.

    Every hash in the ledger is sha256(canonical || prev_hash || salt), with the canonical text
    that PostgreSQL writes, and verifies. The backend's own canonical function, where the target
    names it, writes the same text.
    Contract: "The database function and the Python implementation agree byte for byte".
    """
    if stored_ledger is None:
        raise Inconclusive("the target file has no [ledger] table with the salts of the hashes")
    first: list[StoredEvent] = []
    org = await organizations.new("parity")
    async with cells.of(document="no filters"):
        await request_with(org.client, "{}")
        first += (await stored_ledger.expect_valid_chain(org.id))[:1]

    async with (
        canonical_function(target, system) as function,
        cells.of(what="canonical text of generated documents"),
    ):

        async def expect_same_as_postgres(document: str) -> None:
            row = await database.fetch_one(
                "SELECT jsonb_pretty(%(of)s::jsonb) AS pretty, %(of)s::jsonb::text AS compact",
                {"of": document},
            )
            expect_emulated(document, jsonb_pretty(document), row["pretty"])
            expect_emulated(document, compact_text(parse(document)), row["compact"])
            observe(what="documents in PostgreSQL")
            for event in first:
                if function is None:
                    break
                got = await stored_ledger.canonical_from_backend(function, event, document)
                expect_canonical(function.name, event.with_metadata(document).canonical(), got)
                observe(what=f"documents in {function.name}")

        await for_each_example(
            json_documents.objects(), expect_same_as_postgres, examples=DOCUMENTS, seed=seed
        )
    examples = target.pace.amount(SENT)
    if examples < SENT:
        observe.excuse(SENT - examples, target.pace.reason(examples, SENT))
    sent = await look_at_generated(
        organizations, stored_ledger, seed, observe, cells, examples=examples
    )
    for name, document in OPTIONAL.items():
        # An organization of its own each: a wrong hash stays in its chain.
        org = await organizations.new("optional")
        async with cells.of(document=name):
            answer = await request_filtered(org.client, document)
            expect_status(answer, 202, 400, 422, detail=f"filters {document[:100]}")
            await stored_ledger.expect_valid_chain(org.id, detail=f"after filters {document[:100]}")
    await look_at_concurrent(
        await organizations.new("concurrent"), stored_ledger, sent, observe, cells
    )


async def look_at_generated(
    organizations: Organizations,
    stored_ledger: StoredLedger,
    seed: int,
    observe: Observations,
    cells: Cells,
    *,
    examples: int,
) -> list[str]:
    """Look at the hashes of generated documents, one by one; give those that were right."""
    sent: list[str] = []

    async def expect_hashed_over_http(document: str) -> None:
        # An organization of its own each, so that a failing document can be made smaller.
        org = await organizations.new("generated")
        export = await request_with(org.client, document)
        rows = await stored_ledger.expect_valid_chain(org.id, detail=f"after filters {document}")
        expect(
            any(row.fields["target_id"] == export["id"] for row in rows),
            expected="an export.requested event of the export in the ledger",
            got=f"{len(rows)} events, none about export {export['id']}",
            rule=EVENT_WRITTEN,
            subject="export.requested",
        )
        sent.append(document)
        observe(what="documents over HTTP")
        observe(len(rows), what="rows recomputed")

    async with cells.of(document="generated"):
        await for_each_example(
            json_documents.objects(portable=True),
            expect_hashed_over_http,
            examples=examples,
            seed=seed,
        )
    return sent


async def look_at_concurrent(
    org: Organization,
    stored_ledger: StoredLedger,
    sent: list[str],
    observe: Observations,
    cells: Cells,
) -> None:
    """Look at one ledger after many documents were sent at once."""
    requests = (request_with(org.client, document) for document in sent[-CONCURRENT:])
    exports = await together(requests)
    await org.client.wait_for_exports([export["id"] for export in exports])
    valid = False
    async with cells.of(document="generated, many at once"):
        rows = await stored_ledger.expect_valid_chain(org.id)
        observe(len(rows), what="rows recomputed")
        valid = True
    events = await org.client.ledger_events() if valid else []
    for event in (events[len(events) // 2], events[-1]) if events else ():
        async with cells.of(operation="verifyLedgerEvent", document="generated, many at once"):
            await expect_verified(org.client, event, depth=places(events)[event["id"]])


def expect_emulated(document: str, ours: str, got: str) -> None:
    """`Inconclusive` unless the harness writes this document as PostgreSQL does."""
    if got != ours:
        raise Inconclusive(
            f"a bug in Shakedown: it writes {document} as {ours!r}, but PostgreSQL writes it as "
            f"{got!r}"
        )


async def request_filtered(client: Client, document: str) -> Answer:
    """Request an export of a new job with this JSON text as its filters."""
    job = await client.create_job()
    return await client.call(
        "requestExport",
        path={"job_id": job["id"], "export_type": client.light_type},
        content=f'{{"filters": {document}}}'.encode(),
        headers={"content-type": "application/json"},
    )


async def request_with(client: Client, document: str) -> Record:
    """The same; fail unless it is accepted and shows these filters."""
    answer = await request_filtered(client, document)
    with precondition("export.requested"):
        expect_status(answer, 202, detail=f"filters {document}")
    what = "filters that the export shows"
    expect_equal(answer.data["filters"], json.loads(document), what, detail=f"filters {document}")
    return answer.data
