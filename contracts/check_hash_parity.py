"""The ledger's hashes, computed again by the harness from PostgreSQL's canonical text."""

import json

from contracts import json_documents
from contracts.canonical_json import jsonb_pretty
from contracts.chain import expect_verified
from contracts.examples import for_examples
from contracts.stored_ledger import StoredLedger
from harness.check import check
from harness.client import Client, Organisation, Organisations, Record, together
from harness.database import Database
from harness.errors import CheckFailed, Inconclusive
from harness.expect import expect, expect_equal, expect_status
from harness.plugin.execution import Observations
from harness.system import System
from harness.target import Capability, Target

DOCUMENTS = 120
"""Documents held against the database itself."""

SENT = 20
"""Documents sent one by one, so that a failing one can be made smaller."""

CROWD = 24
"""Documents sent at once, over all instances."""


@check(
    "hash.database-parity",
    "Every hash in the ledger is that of PostgreSQL's canonical text, whatever the document",
    checklist="Verify audit-log hashes are computed as the database does",
    observes=DOCUMENTS + SENT,
    needs={Capability.DATABASE},
)
async def check_database_parity(
    organisations: Organisations,
    target: Target,
    system: System,
    database: Database,
    stored_ledger: StoredLedger | None,
    seed: int,
    observe: Observations,
) -> None:
    if stored_ledger is None:
        raise Inconclusive("the target file has no [ledger] table with the salts of the hashes")

    async def agrees_with_postgres(document: str) -> None:
        row = await database.fetch_one("SELECT jsonb_pretty(%s::jsonb) AS text", [document])
        if row["text"] != jsonb_pretty(document):
            raise Inconclusive(
                f"the harness's own canonical form of {document} is not PostgreSQL's: "
                f"{jsonb_pretty(document)!r}, not {row['text']!r}"
            )
        observe(what="documents in PostgreSQL")

    await for_examples(json_documents.values(), agrees_with_postgres, examples=DOCUMENTS, seed=seed)

    org = await organisations.new("parity")
    sent: list[str] = []

    async def survives_the_api(document: str) -> None:
        export = await request_with(org.client, document)
        rows = await stored_ledger.expect_sound(org.id, detail=f"after filters {document}")
        expect(
            any(row.fields["target_id"] == export["id"] for row in rows),
            expected=f"an export.requested event of export {export['id']} in the ledger",
            came=f"{len(rows)} events, none about it",
        )
        sent.append(document)
        observe(what="documents over HTTP")

    await for_examples(
        json_documents.objects(portable=True), survives_the_api, examples=SENT, seed=seed
    )
    await expect_canonical_function(org, target, system, stored_ledger, seed, observe)

    crowd = await organisations.new("crowd")
    documents = (sent * (CROWD // max(1, len(sent)) + 1))[:CROWD]
    exports = await together(request_with(crowd.client, document) for document in documents)
    await crowd.client.wait_for_exports([export["id"] for export in exports])
    for organisation in (org, crowd):
        rows = await stored_ledger.expect_sound(organisation.id)
        observe(len(rows), what="rows recomputed")
        events = await organisation.client.ledger_events()
        for event in events[:: max(1, len(events) // 4)]:
            await expect_verified(organisation.client, event)


async def request_with(client: Client, document: str) -> Record:
    """Request an export of a new job with this JSON text as its filters, and give its data."""
    job = await client.create_job()
    answer = await client.call(
        "requestExport",
        path={"job_id": job["id"], "export_type": "ledger"},
        content=f'{{"filters": {document}}}'.encode(),
        headers={"content-type": "application/json"},
    )
    expect_status(answer, 202, detail=f"filters {document}")
    expect_equal(answer.data["filters"], json.loads(document), "the filters that the export shows")
    return answer.data


async def expect_canonical_function(
    org: Organisation,
    target: Target,
    system: System,
    stored_ledger: StoredLedger,
    seed: int,
    observe: Observations,
) -> None:
    """Fail unless the backend's canonical function writes what the harness writes.

    Skipped where the target names none, or where the harness may not call it.
    """
    function = target.ledger.canonical_function if target.ledger else None
    if function is None or system.control_url is None:
        return
    events = await stored_ledger.chain(org.id)
    first = events[0]
    database = Database(system.control_url)

    async def agrees(document: str) -> None:
        came = await stored_ledger.canonical_by(database, function, first, document)
        expected = first.with_metadata(document).canonical()
        if came != expected:
            raise CheckFailed(
                expected=f"{function} to write metadata {document} as {expected!r}",
                came=repr(came),
            )
        observe(what=f"documents in {function}")

    try:
        await for_examples(json_documents.objects(), agrees, examples=DOCUMENTS, seed=seed)
    finally:
        await database.close()
