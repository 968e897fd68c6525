"""The ledger's hashes, computed again from PostgreSQL's canonical text."""

import json

from contracts.hash import json_documents
from contracts.hash.async_hypothesis import for_each_example
from contracts.hash.canonical_function import canonical_function, expect_canonical
from contracts.shared.ledger.api_chain import expect_verified
from contracts.shared.ledger.canonical_json import jsonb_pretty
from contracts.shared.ledger.stored_ledger import StoredLedger
from harness.check import check
from harness.client import Answer, Client, Organizations, Record, together
from harness.database import Database
from harness.errors import Inconclusive
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.observations import Observations
from harness.system import System
from harness.target import Capability, Target

DOCUMENTS = 120
"""Documents compared with the database itself."""

SENT = 20
"""Documents sent one by one, so that a failing one can be shrunk."""

CONCURRENT = 16
"""Documents sent at once."""

OPTIONAL = (
    '{"a": 1, "a": 2, "b": {"c": 1, "c": 1.10}}',
    r'{"text": "before\u0000after"}',
    r'{"text": "\ud800"}',
    '{"number": 123456789012345678901234567890.12345678901234567890}',
    '{"number": 1e400}',
    '{"number": NaN}',
    '{"deep": ' + "[" * 200 + "]" * 200 + "}",
)
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
) -> None:
    """Requests exports with generated JSON documents as filters, one by one and concurrently.

    Every hash in the ledger is sha256(canonical || prev_hash || salt), with the canonical text
    that PostgreSQL writes, and verifies. The backend's own canonical function, where the target
    names it, writes the same text.
    Contract: "The database function and the Python implementation agree byte for byte".
    """
    if stored_ledger is None:
        raise Inconclusive("the target file has no [ledger] table with the salts of the hashes")
    org = await organizations.new("parity")
    await request_with(org.client, "{}")
    first, *_ = await stored_ledger.expect_valid_chain(org.id)

    async with canonical_function(target, system) as function:

        async def expect_same_as_postgres(document: str) -> None:
            row = await database.fetch_one("SELECT jsonb_pretty(%s::jsonb) AS text", [document])
            expect_emulated(document, row["text"])
            observe(what="documents in PostgreSQL")
            if function is not None:
                got = await stored_ledger.canonical_from_backend(function, first, document)
                expect_canonical(function.name, first.with_metadata(document).canonical(), got)
                observe(what=f"documents in {function.name}")

        await for_each_example(
            json_documents.objects(), expect_same_as_postgres, examples=DOCUMENTS, seed=seed
        )

    sent: list[str] = []

    async def expect_hashed_over_http(document: str) -> None:
        export = await request_with(org.client, document)
        rows = await stored_ledger.expect_valid_chain(org.id, detail=f"after filters {document}")
        expect(
            any(row.fields["target_id"] == export["id"] for row in rows),
            expected=f"an export.requested event of export {export['id']} in the ledger",
            got=f"{len(rows)} events, none about this export",
        )
        sent.append(document)
        observe(what="documents over HTTP")

    await for_each_example(
        json_documents.objects(portable=True), expect_hashed_over_http, examples=SENT, seed=seed
    )
    for document in OPTIONAL:
        answer = await request_filtered(org.client, document)
        expect_status(answer, 202, 400, 422, detail=f"filters {document[:100]}")
        await stored_ledger.expect_valid_chain(org.id, detail=f"after filters {document[:100]}")

    other = await organizations.new("concurrent")
    requests = (request_with(other.client, document) for document in sent[-CONCURRENT:])
    exports = await together(requests)
    await other.client.wait_for_exports([export["id"] for export in exports])
    for organization in (org, other):
        rows = await stored_ledger.expect_valid_chain(organization.id)
        observe(len(rows), what="rows recomputed")
        events = await organization.client.ledger_events()
        for event in (events[len(events) // 2], events[-1]):
            await expect_verified(organization.client, event)


def expect_emulated(document: str, got: str) -> None:
    """`Inconclusive` unless the harness writes this document as PostgreSQL does."""
    if got != jsonb_pretty(document):
        raise Inconclusive(
            f"a bug of the harness: it writes {document} as {jsonb_pretty(document)!r}, but "
            f"PostgreSQL writes it as {got!r}"
        )


async def request_filtered(client: Client, document: str) -> Answer:
    """Request an export of a new job with this JSON text as its filters."""
    job = await client.create_job()
    return await client.call(
        "requestExport",
        path={"job_id": job["id"], "export_type": "ledger"},
        content=f'{{"filters": {document}}}'.encode(),
        headers={"content-type": "application/json"},
    )


async def request_with(client: Client, document: str) -> Record:
    """The same; fail unless it is accepted and shows these filters."""
    answer = await request_filtered(client, document)
    expect_status(answer, 202, detail=f"filters {document}")
    expect_equal(answer.data["filters"], json.loads(document), "filters that the export shows")
    return answer.data
